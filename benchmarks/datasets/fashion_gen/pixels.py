"""Images that stay in the HDF5 file: read row by row, whatever the size of the file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil, prod
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from benchmarks.datasets.fashion_gen.layout import IMAGE, ChunkCache, open_file
from benchmarks.datasets.loading import images
from benchmarks.datasets.loading.arrow import TableExamples
from benchmarks.datasets.loading.splits import DataError
from cma_clip.types import Example, Examples

if TYPE_CHECKING:
    import h5py

Channels = Literal["rgb", "bgr"]

MOST_CACHE = 2**27
"""Most bytes of HDF5's cache of chunks."""


class ImageFile:
    """`input_image` of one file, as RGB. Every process opens it for itself, when it first reads a row.

    HDF5 reads whole chunks: the cache holds those that one row touches, so that rows read in order read each once.
    """

    def __init__(self, path: Path, channels: Channels):
        self.path, self.channels = path, channels
        self._opened: tuple[int, h5py.File] | None = None

    def __reduce__(self) -> tuple[type[ImageFile], tuple[Path, Channels]]:
        """Without the open file: another process opens its own."""
        return ImageFile, (self.path, self.channels)

    def pixels(self, row: int) -> npt.NDArray[np.uint8]:
        """UInt8[256, 256, 3], red first.

        Raises:
            DataError: names file and row.
        """
        try:
            stored: npt.NDArray[np.uint8] = self._file()[IMAGE][row]
        except (OSError, IndexError) as error:
            raise DataError(f"{self.path}, row {row}: the image cannot be read: {error}") from error
        return stored if self.channels == "rgb" else np.ascontiguousarray(stored[..., ::-1])

    def _file(self) -> h5py.File:
        opened = self._opened
        if opened is None or opened[0] != os.getpid():  # a forked process must not share its parent's handle
            with open_file(self.path) as file:
                chunk_cache = _chunk_cache(file[IMAGE], self.path)
            opened = self._opened = os.getpid(), open_file(self.path, chunk_cache)
        return opened[1]


@dataclass(frozen=True, slots=True)
class ImageRow:
    """One image of a file; see `rows.ImageInPlace`."""

    file: ImageFile
    row: int

    def digest(self, origin: str) -> str:
        """Hash of the RGB pixels.

        Raises:
            DataError: names file and row, which are the origin.
        """
        return images.digest(self.file.pixels(self.row).tobytes())


class FileExamples(Examples):
    """The columns of a table, and images that are read from the file when an example is looked at."""

    def __init__(self, table: TableExamples, file: ImageFile):
        self.fingerprint = table.fingerprint
        self._table = table
        self._images = file

    def __len__(self) -> int:
        return len(self._table)

    def __getitem__(self, index: int) -> Example:
        example = self._table[index]
        pixels = self._images.pixels(row_of(example.id))
        return replace(example, image=Image.fromarray(pixels))

    def ids(self) -> tuple[str, ...]:
        """From the column."""
        return self._table.ids()

    def groups(self) -> tuple[str, ...]:
        """From the column."""
        return self._table.groups()

    def texts(self) -> list[str | None]:
        """From the column."""
        return self._table.texts()

    def image_present(self) -> npt.NDArray[np.bool_]:
        """From the column of digests."""
        return self._table.image_present()

    def label_rows(self) -> list[Mapping[str, int]]:
        """From the label columns."""
        return self._table.label_rows()

    def labels(self, task: str) -> npt.NDArray[np.int64]:
        """From the label column."""
        return self._table.labels(task)


def id_of(file: str, row: int) -> str:
    """The id of an example says where its image stands."""
    return f"{file}-{row}"


def row_of(example_id: str) -> int:
    """The inverse of `id_of`."""
    return int(example_id.rpartition("-")[2])


def _chunk_cache(dataset: h5py.Dataset, path: Path) -> ChunkCache | None:
    """Room for the chunks that hold one row; None, HDF5's own choice, for a file without chunks.

    Raises:
        DataError: compressed chunks so large that every row would cost the unpacking of gigabytes.
    """
    if dataset.chunks is None:
        return None
    chunks = prod(ceil(size / chunk) for size, chunk in zip(dataset.shape[1:], dataset.chunks[1:], strict=True))
    size = chunks * prod(dataset.chunks)
    if size > MOST_CACHE:
        if dataset.id.get_create_plist().get_nfilters():
            raise DataError(
                f"{path}: to read one image, {size / 1e6:,.0f} MB of compressed chunks must be unpacked, more than "
                f"{MOST_CACHE / 1e6:,.0f} MB; store them one a chunk: h5repack -l {IMAGE}:CHUNK=1x256x256x3 IN OUT"
            )
        return ChunkCache(521, 0)  # without a cache HDF5 reads no more of a chunk than the row's own bytes
    # 10 slots a chunk, as HDF5's manual advises: two chunks in one slot evict each other.
    return ChunkCache(max(10 * chunks + 1, 521), max(size, 2**20))
