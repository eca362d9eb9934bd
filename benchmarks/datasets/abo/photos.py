"""`images.csv.gz`: which file an image id is."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Collection, Mapping
from pathlib import Path

from benchmarks.datasets.loading.splits import DataError

COLUMNS = ["image_id", "height", "width", "path"]


def read_paths(csv_gz: Path, images: Path, wanted: Collection[str]) -> Mapping[str, Path]:
    """Image id -> file below `images`, for the wanted ids that the table lists.

    Raises:
        DataError: not gzip, not UTF-8, another header, a row with too few cells; names the row.
    """
    number, paths = 0, {}
    try:
        with gzip.open(csv_gz, "rt", encoding="utf-8", newline="") as lines:
            for number, cells in enumerate(csv.reader(lines, strict=True), start=1):
                if (number == 1 and cells != COLUMNS) or len(cells) != len(COLUMNS):
                    raise DataError(f"{csv_gz}, row {number}: {','.join(cells)!r}; expected {','.join(COLUMNS)}")
                if cells[0] in wanted:
                    paths[cells[0]] = images / cells[-1]
    except (OSError, EOFError, zlib.error, csv.Error, UnicodeDecodeError) as error:
        raise DataError(f"{csv_gz}, row {number + 1}: cannot be read: {error}") from error
    return paths
