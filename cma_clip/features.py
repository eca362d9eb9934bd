"""Token features of a frozen backbone, computed once and memory-mapped: heads train on them, not on pixels."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from tqdm import tqdm

from cma_clip.arrays import ArrayFolder
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
    """Features of all examples; from the cache if this backbone has seen them before.

    The cache's name is a hash of weights, preprocessing, examples and this file's precision.
    """
    encoded = processor.encode(examples, workspace)
    folder = _folder(backbone, encoded, workspace)
    if folder is None:
        arrays: dict[str, npt.NDArray[Any]] = {n: np.zeros(*shape) for n, shape in _shapes(backbone, encoded).items()}
        _fill(arrays, backbone, encoded, workspace.progress)
        return FeatureTable(arrays)
    with folder.lock():
        if not folder.exists():
            _write(folder, backbone, encoded, workspace.progress)
    return FeatureTable(folder.read()[0])


def _write(folder: ArrayFolder, backbone: Backbone, encoded: Encoded, progress: bool) -> None:
    """Fill mapped files batch by batch: the features of a large data set never have to fit into memory."""
    staging = folder.stage()
    mapped = {
        name: np.lib.format.open_memmap(staging / f"{name}.npy", "w+", dtype, shape)
        for name, (shape, dtype) in _shapes(backbone, encoded).items()
    }
    _fill(mapped, backbone, encoded, progress)
    for array in mapped.values():
        array.flush()
    folder.commit(staging, list(mapped), {})


def _folder(backbone: Backbone, encoded: Encoded, workspace: Workspace) -> ArrayFolder | None:
    if workspace.cache is None or encoded.fingerprint is None:
        return None
    name = hashlib.sha256(f"{backbone.fingerprint} {encoded.fingerprint} float16".encode()).hexdigest()[:24]
    return ArrayFolder(workspace.cache / "features" / name)


def _shapes(backbone: Backbone, encoded: Encoded) -> dict[str, tuple[tuple[int, ...], type]]:
    """Shapes of all arrays, from the features of one row."""
    one = _compute(backbone, encoded, slice(0, 1))
    count = len(encoded)
    return {
        name: ((count, *value.shape[1:]), np.float16 if value.is_floating_point() else np.bool_)
        for name, value in one.items()
    }


def _fill(arrays: Mapping[str, npt.NDArray[Any]], backbone: Backbone, encoded: Encoded, progress: bool) -> None:
    starts = range(0, len(encoded), ROWS)
    for start in tqdm(starts, f"features of {backbone.id}", disable=not progress, delay=2, leave=False):
        rows = slice(start, start + ROWS)
        for name, value in _compute(backbone, encoded, rows).items():
            arrays[name][rows] = value.cpu().numpy()


def _compute(backbone: Backbone, encoded: Encoded, rows: slice) -> dict[str, torch.Tensor]:
    device = next(backbone.parameters()).device
    backbone.eval()
    with torch.inference_mode():
        features = backbone(encoded.batch(rows, {}).to(device))
    return {name: getattr(features, name) for name in NAMES}
