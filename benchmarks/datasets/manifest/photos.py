"""The photos that a column names: each cell one file, several, or nothing that exists."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from benchmarks.datasets.loading.rows import codes
from benchmarks.datasets.loading.splits import DataError, OnBadSample
from benchmarks.datasets.manifest.folder import OutsideError, PhotoFolder
from benchmarks.datasets.reading import Origins

Where = Sequence[str] | Origins
"""What says for every row where it stands."""

SEPARATORS = ("|", ";", ",")
MOST_MISSING: Mapping[OnBadSample, Callable[[int], float]] = {
    "error": lambda _: 1,
    "skip": lambda named: named / 2,
    "blank": lambda named: named,
}
"""Of so many named photos, how many may be missing before the folder must be another."""

LOOKED_AT = 20
"""Names of missing files that are looked for in other folders."""

REPAIRS = {
    "backslashes": "are written with backslashes",
    "accents": "have accents that the file system composes otherwise",
    "case": "differ from their file in case",
    "bare names": "are bare names of files in a folder below",
    "no extension": "lack the extension of their file",
}


@dataclass(frozen=True)
class Photos:
    """The files of a column.

    Attributes:
        numbers: Int[N], place of each row's cell in `files`; -1 where the cell is empty.
        files: per different cell the paths of its photos, links resolved; one that does not exist is as it was named.
        notes: sentences for the report.
    """

    numbers: npt.NDArray[np.int64]
    files: Sequence[tuple[str, ...]]
    notes: tuple[str, ...] = ()

    def first(self) -> pa.ChunkedArray:
        """String[N]: the first photo of each row, null where it has none."""
        paths = pa.array([files[0] for files in self.files], pa.string())
        return pa.chunked_array([paths.take(pa.array(self.numbers, mask=self.numbers < 0))])

    def counts(self) -> npt.NDArray[np.int64]:
        """Int[N]: photos of each row."""
        sizes = np.array([*map(len, self.files), 0])
        return np.asarray(sizes[self.numbers], np.int64)

    def facts(self) -> Iterator[str]:
        """A line for every file: name, size and time; a changed file is noticed."""
        for path in sorted({path for files in self.files for path in files}):
            try:
                found = os.stat(path)  # noqa: PTH116
            except OSError:  # missing, or a name too long
                yield f"{path} -\n"
            else:
                yield f"{path} {found.st_size} {found.st_mtime_ns}\n"


def find_photos(
    column: pa.ChunkedArray, origins: Where, folder: PhotoFolder, on_bad_sample: OnBadSample | None
) -> Photos:
    """The photos of a column of names, null where there is none.

    A missing file is left to whoever reads it, unless so many are missing that the folder must be another. With
    `on_bad_sample` None any number of them is, and a name that stands for no file counts as missing.

    Raises:
        DataError: a URL, a path out of the folder, a name that several files fit, or many missing files; names row,
            value and way out.
    """
    numbers, values = codes(column)
    cells: list[str] = values.to_pylist()
    files, outside = [], []
    for number, cell in enumerate(cells):
        try:
            files.append(photos_of(cell, folder))
        except OutsideError as error:
            outside.append((number, error))
        except ValueError as error:
            if on_bad_sample is None:
                files.append(None)
                continue
            raise DataError(f"{_origin(origins, numbers, number)}: image path {cell!r} {error}") from error
    if outside:
        raise _leaving(cells, outside, _origin(origins, numbers, outside[0][0]), folder)
    missing = np.array([number for number, found in enumerate(files) if found is None], np.int64)
    lost, named = int(np.isin(numbers, missing).sum()), int((numbers >= 0).sum())
    if on_bad_sample and lost > 0 and (lost == named or lost > MOST_MISSING[on_bad_sample](named)):
        names = [cells[number] for number in missing[:LOOKED_AT]]
        raise DataError(_all_missing(names, lost, named, _origin(origins, numbers, int(missing[0])), folder))
    paths = [found or (folder.unfound(cell),) for cell, found in zip(cells, files, strict=True)]
    notes = [f"{count:,} image paths {REPAIRS[what]}." for what, count in folder.repairs.items()]
    return Photos(numbers, paths, tuple(notes))


def _origin(origins: Where, numbers: npt.NDArray[np.int64], number: int) -> str:
    return origins[int(np.argmax(numbers == number))]


def photos_of(cell: str, folder: PhotoFolder) -> tuple[str, ...] | None:
    """The files that a cell names; None: the first does not exist.

    Raises:
        ValueError: what is wrong with the name, without it.
    """
    if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*://", cell):
        raise ValueError(
            "is a URL, and photos are not fetched: download them into a folder first (img2dataset does a whole "
            "column), name the files in this column, and give the folder with --option images=DIR"
        )
    parts = _json_list(cell)
    if parts is None:
        if path := folder.find(cell):
            return (path,)
        parts = next((parts for parts in _lists(cell) if folder.find(parts[0])), [])
    found = [folder.find(part) for part in parts]
    if not found or found[0] is None:
        return None
    return tuple(path or folder.unfound(part) for part, path in zip(parts, found, strict=True))


def _json_list(cell: str) -> list[str] | None:
    if not cell.startswith("["):
        return None
    try:
        parts = json.loads(cell)
    except ValueError:
        return None
    return [part.strip() for part in parts] if all(isinstance(part, str) for part in parts) else None


def _lists(cell: str) -> Iterator[list[str]]:
    for separator in SEPARATORS:
        parts = [part.strip() for part in cell.split(separator)]
        if len(parts) > 1 and (named := [part for part in parts if part]):
            yield named


def _leaving(
    cells: Sequence[str], outside: Sequence[tuple[int, OutsideError]], origin: str, folder: PhotoFolder
) -> DataError:
    number, error = outside[0]
    targets = [Path(error.target).parent for _, error in outside if Path(error.target).is_file()]
    way_out = f"; if the photos lie there: {_option(os.path.commonpath(targets))}" if targets else ""
    return DataError(f"{origin}: image path {cells[number]!r} {error}{way_out}")


def _all_missing(names: Sequence[str], lost: int, named: int, origin: str, folder: PhotoFolder) -> str:
    said = (
        f"{lost:,} of {named:,} photos do not exist, for example {names[0]!r} ({origin}), looked for below "
        f"{folder.root.resolve()}"
    )
    if other := folder_that_fits(names, folder):
        return f"{said}; files of that name lie elsewhere; if they are the photos: {_option(str(other))}"
    hint = "; are the backslashes part of the names?" if "\\" in names[0] else ""
    return (
        f"{said}{hint}; another folder: --option images=DIR; rows without them: --on-bad-sample skip (less than half "
        f"missing) or blank, which keeps the texts; no photos at all: --option image=null"
    )


def folder_that_fits(names: Sequence[str], folder: PhotoFolder) -> Path | None:
    """A folder near by where the missing files lie, or the one of their absolute paths."""
    absolute = [Path(name).parent for name in names if os.path.isabs(name) and _is_file(Path(name))]  # noqa: PTH117
    if absolute:
        return Path(os.path.commonpath(absolute))
    root = folder.root.resolve()
    near = [root.parent, root.parent.parent, folder.base.resolve()]
    for above in list(dict.fromkeys(near)):
        try:
            near += sorted(path for path in above.iterdir() if path.is_dir() and not path.name.startswith("."))
        except OSError:  # not ours to read
            continue
    plain = [name.replace("\\", "/") for name in names if not os.path.isabs(name)]  # noqa: PTH117
    if not plain:
        return None
    first = next(iter(_lists(plain[0])), [plain[0]])[0]
    return next((path for path in near if path != root and _is_file(path / first)), None)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _option(folder: str) -> str:
    return f"--option {shlex.quote(f'images={folder}')}"
