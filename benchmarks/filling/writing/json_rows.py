"""JSON as the source has it: every value as it is written, and what is new before the brace that ends its object."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

from benchmarks.datasets.loading.splits import DataError
from benchmarks.datasets.reading.encoding import find_encoding, open_text
from benchmarks.filling.writing.changes import Changes, Source, literal, merged
from benchmarks.filling.writing.encoded import Encoded

BLANK = re.compile(r"[ \t\n\r]*")
DECODER = json.JSONDecoder()


def members(text: str, start: int = 0) -> Iterator[tuple[str, int, int]]:
    """(Name, where its value begins, where it ends) of the object that begins at `start`; valid JSON."""
    place = _skip(text, start + 1)
    while text[place] != "}":
        name, place = DECODER.raw_decode(text, place)
        begin = _skip(text, _skip(text, place) + 1)
        end = DECODER.raw_decode(text, begin)[1]
        yield name, begin, end
        place = _skip(text, end)
        if text[place] == ",":
            place = _skip(text, place + 1)


def _skip(text: str, place: int) -> int:
    match = BLANK.match(text, place)
    assert match is not None
    return match.end()


def is_array(file: Path, encoding: str) -> bool:
    """Whether the file is one array of objects, not an object a line."""
    with open_text(file, encoding) as lines:
        return next((line.lstrip()[0] for line in lines if line.strip()), "") == "["


def copy(source: Source, changes: Changes, target: Path) -> None:
    """The source's own file with members filled and members appended to every object.

    Raises:
        DataError: the file changed since it was read.
    """
    file = source.file
    assert file is not None
    encoding = find_encoding(file, source.options.encoding)
    encoded = Encoded.like(file, encoding)
    pieces = _array_pieces if is_array(file, encoding) else _line_pieces
    with open_text(file, encoding) as lines:
        numeric = _numeric(pieces(lines), list(changes.filled))
    rows, place = changes.rows(), _Objects(changes, numeric, ascii_only=not encoded.codec.startswith("utf"))
    with open_text(file, encoding) as lines, encoded.create(target) as out:
        for piece in pieces(lines):
            if not piece.startswith("{"):
                out.write(piece)
                continue
            row = next(rows, None)
            if row is None:
                raise DataError(f"{file}: more rows than when it was read; run the command again")
            out.write(place.changed(piece, *row))


class _Objects:
    """The text of changed objects."""

    def __init__(self, changes: Changes, numeric: set[str], *, ascii_only: bool):
        self._filled, self._added = list(changes.filled), changes.added.names
        self._numeric, self._ascii_only = numeric, ascii_only

    def changed(self, text: str, fills: Sequence[str | None], added: Sequence[str | float | None]) -> str:
        """One object, all else as it is written. Of members of one name the last counts, as for every reader."""
        new = {name: fill for name, fill in zip(self._filled, fills, strict=True) if fill is not None}
        spans = {name: span for name, *span in members(text) if name in new} if new else {}
        for name, (begin, end) in sorted(spans.items(), key=lambda item: item[1], reverse=True):
            text = text[:begin] + self._value(name, new[name]) + text[end:]
        lacking = {name: self._value(name, fill) for name, fill in new.items() if name not in spans}
        appended = {**lacking, **{name: self._dump(v) for name, v in zip(self._added, added, strict=True)}}
        body = text.rstrip()[:-1].rstrip()
        comma = "" if body == "{" else ", "
        return body + comma + ", ".join(f"{self._dump(name)}: {value}" for name, value in appended.items()) + "}"

    def _value(self, name: str, fill: str) -> str:
        return fill if name in self._numeric and literal(fill) != fill else self._dump(fill)

    def _dump(self, value: str | float | None) -> str:
        return json.dumps(value, ensure_ascii=self._ascii_only)


def _numeric(pieces: Iterator[str], names: Sequence[str]) -> set[str]:
    """The columns whose first value is a number or a truth value: answers are written as such."""
    sought, found = set(names), set()
    for piece in pieces:
        if not sought:
            break
        if not piece.startswith("{"):
            continue
        for name, begin, end in members(piece):
            if name in sought and piece[begin:end] not in ("null", '""'):
                sought.discard(name)
                if piece[begin] not in '"[{':
                    found.add(name)
    return found


def _line_pieces(lines: TextIO) -> Iterator[str]:
    """The objects of a file with one a line, and what stands between them."""
    for line in lines:
        body = line.strip()
        if not body:
            yield line
            continue
        begin = line.index(body)
        yield from (piece for piece in (line[:begin], body, line[begin + len(body) :]) if piece)


def _array_pieces(file: TextIO) -> Iterator[str]:
    """The objects of a file that is an array, and what stands between them."""
    text = file.read()
    place = text.index("[") + 1
    yield text[:place]
    while True:
        begin = _between(text, place)
        yield text[place:begin]
        if text[begin] == "]":
            yield text[begin:]
            return
        place = DECODER.raw_decode(text, begin)[1]
        yield text[begin:place]


def _between(text: str, place: int) -> int:
    place = _skip(text, place)
    return _skip(text, place + 1) if text[place] == "," else place


def write(source: Source, changes: Changes, target: Path) -> None:
    """A new file with the cells as they were read: an array in .json, else an object a line."""
    as_array = ".jsonl" not in target.name.lower() and ".ndjson" not in target.name.lower()
    before, between, after = ("[\n", ",\n", "\n]\n") if as_array else ("", "\n", "\n")
    with Encoded().create(target) as out:
        out.write(before)
        for number, row in enumerate(row for table in merged(source, changes) for row in table.to_pylist()):
            out.write((between if number else "") + json.dumps(row, ensure_ascii=False))
        out.write(after)
