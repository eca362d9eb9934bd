"""What the frozen part of a backbone says of examples, computed once and memory-mapped: its last blocks train on that.

States are kept in single precision (our choice), so that a training differs from one on pixels by rounding alone. They
take as much disk as the states of one layer: 154 kB a photo for ViT-B-32.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from tqdm import tqdm

from cma_clip.backbone.backbone import Backbone
from cma_clip.classifier import Workspace
from cma_clip.features.arrays import ArrayFolder, filled, items_of, joined
from cma_clip.features.computing import ROWS
from cma_clip.features.encoded import Encoded
from cma_clip.features.processing import Processor
from cma_clip.features.token_features import accelerator
from cma_clip.tensors import Batch
from cma_clip.types import Examples, Joined

VIEWS: dict[str, Callable[[Tensor], Tensor]] = {
    "image_states": lambda pixels: pixels,
    "mirrored_states": lambda pixels: pixels.flip(-1),
}
"""What is done to photos UInt8[B 3 H W] before the frozen part reads them."""


@dataclass(frozen=True)
class BoundaryTable:
    """N examples at the boundaries of a backbone.

    Attributes:
        encoded: the examples, without pixels where the image tower is cut.
        states: `image_states` Float[N ...], `text_states` Float[N L D] and `further_states` Float[M L D]; none of a
            tower that is not cut.
    """

    encoded: Encoded
    states: Mapping[str, npt.NDArray[np.float32]]

    def __len__(self) -> int:
        return len(self.encoded)

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Int[N], positions of each text, of all of its windows together."""
        return self.encoded.lengths

    def batch(self, rows: Sequence[int]) -> Batch:
        """The given rows, texts as long as `encoded` has them."""
        batch = self.encoded.batch(rows, {})
        windows, _ = items_of(self.encoded.further_starts, rows)
        lengths = {"text_states": batch.input_ids.shape[1], "further_states": batch.further_ids.shape[1]}
        picked: dict[str, Any] = {}
        for name, states in self.states.items():
            found = states[windows] if name == "further_states" else states[rows]
            picked[name] = torch.from_numpy(np.array(found[:, : lengths.get(name)]))
        return replace(batch, **picked)


def boundary_table(backbone: Backbone, processor: Processor, examples: Examples, workspace: Workspace) -> BoundaryTable:
    """All examples, from the cache if the frozen part of this backbone has read them before.

    The cache's name is a hash of weights, preprocessing, examples, the place of the boundary and this file's precision.
    """
    backbone.eval().to(accelerator())
    encoded = processor.encode(examples, workspace)
    if backbone.image_boundary is not None:
        encoded = replace(encoded, pixels=np.zeros((len(examples), 0), dtype=np.uint8))
    return BoundaryTable(encoded, _states(backbone, processor, examples, workspace))


def _states(
    backbone: Backbone, processor: Processor, examples: Examples, workspace: Workspace
) -> dict[str, npt.NDArray[Any]]:
    if isinstance(examples, Joined):
        return joined([_states(backbone, processor, part, workspace) for part in examples.parts])
    parts: dict[str, _Part] = {}
    if backbone.image_boundary is not None:
        parts["image_states"] = _photos(backbone, processor, examples, workspace, VIEWS["image_states"])
    if (text := backbone.text_boundary) is not None:
        ids = processor.encode_texts(examples, workspace)["input_ids"]
        further = processor.encode_further(examples, workspace)["further_ids"]
        parts["text_states"] = _Part(ids, text.states, text.frozen)
        if len(further):
            parts["further_states"] = _Part(further, text.states, text.frozen)
    found = {}
    for kind, part in parts.items():
        # Photos and first windows are the same whatever the number of windows.
        name = processor.further_name(examples) if kind == "further_states" else processor.name(examples)
        found[kind] = part.cached(f"{backbone.fingerprint} {name}" if name else None, kind, workspace)
    return found


def view_states(
    backbone: Backbone, processor: Processor, examples: Examples, workspace: Workspace, view: str
) -> npt.NDArray[np.float32]:
    """Float[N ...]: a view of every photo at the boundary of an image tower that is cut; cached likewise.

    Like `boundary_table` it leaves the backbone in evaluation and on the accelerator.

    Args:
        backbone: with an `image_boundary`.
        processor: its own.
        examples: the N examples.
        workspace: where the cache is.
        view: one of VIEWS.
    """
    if isinstance(examples, Joined):
        parts = [{view: view_states(backbone, processor, part, workspace, view)} for part in examples.parts]
        states: npt.NDArray[np.float32] = joined(parts)[view]
        return states
    backbone.eval().to(accelerator())
    name = processor.name(examples)
    photos = _photos(backbone, processor, examples, workspace, VIEWS[view])
    return photos.cached(f"{backbone.fingerprint} {name}" if name else None, view, workspace)


def _photos(
    backbone: Backbone,
    processor: Processor,
    examples: Examples,
    workspace: Workspace,
    change: Callable[[Tensor], Tensor],
) -> _Part:
    boundary = backbone.image_boundary
    assert boundary is not None
    pixels = processor.encode_images(examples, workspace)["pixels"]
    return _Part(pixels, lambda rows: boundary.states(backbone.normalised(change(rows))), boundary.frozen)


@dataclass(frozen=True)
class _Part:
    """The inputs of the frozen part of one tower, N rows, and how it reads some of them."""

    inputs: npt.NDArray[Any]
    read: Callable[[Tensor], Tensor]
    frozen: int

    def cached(self, name: str | None, kind: str, workspace: Workspace) -> npt.NDArray[np.float32]:
        """Float[N ...], in the cache if there is one and what is read has a `name`."""
        rows, folder, label = len(self.inputs), None, f"{kind} at block {self.frozen}" if workspace.progress else None
        if workspace.cache is not None and name is not None:
            identity = f"{name} {kind} at {self.frozen} float32"
            folder = ArrayFolder(workspace.cache / "features" / hashlib.sha256(identity.encode()).hexdigest()[:24])

        def fill(arrays: Mapping[str, npt.NDArray[Any]]) -> None:
            for start in tqdm(range(0, rows, ROWS), label, disable=label is None, delay=2, leave=False):
                arrays["states"][start : start + ROWS] = self._some(slice(start, start + ROWS))

        shape = lambda: {"states": ((rows, *self._some(slice(0, 1)).shape[1:]), np.float32)}  # noqa: E731
        return filled(folder, shape, fill)["states"]

    def _some(self, rows: slice) -> npt.NDArray[np.float32]:
        with torch.inference_mode():
            return self.read(torch.from_numpy(np.array(self.inputs[rows])).to(accelerator())).cpu().numpy()
