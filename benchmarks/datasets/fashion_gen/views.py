"""The rows of the two files, one a view, as samples of the benchmark."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.datasets.fashion_gen.layout import Split, check, open_file, read_labels, read_products, read_texts
from benchmarks.datasets.fashion_gen.pixels import Channels, FileExamples, ImageFile, ImageRow, id_of
from benchmarks.datasets.fashion_gen.selection import Products, Selection, Thinning, select
from benchmarks.datasets.loading.arrow import TableExamples
from benchmarks.datasets.loading.rows import PARTS, Part, Row
from cma_clip.types import Examples

COLUMNS = {"category": "input_category", "subcategory": "input_subcategory"}
"""Task -> its column."""

SPLIT_OF: dict[Part, Split] = {"train": "train", "val": "train", "test": "validation"}
"""Where the rows of each part stand."""

PUBLISHED_CLASSES = {"category": 48, "subcategory": 121}
PUBLISHED_ROWS: dict[Split, int] = {"train": 260_490, "validation": 32_528}


class _Columns(NamedTuple):
    """Of every row of a file: its product, and its label of each task."""

    products: Products
    labels: Mapping[str, Sequence[str | None]]


class Views:
    """Both files, read with these channels and thinned out so; a column is read when it is first needed, and once.

    Raises, wherever something is read:
        DataError: not HDF5, missing keys, other shapes or dtypes, a block that cannot be read.
    """

    def __init__(self, files: Mapping[Split, Path], channels: Channels, thinning: Thinning, train_rows: int | None):
        self.files, self.channels = files, channels
        self._thinning: Thinning = thinning
        self._train_rows = train_rows
        self._photos = {split: ImageFile(path, channels) for split, path in files.items()}

    def rows(self, tasks: Sequence[str], text_keys: Sequence[str]) -> Iterator[Row]:
        """All rows that are used, in the order of the files."""
        for split, path in self.files.items():
            columns, parts, photos = self._columns[split], self._parts(split), self._photos[split]
            for row, text in enumerate(_texts(path, text_keys)):
                part = parts.get(row)
                if part is not None:
                    yield Row(
                        id=id_of(split, row),
                        group=f"product-{columns.products[row]}",
                        part=part,
                        image=ImageRow(photos, row),
                        text=text,
                        labels={task: columns.labels[task][row] for task in tasks},
                        origin=f"{path.name}, row {row}",
                    )

    def with_photos(self, examples: Examples, part: Part) -> Examples:
        """The table of a part with the photos, which stay in their file."""
        if not isinstance(examples, TableExamples):
            raise TypeError(f"{part}: {type(examples).__name__} is not a table")
        return FileExamples(examples, self._photos[SPLIT_OF[part]])

    def notes(self, tasks: Sequence[str]) -> Iterator[str]:
        """What the protocol and the thinning leave out, and how far the data are from the published ones."""
        for split, columns in self._columns.items():
            found, published = len(columns.products), PUBLISHED_ROWS[split]
            if found != published:
                yield f"Not the published data: {self.files[split].name} has {found:,} rows, not {published:,}."
        for part, rows in self._selection.parts.items():
            products = len(np.unique(self._columns[SPLIT_OF[part]].products[rows]))
            yield f"{part}: {len(rows):,} views of {products:,} products."
        if leaking := self._selection.leaking:
            some = ", ".join(map(str, leaking[:5]))
            yield f"{len(leaking):,} products of the training file left out, the validation file has them too: {some}."
        for task in tasks:
            found = len(self._classes[task])
            if found != PUBLISHED_CLASSES[task]:
                yield f"{task}: {found} classes in training; the published tables have {PUBLISHED_CLASSES[task]}."
            yield from self._unseen_notes(task)

    def _unseen_notes(self, task: str) -> Iterator[str]:
        """Named, and with the most that an accuracy would lose if they counted as errors."""
        for part in PARTS:
            labels = self._labels(part, task)
            unseen = Counter(label for label in labels if label is not None and label not in self._classes[task])
            if unseen:
                known = sum(label is not None for label in labels)
                names = ", ".join(f"{name!r} {count:,}" for name, count in sorted(unseen.items()))
                yield (
                    f"{task}: {unseen.total():,} of {known:,} labels in {part} count as missing, no training row has "
                    f"them ({names}); as errors they would lower the accuracy by at most "
                    f"{100 * unseen.total() / known:.2f} points."
                )

    @cached_property
    def _columns(self) -> dict[Split, _Columns]:
        return {split: _read(path) for split, path in self.files.items()}

    @cached_property
    def _selection(self) -> Selection:
        train, validation = (self._columns[split].products for split in ("train", "validation"))
        return select(train, validation, self._thinning, self._train_rows)

    @cached_property
    def _classes(self) -> dict[str, set[str | None]]:
        """Task -> the labels of the training rows."""
        return {task: set(self._labels("train", task)) - {None} for task in COLUMNS}

    def _labels(self, part: Part, task: str) -> list[str | None]:
        labels = self._columns[SPLIT_OF[part]].labels[task]
        return [labels[row] for row in self._selection.parts[part].tolist()]

    def _parts(self, split: Split) -> dict[int, Part]:
        """Row of the file -> its part; a row that is not used has no key."""
        own = (part for part in PARTS if SPLIT_OF[part] == split)
        return {row: part for part in own for row in self._selection.parts[part].tolist()}


def _read(path: Path) -> _Columns:
    with open_file(path) as file:
        check(file, path)
        return _Columns(read_products(file), {task: read_labels(file, key) for task, key in COLUMNS.items()})


def _texts(path: Path, keys: Sequence[str]) -> Iterator[str]:
    """The texts of these columns as sentences, row by row."""
    with open_file(path) as file:
        for parts in zip(*(read_texts(file, key) for key in keys), strict=True):
            yield ". ".join(part.strip() for part in parts if part.strip())
