"""JSON Lines and JSON arrays of objects to columns; numbers stay as they are written.

Python's parser: those of Arrow, polars and DuckDB turn 1.10 into 1.1, and a column of mixed kinds into an error.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.datasets.loading.splits import DataError
from benchmarks.datasets.reading.encoding import find_encoding, open_text
from benchmarks.datasets.reading.table import Origins, RawTable, ReadOptions, strip

ROWS = 20_000
DECODER = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str)


def read_json(path: Path, options: ReadOptions) -> RawTable:
    """One object a line, or an array of objects; a cell that holds a list or an object stays JSON text.

    Raises:
        DataError: what is not JSON, or not an object, with its row.
    """
    encoding = find_encoding(path, options.encoding)
    is_array = _starts_with_bracket(path, encoding)
    found = _array(path, encoding) if is_array else _lines(path, encoding)
    parts: list[pa.Table] = []
    numbers: list[int] = []
    names: list[str] = []
    while chunk := list(islice(found, ROWS)):
        numbers += [number for number, _ in chunk]
        names = list(dict.fromkeys(name for _, cells in chunk for name in cells))
        parts.append(options.kept(pa.table({name: strip(_column(path, name, chunk)) for name in names})))
    if not numbers:
        raise DataError(f"{path}: no rows")
    if numbers == [1] and (inner := [name for name in names if "[{" in str(parts[0][name][0])[:2]]):
        raise DataError(
            f"{path}: a single object; if its {inner[0]!r} are the rows, save that list as a file of its own"
        )
    table = pa.concat_tables(parts, promote_options="default")
    kind = "a JSON array" if is_array else "JSON Lines"
    return RawTable(
        table,
        Origins.of_file(path.name, np.array(numbers, np.int64)),
        path.parent,
        (f"{path.name}: {kind}, {encoding.removesuffix('-sig')}, {table.num_rows:,} rows",),
    )


def _starts_with_bracket(path: Path, encoding: str) -> bool:
    with open_text(path, encoding) as file:
        return next((line.lstrip()[0] for line in file if line.strip()), "") == "["


def _lines(path: Path, encoding: str) -> Iterator[tuple[int, dict[str, Any]]]:
    with open_text(path, encoding) as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield number, _object(_parsed(path, number, line.strip()), path, number)


def _array(path: Path, encoding: str) -> Iterator[tuple[int, dict[str, Any]]]:
    with open_text(path, encoding) as file:
        values = _parsed(path, 1, file.read().strip())
    for number, value in enumerate(values if isinstance(values, list) else [values], start=1):
        yield number, _object(value, path, number)


def _parsed(path: Path, number: int, text: str) -> object:
    try:
        return DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        hint = "; a file holds one object a line, or one array of objects" if number == 1 else ""
        raise DataError(f"{path}, row {number}: cannot be read as JSON: {error}{hint}") from error


def _object(value: object, path: Path, number: int) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise DataError(f"{path}, row {number}: expected an object, found {json.dumps(value)[:80]}")
    return value


def _column(path: Path, name: str, chunk: list[tuple[int, dict[str, Any]]]) -> pa.Array:
    cells = [_text(cells.get(name)) for _, cells in chunk]
    try:
        return pa.array(cells, pa.string())
    except (UnicodeEncodeError, pa.ArrowException):
        pass
    for (number, _), cell in zip(chunk, cells, strict=True):
        if cell and not cell.isascii() and any(0xD800 <= ord(letter) < 0xE000 for letter in cell):
            raise DataError(f"{path}, row {number}, column {name!r}: {cell[:80]!a} holds half a character")
    raise DataError(f"{path}: column {name!r} cannot be held as text")


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False)
