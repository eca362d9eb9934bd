"""Photos of contrastive training: pixels, or what a frozen part says of all that augmentation makes of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from cma_clip.backbone.backbone import Backbone
from cma_clip.classifier import Workspace
from cma_clip.contrastive.pairs import AUGMENTATIONS, Augmentation
from cma_clip.features.boundary_states import view_states
from cma_clip.features.processing import Processor
from cma_clip.types import Examples

VIEWS: dict[Augmentation, tuple[str, ...]] = {
    "none": ("image_states",),
    "mirror": ("image_states", "mirrored_states"),
}
"""Augmentations that make so few photos of one that the frozen part reads them all, once."""

Photos = Callable[[npt.NDArray[np.int64]], Tensor]
"""Int[B], rows -> UInt8[B 3 H W], or Float[B V ...], V views of each at the boundary of the image tower."""


def photos_of(
    backbone: Backbone, processor: Processor, examples: Examples, augment: Augmentation, workspace: Workspace
) -> Photos:
    """Where the tower is cut and VIEWS has the augmentation, states that are cached; else pixels."""
    if backbone.image_boundary is None or augment not in VIEWS:
        pixels = processor.encode_images(examples, workspace)["pixels"]
        return lambda rows: torch.from_numpy(np.array(pixels[rows]))
    views = [view_states(backbone, processor, examples, workspace, view) for view in VIEWS[augment]]
    return lambda rows: torch.stack([torch.from_numpy(np.array(states[rows])) for states in views], dim=1)


def augmented(photos: Tensor, augment: Augmentation) -> Tensor:
    """One of the views of each, drawn as `pairs.mirrored` draws; or the pixels, changed."""
    if photos.dtype == torch.uint8:
        return AUGMENTATIONS[augment](photos)
    views = (torch.rand(len(photos)) < 0.5).long() if augment == "mirror" else torch.zeros(len(photos)).long()
    return photos[torch.arange(len(photos)), views]


def embedded(backbone: Backbone, photos: Tensor) -> Tensor:
    """Pixels UInt8[B 3 H W], or states of one view Float[B ...] -> unit embeddings Float[B E]."""
    present = torch.ones(len(photos), dtype=torch.bool)
    states = None if photos.dtype == torch.uint8 else photos
    return backbone.image_features(photos, present, states)["image_embedding"]
