"""Backbones by id.

One backbone id names architecture, weights, activation and preprocessing together, so that no two of them
can disagree:

    tiny-product-clip             the small CLIP that ships with this project
    ViT-B-32-quickgelu/openai     an open_clip architecture and pretrained tag (fetched from its hub)
    local-dir:/path               a folder with open_clip_config.json and weights
    random:ViT-B-32               an architecture with random weights, never chosen silently
    random:local-dir:/path        likewise, with the architecture of a folder
"""

from __future__ import annotations

import copy
import json
import logging
from functools import cache
from pathlib import Path
from typing import Any

import open_clip
import torch

from cma_clip.backbone.backbone import Backbone, BackboneError
from cma_clip.backbone.hub import why_not

SHIPPED = Path(__file__).parents[1] / "weights"
RANDOM = "random:"
LOCAL = "local-dir:"


def load_backbone(backbone_id: str) -> Backbone:
    """Build a backbone from its id (see the module's head), in evaluation mode.

    One that ships is small: a process reads it once and copies it, in an eighth of the time.

    Raises:
        BackboneError: unknown id, missing files, weights that do not fit, or a hub out of reach.
    """
    folder = folder_of(backbone_id)
    if folder is None or backbone_id.startswith(LOCAL):
        return _read(backbone_id)
    backbone = _shipped(backbone_id, folder)
    return copy.deepcopy(backbone, {id(backbone.tokenizer): backbone.tokenizer})


@cache
def _shipped(backbone_id: str, folder: Path) -> Backbone:  # another folder has other weights
    return _read(backbone_id)


def _read(backbone_id: str) -> Backbone:
    is_random = backbone_id.startswith(RANDOM)
    name = backbone_id.removeprefix(RANDOM)
    if (shipped := folder_of(name)) is not None:
        name = f"{LOCAL}{shipped}"
    architecture, tag = _architecture_and_tag(name, is_random, backbone_id)
    if not name.startswith(LOCAL) and (reason := why_not(architecture, tag)) is not None:
        raise BackboneError(_explain(backbone_id, reason))
    # open_clip reports on the root logger, also "initialized randomly" where random: asked for just that;
    # what must not pass unnoticed is raised, through require_pretrained.
    logging.disable(logging.ERROR)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)  # random weights are part of the id: the same id, the same weights
            clip = open_clip.create_model(
                architecture,
                pretrained=tag,
                load_weights=not is_random,
                require_pretrained=not is_random,
                pretrained_text=not is_random,
            )
        tokenizer = open_clip.get_tokenizer(architecture)
        return Backbone(clip.eval(), tokenizer, backbone_id).eval()
    except Exception as error:  # whatever open_clip, timm and transformers raise at files and configs they cannot use
        reason = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
        raise BackboneError(_explain(backbone_id, reason)) from error
    finally:
        logging.disable(logging.NOTSET)


def folder_of(backbone_id: str) -> Path | None:
    """The folder that holds a backbone's weights; None for those of a hub and for random ones."""
    if backbone_id.startswith(LOCAL):
        return Path(backbone_id.removeprefix(LOCAL))
    return SHIPPED / backbone_id if backbone_id and (SHIPPED / backbone_id).is_dir() else None


def local_dir_config(backbone: Backbone) -> dict[str, Any]:
    """What open_clip_config.json says in a folder that holds the weights of `backbone`."""
    name = backbone.id.removeprefix(RANDOM)
    if (folder := folder_of(name)) is not None:
        config: dict[str, Any] = json.loads((folder / "open_clip_config.json").read_text(encoding="utf-8"))
        if backbone.is_convolutional:  # it may have been trained at another size than it was loaded with
            config["model_cfg"]["vision_cfg"]["image_size"] = backbone.image_size[0]
        return config
    model_cfg = open_clip.get_model_config(name.partition("/")[0])
    return {"model_cfg": model_cfg, "preprocess_cfg": backbone.preprocess_cfg}


def _architecture_and_tag(name: str, is_random: bool, backbone_id: str) -> tuple[str, str | None]:
    if name.startswith(LOCAL):
        return name, None
    architecture, _, tag = name.partition("/")
    if architecture not in open_clip.list_models():
        raise BackboneError(_unknown(architecture, backbone_id))
    if is_random:
        return architecture, None
    tags = open_clip.list_pretrained_tags_by_model(architecture)
    if tag not in tags:
        raise BackboneError(
            f"backbone {backbone_id!r}: {architecture} has the pretrained tags {tags}, not {tag!r}; "
            f"for weights of your own use local-dir:FOLDER, for untrained weights random:{architecture}"
        )
    if (reason := mismatch(architecture, tag)) is not None:
        raise BackboneError(f"backbone {backbone_id!r}: {reason}")
    return architecture, tag


def mismatch(architecture: str, tag: str) -> str | None:
    """Why open_clip's architecture does not compute what the weights were trained with; None if it does."""
    wants = bool((open_clip.get_model_config(architecture) or {}).get("quick_gelu"))
    given = bool((open_clip.get_pretrained_cfg(architecture, tag) or {}).get("quick_gelu"))
    if wants == given:
        return None
    other = architecture.removesuffix("-quickgelu") if wants else f"{architecture}-quickgelu"
    return (
        f"the weights were trained with {'QuickGELU' if given else 'GELU'}, the architecture computes "
        f"{'QuickGELU' if wants else 'GELU'} and would silently lose accuracy; use {other}/{tag}"
    )


def _unknown(architecture: str, backbone_id: str) -> str:
    from difflib import get_close_matches

    shipped = sorted(folder.name for folder in SHIPPED.iterdir() if folder.is_dir())
    close = get_close_matches(architecture, [*shipped, *open_clip.list_models()], n=3, cutoff=0.5)
    hint = f"; did you mean {' or '.join(close)}?" if close else "."
    return (
        f"unknown backbone {backbone_id!r}{hint} Valid: {', '.join(shipped)}, ARCHITECTURE/TAG of open_clip, "
        f"local-dir:FOLDER, random:ARCHITECTURE"
    )


def _explain(backbone_id: str, reason: str) -> str:
    return (
        f"backbone {backbone_id!r} cannot be loaded: {reason}. Weights that are on this machine can be used as "
        f"local-dir:FOLDER (open_clip_config.json and open_clip_model.safetensors in it)"
    )
