"""Parquet and folders of `datasets.save_to_disk` to columns, with what `datasets` says about images and classes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from benchmarks.datasets.loading.splits import DataError
from benchmarks.datasets.reading.table import Origins, RawTable, ReadOptions, strip

ROWS = 20_000
READ_OPTIONS = ReadOptions()


def read_parquet(path: Path, options: ReadOptions) -> RawTable:
    """The rows of a Parquet file.

    Raises:
        DataError: not Parquet, or a class number without a name.
    """
    try:
        with parquet.ParquetFile(path) as file:
            rows = [options.kept(pa.Table.from_batches([batch])) for batch in file.iter_batches(ROWS)]
            table = pa.concat_tables([file.schema_arrow.empty_table(), *rows])
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: cannot be read as Parquet: {error}") from error
    raw = from_arrow(table, _features(table.schema.metadata), path, options)
    return _noted(raw, f"{path.name}: Parquet, {table.num_rows:,} rows")


def read_saved_dataset(path: Path, options: ReadOptions) -> RawTable:
    """The rows of one split, as `datasets.Dataset.save_to_disk` writes them.

    Raises:
        DataError: it cannot be read.
    """
    import datasets

    try:
        dataset = datasets.load_from_disk(str(path))
        table = dataset.with_format("arrow")[:]
    except (OSError, ValueError, pa.ArrowException) as error:
        raise DataError(f"{path}: cannot be read by datasets.load_from_disk: {error}") from error
    raw = from_arrow(table, dataset.features.to_dict(), path)
    return _noted(raw, f"{path.name}: saved by datasets, {table.num_rows:,} rows")


def from_arrow(
    table: pa.Table, features: Mapping[str, Any], path: Path, options: ReadOptions = READ_OPTIONS
) -> RawTable:
    """Strings and images of any Arrow table.

    Args:
        table: of any types.
        features: column -> what `datasets` says about it, `{}` if nothing.
        path: the file, for messages.
        options: where large columns are kept.

    Raises:
        DataError: a name twice, a class number without a name, or an image column with bytes in some rows and paths in
            others.
    """
    if not table.num_rows:
        raise DataError(f"{path}: no rows")
    twice = [name for name, count in Counter(table.column_names).items() if count > 1]
    if twice:
        raise DataError(f"{path}: column {twice[0]!r} occurs twice; rename one of them")
    classes = {name: _class_names(features.get(name)) for name in table.column_names}
    columns = {}
    for name in table.column_names:
        where = f"{path}, column {name!r}"
        declared = classes[name]
        cells = _named(table[name], declared, where) if declared else _plain(table[name], where)
        columns[name] = options.kept(pa.table({name: cells}))[name]
    lists = [name for name in table.column_names if pa.types.is_nested(table[name].type) and not _is_image(table[name])]
    return RawTable(
        pa.table(columns),
        Origins.of_file(path.name, np.arange(1, table.num_rows + 1, dtype=np.int64)),
        path.parent,
        tuple(f"{path.name}: column {name!r} holds lists or objects; its cells are JSON text" for name in lists),
        {name: names for name, names in classes.items() if names},
    )


def _noted(raw: RawTable, note: str) -> RawTable:
    return RawTable(raw.columns, raw.origins, raw.folder, (note, *raw.notes), raw.class_names)


def _features(metadata: Mapping[bytes, bytes] | None) -> dict[str, Any]:
    """What `datasets` wrote into the schema."""
    try:
        return dict(json.loads((metadata or {})[b"huggingface"])["info"]["features"])
    except (KeyError, TypeError, ValueError):
        return {}


def _class_names(feature: object) -> tuple[str, ...]:
    if isinstance(feature, dict) and feature.get("_type") == "ClassLabel":
        return tuple(map(str, feature.get("names") or ()))
    return ()


def _named(column: pa.ChunkedArray, names: tuple[str, ...], where: str) -> pa.ChunkedArray:
    """Class numbers as names; -1 is how `datasets` writes a missing one."""
    if not pa.types.is_integer(column.type):
        return _plain(column, where)
    numbers = pc.if_else(pc.equal(column, -1), None, column.cast(pa.int64()))
    wrong = pc.index(pc.or_(pc.less(numbers, 0), pc.greater_equal(numbers, len(names))), value=True).as_py()
    if wrong >= 0:
        raise DataError(
            f"{where}, row {wrong + 1}: class {numbers[wrong]} of {len(names)} classes ({', '.join(names)})"
        )
    return pc.take(pa.array(names, pa.string()), numbers)


def _is_image(column: pa.ChunkedArray) -> bool:
    kind = column.type
    return pa.types.is_struct(kind) and {field.name for field in kind} == {"bytes", "path"}


def _plain(column: pa.ChunkedArray, where: str) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _plain(column.cast(kind.value_type), where)
    if _is_image(column):
        return _image(column, where)
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return column.cast(pa.binary())
    if pa.types.is_nested(kind):
        return pa.chunked_array([_json(chunk) for chunk in column.chunks], pa.string())
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return _date(column)
    try:
        return strip(column.cast(pa.string()))
    except pa.ArrowException as error:
        raise DataError(f"{where}: {kind} cannot be read as text: {error}") from error


def _date(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """2024-05-01, with the time of day where any row has one."""
    text = column.cast(pa.timestamp("us")).cast(pa.string())
    text = pc.replace_substring_regex(text, r"\.0+$", "")
    midnight = pc.all(pc.ends_with(text, " 00:00:00")).as_py()
    return pc.utf8_slice_codeunits(text, 0, 10) if midnight else text


def _image(column: pa.ChunkedArray, where: str) -> pa.ChunkedArray:
    data, paths = pc.struct_field(column, "bytes"), pc.struct_field(column, "path")
    if data.null_count == len(data):
        return strip(paths.cast(pa.string()))
    lost = pc.index(pc.and_(pc.is_null(data), pc.is_valid(paths)), value=True).as_py()
    if lost >= 0:
        raise DataError(f"{where}, row {lost + 1}: a path ({paths[lost]}) where other rows hold the image itself")
    return data.cast(pa.binary())


def _json(chunk: pa.Array) -> pa.Array:
    cells = [None if cell is None else json.dumps(cell, ensure_ascii=False, default=str) for cell in chunk.to_pylist()]
    return pa.array(cells, pa.string())
