"""CSV, JSON Lines and Parquet to rows of text cells, with an exact word on what cannot be read."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.datasets.loading.splits import DataError
from benchmarks.names import UnknownName, choose

csv.field_size_limit(2**31 - 1)  # a long text is as welcome here as in JSON; an open quote is still an error
MISSING = ("", "nan", "NaN", "null", "NULL")


class Record(NamedTuple):
    """A row's cells by column, stripped of white space; None where nothing stands."""

    origin: str
    cells: Mapping[str, str | None]


class _Table(NamedTuple):
    columns: Sequence[str]
    rows: Iterator[tuple[int, Mapping[str, Any]]]
    """(Number as an editor shows it, cells.)"""


def read_utf8(path: Path) -> str:
    """The file as text, without a byte order mark.

    Raises:
        DataError: not UTF-8; names line and byte.
    """
    data = path.read_bytes()
    try:
        return data.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{path}, line {line}: byte {error.start} of the file, 0x{data[error.start]:02x}, is not UTF-8; "
            "convert the file, for example: iconv -f WINDOWS-1252 -t UTF-8"
        ) from error


def find(name: str, root: Path | None) -> Path:
    """The file at `root`, or the only one in that folder.

    Raises:
        DataError: there is none, or more than one; names the data set and the valid kinds.
    """
    kinds = ", ".join(READERS)
    if root is None:
        raise DataError(f"{name} needs a file: --data {name}=FILE, one of {kinds}")
    if not root.exists():
        raise DataError(f"{name}: {root} does not exist; it must be one of {kinds}, or a folder with one such file")
    if root.is_dir():
        files = sorted(path for path in root.iterdir() if path.suffix.lower() in READERS and path.is_file())
        if len(files) != 1:
            found = ", ".join(path.name for path in files) or "none"
            raise DataError(f"{name}: {root} must hold exactly one file of {kinds}; found {found}")
        return files[0]
    if root.suffix.lower() not in READERS:
        raise DataError(f"{name}: {root} ends in {root.suffix!r}; valid are {kinds}")
    return root


def read_records(path: Path, wanted: Mapping[str, str]) -> list[Record]:
    """The wanted columns of every row. Numbers become text as they are written; empty, NaN and null are missing.

    `wanted` maps each column to the option that names it.

    Raises:
        DataError: a column that is not there, a row that cannot be parsed, a cell that holds more than one value.
    """
    table = READERS[path.suffix.lower()](path, list(wanted))
    for column, option in wanted.items():
        try:
            choose(column, table.columns, "column")
        except UnknownName as error:
            raise DataError(f"{path}: option {option}: {error}") from error
    return [_record(f"{path.name}, row {number}", cells, wanted) for number, cells in table.rows]


def _record(origin: str, cells: Mapping[str, Any], wanted: Iterable[str]) -> Record:
    return Record(origin, {column: _cell(cells.get(column), f"{origin}, column {column!r}") for column in wanted})


def _cell(value: object, where: str) -> str | None:
    try:
        return cell(value)
    except ValueError as error:
        raise DataError(f"{where}: {repr(value)[:80]} {error}") from error


def cell(value: object) -> str | None:
    """Its text, stripped of white space; None where nothing stands.

    Raises:
        ValueError: what is wrong with the value, without the value: more than one, or not Unicode.
    """
    if isinstance(value, (list, dict, bytes)):
        raise ValueError("is not text or a number")
    text = "" if value is None else str(value).strip()
    try:
        text.encode()
    except UnicodeEncodeError as error:  # JSON can spell half a character: "\\ud800"
        raise ValueError(f"is not Unicode text: {error.reason}") from error
    return None if text in MISSING else text


def _csv(path: Path, _: Sequence[str]) -> _Table:
    reader = csv.reader(io.StringIO(read_utf8(path), newline=""), strict=True)
    columns = next(reader, [])
    twice = [column for column in columns if columns.count(column) > 1]
    if not columns or twice:
        raise DataError(f"{path}, row 1: " + (f"column {twice[0]!r} occurs twice" if twice else "no column names"))
    return _Table(columns, _csv_rows(path, reader, columns))


def _csv_rows(path: Path, reader: Iterator[list[str]], columns: list[str]) -> Iterator[tuple[int, dict[str, str]]]:
    number = 1
    try:
        for number, cells in enumerate(reader, start=2):
            if not cells:  # an empty line
                continue
            if len(cells) != len(columns):
                raise DataError(f"{path}, row {number}: {len(cells)} cells, the header has {len(columns)}: {cells!r}")
            yield number, dict(zip(columns, cells, strict=True))
    except csv.Error as error:
        raise DataError(f"{path}, row {number + 1}: {error}") from error


def _jsonl(path: Path, _: Sequence[str]) -> _Table:
    rows = []
    for number, line in enumerate(read_utf8(path).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            cells = json.loads(line)
        except (ValueError, RecursionError) as error:  # also a number of 5,000 digits, 100,000 brackets
            raise DataError(f"{path}, row {number}: cannot be read as JSON: {error}") from error
        if not isinstance(cells, dict):
            raise DataError(f"{path}, row {number}: expected an object, found {line[:80]}")
        rows.append((number, cells))
    return _Table(list(dict.fromkeys(column for _, cells in rows for column in cells)), iter(rows))


def _parquet(path: Path, wanted: Sequence[str]) -> _Table:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(path)
        columns = file.schema_arrow.names
        rows = file.read([column for column in wanted if column in columns]).to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: cannot be read as Parquet: {error}") from error
    return _Table(columns, iter(enumerate(rows, start=1)))


READERS: dict[str, Callable[[Path, Sequence[str]], _Table]] = {".csv": _csv, ".jsonl": _jsonl, ".parquet": _parquet}
