"""`styles.csv`: a row a product, not quoted."""

from __future__ import annotations

from pathlib import Path

from benchmarks.datasets.loading.splits import DataError
from benchmarks.datasets.reading.encoding import read_utf8

COLUMNS = (
    "id",
    "gender",
    "masterCategory",
    "subCategory",
    "articleType",
    "baseColour",
    "season",
    "year",
    "usage",
    "productDisplayName",
)


def label_of(cell: str) -> str | None:
    """None where there is none."""
    return cell if cell not in ("", "NA") else None


def read_styles(path: Path) -> list[dict[str, str]]:
    """Cells by column, and the row's `origin`. The file is not quoted: all after the ninth comma is the title.

    Raises:
        DataError: not UTF-8, another header, too few cells, an id that is not a number; names the row.
    """
    header, *lines = read_utf8(path).removesuffix("\n").split("\n")
    if tuple(header.rstrip("\r").split(",")) != COLUMNS:
        raise DataError(f"{path}, row 1: the header is {header!r}, expected {','.join(COLUMNS)!r}")
    rows = []
    for number, line in enumerate(lines, start=2):
        cells = line.rstrip("\r").split(",", len(COLUMNS) - 1)
        if len(cells) != len(COLUMNS):
            raise DataError(f"{path}, row {number}: {len(cells)} cells instead of {len(COLUMNS)}: {line!r}")
        if not cells[0].isdecimal():
            raise DataError(f"{path}, row {number}: id {cells[0]!r} is not a number")
        rows.append({**dict(zip(COLUMNS, cells, strict=True)), "origin": f"{path.name}, row {number}"})
    return rows
