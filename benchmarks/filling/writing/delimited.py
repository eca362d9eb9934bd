"""CSV as the source has it: every cell byte by byte as it was, and what is new in the same dialect and encoding."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import islice
from pathlib import Path
from typing import TextIO

import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.datasets.loading.splits import DataError
from benchmarks.datasets.reading.encoding import open_bytes, open_text
from benchmarks.datasets.reading.layout import Dialect, Layout
from benchmarks.filling.writing.changes import Changes, Source, decimal, merged
from benchmarks.filling.writing.encoded import Encoded

SEPARATORS = {".tsv": "\t", ".tab": "\t"}
CACHED = 10_000
"""Different new cells whose text is remembered; most are classes and decisions."""
LOOKED_AT = 20_000
"""Rows in which decimal commas are looked for."""


@dataclass(frozen=True)
class Style:
    """How new cells are written."""

    dialect: Dialect
    encoded: Encoded
    quote_all: bool = False
    decimal_comma: bool = False

    def cell(self, value: str | float | None) -> str:
        """Quoted where it has to be, or where the file quotes every cell."""
        if isinstance(value, float):
            value = decimal(value).replace(".", ",") if self.decimal_comma else decimal(value)
        text = self.encoded.escaped(value or "")
        if not self.quote_all and not self._needs_quotes.search(text):
            return text
        if self.dialect.backslash:
            return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
        return '"' + text.replace('"', '""') + '"'

    @cached_property
    def _needs_quotes(self) -> re.Pattern[str]:
        backslash = r"\\" if self.dialect.backslash else ""
        return re.compile(rf'["\r\n{re.escape(self.dialect.separator)}{backslash}]|^\s|\s$')


@dataclass(frozen=True)
class Record:
    """One row as the file has it: all of its text up to the line end, the line end, and what its cells mean."""

    text: str
    end: str
    cells: Sequence[str]

    @classmethod
    def of(cls, raw: str, cells: Sequence[str]) -> Record:
        """From the lines of the row."""
        text = raw.removesuffix("\n").removesuffix("\r") if raw.endswith("\r\n") else raw.rstrip("\r\n")
        return cls(text, raw[len(text) :], cells)


def records(lines: TextIO, dialect: Dialect) -> Iterator[Record]:
    """All rows of a file that is known to fit the dialect."""
    taken: list[str] = []

    def taking() -> Iterator[str]:
        for line in lines:
            taken.append(line)
            yield line

    for cells in dialect.reader(taking()):
        yield Record.of("".join(taken), cells)
        taken.clear()


def raw_cells(text: str, dialect: Dialect) -> list[str]:
    """The text of a row, cut at its separators: quotes and blanks stay."""
    separator = re.escape(dialect.separator)
    quoted, plain = r' *"(?:[^"]|"")*"', rf"[^{separator}]*"
    if dialect.backslash:
        quoted, plain = r' *"(?:[^"\\]|\\.)*"', rf"(?:[^{separator}\\]|\\.)*"
    pattern = re.compile(rf"(?s)(?:{quoted}(?={separator}|\Z)|{plain})")
    found: list[str] = []
    place = 0
    while True:
        match = pattern.match(text, place)
        assert match is not None
        found.append(match[0])
        place = match.end() + 1
        if match.end() == len(text):
            return found


def style_of(source: Source, file: Path, layout: Layout) -> Style:
    """The habits of a file."""
    encoded = Encoded.like(file, layout.encoding)
    with open_text(file, layout.encoding) as lines:
        first = next((r for r in islice(records(lines, layout.dialect), layout.header or 1) if any(r.cells)), None)
    header = raw_cells(first.text, layout.dialect) if first else []
    quote_all = bool(header) and all(cell.strip().startswith('"') for cell in header)
    return Style(layout.dialect, encoded, quote_all, _decimal_comma(source))


def _decimal_comma(source: Source) -> bool:
    """Whether halves are 0,5 here: as the file's other numbers are; without any, with semicolons only."""
    if not source.raw.decimal_comma:
        return False
    cells = source.raw.columns.slice(0, LOOKED_AT)
    texts = [column for column in cells.columns if pa.types.is_string(column.type)]
    commas, points = (
        sum(pc.sum(pc.match_substring_regex(column, pattern)).as_py() or 0 for column in texts)
        for pattern in (r"^-?\d+,\d+$", r"^-?\d+\.\d+$")
    )
    layout = source.raw.layout
    return bool(commas > points or (commas == points and layout is not None and layout.dialect.separator == ";"))


def check(source: Source, changes: Changes, target: Path) -> None:
    """Refuse answers that the file's encoding has no characters for.

    Raises:
        DataError: names the answer, the encoding and the way out.
    """
    encoded = style(source, target).encoded
    said = [*changes.added.names, *(value for values in changes.filled.values() for value in values)]
    wrong = next((text for text in said if not encoded.sayable(text)), None)
    if wrong is not None:
        raise DataError(
            f"{target}: {wrong!r} cannot be written in {encoded.codec}, the encoding of the table; save the table as "
            "UTF-8 first, or let --out end in .parquet, .jsonl or .xlsx"
        )


def note(source: Source, changes: Changes, target: Path) -> str | None:
    """A table of ASCII alone does not say which encoding is expected of letters that only the answers have."""
    encoded, file = style(source, target).encoded, source.file
    said = sorted(value for values in changes.filled.values() for value in values if not value.isascii())
    if not said or file is None or source.raw.layout is None or encoded != Encoded():
        return None
    with open_bytes(file) as opened:
        if not all(line.isascii() for line in opened):
            return None
    return (
        f"The table has ASCII letters only, so answers such as {said[0]!r} are written in UTF-8. Excel may show them "
        "wrong: --option encoding=cp1252 writes them as it expects, or let --out end in .xlsx."
    )


def style(source: Source, target: Path) -> Style:
    """How the target is written: as the source where that is CSV of the same ending, else as UTF-8.

    What comes from Excel has the mark by which Excel knows UTF-8.
    """
    layout = source.raw.layout
    if layout is not None and source.file is not None and _ending(source.file) == _ending(target):
        return style_of(source, source.file, layout)
    if layout is not None and source.raw.origins.files[0].lower().removesuffix(".gz").endswith(_ending(target)):
        codec = layout.encoding if layout.encoding not in ("utf-8-sig", "utf-16", "utf-32") else "utf-8"
        return Style(layout.dialect, Encoded(codec), decimal_comma=_decimal_comma(source))
    from_excel = source.raw.origins.files[0].lower().endswith((".xlsx", ".xlsm"))
    encoded = Encoded("utf-8", codecs.BOM_UTF8) if from_excel else Encoded()
    return Style(Dialect(SEPARATORS.get(_ending(target), ",")), encoded)


def _ending(path: Path) -> str:
    return Path(path.name.lower().removesuffix(".gz")).suffix


def copy(source: Source, changes: Changes, target: Path) -> None:
    """The source's own file with cells filled and cells appended to every row.

    Raises:
        DataError: the file changed since it was read.
    """
    file, layout = source.file, source.raw.layout
    assert file is not None
    assert layout is not None
    style = style_of(source, file, layout)
    places = [layout.names().index(name) for name in changes.filled]
    numbers, rows = iter(source.raw.origins.numbers.tolist()), changes.rows()
    following = next(numbers, None)
    separator = layout.dialect.separator
    blank = separator * len(changes.added.names)
    names = separator.join(style.cell(name) for name in changes.added.names)
    cell = lru_cache(CACHED)(style.cell)
    with open_text(file, layout.encoding) as lines, style.encoded.create(target) as out:
        if layout.declared:
            out.write(lines.readline())
        for number, record in enumerate(records(lines, layout.dialect), start=1):
            if number == following:
                fills, added = next(rows)
                text = _filled(record.text, fills, places, style)
                out.write(text + "".join(separator + cell(value) for value in added) + record.end)
                following = next(numbers, None)
            elif number == layout.header:
                out.write(record.text + separator + names + record.end)
            else:  # a line without content
                out.write(record.text + (blank if record.text.strip() else "") + record.end)
    if following is not None:
        raise DataError(f"{file}: row {following} is gone; the file changed while it was filled, run the command again")


def _filled(text: str, fills: Sequence[str | None], places: Sequence[int], style: Style) -> str:
    if not any(fill is not None for fill in fills):
        return text
    cells = raw_cells(text, style.dialect)
    for fill, place in zip(fills, places, strict=True):
        if fill is not None:
            cells[place] = style.cell(fill)
    return style.dialect.separator.join(cells)


def write(source: Source, changes: Changes, target: Path) -> None:
    """A new file with the cells as they were read."""
    how = style(source, target)
    with how.encoded.create(target) as out:
        writer = csv.writer(
            out,
            delimiter=how.dialect.separator,
            lineterminator="\n",
            doublequote=not how.dialect.backslash,
            escapechar="\\" if how.dialect.backslash else None,
        )
        writer.writerow([*source.raw.columns.column_names, *changes.added.names])
        for table in merged(source, changes):
            columns = [_texts(column, how) for column in table.columns]
            writer.writerows(zip(*columns, strict=True))


def _texts(column: pa.ChunkedArray, style: Style) -> list[str]:
    texts = [decimal(value) if isinstance(value, float) else value or "" for value in column.to_pylist()]
    if pa.types.is_floating(column.type) and style.decimal_comma:
        return [text.replace(".", ",") for text in texts]
    return texts
