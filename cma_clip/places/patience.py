"""A shared folder that is gone for some seconds: whoever needs it waits, and nobody makes a new one in its place."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from cma_clip.places.urls import is_url

T = TypeVar("T")

PATIENCE = 60.0
"""Seconds that a folder may be gone; our choice. (Hard-mounted NFS lets every read and write wait by itself.)"""

OUT_OF_REACH = (
    *(errno.ESTALE, errno.EIO, errno.ENOTCONN, errno.ENODEV, errno.EROFS),
    *(errno.ETIMEDOUT, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETUNREACH),
)
TRIES = 3
POLL = 0.2


def wait_for(folders: Iterable[Path], seconds: float = PATIENCE) -> None:
    """Until folders that were there before can be written to again. Stores at URLs retry by themselves.

    Raises:
        FileNotFoundError: one is still gone; names it.
    """
    until = time.monotonic() + seconds
    for folder in folders:
        while not is_url(folder) and not os.access(folder, os.W_OK):
            if time.monotonic() > until:
                said = f"gone or read-only for {seconds:g} s; the same command goes on once it is back"
                raise FileNotFoundError(errno.ENOENT, said, str(folder))
            time.sleep(POLL)


def patiently(do: Callable[[], T], folders: Iterable[Path], seconds: float = PATIENCE) -> T:
    """What `do` gives; from its start once more where it failed because a folder was gone."""
    needed = tuple(folders)
    for _ in range(TRIES):
        try:
            return do()
        except OSError as error:
            if error.errno not in OUT_OF_REACH and all(is_url(folder) or folder.is_dir() for folder in needed):
                raise
            wait_for(needed, seconds)
    return do()
