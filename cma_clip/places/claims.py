"""Who computes what: a claim keeps processes, on one machine or several, from computing the same at once.

A claim is a file beside what it is for. Its owner refreshes it; one that is not refreshed for `LEASE` seconds is
another one's to take, and one whose owner has died on this machine is so at once. It saves work and no more: two
processes that both believe to have it write the same under a name that says what it is, and a write is whole or absent.
"""

from __future__ import annotations

import os
import socket
import threading
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Self

import psutil
from filelock import SoftFileLease, Timeout

from cma_clip.places.urls import as_url, is_url, store_errors

LEASE = 30.0
"""Seconds without a sign of life after which an owner on another machine is taken for dead; our choice."""


class Claim:
    """In a folder, also one that several machines share: needs nothing of it but that a file is created once.

    `filelock` sees an owner's death and expiry, but takes nothing over on file systems that cannot exchange two names
    in one step, which are the shared ones; nor a file without an owner's name, whose writer died in this very moment.
    Both are broken here after twice the time.
    """

    def __init__(self, path: Path, lease: float = LEASE):
        path.parent.mkdir(parents=True, exist_ok=True)
        self.file = path.with_name(f"{path.name}.claim")
        self._lease = SoftFileLease(self.file, lease_duration=lease)

    def acquire(self) -> None:
        """Wait for whoever has it."""
        while not self._wait():
            pass

    def take(self) -> str | None:
        """Take it if nobody has it; else say who, as far as that is known.

        Waits only to see whether an owner on another machine is alive.
        """
        if self._now():
            return None
        owner = self._lease.owner
        if owner is not None and owner.hostname != socket.gethostname() and self._wait():
            return None
        return "another process" if owner is None else f"process {owner.pid} on {owner.hostname}"

    def release(self) -> None:
        """Nothing happens where it is not held, or where another has taken it."""
        self._lease.release()

    def _now(self) -> bool:
        with suppress(Timeout):
            self._lease.acquire(timeout=0)
            return True
        return False

    def _wait(self) -> bool:
        """Whether it was got in the time in which a living owner would have refreshed it."""
        seen = self._refreshed()
        try:
            self._lease.acquire(timeout=2 * self._lease.lease_duration)
        except Timeout:
            if seen is None or seen != self._refreshed():
                return False
            self._lease.force_break()
            return self._now()
        return True

    def _refreshed(self) -> tuple[int, int] | None:
        """Of the file once opened: network file systems remember for up to a minute what one is that is not."""
        with suppress(FileNotFoundError), self.file.open("rb") as file:
            found = os.fstat(file.fileno())
            return found.st_mtime_ns, found.st_ino
        return None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(self, *error: object) -> None:
        self.release()


class ObjectClaim:
    """In an object store: an object that is put where there is none, and put again while its owner lives."""

    POLL = 0.5

    def __init__(self, path: Path, lease: float = LEASE):
        url = as_url(path.with_name(f"{path.name}.claim"))
        self._store, self._key = url.fs, url.path
        self._lease = lease
        self._name = f"{socket.gethostname()} {os.getpid()} {uuid.uuid4().hex}"
        self._released = threading.Event()
        self._refresher: threading.Thread | None = None

    def acquire(self) -> None:
        """Wait for whoever has it."""
        seen, since = None, time.monotonic()
        while not self._put_first():
            found = self._read()
            if found is not None and _has_died(found):
                self._remove()
            elif found != seen:
                seen, since = found, time.monotonic()
            elif found is not None and time.monotonic() - since > self._lease:
                self._remove()
            time.sleep(self.POLL)
        self._released.clear()
        self._refresher = threading.Thread(target=self._refresh, daemon=True)
        self._refresher.start()

    def release(self) -> None:
        """Nothing happens where it is not held, or where another has taken it."""
        if self._refresher is None:
            return
        self._released.set()
        self._refresher.join()
        self._refresher = None
        with suppress(OSError, *store_errors()):  # it expires
            if self._is_own():
                self._remove()

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(self, *error: object) -> None:
        self.release()

    def _put_first(self) -> bool:
        try:
            self._store.pipe_file(self._key, self._name.encode(), mode="create")
        except FileExistsError:
            return False
        return True

    def _refresh(self) -> None:
        number = 0
        while not self._released.wait(self._lease / 3):
            with suppress(OSError, *store_errors()):  # out of reach: tried again
                if not self._is_own():
                    return
                self._store.pipe_file(self._key, f"{self._name} {(number := number + 1)}".encode())

    def _is_own(self) -> bool:
        return (self._read() or "").startswith(self._name)

    def _read(self) -> str | None:
        try:
            return str(self._store.cat_file(self._key).decode())
        except FileNotFoundError:
            return None

    def _remove(self) -> None:
        with suppress(FileNotFoundError):
            self._store.rm_file(self._key)


def _has_died(owner: str) -> bool:
    """An owner of this machine; of another one nobody knows."""
    host, pid = owner.split(" ")[:2]
    return host == socket.gethostname() and not psutil.pid_exists(int(pid))


def claim(path: Path, lease: float = LEASE) -> Claim | ObjectClaim:
    """The claim of what is or will be at `path`; a context in which this process has it."""
    return ObjectClaim(path, lease) if is_url(path) else Claim(path, lease)
