"""A table as its file holds it, before anything is decided about its values, and the names of its columns."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from uuid import uuid4

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.datasets.loading.splits import DataError
from benchmarks.datasets.reading.layout import Layout
from benchmarks.names import UnknownName, choose

BLANKS = "".join(chr(code) for code in (*range(9, 14), *range(28, 33), 0x85, 0xA0, 0x1680, *range(0x2000, 0x200C),
    0x2028, 0x2029, 0x202F, 0x205F, 0x2060, 0x3000, 0xFEFF))  # fmt: skip
"""White space as Python knows it, and the characters of no width that web pages leave behind."""
PHOTO_NAME = re.compile(r"(?i).*\.(jpe?g|png|webp|gif|bmp|tiff?|avif|heic)|https?://.*")
NUMBER = re.compile(r"[-+]?\d+([.,]\d+)?")


@dataclass(frozen=True)
class ReadOptions:
    """What settles a doubt about a file; None: find out.

    Attributes:
        encoding: of text files, as Python names it ("cp1252").
        separator: between the cells of a CSV file: one character, or comma, semicolon, tab, bar.
        quotes: how a quote inside a quoted cell is written: doubled ("") or after a backslash.
        header: whether the first row of a CSV file names the columns; else they are called `column_1`, ...
        sheet: of an Excel file, by name.
        spool: a folder for the rows of a large table; they are then kept on disk and memory-mapped, not held in memory.
    """

    encoding: str | None = None
    separator: str | None = None
    quotes: Literal["doubled", "backslash"] | None = None
    header: bool | None = None
    sheet: str | None = None
    spool: Path | None = None

    def kept(self, rows: pa.Table) -> pa.Table:
        """The rows, memory-mapped from a file of their own if there is a folder for it."""
        if self.spool is None:
            return rows
        path = str(self.spool / f"{uuid4().hex}.arrow")
        with pa.OSFile(path, "wb") as sink, pa.ipc.new_file(sink, rows.schema) as file:
            file.write_table(rows)
        with pa.memory_map(path) as source:
            return pa.ipc.open_file(source).read_all()


@dataclass(frozen=True)
class Origins:
    """Where every row stands, for messages: `origins[16]` is "products.csv, row 18".

    A row's number is the one a spreadsheet shows: the header is row 1, blank lines count, a cell with line breaks in
    it is one row. In files without a header (JSON Lines, Parquet) the first row is 1.

    Attributes:
        files: names of the files, in the order of their rows.
        starts: Int[files], index of the first row of each.
        numbers: Int[rows], the number of each row in its file.
    """

    files: tuple[str, ...]
    starts: npt.NDArray[np.int64]
    numbers: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, row: int) -> str:
        file = self.files[int(np.searchsorted(self.starts, row, side="right")) - 1]
        return f"{file}, row {self.numbers[row]}"

    @classmethod
    def of_file(cls, name: str, numbers: npt.NDArray[np.int64]) -> Origins:
        """The rows of a single file."""
        return cls((name,), np.zeros(1, np.int64), numbers)

    @classmethod
    def joined(cls, parts: Sequence[Origins]) -> Origins:
        """The rows of all parts, one after the other."""
        offsets = np.cumsum([0, *(len(part) for part in parts)])[:-1]
        return cls(
            tuple(file for part in parts for file in part.files),
            np.concatenate([part.starts + offset for part, offset in zip(parts, offsets, strict=True)]),
            np.concatenate([part.numbers for part in parts]),
        )


@dataclass(frozen=True)
class RawTable:
    """Columns as they are written, stripped of blanks at both ends; missing words are still words.

    Attributes:
        columns: strings (null only where the file has no cell or a null of its own), or binary where a column holds
            encoded images.
        origins: where each row stands.
        folder: relative paths of photos are below it.
        notes: one line a file kind: "products.csv: cp1252, separator ';', 150 rows".
        class_names: column -> its classes, where the file declares them; the cells are these names already.
        decimal_comma: the file writes 0,5 for a half (only where the separator is not a comma).
        layout: of a single CSV file, or of the first of several.
    """

    columns: pa.Table
    origins: Origins
    folder: Path
    notes: tuple[str, ...] = ()
    class_names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    decimal_comma: bool = False
    layout: Layout | None = None


def strip(cells: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Strings without blanks at their ends."""
    return pc.utf8_trim(cells, characters=BLANKS)


def select(table: pa.Table, columns: Collection[str] | None, path: Path) -> pa.Table:
    """The wanted columns, in the table's order; all if `columns` is None.

    Raises:
        DataError: one is not there; names those that are.
    """
    for column in columns or ():
        try:
            choose(column, table.column_names, "column")
        except UnknownName as error:
            raise DataError(f"{path}: {error.args[0]}") from error
    return table if columns is None else table.select([name for name in table.column_names if name in columns])


def named_columns(cells: pa.Table, where: str, header: bool | None) -> tuple[pa.Table, int, list[str]]:
    """(The table under the names that its first row gives, 1 if it does and 0 if there are none, notes).

    Args:
        cells: rows of stripped strings, the header's first.
        where: file and row of the header, for messages.
        header: as in `ReadOptions`.

    Raises:
        DataError: a name twice, a first row that looks like data, or nothing below it.
    """
    if header is False:
        return cells.rename_columns([f"column_{n + 1}" for n in range(cells.num_columns)]), 0, []
    names = [column[0].as_py() for column in cells.columns]
    body = cells.slice(1)
    if not body.num_rows:
        raise DataError(f"{where}: no rows below the header")
    if header is None:
        _check_header(names, body, where)
    unused = [n for n, name in enumerate(names) if not name and not pc.any(pc.not_equal(body[n], "")).as_py()]
    notes = [f"{len(unused)} columns without a name and without content are left out"] if unused else []
    for n, name in enumerate(names):
        if not name and n not in unused:
            names[n] = f"column_{n + 1}"
            notes.append(f"column {n + 1} has no name; it is called {names[n]!r}")
    kept = [n for n in range(len(names)) if n not in unused]
    twice = [name for name, count in Counter(names[n] for n in kept).items() if count > 1]
    if twice:
        raise DataError(f"{where}: column {twice[0]!r} occurs twice; rename one of them")
    return body.select(kept).rename_columns([names[n] for n in kept]), 1, notes


def _check_header(names: Sequence[str], body: pa.Table, where: str) -> None:
    """Refuse a first row like the others: a photo's name, or half of the cells numbers or values of their columns."""
    photos = [name for name in names if PHOTO_NAME.fullmatch(name)]
    alike = [
        name
        for name, column in zip(names, body.columns, strict=True)
        if name and (NUMBER.fullmatch(name) or pc.any(pc.equal(column, name)).as_py())
    ]
    if photos or 2 * len(alike) >= len([name for name in names if name]):
        raise DataError(
            f"{where}: looks like data ({(photos or alike)[0]!r}), not like names of columns; write the names above it "
            "as the first row, or say header=true if these are the names, header=false if there are none"
        )
