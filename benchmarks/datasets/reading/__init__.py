"""From the files people have to columns: what was found out on the way is noted, a doubt is an error.

Each kind has its reader: `delimited` (CSV and relatives), `json_rows`, `columnar` (Parquet, `datasets`), `excel`;
`folders` makes one table of several files. `values` says what the cells mean.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from benchmarks.datasets.reading.folders import read_any
from benchmarks.datasets.reading.table import Origins, RawTable, ReadOptions, select


def read_table(path: Path, options: ReadOptions | None = None, columns: Collection[str] | None = None) -> RawTable:
    """The table at `path`: a file, a folder or a glob of files.

    Args:
        path: where it lies.
        options: what settles a doubt.
        columns: the columns that are wanted, all by default.

    Raises:
        DataError: names file, row and the way out.
    """
    raw = read_any(path, options or ReadOptions())
    return replace(raw, columns=select(raw.columns, columns, path))


def column_names(path: Path, options: ReadOptions | None = None) -> list[str]:
    """The columns of the table at `path`, which is read for it.

    Raises:
        DataError: as `read_table`.
    """
    return list(read_table(path, options).columns.column_names)


__all__ = ["Origins", "RawTable", "ReadOptions", "column_names", "read_table"]
