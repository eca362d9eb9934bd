"""From the files people have to columns: what was found out on the way is noted, a doubt is an error."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from benchmarks.datasets.reading.delimited import read_delimited
from benchmarks.datasets.reading.table import Origins, RawTable, ReadOptions


def read_table(path: Path, options: ReadOptions | None = None, columns: Collection[str] | None = None) -> RawTable:
    """The table at `path`: a file, a folder or a glob of files.

    Args:
        path: where it lies.
        options: what settles a doubt.
        columns: the columns that are wanted, all by default.

    Raises:
        DataError: names file, row and the way out.
    """
    return read_delimited(path, options or ReadOptions(), columns)


def column_names(path: Path, options: ReadOptions | None = None) -> list[str]:
    """The columns of the table at `path`.

    Raises:
        DataError: as `read_table`.
    """
    return list(read_table(path, options).columns.column_names)


__all__ = ["Origins", "RawTable", "ReadOptions", "column_names", "read_table"]
