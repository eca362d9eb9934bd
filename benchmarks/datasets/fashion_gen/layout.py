"""The two HDF5 files: their names, keys, shapes and dtypes, and how a column is read."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from benchmarks.datasets.loading import grouping as groups
from benchmarks.datasets.loading.splits import DataError

if TYPE_CHECKING:
    import h5py

IMAGE, PRODUCT = "input_image", "input_productID"
TEXTS = (
    "input_brand",
    "input_category",
    "input_composition",
    "input_concat_description",
    "input_department",
    "input_description",
    "input_gender",
    "input_name",
    "input_pose",
    "input_season",
    "input_subcategory",
)
KEYS = ("index", "index_2", IMAGE, "input_msrpUSD", PRODUCT, *TEXTS)
SIDE = 256
ENCODING = "latin-1"
"""UTF-8 fails on some rows of the original."""

ROWS_PER_BLOCK = 4096
"""Rows of a text column read at a time; few enough that columns of wide fixed-length strings stay small."""


Split = Literal["train", "validation"]
"""The splits that were released, each a file."""

NAMES: dict[Split, str] = {
    "train": "fashiongen_256_256_train.h5",
    "validation": "fashiongen_256_256_validation.h5",
}


class ChunkCache(NamedTuple):
    """HDF5's cache of chunks, in HDF5's words: number of slots, and size."""

    rdcc_nslots: int
    rdcc_nbytes: int


def find(root: Path | None) -> dict[Split, Path]:
    """The files of a folder.

    Raises:
        DataError: no folder is given, or a file is not in it.
    """
    layout = f"it needs {' and '.join(NAMES.values())}"
    if root is None:
        raise DataError(f"fashion-gen needs a folder: --data fashion-gen=DIR; {layout}")
    for name in NAMES.values():
        if not (root / name).is_file():
            raise DataError(f"fashion-gen: {root / name} is not a file; {layout}")
    return {split: root / name for split, name in NAMES.items()}


def open_file(path: Path, chunk_cache: ChunkCache | None = None) -> h5py.File:
    """Open for reading.

    Raises:
        DataError: missing, not HDF5, or truncated.
    """
    import h5py

    try:
        return h5py.File(path, "r", **(chunk_cache._asdict() if chunk_cache else {}))
    except OSError as error:
        raise DataError(f"{path} cannot be opened as HDF5: {error}") from error


def check(file: h5py.File, path: Path) -> int:
    """The number of rows of a file that has all keys in the official shapes and dtypes.

    Raises:
        DataError: names the file and every missing key, or the first key of another shape or dtype.
    """
    missing = [key for key in KEYS if key not in file]
    if missing:
        raise DataError(f"{path}: keys are missing: {', '.join(missing)}; Fashion-Gen has {', '.join(KEYS)}")
    rows = len(file[IMAGE])
    if not rows:
        raise DataError(f"{path}: it has no rows")
    for key in KEYS:
        found = f"{key} has shape {file[key].shape} and dtype {file[key].dtype}"
        expected = _expected(key, rows)
        if file[key].shape not in expected or not _is_of_its_kind(key, file[key].dtype):
            kind = "bytes" if key in TEXTS else "uint8" if key == IMAGE else "numbers"
            raise DataError(f"{path}: {found}, expected {' or '.join(map(str, expected))} of {kind}")
    return rows


def read_texts(file: h5py.File, key: str) -> Iterator[str]:
    """The column, decoded, block by block.

    Raises:
        DataError: a block cannot be read.
    """
    for block in _blocks(file, key):
        for raw in block.ravel().tolist():
            yield raw.decode(ENCODING)


def read_labels(file: h5py.File, key: str) -> list[str | None]:
    """The column as class names: lower case, tabs and repeated spaces as one; None where it is empty."""
    return [_class_name(text) for text in read_texts(file, key)]


def read_products(file: h5py.File) -> npt.NDArray[np.int64]:
    """Int[N]: the product of every row."""
    return np.concatenate([block.ravel().astype(np.int64) for block in _blocks(file, PRODUCT)])


@cache
def _class_name(text: str) -> str | None:
    return groups.normalise(text) or None


def _expected(key: str, rows: int) -> tuple[tuple[int, ...], ...]:
    if key == IMAGE:
        return ((rows, SIDE, SIDE, 3),)
    if key in TEXTS or key == PRODUCT:
        return ((rows, 1),)
    return (rows,), (rows, 1)


def _is_of_its_kind(key: str, dtype: np.dtype[np.generic]) -> bool:
    import h5py

    if key in TEXTS:
        return h5py.check_string_dtype(dtype) is not None
    return dtype == np.uint8 if key == IMAGE else dtype.kind in "iuf"


def _blocks(file: h5py.File, key: str) -> Iterator[npt.NDArray[np.generic]]:
    column = file[key]
    for start in range(0, len(column), ROWS_PER_BLOCK):
        try:
            yield column[start : start + ROWS_PER_BLOCK]
        except OSError as error:
            raise DataError(f"{file.filename}: {key} cannot be read from row {start} on: {error}") from error
