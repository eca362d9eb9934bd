"""Label cells that look like lists: one class a cell is what is learnt here."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pyarrow as pa

from benchmarks.datasets.loading.rows import codes
from benchmarks.datasets.loading.splits import DataError
from benchmarks.datasets.manifest.photos import Where

SEPARATORS = ("|", ";", ",")
NUMBER = re.compile(r"[-+]?\d+([.,]\d+)?")
JSON = re.compile(r"[\[{]\s*([\"'].*|[\d.]+|[^,]*,.*)?[\]}]", re.DOTALL)
"""`["red"]`, `['red' 'mug']`, `[1, 2]`, `{"color": "red"}`, `[]`; `[sic]` is a name."""
JSON_MARK = "["
FEW_JSON = 3
"""Cells of JSON up to which they may be slips. Our choice."""
EXAMPLES = 3


def check_lists(name: str, column: pa.ChunkedArray, origins: Where) -> str | None:
    """A sentence on cells that may hold several labels, None without such cells.

    More than a few cells of JSON are lists, and so are cells with separators in over half of the rows if their parts
    recur in other cells, whatever separates them there. Names hold commas, too (Hats, Caps): a comma separates labels
    only where every part recurs.

    Raises:
        DataError: the column holds lists; names a cell, the separators and the ways out.
    """
    numbers, values = codes(column)
    cells = values.to_pylist()
    known = np.bincount(numbers[numbers >= 0], minlength=len(cells))
    rows = dict(zip(cells, known.tolist(), strict=True))
    lists, recur = _lists(cells)
    if not lists:
        return None
    listed = sum(rows[cell] for cell in lists)
    marks = set().union(*map(_marks, lists))
    separated = " and ".join(repr(mark) for mark in SEPARATORS if mark in marks)
    ways = [*(["written as JSON"] if JSON_MARK in marks else []), *([f"separated by {separated}"] if separated else [])]
    said = (
        f"{' or '.join(ways)}, in {listed:,} of {known.sum():,} cells ("
        f"{', '.join(f'`{cell[:80]}` {rows[cell]:,}' for cell in sorted(lists, key=lambda c: -rows[c])[:EXAMPLES])})"
    )
    in_json = sum(rows[cell] for cell in lists if JSON.fullmatch(cell))
    if in_json <= FEW_JSON and (2 * listed <= known.sum() or not recur):
        return f"may hold several labels a cell, {said}: each cell as it stands is a class"
    row = int(np.argmax(np.isin(numbers, [number for number, cell in enumerate(cells) if cell in set(lists)])))
    raise DataError(
        f"{origins[row]}: column {name!r} holds {cells[numbers[row]]!r}: it looks like several labels a cell, {said}, "
        "and one label a row and column is learnt here: make a column of each kind of label (a colour, a kind), or one "
        "yes/no column for each label; if a cell as it stands is one class: --option list_cells=as-is"
    )


def _lists(cells: Sequence[str]) -> tuple[list[str], bool]:
    """(The cells that may be lists, whether there are several and one shares a part with another cell)."""
    parts = {cell: set(_parts(cell)) for cell in cells}
    cells_with = Counter(part for found in parts.values() for part in found)
    lists = [cell for cell in cells if _may_be_list(cell, parts[cell], cells_with)]
    return lists, len(lists) > 1 and any(cells_with[part] > 1 for cell in lists for part in parts[cell])


def _may_be_list(cell: str, parts: Collection[str], cells_with: Mapping[str, int]) -> bool:
    marks = _marks(cell)
    return bool(marks) and (marks != {","} or all(cells_with[part] > 1 for part in parts))


def _marks(cell: str) -> set[str]:
    if JSON.fullmatch(cell):
        return {JSON_MARK}
    return set() if NUMBER.fullmatch(cell) else {mark for mark in SEPARATORS if mark in cell}


def _parts(cell: str) -> list[str]:
    if not _marks(cell):
        return [cell]
    parts = (part.strip(" []{}\"'") for part in re.split("[|;,]", cell))
    return [part for part in parts if part]
