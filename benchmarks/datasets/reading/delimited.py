"""CSV and its relatives (semicolons, tabs, bars) to columns, by Python's strict `csv` reader in chunks.

Tried with their defaults on 27 small files: DuckDB finds separators best, but says nothing of a ragged row,
an open quote or a column named twice, and finds neither UTF-16 nor Windows-1252; polars and pyarrow look
for no separator; clevercsv was wrong on five. So nothing is guessed: a separator is right if it makes a rectangle of
the whole file, and where two do, the file is refused. A million rows of five cells take 3 s (DuckDB 1.2 s).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.datasets.loading.splits import DataError
from benchmarks.datasets.reading.encoding import contains, find_encoding, open_text
from benchmarks.datasets.reading.layout import Dialect, Layout
from benchmarks.datasets.reading.table import Origins, RawTable, ReadOptions, named_columns, strip

SEPARATORS = (",", ";", "\t", "|")
NAMES = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"}
FAULTS = {"unexpected end of data": "a quoted cell that starts here never ends"}
ROWS = 20_000  # a chunk: small enough to hold as Python rows
SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\r?\n?')


@dataclass(frozen=True)
class _Reading:
    """All rows with content, the header's among them, as columns `0`, `1`, ..."""

    dialect: Dialect
    cells: pa.Table
    numbers: npt.NDArray[np.int64]


class _NotRectangularError(Exception):
    """A row that does not fit, and why."""

    def __init__(self, row: int, fault: str):
        super().__init__(row, fault)
        self.row, self.fault = row, fault


def read_delimited(path: Path, options: ReadOptions) -> RawTable:
    """The rows of a CSV file; those without any content are blank lines.

    Raises:
        DataError: a row with too few or too many cells, an open quote, a column named twice, an encoding, separator or
            header in doubt; names the row or the option that settles it.
    """
    encoding = find_encoding(path, options.encoding)
    reading = _only_reading(path, encoding, options)
    table, header, notes = named_columns(reading.cells, f"{path}, row {reading.numbers[0]}", options.header)
    found = f"{path.name}: {encoding.removesuffix('-sig')}, {reading.dialect}, {table.num_rows:,} rows"
    return RawTable(
        table,
        Origins.of_file(path.name, reading.numbers[header:]),
        path.parent,
        (found, *(f"{path.name}: {note}" for note in notes)),
        decimal_comma=reading.dialect.separator != ",",
        layout=Layout(
            encoding,
            reading.dialect,
            _declared_separator(path, encoding) is not None,
            int(reading.numbers[0]) if header else None,
            tuple(str(column[0]) if header else "" for column in reading.cells.columns),
        ),
    )


def _only_reading(path: Path, encoding: str, options: ReadOptions) -> _Reading:
    """The one way to read the whole file as a rectangle.

    Raises:
        DataError: there is none (what is wrong with the likeliest), or more than one.
    """
    declared = _declared_separator(path, encoding)
    readings: list[_Reading] = []
    faults: list[tuple[int, str]] = []
    for separator in _candidates(path, encoding, options, declared):
        try:
            readings += _readings(path, encoding, separator, options, skip=declared is not None)
        except _NotRectangularError as error:
            faults.append((error.row, error.fault))
    if any(reading.cells.num_columns > 1 for reading in readings):  # any table is one column for a separator it lacks
        readings = [reading for reading in readings if reading.cells.num_columns > 1]
    distinct = [one for n, one in enumerate(readings) if not any(_same(one, other) for other in readings[:n])]
    if not distinct:
        row, fault = max(faults, default=(1, "no cells"))
        raise DataError(f"{path}, row {row}: {fault}")
    if len(distinct) > 1:
        ways = "; or with ".join(f"{reading.dialect}, {reading.cells.num_columns} columns" for reading in distinct)
        raise DataError(f"{path}: can be read with {ways}; say which: separator=CHARACTER, quotes=doubled|backslash")
    return distinct[0]


def _same(one: _Reading, other: _Reading) -> bool:
    return bool(one.cells.equals(other.cells))


def _declared_separator(path: Path, encoding: str) -> str | None:
    """What a first line `sep=;`, as Excel reads it and some shops write it, says."""
    with open_text(path, encoding) as file:
        match = SEPARATOR_LINE.fullmatch(file.readline(20))
    return match[1] if match else None


def _candidates(path: Path, encoding: str, options: ReadOptions, declared: str | None) -> list[str]:
    """The separators that make two columns or more of the first row; all of them where it has one cell."""
    given = options.separator or declared
    if given:
        separator = NAMES.get(given, given)
        if len(separator) != 1 or separator in '\r\n"':
            raise DataError(f"{path}: separator={given!r} must be a single character, or one of {', '.join(NAMES)}")
        return [separator]
    with open_text(path, encoding) as file:
        line = next((line for line in file if line.strip()), "")
    found = [separator for separator in SEPARATORS if separator in line]
    return list(SEPARATORS) if not found or '"' in line else found  # a quoted cell may go on in the next line


def _readings(path: Path, encoding: str, separator: str, options: ReadOptions, *, skip: bool) -> list[_Reading]:
    """With quotes doubled, and after backslashes if any quote stands after one.

    Raises:
        _NotRectangularError: neither fits.
    """
    doubled, backslash = Dialect(separator), Dialect(separator, backslash=True)
    if options.quotes:
        return [_read(path, encoding, backslash if options.quotes == "backslash" else doubled, options, skip=skip)]
    if not contains(path, encoding, '\\"'):
        return [_read(path, encoding, doubled, options, skip=skip)]
    readings: list[_Reading] = []
    faults: list[_NotRectangularError] = []
    for dialect in (doubled, backslash):
        try:
            readings.append(_read(path, encoding, dialect, options, skip=skip))
        except _NotRectangularError as error:
            faults.append(error)
    if not readings:
        raise faults[0]
    if len(readings) == 2 and _unescaped(readings[0].cells).equals(readings[1].cells):
        escaped = any(pc.any(pc.match_substring(column, '\\"')).as_py() for column in readings[0].cells.columns)
        return readings[1:] if escaped else readings[:1]  # without such a quote, backslashes are themselves
    return readings


def _unescaped(cells: pa.Table) -> pa.Table:
    r"""Without the backslashes that escape: then a cell `5\" tablet` without quotes around it is no doubt."""
    columns = [strip(pc.replace_substring_regex(column, r"(?s)\\(.)", r"\1")) for column in cells.columns]
    return pa.table(columns, names=cells.column_names)


def _read(path: Path, encoding: str, dialect: Dialect, options: ReadOptions, *, skip: bool) -> _Reading:
    """The file in this dialect.

    Raises:
        _NotRectangularError: it does not fit.
    """
    parts: list[tuple[pa.Table, npt.NDArray[np.int64]]] = []
    width = 0
    with open_text(path, encoding) as file:
        if skip:
            file.readline()
        for first, chunk in _chunks(dialect.reader(file)):
            width = width or next((len(row) for row in chunk if _has_content(row)), 0)
            numbers, rows = _with_content(chunk, first, width)
            if rows:
                cells, found = _columns(rows, numbers)
                parts.append((options.kept(cells), found))
    if not parts:
        raise _NotRectangularError(1, "nothing but blank lines")
    return _Reading(dialect, pa.concat_tables([cells for cells, _ in parts]), np.concatenate([n for _, n in parts]))


def _chunks(reader: Iterator[list[str]]) -> Iterator[tuple[int, list[list[str]]]]:
    """(Number of the first row, rows)."""
    first = 1
    while True:
        rows: list[list[str]] = []
        try:
            rows.extend(islice(reader, ROWS))
        except csv.Error as error:
            yield first, rows
            raise _NotRectangularError(first + len(rows), FAULTS.get(str(error), str(error))) from error
        if not rows:
            return
        yield first, rows
        first += len(rows)


def _with_content(rows: list[list[str]], first: int, width: int) -> tuple[Sequence[int], list[list[str]]]:
    """(Numbers, rows) of the rows that hold anything.

    Raises:
        _NotRectangularError: one of them is not `width` cells wide.
    """
    numbers = range(first, first + len(rows))
    if width and {len(row) for row in rows} == {width}:
        return numbers, rows
    kept = [(number, row) for number, row in zip(numbers, rows, strict=True) if _has_content(row)]
    for number, row in kept:
        if len(row) != width:
            raise _NotRectangularError(number, f"{len(row)} cells, the header has {width}: {str(row)[:200]}")
    return [number for number, _ in kept], [row for _, row in kept]


def _has_content(row: list[str]) -> bool:
    return any(cell.strip() for cell in row)


def _columns(rows: list[list[str]], numbers: Sequence[int]) -> tuple[pa.Table, npt.NDArray[np.int64]]:
    """Stripped columns `0`, `1`, ... and the numbers of their rows, without those that are empty."""
    arrays = [strip(pa.array(cells, pa.string())) for cells in zip(*rows, strict=True)]
    filled = reduce(pc.or_, [pc.not_equal(cells, "") for cells in arrays])
    cells = pa.table(arrays, [str(n) for n in range(len(arrays))])
    return cells.filter(filled), np.array(numbers, np.int64)[filled.to_numpy(zero_copy_only=False)]
