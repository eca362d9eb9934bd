"""Your own data: a CSV, JSON Lines or Parquet file with an image column, a text column and label columns.

Image paths are relative to the file and may not leave its folder. Empty cells are missing: no image, no text, no
label. Without a split column rows are split 70 / 10 / 20 % by a hash of their group; rows with the same text or
the same group cell always share a group.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from benchmarks.datasets import groups
from benchmarks.datasets.build import Part, Row, TaskSpec, build_splits
from benchmarks.datasets.splits import Card, DataError, Options, Source, Splits
from benchmarks.names import choose

if TYPE_CHECKING:
    import pandas as pd

SUFFIXES = (".csv", ".jsonl", ".parquet")
SPLITS: Mapping[str, Part] = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
}
RULE = "manifest/v1"

CARD = Card(
    title="Your own data",
    image="files named by a column, relative to the manifest",
    text="a column",
    labels="one column a task",
    splits="a column, or 70 / 10 / 20 % by a hash of the group",
    source="yours",
    licence="yours",
)


class ManifestOptions(Options):
    """Which columns are what; None where there is none.

    Attributes:
        labels: one column a task; required.
        group: rows with the same value never cross splits (views of a product).
        split: column with train, val or test.
        min_count: classes with fewer training rows become missing labels, counted.
        prompts: templates for zero-shot classification, `{}` stands for the class name.
    """

    labels: tuple[str, ...] = Field(min_length=1)
    image: str | None = "image"
    text: str | None = "text"
    id: str | None = None
    group: str | None = None
    split: str | None = None
    min_count: int = Field(1, ge=1)
    prompts: tuple[str, ...] = ("a photo of {}.", "{}")


def load(source: Source, options: ManifestOptions) -> Splits:
    """Read the file, or the only such file of the folder, at `source.root`.

    Raises:
        DataError: names the file, the row, the value and the valid choices.
    """
    path = _find(source.root)
    key = hashlib.sha256(path.read_bytes() + options.model_dump_json().encode() + str(path.absolute()).encode())
    for image in _image_files(path, options):
        facts = image.stat()
        key.update(f"{image} {facts.st_size} {facts.st_mtime_ns}".encode())
    tasks = [TaskSpec(label, None, options.min_count, options.prompts) for label in options.labels]
    return build_splits(
        name="manifest",
        card=CARD,
        key=key.hexdigest(),
        rows=partial(_rows, path, options),
        tasks=tasks,
        source=source,
    )


def _find(root: Path | None) -> Path:
    if root is None or not root.exists():
        raise DataError(f"manifest: --data manifest=FILE is needed ({' or '.join(SUFFIXES)}); found {root}")
    if root.is_dir():
        files = sorted(path for path in root.iterdir() if path.suffix in SUFFIXES)
        if len(files) != 1:
            names = ", ".join(path.name for path in files) or "none"
            raise DataError(f"manifest: {root} must hold exactly one {' or '.join(SUFFIXES)} file; found {names}")
        return files[0]
    if root.suffix not in SUFFIXES:
        raise DataError(f"manifest: {root} ends in {root.suffix!r}; valid are {', '.join(SUFFIXES)}")
    return root


def _read(path: Path, options: ManifestOptions) -> pd.DataFrame:
    """All cells as stripped strings, None where empty."""
    import pandas as pd

    try:
        if path.suffix == ".csv":
            frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig", on_bad_lines="error")
        elif path.suffix == ".jsonl":
            frame = pd.read_json(path, lines=True, dtype=False, convert_dates=False)
        else:
            frame = pd.read_parquet(path)
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 at byte {error.start}; convert the file to UTF-8") from error
    except (ValueError, OSError) as error:
        raise DataError(f"{path}: cannot be read as {path.suffix[1:]}: {str(error).strip()}") from error
    for column in _columns(options):
        try:
            choose(column, frame.columns, "column")
        except KeyError as error:
            raise DataError(f"{path}: {error.args[0]}") from error
    return frame.map(_cell)


def _columns(options: ManifestOptions) -> list[str]:
    single = [options.image, options.text, options.id, options.group, options.split]
    return [*options.labels, *(column for column in single if column is not None)]


def _cell(value: object) -> str | None:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    return str(value).strip() or None


def _rows(path: Path, options: ManifestOptions) -> Iterable[Row]:
    rows: list[Any] = _read(path, options).to_dict("records")
    names = groups.join([_group_keys(row, number, options) for number, row in enumerate(rows)])
    for number, (row, name) in enumerate(zip(rows, names, strict=True)):
        origin = f"{path.name}, row {number + (2 if path.suffix == '.csv' else 1)}"
        yield Row(
            id=row[options.id] or f"row-{number}" if options.id else f"row-{number}",
            group=name,
            part=_part(row, name, options, origin),
            image=_inside(path.parent, row[options.image], origin) if options.image else None,
            text=row[options.text] if options.text else None,
            labels={label: row[label] for label in options.labels},
            origin=origin,
        )


def _group_keys(row: Mapping[str, str | None], number: int, options: ManifestOptions) -> tuple[str, ...]:
    text = row[options.text] if options.text else None
    own = row[options.group] if options.group else None
    keys = [f"group:{own}" if own else "", f"text:{groups.normalise(text)}" if text else ""]
    return tuple(key for key in keys if key) or (f"row:{number}",)


def _part(row: Mapping[str, str | None], group: str, options: ManifestOptions, origin: str) -> Part:
    if options.split is None:
        return groups.part_of(group, RULE)
    value = row[options.split]
    if value is None or value.lower() not in SPLITS:
        raise DataError(f"{origin}: split {value!r}; valid are {', '.join(SPLITS)}")
    return SPLITS[value.lower()]


def _inside(folder: Path, name: str | None, origin: str) -> Path | None:
    """The file, refused if it lies outside the manifest's folder, through `..`, an absolute path or a link."""
    if name is None:
        return None
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise DataError(f"{origin}: image path {name!r} leaves the manifest's folder {folder}")
    return path


def _image_files(path: Path, options: ManifestOptions) -> list[Path]:
    """Existing files named by the image column, for noticing changes; missing ones are reported row by row later."""
    if options.image is None:
        return []
    names = {name for name in _read(path, options)[options.image] if name}
    return [path.parent / name for name in sorted(names) if (path.parent / name).is_file()]
