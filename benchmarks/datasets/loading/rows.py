"""Samples as a loader found them, row by row or in columns, and what must hold between them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any, Literal, Protocol, Self, get_args

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.datasets.loading.splits import DataError

Part = Literal["train", "val", "test"]
PARTS: tuple[Part, ...] = get_args(Part)
LABEL = "label:"
"""Before the name of a task: the name of its column."""

ROWS_PER_BATCH = 10_000


class ImageInPlace(Protocol):
    """An image that stays where it is, say a row of an array in a file: the loader's own examples read it."""

    def digest(self, origin: str) -> str:
        """Hash of its pixels, which are read for it.

        Raises:
            DataError: they cannot be read; names the origin.
        """
        ...


@dataclass(frozen=True, slots=True)
class Row:
    """One sample as a loader found it.

    Attributes:
        image: a file, encoded bytes, an image that stays where it is, or None for a missing image.
        text: None, or nothing but white space, for a missing text.
        labels: task -> class name; None or no key for a missing label.
        origin: where it stands, for error messages ("styles.csv, row 17").
    """

    id: str
    group: str
    part: Part
    image: Path | bytes | ImageInPlace | None
    text: str | None
    labels: Mapping[str, str | None]
    origin: str


@dataclass(frozen=True)
class Placement:
    """Where every sample goes.

    Attributes:
        groups: names of the groups, one a row.
        parts: Int[N], index into `PARTS`.
        units: what the test rows count as one by (`Splits.units`); None where each stands for itself.
        subsets: name -> Bool[N]; of each, the test rows are evaluated as a condition.
        notes: sentences for the report.
    """

    groups: pa.ChunkedArray
    parts: npt.NDArray[np.int8]
    units: pa.ChunkedArray | None = None
    subsets: Mapping[str, npt.NDArray[np.bool_]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def schema(tasks: Iterable[str]) -> pa.Schema:
    """The columns of samples: at most one of `image_path` and `image_bytes` in a row; labels are class names."""
    fields = [
        ("id", pa.string()),
        ("group", pa.string()),
        ("part", pa.int8()),
        ("origin", pa.string()),
        ("text", pa.string()),
        ("image_path", pa.string()),
        ("image_bytes", pa.large_binary()),  # a batch may hold more than 2 GB
    ]
    return pa.schema([*fields, *((LABEL + task, pa.string()) for task in tasks)])


@dataclass(frozen=True)
class Samples:
    """Samples in columns: a million of them fit where a million objects do not.

    Attributes:
        columns: as `schema`; a text is null or holds more than white space.
        in_place: the image of every row that stays where it is; empty where no row has one.
        place: groups and splits, asked for when the images are checked: the column `image_digest` is there then, and
            rows that cannot be used are gone. None: `columns` says it.
    """

    columns: pa.Table
    in_place: Sequence[ImageInPlace | None] = ()
    place: Callable[[pa.Table], Placement] | None = None

    @classmethod
    def of(cls, rows: Iterable[Row], tasks: Sequence[str]) -> Self:
        """In columns what a loader gives row by row; no more than a batch of rows is held at a time."""
        remaining, batches, in_place = iter(rows), [], []
        while chunk := list(islice(remaining, ROWS_PER_BATCH)):
            batches.append(_batch(chunk, tasks))
            in_place.append([None if isinstance(row.image, Path | bytes) else row.image for row in chunk])
        held = any(image is not None for images in in_place for image in images)
        return cls(pa.Table.from_batches(batches, schema(tasks)), list(chain(*in_place)) if held else ())

    def has_image(self) -> npt.NDArray[np.bool_]:
        """Bool[N]: rows with an image of any kind."""
        present = np.zeros(len(self.columns), np.bool_)
        for name in ("image_path", "image_bytes"):
            present |= self.columns[name].is_valid().to_numpy()
        return present | [image is not None for image in self.in_place] if self.in_place else present

    def image(self, row: int) -> Path | bytes | ImageInPlace | None:
        """The image of a row as the loader gave it."""
        if path := self.columns["image_path"][row].as_py():
            return Path(path)
        data: bytes | None = self.columns["image_bytes"][row].as_py()
        return self.in_place[row] if data is None and self.in_place else data


def _batch(rows: Sequence[Row], tasks: Sequence[str]) -> pa.RecordBatch:
    columns: dict[str, list[Any]] = {
        "id": [row.id for row in rows],
        "group": [row.group for row in rows],
        "part": [PARTS.index(row.part) for row in rows],
        "origin": [row.origin for row in rows],
        "text": [row.text if row.text and row.text.strip() else None for row in rows],
        "image_path": [str(row.image.absolute()) if isinstance(row.image, Path) else None for row in rows],
        "image_bytes": [row.image if isinstance(row.image, bytes) else None for row in rows],
        **{LABEL + task: [row.labels.get(task) for row in rows] for task in tasks},
    }
    return pa.RecordBatch.from_pydict(columns, schema(tasks))


class LeakError(DataError):
    """A group with rows in two splits."""


def with_columns(columns: pa.Table, **changed: pa.ChunkedArray) -> pa.Table:
    """The table with these columns in place of its own of the same names."""
    for name, column in changed.items():
        columns = columns.set_column(columns.column_names.index(name), name, column)
    return columns


def codes(column: pa.ChunkedArray) -> tuple[npt.NDArray[np.int64], pa.Array]:
    """(Int[N] number of each value, -1 for null; the values in the order in which they first occur)."""
    encoded = column.cast(pa.large_string()).dictionary_encode()
    if not encoded.num_chunks:
        return np.zeros(0, np.int64), pa.array([], pa.large_string())
    numbers = [chunk.indices.fill_null(-1).to_numpy(zero_copy_only=False) for chunk in encoded.chunks]
    return np.concatenate(numbers).astype(np.int64), encoded.chunk(0).dictionary


def firsts(numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Int[N]: for every row the first row with the same number."""
    _, first, place = np.unique(numbers, return_index=True, return_inverse=True)
    return np.asarray(first[place], np.int64)


def check_ids(columns: pa.Table) -> None:
    """Every id occurs once.

    Raises:
        DataError: names both rows.
    """
    if pc.count_distinct(columns["id"]).as_py() == len(columns):
        return
    first = firsts(codes(columns["id"])[0])
    row = int(np.flatnonzero(first != np.arange(len(first)))[0])
    origins, used = columns["origin"], columns["id"][row].as_py()
    raise DataError(f"{origins[row]}: id {used!r} was used before, in {origins[int(first[row])]}; ids must be unique")


def check_parts(columns: pa.Table) -> None:
    """No split is empty, and no group is in two of them.

    Raises:
        DataError: names the empty split.
        LeakError: names the group and both rows.
    """
    parts = columns["part"].to_numpy()
    first = firsts(codes(columns["group"])[0])
    leaks = np.flatnonzero(parts != parts[first])
    if len(leaks):
        row, other = int(leaks[0]), int(first[leaks[0]])
        raise LeakError(
            f"{columns['origin'][row]}: it is in {PARTS[parts[row]]}, but {columns['origin'][other]} of the same group "
            f"{columns['group'][row].as_py()!r} is in {PARTS[parts[other]]}; rows that share a title, a photo or a "
            f"group name are one group, and all of its rows must be in one split, or the test split leaks"
        )
    counts = {part: int((parts == number).sum()) for number, part in enumerate(PARTS)}
    for part, count in counts.items():
        if not count:
            raise DataError(f"the {part} split is empty (usable rows: {counts}); every split needs some")
