"""A folder of photos, and which of them a cell of a table means."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from stat import S_ISLNK


class OutsideError(ValueError):
    """A path that leads out of the folder; `target` is where to."""

    def __init__(self, target: str, folder: str):
        super().__init__(f"leaves the manifest's folder {folder}")
        self.target = target


@dataclass
class PhotoFolder:
    """Finds photos as tables name them, and nothing outside the folder.

    Attributes:
        root: the folder.
        base: the table's own folder: a relative path may be meant from there, too, if it ends below `root`.
        anywhere: names are followed to the letter, wherever they lead; none is searched for below the root.
        repairs: how often a name was not that of the file, by what was wrong with it.
    """

    root: Path
    base: Path
    anywhere: bool = False
    repairs: Counter[str] = field(default_factory=Counter)
    _folders: dict[str, str] = field(default_factory=dict)

    def find(self, name: str) -> str | None:
        """Path of the file, links resolved; None if there is none.

        Raises:
            OutsideError: it lies outside.
            ValueError: what is wrong with the name, without it: it cannot be followed, or several files fit.
        """
        if (path := self._exact(name)) is not None:
            return path
        plain = name.replace("\\", "/")
        if plain != name and (path := self._exact(plain)) is not None:
            self.repairs["backslashes"] += 1
            return path
        return None if self.anywhere else self._similar(plain)

    def unfound(self, name: str) -> str:
        """The path that a message about a missing file shows."""
        return os.path.join(self._root, name.replace("\0", "?"))  # noqa: PTH118 - pathlib costs seconds in 100,000 names

    @cached_property
    def _root(self) -> str:
        return os.path.realpath(self.root)

    @cached_property
    def _bases(self) -> list[str]:
        return list(dict.fromkeys((self._root, os.path.realpath(self.base))))

    def _exact(self, name: str) -> str | None:
        outside = None
        for base in self._bases:
            path = self._resolved(os.path.join(base, name))  # noqa: PTH118
            if not self._below(path):
                if base == self._root or os.path.lexists(path):
                    outside = outside or path
            elif os.path.lexists(path):
                return path
        if outside:
            raise OutsideError(outside, self._root)
        return None

    def _below(self, path: str) -> bool:
        return self.anywhere or path == self._root or path.startswith(self._root.rstrip(os.sep) + os.sep)

    def _resolved(self, path: str) -> str:
        """As `os.path.realpath`, but a folder is looked at once for all of its files."""
        parent, last = os.path.split(path)
        if last in {"", ".", ".."}:
            return os.path.realpath(path)
        try:
            if parent not in self._folders:
                self._folders[parent] = os.path.realpath(parent)
            path = os.path.join(self._folders[parent], last)  # noqa: PTH118
            return os.path.realpath(path, strict=True) if S_ISLNK(os.lstat(path).st_mode) else path
        except (ValueError, RuntimeError) as error:  # a null character
            raise ValueError(f"cannot be followed: {error}") from error
        except OSError as error:
            if os.path.islink(path):  # noqa: PTH114 - a loop of links, or one that leads nowhere
                raise ValueError(f"cannot be followed: {error.strerror}") from error
            return path  # missing, or a name too long

    def _similar(self, name: str) -> str | None:
        """The one file that differs in case, in how accents are composed, or is meant by its bare name."""
        folded = _folded(PurePosixPath(name).as_posix())
        found, repair = self._index.get(folded, []), "case"
        if not found and "/" not in name:
            found, repair = self._names.get(folded, []), "bare names"
        if not found and not PurePosixPath(name).suffix:
            found, repair = self._stems.get(folded, []), "no extension"
        exact = [path for path in found if _composed(path) == _composed(name) or _named(path, name)]
        found = exact or found
        if len(found) > 1:
            raise ValueError(f"may be {found[0]!r} or {found[1]!r} below {self._root}; write the path")
        if not found:
            return None
        self.repairs["accents" if repair == "case" and exact else repair] += 1
        return self._exact(found[0])

    @cached_property
    def _paths(self) -> list[str]:
        return list(files_below(self._root))

    @cached_property
    def _index(self) -> dict[str, list[str]]:
        return _by(self._paths, lambda path: path)

    @cached_property
    def _names(self) -> dict[str, list[str]]:
        return _by(self._paths, lambda path: path.rpartition("/")[2])

    @cached_property
    def _stems(self) -> dict[str, list[str]]:
        stems = _by(self._paths, lambda path: path.rpartition(".")[0])
        for name, paths in _by(self._paths, lambda path: path.rpartition("/")[2].rpartition(".")[0]).items():
            stems.setdefault(name, paths)
        return stems


def files_below(folder: str) -> Iterator[str]:
    """Paths of all files, seen from the folder; hidden folders are left out, links to folders not followed."""
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        below = os.path.relpath(place, folder).replace(os.sep, "/")
        yield from (name if below == "." else f"{below}/{name}" for name in sorted(files))


def _by(paths: Iterable[str], key: Callable[[str], str]) -> dict[str, list[str]]:
    found = defaultdict(list)
    for path in paths:
        found[_folded(key(path))].append(path)
    return dict(found)


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name.casefold())


def _named(path: str, name: str) -> bool:
    last = _composed(path.rpartition("/")[2])
    return _composed(name) in {last, last.rpartition(".")[0]}
