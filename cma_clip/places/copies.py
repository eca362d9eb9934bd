"""What is at a URL, on this machine: copied once, and again where it has changed."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from glob import has_magic
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cma_clip.places.claims import claim
from cma_clip.places.folders import archive_of, get_archive, make_once
from cma_clip.places.urls import as_url, is_url, on_node

if TYPE_CHECKING:
    from upath import UPath

COPIED = "copied"
"""The file beside a copy that is written last."""
ARCHIVES = tuple(ending for _, endings, _ in shutil.get_unpack_formats() for ending in endings)
CHANGES = ("ETag", "etag", "md5Hash", "LastModified", "mtime")
"""What stores call that which changes with a file's content, the best first."""


def local_folder(folder: Path) -> Path:
    """A folder that may be at a URL, as one archive, on this machine; one that is not there is named by its URL."""
    if not is_url(folder):
        return folder
    archive = as_url(archive_of(folder))
    try:
        identity = _identity({"": archive.fs.info(archive.path)})
    except FileNotFoundError:
        return folder
    copy = on_node(folder.parent) / f"{folder.name}@{identity}"
    with claim(copy):
        if not copy.is_dir():
            get_archive(folder, copy)
    return copy


def local_data(data: Path) -> Path:
    """A user's file, folder or glob of files that may be at a URL, on this machine; archives are unpacked.

    Raises:
        FileNotFoundError: nothing is at the URL.
    """
    if not is_url(data):
        return data
    found = _files(as_url(data))
    if not found:
        raise FileNotFoundError(f"{data}: nothing is there, or it may not be read")
    copy = on_node(data.parent) / f"@{_identity(found)}"
    make_once(copy, COPIED, lambda staging: _copy(as_url(data), list(found), staging))
    root = copy / "data"
    return _top(root) if data.name.endswith(ARCHIVES) else root / data.name


def _top(root: Path) -> Path:
    """Of what was in an archive: its one folder, or all of it."""
    inside = list(root.iterdir())
    return inside[0] if len(inside) == 1 and inside[0].is_dir() else root


def _files(data: UPath) -> dict[str, Mapping[str, Any]]:
    found = data.fs.glob(data.path, detail=True) if has_magic(data.path) else data.fs.find(data.path, detail=True)
    return {path: info for path, info in sorted(found.items()) if info["type"] == "file"}


def _identity(found: Mapping[str, Mapping[str, Any]]) -> str:
    """Hash of names, sizes and what changes with the content."""
    facts = [
        [path, info["size"], str(next((info[name] for name in CHANGES if name in info), ""))]
        for path, info in found.items()
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:12]


def _copy(data: UPath, files: list[str], into: Path) -> None:
    above = data.path.rpartition("/")[0]
    targets = [into / "data" / file.removeprefix(above).lstrip("/") for file in files]
    for folder in {target.parent for target in targets}:
        folder.mkdir(parents=True, exist_ok=True)
    data.fs.get(files, [str(target) for target in targets])
    if data.name.endswith(ARCHIVES):
        (archive,) = targets
        safe: dict[str, Any] = {} if data.name.endswith(".zip") else {"filter": "data"}  # zips are so anyway
        shutil.unpack_archive(archive, archive.parent, **safe)
        archive.unlink()
    (into / COPIED).touch()


@contextmanager
def downloaded(folder: Path, names: Sequence[str]) -> Iterator[Path]:
    """A folder that has some files and folders of one that may be at a URL, on this machine, for a while."""
    if not is_url(folder):
        yield folder
        return
    with tempfile.TemporaryDirectory() as copy:
        for wanted in (as_url(folder / name) for name in names):
            if wanted.exists():
                wanted.fs.get(wanted.path, f"{copy}/{wanted.name}", recursive=True)
        yield Path(copy)
