"""Which texts a backbone was trained on, kept beside its weights, so that testing on them cannot pass unnoticed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file, save_file

from cma_clip.backbone.loading import RANDOM, folder_of

FILE = "trained_on.safetensors"
UNKNOWN = "and_others"
"""Present if the weights were trained on other texts before, which nobody recorded."""


def text_key(text: str) -> int:
    """56 bits of a hash of the text; case and spaces do not count."""
    normal = " ".join(text.lower().split())
    return int.from_bytes(hashlib.blake2b(normal.encode(), digest_size=7).digest(), "big")


def text_keys(texts: Iterable[str | None]) -> npt.NDArray[np.int64]:
    """Int[K], sorted, each once; missing and empty texts have none."""
    return np.array(sorted({text_key(text) for text in texts if text and text.strip()}), dtype=np.int64)


def save_trained_on(texts: Iterable[str | None], folder: Path, before: str | None = None) -> None:
    """Write the keys of all training texts beside the weights, with those that backbone `before` was trained on.

    Where nobody knows those, the file says that it is not complete.
    """
    keys = text_keys(texts)
    arrays = {"texts": keys}
    if before is not None and not before.startswith(RANDOM):
        known, complete = _known(before)
        arrays = {"texts": np.union1d(keys, known)}
        if not complete:
            arrays[UNKNOWN] = np.ones(1, np.int8)
    save_file(arrays, folder / FILE)


def trained_rows(backbone_id: str, texts: Iterable[str | None]) -> int | None:
    """How many of the texts the backbone was trained on; None where none is known to be and not all are recorded."""
    known, complete = _known(backbone_id)
    keys = np.array([text_key(text) if text and text.strip() else -1 for text in texts], dtype=np.int64)
    found = int(np.isin(keys, known).sum())
    return found if found or complete else None


def _known(backbone_id: str) -> tuple[npt.NDArray[np.int64], bool]:
    """The keys that are recorded, and whether they are all."""
    folder = folder_of(backbone_id)
    if folder is None or not (folder / FILE).is_file():
        return np.zeros(0, dtype=np.int64), False
    arrays = load_file(folder / FILE)
    return arrays["texts"], UNKNOWN not in arrays
