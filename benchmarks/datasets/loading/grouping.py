"""Which split a row belongs to: rows that share anything stay together, and the rule never changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from itertools import zip_longest
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

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
    columns = [pa.chunked_array([pa.array(kind, pa.string())]) for kind in zip_longest(*keys)]
    return join_columns(columns).to_pylist() if columns else []


def join_columns(keys: Sequence[pa.ChunkedArray]) -> pa.ChunkedArray:
    """`join` for keys in columns, null where a row has no key of that kind; every row has one at least.

    A key stands for the same in every column.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    chunks = [chunk.cast(pa.large_string()) for kind in keys for chunk in kind.chunks]
    names = pc.unique(pa.chunked_array(chunks, pa.large_string()).drop_null())
    names = names.take(pc.sort_indices(names))  # by code point, as Python sorts
    places = [pc.index_in(kind.cast(pa.large_string()), names).fill_null(-1).to_numpy() for kind in keys]
    first = np.full(len(places[0]), -1, np.int32)
    for place in places:
        first = np.where(first < 0, place, first)
    ends = [(first[place >= 0], place[place >= 0]) for place in places]
    rows, columns = (np.concatenate(side) for side in zip(*ends, strict=True))
    graph = coo_array((np.ones(len(rows), np.bool_), (rows, columns)), (len(names), len(names)))
    _, component = connected_components(graph, directed=False)
    _, smallest = np.unique(component, return_index=True)  # names are sorted: the first of a component
    return pa.chunked_array([names.take(pa.array(smallest[component[first]]))])


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
