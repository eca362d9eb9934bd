"""The shapes that are timed, as open_clip and as `transformers` describe them. Weights are random, none is fetched."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import CLIPConfig

CONTEXT = 77
VOCABULARY = 49408
HEAD_WIDTH = 64


@dataclass(frozen=True)
class Shape:
    """Of a CLIP with a vision transformer; sizes in pixels, widths and layers of each tower."""

    image_size: int
    patch_size: int
    image_width: int
    image_layers: int
    text_width: int
    text_layers: int
    embedding_width: int


SHAPES = {
    "ViT-B-32": Shape(224, 32, 768, 12, 512, 12, 512),
    "tiny": Shape(64, 16, 192, 6, 192, 4, 192),
}


def write_architecture(shape: Shape, folder: Path) -> str:
    """Returns the id of a backbone of this shape with random weights, once its description is in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    description = {"model_cfg": open_clip_config(shape), "preprocess_cfg": {}}
    (folder / "open_clip_config.json").write_text(json.dumps(description), encoding="utf-8")
    return f"random:local-dir:{folder}"


def open_clip_config(shape: Shape) -> dict[str, Any]:
    """`model_cfg` of open_clip."""
    return {
        "embed_dim": shape.embedding_width,
        "vision_cfg": {
            "image_size": shape.image_size,
            "patch_size": shape.patch_size,
            "width": shape.image_width,
            "layers": shape.image_layers,
            "head_width": HEAD_WIDTH,
        },
        "text_cfg": {
            "context_length": CONTEXT,
            "vocab_size": VOCABULARY,
            "width": shape.text_width,
            "heads": shape.text_width // HEAD_WIDTH,
            "layers": shape.text_layers,
        },
    }


def clip_config(shape: Shape) -> CLIPConfig:
    """The same for `transformers`; its default activation is another one than open_clip's."""
    image = {"image_size": shape.image_size, "patch_size": shape.patch_size}
    text = {"max_position_embeddings": CONTEXT, "vocab_size": VOCABULARY, "eos_token_id": VOCABULARY - 1}
    return CLIPConfig(
        vision_config=_tower(shape.image_width, shape.image_layers) | image,
        text_config=_tower(shape.text_width, shape.text_layers) | text,
        projection_dim=shape.embedding_width,
    )


def _tower(width: int, layers: int) -> dict[str, Any]:
    return {
        "hidden_size": width,
        "intermediate_size": 4 * width,
        "num_hidden_layers": layers,
        "num_attention_heads": width // HEAD_WIDTH,
        "hidden_act": "gelu",
    }
