"""Which split a row belongs to: rows that share anything stay together, and the rule never changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from benchmarks.datasets.loading.rows import PARTS, Part

SHARES: tuple[tuple[Part, float], ...] = (("train", 0.7), ("val", 0.8), ("test", 1.0))
"""Upper ends of each split's share of the hash range: 70 / 10 / 20 %."""


def normalise(text: str) -> str:
    """Lower case, single spaces: texts that differ only in these are the same text."""
    return " ".join(text.lower().split())


def join(keys: Sequence[tuple[str, ...]]) -> list[str]:
    """For every row's keys (title, image hash ...) the name of its group: rows that share a key share a group.

    A group is called after the smallest key in it, so the order of the rows does not matter.
    """
    parent: dict[str, str] = {}

    def root(key: str) -> str:
        while parent.setdefault(key, key) != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    for first, *others in keys:
        for other in others:
            smaller, larger = sorted((root(first), root(other)))
            parent[larger] = smaller
    return [root(first) for first, *_ in keys]


def part_of(group: str, rule: str) -> Part:
    """The split of a group by a hash of its name: it does not depend on which other rows exist."""
    number = position(group, rule)
    return next(part for part, upper in SHARES if number < upper)


def position(group: str, rule: str) -> float:
    """Where a group's hash lies in [0, 1)."""
    return int.from_bytes(sha256(f"{rule}\x1f{group}".encode()).digest()[:6], "big") / 2**48


def summary(parts: Mapping[str, Part], rule: str) -> dict[str, Any]:
    """What a frozen manifest holds: the rule, counts, and sha256 over the sorted "id part" lines."""
    lines = "\n".join(f"{name} {part}" for name, part in sorted(parts.items()))
    return {
        "rule": rule,
        "rows": len(parts),
        "parts": {part: sum(own == part for own in parts.values()) for part in PARTS},
        "sha256": sha256(lines.encode()).hexdigest(),
    }
