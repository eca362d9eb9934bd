"""Which split a row belongs to: rows that share anything stay together, and the rule never changes."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from benchmarks.datasets.build import Part

SHARES: tuple[tuple[Part, float], ...] = (("train", 0.7), ("val", 0.8), ("test", 1.0))
"""Upper ends of each split's share of the hash range: 70 / 10 / 20 %."""


def normalise(text: str) -> str:
    """Lower case, single spaces: texts that differ only in these are the same text."""
    return " ".join(text.lower().split())


def join(keys: Sequence[tuple[str, ...]]) -> list[str]:
    """For every row's keys (title, image digest ...) the name of its group: rows that share a key share a group.

    A group's name is the smallest of its keys, so it does not depend on the order of the rows.
    """
    parent: dict[str, str] = {}

    def root(key: str) -> str:
        while parent.setdefault(key, key) != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    for first, *others in keys:
        for other in others:
            one, two = sorted((root(first), root(other)))
            parent[two] = one
    return [root(first) for first, *_ in keys]


def part_of(group: str, rule: str) -> Part:
    """The split of a group by a hash of its name: it does not depend on which other rows exist."""
    number = int.from_bytes(sha256(f"{rule}\x1f{group}".encode()).digest()[:8], "big") / 2**64
    return next(part for part, upper in SHARES if number < upper)
