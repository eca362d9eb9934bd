"""Token features of a frozen backbone, computed once and memory-mapped: heads train on them, not on pixels."""

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

from cma_clip.arrays import ArrayFolder, Shape, filled
from cma_clip.backbone import Backbone
from cma_clip.classifier import Workspace
from cma_clip.inputs import Features
from cma_clip.processing import Encoded, Processor
from cma_clip.types import Examples

ROWS = 256
"""Rows computed at a time; fixed, because the rounding of a matrix product depends on its size."""

NAMES = tuple(item.name for item in fields(Features))


@dataclass(frozen=True)
class FeatureTable:
    """`Features` of N examples as arrays, floats in half precision (our choice: halves the disk and the reading)."""

    arrays: Mapping[str, npt.NDArray[Any]]

    def __len__(self) -> int:
        return len(self.arrays["text_mask"])

    def batch(self, rows: Sequence[int] | slice) -> Features:
        """The given rows in single precision, texts cut to the longest among them."""
        picked = {name: torch.from_numpy(np.array(self.arrays[name][rows])) for name in NAMES}
        return Features(**{n: t.float() if t.is_floating_point() else t for n, t in picked.items()}).trimmed()


def token_features(backbone: Backbone, processor: Processor, examples: Examples, workspace: Workspace) -> FeatureTable:
    """Features of all examples; of each modality from the cache if this backbone has seen it before.

    The cache's name is a hash of weights, preprocessing, images or texts, and this file's precision.
    """
    encoded = processor.encode(examples, workspace)
    backbone.eval()
    sides: dict[str, tuple[str | None, Side]] = {
        "image": (encoded.image_fingerprint, partial(_image_side, backbone, encoded)),
        "text": (encoded.text_fingerprint, partial(_text_side, backbone, encoded)),
    }
    arrays: dict[str, npt.NDArray[Any]] = {}
    for side, (fingerprint, compute) in sides.items():
        label = f"{side} features of {backbone.id}"
        arrays |= filled(
            _folder(backbone, side, fingerprint, workspace),
            partial(_shapes, compute, len(encoded)),
            partial(_fill, compute, len(encoded), label if workspace.progress else None),
        )
    return FeatureTable(arrays)


Side = Callable[[slice], dict[str, torch.Tensor]]
"""Features of one modality for some rows."""


def _image_side(backbone: Backbone, encoded: Encoded, rows: slice) -> dict[str, torch.Tensor]:
    device = next(backbone.parameters()).device
    pixels, present = (torch.from_numpy(np.array(array[rows])) for array in (encoded.pixels, encoded.image_present))
    with torch.inference_mode():
        return backbone.image_features(pixels.to(device), present.to(device))


def _text_side(backbone: Backbone, encoded: Encoded, rows: slice) -> dict[str, torch.Tensor]:
    device = next(backbone.parameters()).device
    ids = torch.from_numpy(encoded.input_ids[rows].astype(np.int64))
    present = torch.from_numpy(np.array(encoded.text_present[rows]))
    with torch.inference_mode():
        return backbone.text_features(ids.to(device), present.to(device))


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
