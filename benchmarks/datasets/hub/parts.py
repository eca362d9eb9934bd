"""Which split a row of a hub data set belongs to."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.datasets.loading import grouping as groups
from benchmarks.datasets.loading.rows import Part

RULE = "hub/v1"
FROZEN = Path(__file__).parents[1] / "frozen_splits" / "fashion-products-parts.json"
"""The split of `fashion-products`, product by product: per part the packed bits of a row of numbers, one a product."""


def by_hash(_: Sequence[str], names: Sequence[str]) -> list[Part]:
    """By the hash of the group's name: it does not depend on which other rows there are."""
    return [groups.part_of(name, RULE) for name in names]


def by_product(ids: Sequence[str], names: Sequence[str]) -> list[Part]:
    """As `fashion-products` has it, by the Kaggle number of the product, for copies of the same photos.

    A group of which one product is in the test split is there as a whole, likewise for validation; a group without a
    product that the frozen split knows is for training.
    """
    frozen = frozen_parts()
    parts: dict[str, Part] = {}
    for name, own in zip(names, ids, strict=True):
        part = frozen.get(int(own), "train") if own.isdecimal() else "train"
        parts[name] = max(parts.get(name, "train"), part, key=("train", "val", "test").index)
    return [parts[name] for name in names]


@cache
def frozen_parts() -> Mapping[int, Part]:
    """Product number -> part."""
    saved = json.loads(FROZEN.read_text(encoding="utf-8"))
    return {number: part for part in ("train", "val", "test") for number in _unpack(saved[part])}


def freeze(parts: Mapping[int, Part]) -> dict[str, Any]:
    """What `frozen_parts` reads."""
    packed = {part: _pack([n for n, own in parts.items() if own == part]) for part in ("train", "val", "test")}
    return {"rule": "fashion-products/v1", **packed}


def _pack(numbers: Sequence[int]) -> str:
    bits = np.zeros(max(numbers, default=0) + 1, dtype=np.bool_)
    bits[list(numbers)] = True
    return base64.b64encode(np.packbits(bits).tobytes()).decode()


def _unpack(packed: str) -> list[int]:
    return np.flatnonzero(np.unpackbits(np.frombuffer(base64.b64decode(packed), dtype=np.uint8))).tolist()
