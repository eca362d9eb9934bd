"""Parquet as the source has it: the same types and metadata, and new columns of strings and doubles."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from benchmarks.datasets.loading.splits import DataError
from benchmarks.filling.writing.changes import Changes, Source, merged

DTYPES = {pa.string(): "string", pa.float64(): "float64"}
"""As `datasets` calls them."""


def check(source: Source, changes: Changes, target: Path) -> None:
    """Refuse answers that are no value of their column's type.

    Raises:
        DataError: names the column, its type and the answer.
    """
    file = source.file
    if file is None or file.suffix.lower() != ".parquet":
        return
    schema = parquet.read_schema(file)
    for name, values in changes.filled.items():
        _as(name, pa.array(values, pa.string()), schema.field(name).type, source.raw.class_names.get(name, ()))


def _as(name: str, values: pa.Array, kind: pa.DataType, classes: tuple[str, ...]) -> pa.Array:
    """Answers in the type of their column; of declared classes, their numbers."""
    try:
        if classes and pa.types.is_integer(kind):
            numbers = pc.index_in(values, pa.array(classes, pa.string()))
            lost = pc.and_(pc.is_null(numbers), pc.is_valid(values))
            if pc.any(lost).as_py():
                raise pa.ArrowInvalid(f"{values.filter(lost)[0]} is none of its classes")
            return numbers.cast(kind)
        return (
            values if pa.types.is_null(kind) else values.cast(kind.value_type if pa.types.is_dictionary(kind) else kind)
        )
    except pa.ArrowException as error:
        raise DataError(
            f"column {name!r} holds {kind}, and an answer of the model cannot be written as that: {error}; "
            "let --out end in .csv or .jsonl"
        ) from error


def copy(source: Source, changes: Changes, target: Path) -> None:
    """The source's own columns with cells filled and columns appended."""
    file = source.file
    assert file is not None
    with parquet.ParquetFile(file) as opened:
        schema = _schema(opened.schema_arrow, changes)
        with parquet.ParquetWriter(target, schema) as writer:
            for table, block in _aligned(opened, changes):
                columns = [_column(table, block, name, source, changes) for name in table.column_names]
                added = [block[name] for name in changes.added.names]
                writer.write_table(pa.table([*columns, *added], schema=schema))


def _aligned(opened: parquet.ParquetFile, changes: Changes) -> Iterator[tuple[pa.Table, pa.Table]]:
    """(Rows of the file, the same rows of the changes)."""
    batches = opened.iter_batches(4096)
    waiting = opened.schema_arrow.empty_table()
    for block in changes.blocks:
        while waiting.num_rows < block.num_rows:
            waiting = pa.concat_tables([waiting, pa.Table.from_batches([next(batches)])])
        yield waiting.slice(0, block.num_rows), block
        waiting = waiting.slice(block.num_rows)


def _column(table: pa.Table, block: pa.Table, name: str, source: Source, changes: Changes) -> pa.ChunkedArray:
    cells = table[name]
    if name in changes.filled and pa.types.is_null(cells.type):
        cells = cells.cast(pa.string())
    if name not in changes.filled or block[name].null_count == block.num_rows:
        return cells
    kind = cells.type
    fills = _as(name, block[name].combine_chunks(), kind, source.raw.class_names.get(name, ()))
    if pa.types.is_dictionary(kind):
        return pc.if_else(pc.is_valid(fills), fills, cells.cast(kind.value_type)).cast(kind)
    return pc.if_else(pc.is_valid(fills), fills, cells)


def _schema(schema: pa.Schema, changes: Changes) -> pa.Schema:
    """With the new columns, which `datasets` is told of as well; a column without any value becomes one of strings."""
    metadata = dict(schema.metadata or {})
    if b"huggingface" in metadata:
        told: Mapping[str, Any] = json.loads(metadata[b"huggingface"])
        features = told.get("info", {}).get("features", {})
        features |= {name: {"dtype": "string", "_type": "Value"} for name in changes.filled if _is_null(schema, name)}
        features |= {field.name: {"dtype": DTYPES[field.type], "_type": "Value"} for field in changes.added}
        metadata[b"huggingface"] = json.dumps(told).encode()
    own = [
        field.with_type(pa.string()) if field.name in changes.filled and _is_null(schema, field.name) else field
        for field in schema
    ]
    return pa.schema([*own, *changes.added], metadata=metadata or None)


def _is_null(schema: pa.Schema, name: str) -> bool:
    return bool(pa.types.is_null(schema.field(name).type))


def write(source: Source, changes: Changes, target: Path) -> None:
    """A new file with the cells as they were read, strings or encoded images."""
    schema = pa.schema([*source.raw.columns.schema, *changes.added])
    with parquet.ParquetWriter(target, schema) as writer:
        for table in merged(source, changes):
            writer.write_table(table.cast(schema))
