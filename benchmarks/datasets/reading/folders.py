"""One file, or several that make one table: shards, splits in folders or files of their own, folders of photos."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.datasets.loading.splits import DataError
from benchmarks.datasets.reading.columnar import read_parquet, read_saved_dataset
from benchmarks.datasets.reading.delimited import read_delimited
from benchmarks.datasets.reading.excel import read_excel
from benchmarks.datasets.reading.json_rows import read_json
from benchmarks.datasets.reading.table import PHOTO_NAME, Origins, RawTable, ReadOptions

READERS: Mapping[str, Callable[[Path, ReadOptions], RawTable]] = {
    **dict.fromkeys((".csv", ".tsv", ".tab", ".txt"), read_delimited),
    **dict.fromkeys((".jsonl", ".ndjson", ".json"), read_json),
    ".parquet": read_parquet,
    **dict.fromkeys((".xlsx", ".xlsm", ".xls", ".ods"), read_excel),
}
SPLIT_NAMES = ("train", "val", "validation", "valid", "dev", "test")
KINDS = f"{', '.join(READERS)}, text files also as .gz"


def read_any(path: Path, options: ReadOptions) -> RawTable:
    """The table at a file, a folder or a glob.

    Raises:
        DataError: nothing there, no table, or files that do not make one table.
    """
    if path.is_dir():
        return _read_folder(path, options)
    if path.exists():
        return _read_file(path, options)
    files = matching(path)
    if not files:
        raise DataError(f"{path} does not exist; it must be a file ({KINDS}), a folder, or a glob of files")
    return _joined([_read_file(file, options) for file in files], files)


def matching(pattern: Path) -> list[Path]:
    """The files of a glob, in the order of their names."""
    parts = pattern.parts
    first = next((n for n, part in enumerate(parts) if any(mark in part for mark in "*?[")), None)
    if first is None:
        return []
    return sorted(path for path in Path(*parts[:first]).glob("/".join(parts[first:])) if path.is_file())


def _suffix(path: Path) -> str:
    """The ending that decides: `.csv` of `products.csv.gz`."""
    name = path.name.lower()
    suffix = Path(name.removesuffix(".gz")).suffix
    return (
        f"{suffix}.gz" if name.endswith(".gz") and suffix not in (".csv", ".tsv", ".txt", ".jsonl", ".json") else suffix
    )


def _read_file(path: Path, options: ReadOptions) -> RawTable:
    if _suffix(path) not in READERS:
        raise DataError(f"{path} ends in {path.suffix!r}; valid are {KINDS}")
    return READERS[_suffix(path)](path, options)


def _read_folder(root: Path, options: ReadOptions) -> RawTable:
    if (root / "dataset_dict.json").is_file():
        names = json.loads((root / "dataset_dict.json").read_text())["splits"]
        parts = [_with_split(read_saved_dataset(root / name, options), name) for name in names]
        return _joined(parts, [root / name for name in names])
    if (root / "state.json").is_file():
        return read_saved_dataset(root, options)
    tables = sorted(path for path in root.iterdir() if path.is_file() and _suffix(path) in READERS)
    metadata = [path for path in tables if path.name.split(".")[0].lower() == "metadata"]
    if metadata:
        return _with_file_names(_read_file(metadata[0], options), metadata[0])
    if tables:
        return _read_shards(root, tables, options)
    splits = sorted(path for path in root.iterdir() if path.is_dir() and path.name.lower() in SPLIT_NAMES)
    if splits:
        parts = [_below(_read_folder(split, options), split.name) for split in splits]
        return replace(_joined(parts, splits), folder=root)
    return _read_class_folders(root)


def _read_shards(root: Path, files: Sequence[Path], options: ReadOptions) -> RawTable:
    """The only file, shards that are numbered, or one file a split."""
    names = [re.sub(r"[\W_\d]+(of)?[\W_\d]*$", "", path.name.split(".")[0]).lower() for path in files]
    splits = all(name in SPLIT_NAMES for name in names)
    kinds = {_suffix(path) for path in files}
    if len(kinds) > 1 or not (splits or len(set(names)) == 1):
        found = ", ".join(path.name for path in files[:10])
        raise DataError(
            f"{root} holds more than one table: {found}; name the file, or join those that belong together with a "
            f"glob: {root}/*{min(kinds)}"
        )
    parts = [_read_file(path, options) for path in files]
    if splits and len(set(names)) > 1:
        parts = [_with_split(part, name) for part, name in zip(parts, names, strict=True)]
    return _joined(parts, files)


def _joined(parts: Sequence[RawTable], files: Sequence[Path]) -> RawTable:
    """One table of all parts, in their order.

    Raises:
        DataError: a part whose columns, or their kinds or classes, are not the first's; names it.
    """
    first = parts[0]
    if len(parts) == 1:
        return first
    for part, file in zip(parts[1:], files[1:], strict=True):
        different = set(part.columns.column_names) ^ set(first.columns.column_names)
        if different:
            raise DataError(
                f"{file}: column {min(different)!r} is not in both it and {files[0].name}; shards must agree"
            )
        for name in first.columns.column_names:
            if part.columns[name].type != first.columns[name].type:
                raise DataError(f"{file}: column {name!r} holds another kind of value than in {files[0].name}")
        if part.class_names != first.class_names:
            raise DataError(f"{file}: declares other classes than {files[0].name}")
    table = pa.concat_tables([part.columns.select(first.columns.column_names) for part in parts])
    total = f"{len(parts)} files, {files[0].name} to {files[-1].name}: {table.num_rows:,} rows"
    return replace(
        first,
        columns=table,
        origins=Origins.joined([part.origins for part in parts]),
        notes=(total, *_shared_notes(parts)),
        decimal_comma=any(part.decimal_comma for part in parts),
    )


def _shared_notes(parts: Sequence[RawTable]) -> list[str]:
    """Each remark once, with the first file it is about and how many others."""
    about: dict[str, list[str]] = {}
    for part in parts:
        for note in part.notes:
            file, _, remark = note.partition(": ")
            about.setdefault(re.sub(r", [\d,]+ rows", "", remark), []).append(file)
    return [
        f"{files[0]}{f' and {len(files) - 1} more' if len(files) > 1 else ''}: {remark}"
        for remark, files in about.items()
    ]


def _with_split(raw: RawTable, name: str) -> RawTable:
    if "split" in raw.columns.column_names:
        return raw
    return replace(raw, columns=raw.columns.append_column("split", _constant(name, len(raw.origins))))


def _constant(value: str, count: int) -> pa.Array:
    return pa.array(np.full(count, value), pa.string()) if count else pa.array([], pa.string())


def _below(raw: RawTable, name: str) -> RawTable:
    """The table of a split's folder, its photos as they are called from the folder above."""
    table = raw.columns
    if "image" in table.column_names and table["image"].type == pa.string():
        place = table.column_names.index("image")
        table = table.set_column(place, "image", _under(name, table["image"]))
    return _with_split(replace(raw, columns=table, folder=raw.folder.parent), name)


def _under(folder: str, names: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.binary_join_element_wise(pa.scalar(folder), names, "/")


def _with_file_names(raw: RawTable, path: Path) -> RawTable:
    """`metadata.csv` of an image folder: its `file_name` is the photo."""
    names = raw.columns.column_names
    if "file_name" not in names or "image" in names:
        return raw
    renamed = raw.columns.rename_columns(["image" if name == "file_name" else name for name in names])
    return replace(raw, columns=renamed, notes=(*raw.notes, f"{path.name}: file_name is the column image"))


def _read_class_folders(root: Path) -> RawTable:
    """Photos in folders that are called as their classes."""
    found = [
        (photo.relative_to(root).as_posix(), folder.name)
        for folder in sorted(path for path in root.iterdir() if path.is_dir())
        for photo in sorted(folder.rglob("*"))
        if PHOTO_NAME.fullmatch(photo.name) and photo.is_file()
    ]
    if not found:
        raise DataError(f"{root} holds no table ({KINDS}), no folder of datasets.save_to_disk and no folders of photos")
    images, labels = zip(*found, strict=True)
    return RawTable(
        pa.table({"image": pa.array(images), "label": pa.array(labels)}),
        Origins.of_file(root.name, np.arange(1, len(images) + 1, dtype=np.int64)),
        root,
        (f"{root.name}: photos in {len(set(labels))} folders that are the classes, {len(images):,} rows",),
    )
