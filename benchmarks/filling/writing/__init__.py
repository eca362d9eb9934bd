"""The filled table in the shape that came in: the ending of the new file decides its format.

Of the same format as the source, it is the source's own file with cells filled and columns appended, every other byte
of a cell as it was. Of another format, it has the cells as they were read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from benchmarks.datasets.loading.splits import DataError
from benchmarks.datasets.reading.encoding import find_encoding
from benchmarks.filling.writing import columnar, delimited, excel, json_rows
from benchmarks.filling.writing.changes import Changes, Source

Write = Callable[[Source, Changes, Path], None]


class Format(NamedTuple):
    """How a kind of file is written: like the source, if that is of the kind, or new."""

    check: Write
    copy: Write
    write: Write


def _nothing(source: Source, changes: Changes, target: Path) -> None:
    """Any text can be written."""


DELIMITED = Format(delimited.check, delimited.copy, delimited.write)
JSON = Format(_nothing, json_rows.copy, json_rows.write)
FORMATS: Mapping[str, Format] = {
    **dict.fromkeys((".csv", ".tsv", ".tab", ".txt"), DELIMITED),
    **dict.fromkeys((".jsonl", ".ndjson", ".json"), JSON),
    ".parquet": Format(columnar.check, columnar.copy, columnar.write),
    **dict.fromkeys((".xlsx", ".xlsm"), Format(excel.check, excel.copy, excel.write)),
}
LINES = (".jsonl", ".ndjson")
PACKED = (".csv", ".tsv", ".tab", ".txt", ".jsonl", ".ndjson", ".json")


def ending(path: Path) -> str:
    """The ending that decides: `.csv` of `products.csv.gz`."""
    name = path.name.lower()
    inner = Path(name.removesuffix(".gz")).suffix
    return inner if name.endswith(".gz") and inner in PACKED else path.suffix.lower()


def check_ending(target: Path) -> None:
    """Refuse an ending that is no format.

    Raises:
        DataError: names the valid ones.
    """
    if ending(target) not in FORMATS:
        valid = f"{', '.join(FORMATS)}, text files also as .gz"
        raise DataError(
            f"--out {target}: the ending decides the format, and {target.suffix!r} is none; valid are {valid}"
        )


def check(source: Source, changes: Changes, target: Path) -> None:
    """Refuse what cannot be written, before anything is computed.

    Raises:
        DataError: an ending that is no format, or answers that the format cannot hold.
    """
    check_ending(target)
    binary = [field.name for field in source.raw.columns.schema if field.type == "binary"]
    if binary and ending(target) != ".parquet":
        raise DataError(f"--out {target}: column {binary[0]!r} holds encoded photos; let --out end in .parquet")
    FORMATS[ending(target)].check(source, changes, target)


def note(source: Source, changes: Changes, target: Path) -> str | None:
    """What a user should know of how the answers are written."""
    return delimited.note(source, changes, target) if FORMATS[ending(target)] is DELIMITED else None


def write(source: Source, changes: Changes, target: Path) -> None:
    """Write the whole table.

    Raises:
        DataError: as `check`; or the source changed.
    """
    chosen = FORMATS[ending(target)]
    (chosen.copy if _is_alike(source, target) else chosen.write)(source, changes, target)


def _is_alike(source: Source, target: Path) -> bool:
    """Whether the source is a file of the target's format."""
    if source.file is None:
        return False
    one, other = ending(source.file), ending(target)
    if one != other and FORMATS.get(one) is JSON and other in LINES:
        return not json_rows.is_array(source.file, find_encoding(source.file, source.options.encoding))
    return one == other


__all__ = ["FORMATS", "Changes", "Source", "check", "check_ending", "ending", "note", "write"]
