"""Token features of a frozen backbone, computed once and memory-mapped: heads train on them, not on pixels.

Further windows of long texts stand in arrays of their own, a row a window: they cost what the first windows of as many
texts cost, and texts that fit cost nothing more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from tqdm import tqdm

from cma_clip.backbone.backbone import Backbone
from cma_clip.backbone.windows import AFTER_MEAN, join, mean_of_windows, windows_of
from cma_clip.classifier import Workspace
from cma_clip.features.arrays import ArrayFolder, Shape, filled
from cma_clip.features.processing import Arrays, Processor
from cma_clip.tensors import Features
from cma_clip.types import Examples

ROWS = 256
"""Rows computed at a time; fixed, because the rounding of a matrix product depends on its size."""

NAMES = tuple(item.name for item in fields(Features))
SIDES = {
    "image": ("image_tokens", "image_cls", "image_embedding"),
    "text": ("text_tokens", "word_embeddings", "text_mask", "text_cls", "text_embedding"),
}
"""What is computed of each modality."""


@dataclass(frozen=True)
class FeatureTable:
    """`Features` of N examples as arrays, floats in half precision (our choice: halves the disk and the reading).

    Attributes:
        arrays: those of `Features`, of texts in several windows the first one's; and with M further windows in all, the
            text side again under `further_text_tokens` ..., M rows.
        further_starts: Int[N+1], as in `cma_clip.features.encoded.Encoded`.
    """

    arrays: Mapping[str, npt.NDArray[Any]]
    further_starts: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.arrays["text_mask"])

    def batch(self, rows: Sequence[int] | slice) -> Features:
        """The given rows in single precision, texts cut to the longest among them; zeros for a missing modality."""
        picked = {name: self._picked(name, rows) for name in NAMES}
        for side in ("image", "text"):
            missing = ~picked[f"{side}_present"]
            for name in SIDES[side] if missing.any() else ():
                picked[name][missing] = 0
        windows, of = windows_of(self.further_starts, rows)
        shown = picked["text_present"].numpy()[of]
        if shown.any():
            further = {name: self._picked(f"further_{name}", windows[shown]) for name in SIDES["text"]}
            picked |= join({name: picked[name] for name in SIDES["text"]}, further, torch.from_numpy(of[shown]))
        return Features(**picked).trimmed()

    def pooled(self, name: str) -> npt.NDArray[np.float32]:
        """Float[N D]: `image_cls`, `text_embedding` and the like of all rows, of a text over all of its windows.

        A row whose modality is missing has what its source has, as in `arrays`.
        """
        values = np.asarray(self.arrays[name], dtype=np.float32)
        windows, of = windows_of(self.further_starts, slice(None))
        if name not in AFTER_MEAN or not len(windows):
            return values
        further = np.asarray(self.arrays[f"further_{name}"], dtype=np.float32)
        masks = (np.asarray(self.arrays[mask]).sum(axis=1) for mask in ("text_mask", "further_text_mask"))
        first_words, further_words = map(torch.from_numpy, masks)
        both = torch.from_numpy(values), torch.from_numpy(further)
        return mean_of_windows(name, both, (first_words, further_words), torch.from_numpy(of)).numpy()

    def _picked(self, name: str, rows: Sequence[int] | slice | npt.NDArray[np.int64]) -> torch.Tensor:
        found = torch.from_numpy(np.array(self.arrays[name][rows]))
        return found.float() if found.is_floating_point() else found


def token_features(backbone: Backbone, processor: Processor, examples: Examples, workspace: Workspace) -> FeatureTable:
    """Features of all examples; of each modality from the cache if this backbone has seen its source before.

    The cache's name is a hash of weights, preprocessing, images or texts, and this file's precision; of further windows
    also of their number. The arrays of an example whose modality is missing here, but not in the source, hold the
    source's: the `*_present` arrays tell.
    """
    backbone.eval().to(accelerator())
    images, texts = examples.image_source, examples.text_source
    further = processor.encode_further(texts, workspace)
    sides: dict[str, tuple[str | None, Side]] = {
        "image": (processor.name(images), partial(_image_side, backbone, processor.encode_images(images, workspace))),
        "text": (processor.name(texts), partial(_text_side, backbone, processor.encode_texts(texts, workspace))),
    }
    arrays: dict[str, npt.NDArray[Any]] = {
        "image_present": examples.image_present(),
        "text_present": np.array([bool(text and text.strip()) for text in examples.texts()], dtype=np.bool_),
    }
    for side, (fingerprint, compute) in sides.items():
        arrays |= _computed(backbone, side, fingerprint, (compute, len(examples)), workspace)
    if count := len(further["further_ids"]):
        windows = {"input_ids": further["further_ids"], "text_present": np.ones(count, dtype=np.bool_)}
        compute = partial(_text_side, backbone, windows)
        found = _computed(backbone, "text", processor.further_name(texts), (compute, count), workspace)
        arrays |= {f"further_{name}": array for name, array in found.items()}
    return FeatureTable(arrays, further["further_starts"])


def _computed(
    backbone: Backbone, side: str, fingerprint: str | None, rows: tuple[Side, int], workspace: Workspace
) -> Arrays:
    """What there is of one modality for a number of rows, from the cache if it was computed before."""
    compute, count = rows
    label = f"{side} features of {backbone.id}"
    return filled(
        _folder(backbone, side, fingerprint, workspace),
        partial(_shapes, compute, count),
        partial(_fill, compute, count, label if workspace.progress else None),
    )


def accelerator() -> torch.device:
    """The machine's GPU or the like; the CPU where there is none."""
    return torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")


Side = Callable[[slice], dict[str, torch.Tensor]]
"""Features of one modality for some rows."""


def _image_side(backbone: Backbone, encoded: Arrays, rows: slice) -> dict[str, torch.Tensor]:
    pixels, present = (torch.from_numpy(np.array(encoded[name][rows])) for name in ("pixels", "image_present"))
    device = next(backbone.parameters()).device
    with torch.inference_mode():
        features = backbone.image_features(pixels.to(device), present.to(device))
    return {name: features[name] for name in SIDES["image"]}


def _text_side(backbone: Backbone, encoded: Arrays, rows: slice) -> dict[str, torch.Tensor]:
    ids, present = (torch.from_numpy(np.array(encoded[name][rows])) for name in ("input_ids", "text_present"))
    device = next(backbone.parameters()).device
    with torch.inference_mode():
        features = backbone.text_features(ids.long().to(device), present.to(device))
    return {name: features[name] for name in SIDES["text"]}


def _folder(backbone: Backbone, side: str, fingerprint: str | None, workspace: Workspace) -> ArrayFolder | None:
    if workspace.cache is None or fingerprint is None:
        return None
    name = hashlib.sha256(f"{backbone.fingerprint} {fingerprint} {side} float16".encode()).hexdigest()[:24]
    return ArrayFolder(workspace.cache / "features" / name)


def _shapes(compute: Side, count: int) -> dict[str, Shape]:
    """Shapes of all arrays, from the features of one row."""
    return {
        name: ((count, *value.shape[1:]), np.float16 if value.is_floating_point() else np.bool_)
        for name, value in compute(slice(0, 1)).items()
    }


def _fill(compute: Side, count: int, label: str | None, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    for start in tqdm(range(0, count, ROWS), label, disable=label is None, delay=2, leave=False):
        rows = slice(start, start + ROWS)
        for name, value in compute(rows).items():
            arrays[name][rows] = value.cpu().numpy()
