"""What training may do to features so that a network relies on no single modality. Prediction never does it.

Both options are ours, the same for every network; they cost nothing on cached features. They draw from torch's
global generator, which training seeds per epoch: the draws depend on (seed, epoch, place in the epoch's order), so
a resumed training sees the same.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from cma_clip.tensors import Features

TOKEN_STATES = ("text_tokens", "word_embeddings", "text_cls", "image_tokens", "image_cls")


def augment_features(features: Features, modality_dropout: float, token_noise: float) -> Features:
    """Both options, one after the other; a rate of 0 draws no number and changes nothing."""
    if modality_dropout:
        features = drop_modality(features, modality_dropout)
    return add_token_noise(features, token_noise) if token_noise else features


def drop_modality(features: Features, rate: float) -> Features:
    """Of the examples that have both modalities a share of `rate` loses one: the text and the image equally often."""
    both = features.text_present & features.image_present
    draw = torch.rand(len(both), device=both.device)
    text = features.text_present & ~(both & (draw < rate / 2))
    image = features.image_present & ~(both & (draw >= 1 - rate / 2))
    return replace(features, text_present=text, image_present=image, text_mask=features.text_mask & text[:, None])


def add_token_noise(features: Features, std: float) -> Features:
    """Gaussian noise on every token state of both modalities; `std` is relative to the state's root mean square."""
    return replace(features, **{name: _noisy(getattr(features, name), std) for name in TOKEN_STATES})


def _noisy(states: Tensor, std: float) -> Tensor:
    scale = states.detach().square().mean(dim=-1, keepdim=True).sqrt()
    return states + std * scale * torch.randn_like(states)
