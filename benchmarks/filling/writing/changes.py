"""What becomes of a table: empty cells of some columns are filled, columns are appended, and nothing else changes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.datasets.loading.splits import DataError
from benchmarks.datasets.reading import RawTable, ReadOptions, read_table


@dataclass(frozen=True)
class Source:
    """A table that was read, and how; its file is read again where cells must stay byte by byte as they are.

    Attributes:
        stamp: of the only file, before it was read; None where there is none.
    """

    raw: RawTable
    options: ReadOptions
    stamp: tuple[int, ...] | None = None

    @classmethod
    def read(cls, path: Path, options: ReadOptions) -> Source:
        """The table at `path`.

        Raises:
            DataError: as `read_table`.
        """
        before = _stamp(path) if path.is_file() else None
        source = cls(read_table(path, options), options)
        return source if source.file is None else replace(source, stamp=before or _stamp(source.file))

    def check_unchanged(self) -> None:
        """Refuse a file that is not the one that was read.

        Raises:
            DataError: names it.
        """
        if self.file is not None and self.stamp not in (None, _stamp(self.file)):
            raise DataError(f"{self.file} changed while it was filled; run the command again")

    @property
    def file(self) -> Path | None:
        """The only file of the table; None where it was made of several or of a folder."""
        path = self.raw.folder / self.raw.origins.files[0]
        return path if len(self.raw.origins.files) == 1 and path.is_file() else None


def _stamp(file: Path) -> tuple[int, ...]:
    """Size, time and place of a file: another after every usual change."""
    found = file.stat()
    return found.st_size, found.st_mtime_ns, found.st_ino


@dataclass(frozen=True)
class Changes:
    """What is written beside what is there.

    Attributes:
        filled: column of the table -> the values that its empty cells may get.
        added: the new columns, strings and doubles, in their order.
        blocks: the rows in their order, as tables of the columns `filled`, null where the cell stays, and `added`.
    """

    filled: Mapping[str, tuple[str, ...]]
    added: pa.Schema
    blocks: Iterable[pa.Table]

    def names(self) -> list[str]:
        """Of the columns of a block."""
        return [*self.filled, *self.added.names]

    def rows(self) -> Iterator[tuple[list[str | None], list[str | float | None]]]:
        """(What fills each column of `filled`, the cells of `added`), row by row."""
        count = len(self.filled)
        for block in self.blocks:
            columns = [block[name].to_pylist() for name in self.names()]
            for cells in zip(*columns, strict=True):
                yield list(cells[:count]), list(cells[count:])


def merged(source: Source, changes: Changes) -> Iterator[pa.Table]:
    """The new table in blocks, the cells of the old one as the texts that were read."""
    start = 0
    for block in changes.blocks:
        table = source.raw.columns.slice(start, block.num_rows)
        start += block.num_rows
        for name in changes.filled:
            place = table.column_names.index(name)
            table = table.set_column(place, name, pc.coalesce(block[name], table[name]))
        for name in changes.added.names:
            table = table.append_column(name, block[name])
        yield table


def decimal(value: float) -> str:
    """A confidence or a weight as text."""
    return f"{value:.6f}"


def literal(text: str) -> str | float:
    """The number or truth value that a text is in JSON, else the text."""
    try:
        value: object = json.loads(text, parse_constant=str)
    except ValueError:
        return text
    return value if isinstance(value, int | float) else text
