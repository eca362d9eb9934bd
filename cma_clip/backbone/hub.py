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

TEXT_PARTS = (
    ("tokeniser", "hf_tokenizer_name", "tokenizer_config.json"),
    ("text tower's settings", "hf_model_name", "config.json"),
)
"""What open_clip fetches of Hugging Face for some architectures: what it is, the key of its name, a file of it."""


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


def why_not(architecture: str, tag: str | None) -> str | None:
    """Why one of open_clip's architectures, with the weights of `tag` if any, cannot be had; None if it probably can.

    Some have a tokeniser or text tower of Hugging Face, and need its files even for random weights.
    """
    missing = [] if tag is None or in_cache(architecture, tag) else ["weights"]
    text = (open_clip.get_model_config(architecture) or {}).get("text_cfg", {})
    missing += [
        what
        for what, key, file in TEXT_PARTS
        if (name := text.get(key)) and not isinstance(try_to_load_from_cache(name, file), str)
    ]
    if not missing or (reason := unreachable()) is None:
        return None
    return f"its {' and '.join(missing)} {'is' if missing == ['tokeniser'] else 'are'} not on this machine and {reason}"


def _place(architecture: str, tag: str) -> tuple[str, str]:
    """(repository, file name; empty for open_clip's usual ones)."""
    repository, _, filename = open_clip.get_pretrained_cfg(architecture, tag)["hf_hub"].rpartition("/")
    return repository, filename
