"""A folder of memory-mapped arrays that is complete or absent, never half-written."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cma_clip.classifier import Workspace
from cma_clip.places.folders import make_once

NAMES = "arrays.json"
"""Written last: lists the arrays of a complete folder."""
Shape = tuple[tuple[int, ...], type]
"""Of an array, with the type of its items."""
Piece = tuple[str, npt.NDArray[np.int64], npt.NDArray[Any]]
"""Name of an array, and what comes where in it."""


def filled(
    folder: ArrayFolder | None,
    shapes: Callable[[], Mapping[str, Shape]],
    fill: Callable[[Mapping[str, npt.NDArray[Any]]], None],
) -> Mapping[str, npt.NDArray[Any]]:
    """Arrays from the folder, computed first if it is not there yet; in memory where there is no folder."""
    if folder is None:
        arrays: dict[str, npt.NDArray[Any]] = {name: np.zeros(*shape) for name, shape in shapes().items()}
        fill(arrays)
        return arrays
    folder.fill(shapes, fill)
    return folder.read()


class JoinedRows:
    """The rows of several arrays one after the other, read where they are: mapped files are not copied together.

    Along the second axis, the length of texts, all are filled up with zeros to the longest.
    """

    def __init__(self, parts: Sequence[npt.NDArray[Any]]):
        self.parts = parts
        self.starts = np.cumsum([0, *map(len, parts)])
        self.shape = (len(self), max(part.shape[1] for part in parts), *parts[0].shape[2:])
        self.dtype = parts[0].dtype

    def __len__(self) -> int:
        return int(self.starts[-1])

    def __getitem__(self, rows: Any) -> npt.NDArray[Any]:  # noqa: ANN401 - whatever picks from an axis
        asked = rows if isinstance(rows, np.ndarray) else np.arange(len(self))[rows]
        found = np.zeros((len(asked), *self.shape[1:]), self.dtype)
        for start, part in zip(self.starts, self.parts, strict=False):
            places = np.flatnonzero((asked >= start) & (asked < start + len(part)))
            values = np.asarray(part[asked[places] - start])
            found[places, : values.shape[1]] = values
        return found

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return self[:].astype(dtype or self.dtype, copy=False)


def joined(parts: Sequence[Mapping[str, npt.NDArray[Any]]]) -> dict[str, Any]:
    """The arrays of several parts as those of one; vectors are copied, what is larger is a `JoinedRows`.

    Those called `*_starts` say where in other arrays the items of each row start. A part without an array has no rows
    of it.
    """
    names = dict.fromkeys(name for part in parts for name in part)
    return {name: _joined(name, [part[name] for part in parts if name in part]) for name in names}


def _joined(name: str, of: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any] | JoinedRows:
    if name.endswith("_starts"):
        return starts_of(np.concatenate([np.diff(starts) for starts in of]))
    return np.concatenate(of) if of[0].ndim == 1 else JoinedRows(of)


def starts_of(counts: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Int[N] -> Int[N+1]: where the items of each row start if all stand one after the other."""
    return np.append(0, counts.cumsum(dtype=np.int64))


def items_of(
    starts: npt.NDArray[np.int64], rows: Sequence[int] | slice | npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """(Int[K], Int[K]): where the items of some rows stand in a ragged array, and which of these rows each belongs to.

    Those of row r are `starts[r]` to `starts[r + 1]`.
    """
    begins = np.asarray(starts[:-1][rows])
    counts = np.asarray(starts[1:][rows]) - begins
    of = np.repeat(np.arange(len(counts)), counts)
    return np.arange(len(of)) + np.repeat(begins - counts.cumsum() + counts, counts), of


@dataclass(frozen=True)
class ArrayFolder:
    """Named arrays in one folder; the folder's name says what they are a function of.

    Attributes:
        published: where machines find them at a URL that do not share the folder; None: nowhere.
    """

    path: Path
    published: Path | None = None

    def exists(self) -> bool:
        """Whether a complete copy is there."""
        return (self.path / NAMES).is_file()

    def read(self) -> dict[str, npt.NDArray[Any]]:
        """The arrays, memory-mapped and read-only.

        Raises:
            ValueError: a file of the folder is damaged or not there.
        """
        path = self.path / NAMES
        found = {}
        try:
            for name in json.loads(path.read_text()):
                path = self.path / f"{name}.npy"
                found[name] = np.load(path, mmap_mode="r")
        except (ValueError, EOFError, FileNotFoundError) as error:
            raise ValueError(f"{path}: damaged ({error}); delete {self.path}, then it is computed again") from error
        return found

    def write(self, compute: Callable[[], Mapping[str, npt.NDArray[Any]]]) -> None:
        """Write what `compute` gives, unless it is there already."""

        def make(staging: Path) -> None:
            arrays = compute()
            for name, array in arrays.items():
                np.save(staging / f"{name}.npy", array)
            (staging / NAMES).write_text(json.dumps(list(arrays)))

        make_once(self.path, NAMES, make, self.published)

    def fill(
        self, shapes: Callable[[], Mapping[str, Shape]], fill: Callable[[Mapping[str, npt.NDArray[Any]]], None]
    ) -> None:
        """Let `fill` write into mapped arrays of these shapes, unless they are there: they need not fit into memory."""

        def make(staging: Path) -> None:
            mapped = {
                name: np.lib.format.open_memmap(staging / f"{name}.npy", "w+", dtype, shape)
                for name, (shape, dtype) in shapes().items()
            }
            fill(mapped)
            for array in mapped.values():
                array.flush()
            (staging / NAMES).write_text(json.dumps(list(mapped)))

        make_once(self.path, NAMES, make, self.published)

    def shard(self, number: int) -> list[Piece] | None:
        """Pieces that `save_shard` has kept; None where there are none."""
        kept = self._shard(number)
        if not kept.exists():
            return None
        found = kept.read()
        return [(name, found[f"{name}.at"], values) for name, values in found.items() if not name.endswith(".at")]

    def save_shard(self, number: int, pieces: Sequence[Piece]) -> None:
        """Keep pieces of these arrays until all are there; of any number of processes each saves its own."""
        named = {name: values for name, _, values in pieces}
        self._shard(number).write(lambda: named | {f"{name}.at": places for name, places, _ in pieces})

    def remove_shards(self) -> None:
        """They are of no more use once the folder exists."""
        shutil.rmtree(self._shard(0).path.parent, ignore_errors=True)

    def _shard(self, number: int) -> ArrayFolder:
        return ArrayFolder(self.path.with_name(f"{self.path.name}.shards") / str(number))


def features_folder(workspace: Workspace, identity: str) -> ArrayFolder | None:
    """Where features are kept that are a function of `identity` alone; None in a workspace without a cache."""
    if workspace.cache is None:
        return None
    name = f"features/{hashlib.sha256(identity.encode()).hexdigest()[:24]}"
    return ArrayFolder(workspace.cache / name, workspace.published and workspace.published / name)
