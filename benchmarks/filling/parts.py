"""Answers on disk, part by part: a run that was killed goes on with the first part that is missing."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from benchmarks.datasets.loading.splits import DataError
from benchmarks.records import store
from cma_clip.places.claims import Claim


@dataclass(frozen=True)
class Work:
    """The folder beside the new file that a run works in; it goes away when the file is written.

    Attributes:
        out: the new file; the folder is called `.NAME.fill`.
    """

    out: Path

    @property
    def folder(self) -> Path:
        """Where it is."""
        return self.out.parent / f".{self.out.name}.fill"

    @classmethod
    @contextmanager
    def beside(cls, out: Path) -> Iterator[Work]:
        """The folder, for this process alone; what a killed run left of its spool is removed.

        Raises:
            DataError: another process fills this file; or inside the block: the disk is full.
        """
        work = cls(out)
        work.folder.mkdir(parents=True, exist_ok=True)
        claim = Claim(work.folder / "rows")
        if owner := claim.take():
            raise DataError(f"--out {out}: another cma-bench fill writes this file, {owner}; wait for it")
        try:
            work._clear("spool")
            work.spool.mkdir()
            yield work
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise DataError(
                f"--out {out}: no space is left beside it; free some and run the command again, it goes on where it was"
            ) from error
        finally:
            work._clear("spool")
            work._clear("new")
            if not any((work.folder / "parts").glob("*.arrow")):
                work.remove()
            claim.release()

    @property
    def spool(self) -> Path:
        """Where the rows of the source are kept while this process reads them."""
        return self.folder / "spool"

    def begin(self, key: str) -> bool:
        """Keep parts made under this key, drop those of another one; whether there were such."""
        said = self.folder / "key"
        found = said.read_text() if said.is_file() else key
        if found != key:
            self._clear("parts")
        store.write_text(said, key)
        return found != key

    def forget(self) -> None:
        """Drop the parts: they are of no use."""
        self._clear("parts")

    def has(self, number: int) -> bool:
        """Whether a part is there; one is whole or absent."""
        return self._path(number).is_file()

    def save(self, number: int, rows: pa.Table) -> None:
        """Write a part, atomically."""
        sink = pa.BufferOutputStream()
        with pa.ipc.new_file(sink, rows.schema) as file:
            file.write_table(rows)
        store.write_bytes(self._path(number), sink.getvalue().to_pybytes())

    def load(self, number: int) -> pa.Table:
        """The rows of a part."""
        with pa.OSFile(str(self._path(number)), "rb") as source:
            return pa.ipc.open_file(source).read_all()

    @contextmanager
    def written(self) -> Iterator[Path]:
        """A place to write the new file to; it is moved to its own at the end of the block."""
        self._clear("new")
        path = self.folder / "new" / self.out.name
        path.parent.mkdir()
        yield path
        with path.open("rb+") as file:
            os.fsync(file.fileno())
        store.write_text(self.folder / "done", _digest_of_file(path))
        path.replace(self.out)

    def remove_if_done(self) -> None:
        """What a run left that was killed after it wrote the new file."""
        done = self.folder / "done"
        if done.is_file() and done.read_text() == _digest_of_file(self.out):
            self.remove()

    def remove(self) -> None:
        """The end: nothing stays beside the new file."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, number: int) -> Path:
        return self.folder / "parts" / f"{number:07}.arrow"

    def _clear(self, name: str) -> None:
        shutil.rmtree(self.folder / name, ignore_errors=True)


def digest_of_cells(table: pa.Table) -> str:
    """Hash of all cells and the names of their columns."""
    found = hashlib.sha256(table.schema.to_string().encode())
    for batch in table.to_batches(20_000):
        found.update(batch.serialize())
    return found.hexdigest()


def digest_of_folder(folder: Path) -> str:
    """Hash of all files below it and their names."""
    found = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        found.update(f"{path.relative_to(folder).as_posix()}\0".encode())
        found.update(_digest_of_file(path).encode())
    return found.hexdigest()


def _digest_of_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
