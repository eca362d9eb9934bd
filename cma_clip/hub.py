"""Whether pretrained weights of open_clip can be had here, answered at once: its own download retries for a minute."""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from functools import cache

import open_clip
from huggingface_hub import constants, try_to_load_from_cache
from open_clip.constants import HF_SAFE_WEIGHTS_NAME, HF_WEIGHTS_NAME

TIMEOUT = 3
"""Seconds that a hub may take to answer."""


def in_cache(architecture: str, tag: str) -> bool:
    """Whether the weights were fetched before."""
    repository, filename = _place(architecture, tag)
    names = (filename,) if filename else (HF_SAFE_WEIGHTS_NAME, HF_WEIGHTS_NAME)
    return any(isinstance(try_to_load_from_cache(repository, name), str) for name in names)


@cache
def unreachable() -> str | None:
    """Why the hub cannot be asked; None if it answers. Asked once per process."""
    if constants.HF_HUB_OFFLINE or os.environ.get("HF_HUB_OFFLINE", "0") not in ("", "0"):
        return "HF_HUB_OFFLINE is set"
    try:
        with urllib.request.urlopen(constants.ENDPOINT, timeout=TIMEOUT):
            return None
    except urllib.error.HTTPError:
        return None  # it answered
    except (OSError, ValueError) as error:
        return f"the hub {constants.ENDPOINT} cannot be reached ({getattr(error, 'reason', error)})"


def why_not(architecture: str, tag: str) -> str | None:
    """Why these weights cannot be had here; None if they are on this machine or the hub answers."""
    if in_cache(architecture, tag):
        return None
    reason = unreachable()
    return None if reason is None else f"its weights are not on this machine and {reason}"


def _place(architecture: str, tag: str) -> tuple[str, str]:
    """(repository, file name; empty for open_clip's usual ones)."""
    repository, _, filename = open_clip.get_pretrained_cfg(architecture, tag)["hf_hub"].rpartition("/")
    return repository, filename
