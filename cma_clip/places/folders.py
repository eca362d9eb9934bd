"""Folders that are whole or absent at every moment, made once, and found by other machines."""

from __future__ import annotations

import errno
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cma_clip.places.claims import claim
from cma_clip.places.urls import as_url, is_url, on_node

RANDOM = "????????"
"""What `tempfile` puts behind a prefix: one folder's name may be the beginning of another's."""
BLOCK = 2**24
"""Bytes that are read of an archive at a time."""

Make = Callable[[Path], None]
"""Fills an empty folder."""


@contextmanager
def new_folder(place: Path) -> Iterator[Path]:
    """An empty local folder that becomes `place` in one step at the end of the block; not after an error.

    What was there before is replaced. A process that is killed leaves the old one or, in the instant between two
    renames, none, and never a half one. At a URL the folder is one archive, put at once.
    """
    beside = on_node(place)
    beside.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=beside.parent))
    staging.chmod(0o755)
    try:
        yield staging
        if is_url(place):
            put_archive(staging, place)
        else:
            _rename(staging, place)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _rename(staging: Path, place: Path) -> None:
    """Again where another process has put its own in the meantime."""
    old = staging.with_name(f"{staging.name}-old")
    while True:
        try:
            staging.replace(place)
            break
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
        with suppress(FileNotFoundError):
            place.replace(old)
        shutil.rmtree(old, ignore_errors=True)


def make_once(folder: Path, last: str, make: Make, published: Path | None = None) -> None:
    """Have a folder made if it is not there: by this process, or by another one that wants it at the same time.

    Args:
        folder: of this machine, or one that machines share. Its name says what it is a function of.
        last: the file that `make` writes last: without it a folder is what a broken-off deletion has left.
        make: fills the folder.
        published: where at a URL other machines find it, and this one what others have made.
    """
    while not (folder / last).is_file():
        with claim(folder):
            if (folder / last).is_file():
                return
            if published is None:
                _make(folder, make)
                continue
            with claim(published):
                if not get_archive(published, folder) and _make(folder, make):
                    put_archive(folder, published)


def _make(folder: Path, make: Make) -> bool:
    """Make it; the claim is held.

    False for one that has lost the claim while it lived and thereby what it was making: another one makes it.
    """
    tidy(folder)
    lost = False
    try:
        with new_folder(folder) as staging:
            try:
                make(staging)
            finally:
                lost = not staging.is_dir()
    except FileNotFoundError:
        if not lost:
            raise
    return not lost


def tidy(place: Path) -> None:
    """Delete what killed processes left beside a folder that they were making; hold the claim."""
    for ending in ("", "-old"):
        for left in on_node(place).parent.glob(f".{place.name}-{RANDOM}{ending}"):
            shutil.rmtree(left, ignore_errors=True)


def put_archive(folder: Path, url: Path) -> None:
    """Put a folder at a URL in one step.

    Not on condition that nothing is there: two that put the same name put the same.
    """
    with tempfile.NamedTemporaryFile(dir=folder.parent, suffix=".tar") as file:
        with tarfile.open(fileobj=file, mode="w") as archive:
            archive.add(folder, ".")
        file.flush()
        target = as_url(archive_of(url))
        target.fs.put_file(file.name, target.path)


def get_archive(url: Path, folder: Path) -> bool:
    """Unpack what `put_archive` has put into a new folder; False where nothing is."""
    try:
        source = as_url(archive_of(url)).open("rb", block_size=BLOCK)
    except FileNotFoundError:
        return False
    with source, new_folder(folder) as staging, tarfile.open(fileobj=source, mode="r|") as archive:
        archive.extractall(staging, filter="data")
    return True


def archive_of(url: Path) -> Path:
    """Where the archive of a folder is."""
    return url.with_name(f"{url.name}.tar")


def is_there(folder: Path) -> bool:
    """Whether there is such a folder, or the archive of one."""
    return archive_of(folder).is_file() if is_url(folder) else folder.is_dir()
