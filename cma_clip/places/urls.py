"""A place is a `Path`, or, at a URL, what acts like one; and where this machine keeps its own copy of the latter."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from upath import UPath

CACHE = "CMA_BENCH_CACHE"
"""Environment variable: the folder of what this machine keeps of places at URLs; ~/.cache/cma-bench by default."""

EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gs", "gcs": "gs"}
"""Protocol -> the extra of this project that installs what reads it."""

SETTINGS: dict[str, dict[str, Any]] = {
    "s3": {"config_kwargs": {"retries": {"mode": "standard", "max_attempts": 10}}},
}
"""Of the clients: that of S3 tries for a minute or two to reach its server, by default only for some seconds."""


def place(given: str) -> Path:
    """The folder or file at a path or at any URL of fsspec; `file://` is a path.

    A place at a URL is a `UPath`, which has the methods of a `Path`, so it passes for one where places are handed on.
    Only what reads or writes many files at once asks which of the two it has.

    Raises:
        ValueError: nothing here reads such a URL; says what to install.
    """
    protocol, separator, rest = given.partition("://")
    if not separator:
        return Path(given)
    if protocol in ("file", "local"):
        return Path(rest)
    from fsspec import get_filesystem_class
    from upath import UPath

    try:
        get_filesystem_class(protocol)
    except (ImportError, ValueError) as error:
        extra = EXTRAS.get(protocol)
        way_out = f"pip install 'cma-clip-bench[{extra}]'" if extra else str(error).splitlines()[0]
        raise ValueError(f"{given}: nothing is installed that reads {protocol}:// ({way_out})") from error
    # Listings are not remembered: other machines write there, too.
    return cast("Path", UPath(given, use_listings_cache=False, **SETTINGS.get(protocol, {})))


def is_url(path: Path) -> bool:
    """Whether a place is at a URL, not in a folder."""
    return not isinstance(path, Path)


def as_url(path: Path) -> UPath:
    """A place at a URL by its own type, whose `fs` moves many files or large ones."""
    return cast("UPath", path)


def on_node(path: Path) -> Path:
    """The place itself; of one at a URL, where this machine keeps what it has of it. May be deleted at any time."""
    if not is_url(path):
        return path
    url, kept = as_url(path), Path(os.environ.get(CACHE) or Path.home() / ".cache" / "cma-bench")
    return kept.joinpath(url.protocol, url.path.removeprefix("/"))


def store_errors() -> tuple[type[Exception], ...]:
    """What clients of object stores raise that is no OSError: no credentials, a server that does not answer."""
    botocore = sys.modules.get("botocore.exceptions")
    return () if botocore is None else (botocore.BotoCoreError,)
