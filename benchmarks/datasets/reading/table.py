"""A table as its file holds it, before anything is decided about its values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from benchmarks.datasets.loading.splits import DataError


@dataclass(frozen=True)
class ReadOptions:
    """What settles a doubt about a file; None: find out.

    Attributes:
        encoding: of text files, as Python names it ("cp1252").
        separator: between the cells of a CSV file, one character; `tab` may be written out.
        quotes: how a quote inside a quoted cell is written: doubled ("") or after a backslash.
        header: whether the first row of a CSV file names the columns; without names they are `column_1`, `column_2`, ...
        sheet: of an Excel file, by name.
    """

    encoding: str | None = None
    separator: str | None = None
    quotes: Literal["doubled", "backslash"] | None = None
    header: bool | None = None
    sheet: str | None = None


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
    """

    columns: pa.Table
    origins: Origins
    folder: Path
    notes: tuple[str, ...] = ()
    class_names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    decimal_comma: bool = False

    def __post_init__(self) -> None:
        if len(self.origins) != self.columns.num_rows:
            raise DataError(f"{self.columns.num_rows} rows, {len(self.origins)} origins")
