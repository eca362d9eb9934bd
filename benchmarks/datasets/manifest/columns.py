"""From the columns of a table to samples."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.datasets.loading.rows import LABEL, Samples, schema
from benchmarks.datasets.loading.splits import DataError, OnBadSample
from benchmarks.datasets.manifest.folder import PhotoFolder
from benchmarks.datasets.manifest.options import ManifestOptions
from benchmarks.datasets.manifest.photos import Photos, Where, find_photos
from benchmarks.datasets.manifest.placement import place

GROUP, SPLIT, ROW, VIEWED = "cell:group", "cell:split", "row", "viewed"
"""Columns of the samples beyond those of every loader: cells, the number of the row, whether it has several photos."""


@dataclass(frozen=True)
class Table:
    """The rows of a table and what its columns mean.

    Attributes:
        folder: of the table; paths of photos are seen from it.
        columns: strings, null where missing; encoded images may be binary.
        origins: where each row stands, for messages.
        on_bad_sample: None: photos are only looked for, and none is too bad for that.
        notes: for the report.
    """

    folder: Path
    columns: pa.Table
    origins: Where
    options: ManifestOptions
    on_bad_sample: OnBadSample | None = "error"
    notes: tuple[str, ...] = ()

    @cached_property
    def photos(self) -> Photos | None:
        """The files that the image column names; None without one.

        Raises:
            DataError: what `find_photos` refuses.
        """
        column = self.options.image
        if column is None or not pa.types.is_string(self.columns.schema.field(column).type):
            return None
        root = images_folder(self.options.images, self.folder)
        return find_photos(self.columns[column], self.origins, PhotoFolder(root, self.folder), self.on_bad_sample)

    def samples(self) -> Samples:
        """The rows as samples, the views of a product one after the other.

        Raises:
            DataError: a row without an id; what `photos` refuses.
        """
        rows, views = self._rows_and_views()
        filled = {name: self._filled(name, rows, views) for name in ("id", "image_path", "image_bytes")}
        filled["text"] = self._cells(self.options.text, rows)
        filled["origin"] = pa.chunked_array([pa.array([self.origins[row] for row in rows.tolist()], pa.string())])
        filled |= {LABEL + label: self._cells(label, rows) for label in self.options.labels}
        empty = pa.nulls(len(rows), pa.string())
        columns = pa.table(
            {
                field.name: filled.get(field.name, pa.chunked_array([empty]).cast(field.type))
                for field in schema(self.options.labels)
            }
        )
        columns = columns.append_column(ROW, pa.array(rows))
        columns = columns.append_column(VIEWED, pa.array(self._several()[rows]))
        for name, column in ((GROUP, self.options.group), (SPLIT, self.options.split)):
            columns = columns.append_column(name, self._cells(column, rows))
        return Samples(columns, place=lambda good: place(good, self.options))

    def _several(self) -> npt.NDArray[np.bool_]:
        if self.photos is None or self.options.photos == "first":
            return np.zeros(self.columns.num_rows, np.bool_)
        return self.photos.counts() > 1

    def _rows_and_views(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """For every sample its row, and which of the row's photos it shows."""
        counts = np.where(self._several(), 0 if self.photos is None else self.photos.counts(), 1)
        rows = np.repeat(np.arange(len(counts)), counts)
        return rows, np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)

    def _cells(self, column: str | None, rows: npt.NDArray[np.int64]) -> pa.ChunkedArray:
        if column is None:
            return pa.chunked_array([pa.nulls(len(rows), pa.string())])
        cells = self.columns[column]
        return cells if len(rows) == len(cells) else cells.take(pa.array(rows))

    def _filled(self, name: str, rows: npt.NDArray[np.int64], views: npt.NDArray[np.int64]) -> pa.ChunkedArray:
        if name == "id":
            return self._ids(rows, views)
        if name == "image_path" and self.photos is not None:
            if not views.any():
                return self.photos.first()
            numbers = self.photos.numbers[rows].tolist()
            shown = [None if n < 0 else self.photos.files[n][k] for n, k in zip(numbers, views.tolist(), strict=True)]
            return pa.chunked_array([pa.array(shown, pa.string())])
        if name == "image_bytes" and self.photos is None and self.options.image is not None:
            return self.columns[self.options.image].cast(pa.large_binary())
        return pa.chunked_array([pa.nulls(len(rows), schema(()).field(name).type)])

    def _ids(self, rows: npt.NDArray[np.int64], views: npt.NDArray[np.int64]) -> pa.ChunkedArray:
        column = self.options.id
        if column is None:
            ids = pa.chunked_array([pc.binary_join_element_wise("row-", pa.array(rows).cast(pa.string()), "")])
        else:
            ids = self._cells(column, rows)
            if ids.null_count:
                row = int(rows[np.argmin(ids.is_valid().to_numpy())])
                raise DataError(f"{self.origins[row]}: column {column!r} is empty; every row needs an id")
        if not views.any():
            return ids
        others = pc.binary_join_element_wise(ids, pa.array(views + 1).cast(pa.string()), "#")
        return pc.if_else(pa.array(views > 0), others, ids)


def images_folder(images: str | None, folder: Path) -> Path:
    """The folder that the option names, as seen from the table or else from the current folder.

    Raises:
        DataError: there is none.
    """
    if images is None:
        return folder
    for place_ in (folder / images, Path(images)):
        if place_.is_dir():
            return place_
    raise DataError(f"images={images}: no such folder, neither below {folder.absolute()} nor below {Path.cwd()}")


def photo_notes(photos: Photos | None, options: ManifestOptions) -> list[str]:
    """Sentences on how photos were found and which of them are used."""
    if photos is None:
        return []
    counts = photos.counts()
    several, files = int((counts > 1).sum()), int(counts[counts > 1].sum())
    used = {
        "first": "the first of them is used (photos=all uses every one)",
        "all": "each is a view, and the prediction for a product is the mean over its views (product-level)",
    }
    said = f"{several:,} rows name several photos, {files:,} together: {used[options.photos]}."
    return [*photos.notes, *([said] if several else [])]
