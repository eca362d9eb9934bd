"""A small table filled with made answers."""

import pyarrow as pa

from benchmarks.datasets.reading import ReadOptions, read_table
from benchmarks.filling.writing import Changes, Source, check, write

ADDED = pa.schema([("color_suggested", pa.string()), ("color_confidence", pa.float64()), ("problem", pa.string())])
ROWS = 2
"""Of a block, so that few rows make several."""


def source_of(path, **options):
    settled = ReadOptions(**options)
    return Source(read_table(path, settled), settled)


def changes_of(source, filled=None, added=None, classes=("red", "blue"), schema=ADDED):
    """Column -> {row: value} that fills it; rows -> the added cells, by default the same everywhere."""
    count = source.raw.columns.num_rows
    fills = {name: [rows.get(n) for n in range(count)] for name, rows in (filled or {}).items()}
    cells = added or [("red", 0.912345678, None)] * count
    columns = {name: pa.array(values, pa.string()) for name, values in fills.items()}
    for name, values in zip(schema.names, zip(*cells, strict=True), strict=True):
        columns[name] = pa.array(values, schema.field(name).type)
    table = pa.table(columns)
    blocks = [table.slice(start, ROWS) for start in range(0, count, ROWS)]
    return Changes(dict.fromkeys(filled or {}, tuple(classes)), schema, blocks)


def filled_file(path, target, filled=None, added=None, **options):
    source = source_of(path, **options)
    changes = changes_of(source, filled, added)
    check(source, changes, target)
    write(source, changes, target)
    return target.read_bytes()
