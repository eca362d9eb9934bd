"""How a CSV file is written: enough to read it as it was meant, and to write another like it."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

csv.field_size_limit(2**31 - 1)  # a long text is as welcome here as in JSON; an open quote is still an error


@dataclass(frozen=True)
class Dialect:
    """How the cells of a file are told apart."""

    separator: str
    backslash: bool = False

    def reader(self, lines: Iterable[str]) -> Iterator[list[str]]:
        """Rows of cells; `csv.Error` where a quoted cell does not end as it should."""
        escape = "\\" if self.backslash else None
        return csv.reader(
            lines,
            delimiter=self.separator,
            escapechar=escape,
            doublequote=not self.backslash,
            skipinitialspace=True,
            strict=True,
        )

    def __str__(self) -> str:
        quotes = ", quotes after a backslash" if self.backslash else ""
        return f"separator {self.separator!r}{quotes}".replace(r"'\t'", "tab")


@dataclass(frozen=True)
class Layout:
    """What holds for a whole file.

    Attributes:
        encoding: as Python names it; `utf-8-sig` and `utf-16` begin with a mark.
        dialect: separator and quotes.
        declared: the first line is `sep=;` or the like.
        header: number of the row that names the columns, as `Origins` counts; None without one.
        cells: of that row, without blanks at their ends; empty where there is none.
    """

    encoding: str
    dialect: Dialect
    declared: bool
    header: int | None
    cells: tuple[str, ...]

    def names(self) -> list[str]:
        """Of all columns, also of those without a name."""
        return [cell or f"column_{n}" for n, cell in enumerate(self.cells, start=1)]
