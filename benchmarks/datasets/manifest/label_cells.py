"""Label cells that look like lists: one class a cell is what is learnt here."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from benchmarks.datasets.loading.rows import codes
from benchmarks.datasets.loading.splits import DataError
from benchmarks.datasets.manifest.photos import Where

SEPARATORS = ("[", "|", ";", ",")
NUMBER = re.compile(r"[-+]?\d+([.,]\d+)?")


def refuse_lists(name: str, column: pa.ChunkedArray, origins: Where) -> None:
    """A separator in over half of the cells whose parts recur in other cells: several labels a cell.

    Raises:
        DataError: names the separator and the ways out.
    """
    numbers, values = codes(column)
    cells = values.to_pylist()
    known = np.bincount(numbers[numbers >= 0], minlength=len(cells))
    for separator in SEPARATORS:
        listed = np.array([separator in cell and not NUMBER.fullmatch(cell) for cell in cells], np.bool_)
        made_of = [cell for cell, is_list in zip(cells, listed, strict=True) if is_list]
        if known[listed].sum() <= known.sum() / 2 or not _recur(made_of, separator):
            continue
        row = int(np.argmax(np.isin(numbers, np.flatnonzero(listed))))
        raise DataError(
            f"{origins[row]}: column {name!r} holds {cells[numbers[row]]!r}: it looks like several labels a cell, "
            f"separated by {separator!r}, in {known[listed].sum():,} of {known.sum():,} cells, and one label a row and "
            "column is learnt here: make a column of each kind of label (a colour, a kind), or one yes/no column for "
            "each label; if a cell as it stands is one class: --option list_cells=as-is"
        )


def _recur(cells: Sequence[str], separator: str) -> bool:
    """Parts that stand in several cells; with commas, which names hold, too, fewer parts than cells made of them."""
    split = "," if separator == "[" else separator
    parts = [part.strip(" []\"'") for cell in set(cells) for part in cell.split(split)]
    return len(set(parts)) < (len(set(cells)) if separator == "," else len(parts))
