"""Your own data: a CSV, JSON Lines or Parquet file with an image column, a text column and label columns.

Image paths are relative to the file and may not leave its folder. Empty cells, NaN and null are missing: no image,
no text, no label. Rows with the same text, the same image file or the same group cell share a group, and no group
crosses splits. Without a split column, groups are split 70 / 10 / 20 % by a hash of their name.

Where unlike products share a text or a placeholder photo, or a split of your own separates such rows, `ties` lets
them go; then the condition `deduplicated` scores the test rows of which no training or validation row has the text or
the image file, and the report counts them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, Self, get_args

import numpy as np
from pydantic import BeforeValidator, Field, field_validator, model_validator

from benchmarks.datasets.loading import grouping as groups
from benchmarks.datasets.loading.build import Part, Row, TaskSpec, build_splits
from benchmarks.datasets.loading.readers import Record, find, read_records
from benchmarks.datasets.loading.rows import LeakError
from benchmarks.datasets.loading.splits import Card, DataError, Names, Options, Source, Splits, split_names

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

Tie = Literal["text", "image"]
TIES: tuple[Tie, ...] = get_args(Tie)
Ties = Annotated[tuple[Tie, ...], BeforeValidator(split_names)]
"""What keeps rows that share it in one split."""

CARD = Card(
    title="Your own data",
    image="files named by a column, relative to the manifest",
    text="a column",
    labels="one column a task",
    splits="a column, or 70 / 10 / 20 % by a hash of the group (same text, image file or group cell)",
    source="yours",
    licence="yours",
)


class ManifestOptions(Options):
    """Which columns are what; None where there is none.

    Attributes:
        labels: one column a task; required.
        id: unique names; without it rows are numbered.
        group: rows with the same value never cross splits (views of a product).
        split: column with train, val or test.
        ties: what keeps rows that share it in one split, beside the group column: text, image, both or none ([]).
        min_count: classes with fewer training rows become missing labels, counted.
        prompts: templates for zero-shot classification, `{}` stands for the class name.
    """

    labels: Names = Field(min_length=1)
    image: str | None = "image"
    text: str | None = "text"
    id: str | None = None
    group: str | None = None
    split: str | None = None
    ties: Ties = TIES
    min_count: int = Field(1, ge=1)
    prompts: tuple[str, ...] = Field(("a photo of {}.", "{}"), min_length=1)

    @field_validator("prompts")
    @classmethod
    def _have_a_place(cls, prompts: tuple[str, ...]) -> tuple[str, ...]:
        for prompt in prompts:
            if "{}" not in prompt:
                raise ValueError(f"prompt {prompt!r} has no {{}} for the class name")
        return prompts

    @model_validator(mode="after")
    def _inputs_are_not_labels(self) -> Self:
        inputs = [column for column in (self.image, self.text) if column is not None]
        if not inputs:
            raise ValueError("image and text are both null: there is nothing to classify")
        for column in inputs:
            if column in self.labels:
                raise ValueError(f"column {column!r} is an input and a label")
        return self

    def columns(self) -> dict[str, str]:
        """All columns that are read, and which option names each."""
        columns = dict.fromkeys(self.labels, "labels")
        for option in ("image", "text", "id", "group", "split"):
            column = getattr(self, option)
            if column is not None:
                columns[column] = f"{option} (null for none)"
        return columns


class Image(NamedTuple):
    """An image file; `name` is its path below the manifest's folder, links resolved."""

    name: str
    path: Path


@dataclass(frozen=True)
class Table:
    """The rows of a file and what its columns mean.

    Attributes:
        name: of the data set.
        notes: for the report.
    """

    name: str
    card: Card
    path: Path
    records: Sequence[Record]
    options: ManifestOptions
    notes: tuple[str, ...] = ()


def load(source: Source, options: ManifestOptions) -> Splits:
    """Read the file, or the only such file of the folder, at `source.root`.

    Raises:
        DataError: names the file, the row, the value and the valid choices.
    """
    path = find("manifest", source.root)
    return build(Table("manifest", CARD, path, read_records(path, options.columns()), options), source)


def build(table: Table, source: Source) -> Splits:
    """The splits of a file that was read.

    Raises:
        DataError: names the file, the row, the value and the valid choices.
    """
    path, records, options = table.path, table.records, table.options
    images = [_image(path.parent, record, options) for record in records]
    try:
        splits = build_splits(
            name=table.name,
            card=table.card,
            key=_key(path, options, images),
            rows=partial(_rows, records, images, options),
            tasks=[TaskSpec(label, None, options.min_count, options.prompts) for label in options.labels],
            source=source,
            notes=lambda: table.notes,
        )
    except LeakError as error:
        if not options.ties:  # then it is the group column, which the user gave
            raise
        loose = "--option 'ties=[]' lets rows share text and photo, and scores the others as `deduplicated`"
        raise DataError(f"{error} ({loose})") from error
    if set(options.ties) == set(TIES):
        return splits
    rows = zip(records, images, strict=True)
    shared = [frozenset(_texts_and_images(record, image, options).values()) for record, image in rows]
    names = [_id(record, number, options) for number, record in enumerate(records)]
    return _with_deduplicated(splits, dict(zip(names, shared, strict=True)))


def _key(path: Path, options: ManifestOptions, images: Iterable[Image | None]) -> str:
    """Options, the file's content, and name, size and time of every image: a changed file is noticed."""
    hashed = hashlib.sha256(f"{path.absolute()} {options.model_dump_json()}".encode() + path.read_bytes())
    for image in sorted({image for image in images if image is not None}):
        hashed.update(f"{image.name} {_size_and_time(image.path)}\n".encode())
    return hashed.hexdigest()


def _size_and_time(path: Path) -> tuple[int, int] | None:
    try:
        facts = path.stat()
    except OSError:  # missing, or a name too long: `build_splits` says so with its row
        return None
    return facts.st_size, facts.st_mtime_ns


def image_below(folder: Path, name: str) -> Image:
    """The file called so.

    Raises:
        ValueError: what is wrong with the name, without it: it lies outside the folder, through `..`, an absolute
            path or a link, or cannot be followed.
    """
    try:
        path = (folder / name).resolve()
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links, a null character
        raise ValueError(f"cannot be followed: {error}") from error
    if not path.is_relative_to(folder.resolve()):
        raise ValueError(f"leaves the manifest's folder {folder}")
    return Image(path.relative_to(folder.resolve()).as_posix(), path)


def _image(folder: Path, record: Record, options: ManifestOptions) -> Image | None:
    name = record.cells[options.image] if options.image else None
    if name is None:
        return None
    try:
        return image_below(folder, name)
    except ValueError as error:
        raise DataError(f"{record.origin}: image path {name!r} {error}") from error


def _rows(records: Sequence[Record], images: Sequence[Image | None], options: ManifestOptions) -> Iterable[Row]:
    keys = _group_keys(records, images, options)
    names = groups.join([own or (f"row:{number}",) for number, own in enumerate(keys)])
    for number, (record, image, name) in enumerate(zip(records, images, names, strict=True)):
        yield Row(
            id=_id(record, number, options),
            group=name,
            part=_part(record, name, options),
            image=image.path if image else None,
            text=record.cells[options.text] if options.text else None,
            labels={label: record.cells[label] for label in options.labels},
            origin=record.origin,
        )


def _id(record: Record, number: int, options: ManifestOptions) -> str:
    if options.id is None:
        return f"row-{number}"
    own = record.cells[options.id]
    if own is None:
        raise DataError(f"{record.origin}: column {options.id!r} is empty; every row needs an id")
    return own


def _group_keys(
    records: Sequence[Record], images: Sequence[Image | None], options: ManifestOptions
) -> list[tuple[str, ...]]:
    """What ties each row to others; only group names made of the manifest's content, wherever it lies."""
    cells = [record.cells[options.group] if options.group else None for record in records]
    own = [(f"group:{cell}",) if cell else () for cell in cells]
    shared = [_texts_and_images(record, image, options) for record, image in zip(records, images, strict=True)]
    return [
        (*group, *(key for tie, key in keys.items() if tie in options.ties))
        for group, keys in zip(own, shared, strict=True)
    ]


def _texts_and_images(record: Record, image: Image | None, options: ManifestOptions) -> dict[Tie, str]:
    """What a row has of what others may have too."""
    text = record.cells[options.text] if options.text else None
    keys: dict[Tie, str] = {}
    if text:
        keys["text"] = f"text:{groups.normalise(text)}"
    if image:
        keys["image"] = f"image:{image.name}"
    return keys


def _with_deduplicated(splits: Splits, shared: Mapping[str, frozenset[str]]) -> Splits:
    """`shared`: id -> keys of its text and image."""
    known = {key for part in (splits.train, splits.val) for name in part.ids() for key in shared[name]}
    new = np.array([shared[name].isdisjoint(known) for name in splits.test.ids()])
    return splits.with_deduplicated(
        new, f"{new.sum():,} of {len(new):,} test rows share neither text nor image file with another split"
    )


def _part(record: Record, group: str, options: ManifestOptions) -> Part:
    if options.split is None:
        return groups.part_of(group, RULE)
    value = record.cells[options.split]
    if value is None or value.lower() not in SPLITS:
        raise DataError(f"{record.origin}: split {value!r}; valid are {', '.join(SPLITS)}")
    return SPLITS[value.lower()]
