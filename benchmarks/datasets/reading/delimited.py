"""CSV and its relatives to columns."""

from __future__ import annotations

import csv
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks.datasets.loading.splits import DataError
from benchmarks.datasets.reading.table import Origins, RawTable, ReadOptions


def read_delimited(path: Path, options: ReadOptions, columns: Collection[str] | None) -> RawTable:
    """All rows of a CSV file (interim: UTF-8 and commas)."""
    with path.open(newline="", encoding=options.encoding or "utf-8-sig") as file:
        rows = list(csv.reader(file, strict=True, delimiter=options.separator or ",", skipinitialspace=True))
    if not rows:
        raise DataError(f"{path}: the file is empty")
    names = [name.strip() for name in rows[0]]
    numbers = np.array([number for number, row in enumerate(rows[1:], start=2) if row], np.int64)
    cells = list(zip(*(row for row in rows[1:] if row), strict=True)) or [() for _ in names]
    table = pa.table({name: pa.array([cell.strip() for cell in cell_s]) for name, cell_s in zip(names, cells, strict=True)})
    return RawTable(
        table.select(names if columns is None else list(columns)),
        Origins.of_file(path.name, numbers),
        path.parent,
        (f"{path.name}: utf-8, separator ',', {table.num_rows:,} rows",),
    )
