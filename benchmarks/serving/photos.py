"""What a cell of photos may hold, and the picture that it means."""

from __future__ import annotations

import base64
import binascii
import os
import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from benchmarks.datasets.loading.images import decode
from benchmarks.datasets.loading.splits import DataError
from benchmarks.datasets.manifest.folder import OutsideError, PhotoFolder
from benchmarks.datasets.manifest.photos import photos_of
from cma_clip.photos import from_array, rgb

LONGEST_PATH = 4096
"""Characters, as Linux has it; what is longer is no path."""

SHORTEST_PHOTO = 40
"""Characters of base64: no format known to Pillow takes fewer than 30 bytes."""

SHOWN = 80
"""Characters of a cell in a message."""


class PhotoError(ValueError):
    """Why a photo cannot be looked at; for the column `problem`."""


@dataclass(frozen=True)
class Photo:
    """One photo, not yet decoded; `shown` is what messages call it."""

    source: Path | bytes | npt.NDArray[Any] | Image.Image
    shown: str

    def open(self) -> Image.Image:
        """The whole picture as RGB, upright.

        Raises:
            PhotoError: missing or damaged.
        """
        try:
            if isinstance(self.source, np.ndarray):
                return from_array(self.source)
            if isinstance(self.source, Image.Image):
                return rgb(self.source)
            return decode(self.source, "photo cannot be decoded")
        except DataError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                raise PhotoError(f"photo missing: {self.shown}") from error
            place = str(self.source) if isinstance(self.source, Path) else self.shown
            raise PhotoError(str(error).replace(place, self.shown)) from error
        except (OSError, SyntaxError, ValueError, RuntimeError, struct.error) as error:  # of a PIL image not yet read
            raise PhotoError(f"photo cannot be decoded: {error}") from error


def photos_in(cell: Any, folder: PhotoFolder) -> tuple[Photo, ...]:  # noqa: ANN401 - whatever a user's DataFrame holds
    """The photos of a cell that is not missing: names of files, base64 (plain or as a data URI), bytes, pixels.

    A file of that name wins over base64.

    Raises:
        PhotoError: no photo is meant, or none that may be read.
    """
    if isinstance(cell, bytes | bytearray | memoryview):
        return (Photo(bytes(cell), f"{len(cell)} bytes"),)
    if isinstance(cell, np.ndarray | Image.Image):
        return (Photo(cell, "picture"),)
    if not isinstance(cell, str | Path):
        raise PhotoError(f"photo is no path, base64, bytes, array or PIL image but {type(cell).__name__}")
    named = str(cell).strip()
    files = _files(named, folder) if len(named) <= LONGEST_PATH and not named.startswith("data:") else ()
    if files:
        return tuple(Photo(Path(path), named if len(files) == 1 else os.path.basename(path)) for path in files)  # noqa: PTH119
    encoded = _from_base64(named)
    if encoded is None:
        what = "photo is no valid base64" if named.startswith("data:") else "photo missing"
        raise PhotoError(f"{what}: {_short(named)}")
    return (Photo(encoded, f"{len(encoded)} bytes"),)


def _files(named: str, folder: PhotoFolder) -> tuple[str, ...]:
    if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*://", named):
        raise PhotoError(f"photo is a URL, and none is fetched: {_short(named)}")
    try:
        return photos_of(named, folder) or ()
    except OutsideError as error:
        if not os.path.lexists(error.target):
            return ()
        raise PhotoError(f"photo lies outside {folder.root}: {_short(named)}") from error
    except ValueError as error:
        raise PhotoError(f"photo {_short(named)} {error}") from error


def _from_base64(text: str) -> bytes | None:
    head, comma, body = text.partition(",")
    data_uri = bool(comma) and head.startswith("data:") and head.endswith(";base64")
    plain = "".join((body if data_uri else text).split())
    if not data_uri and len(plain) < SHORTEST_PHOTO:
        return None
    try:
        return base64.b64decode(plain, validate=True)
    except (binascii.Error, ValueError):
        return None


def _short(named: str) -> str:
    return named if len(named) <= SHOWN else f"{named[:SHOWN]}..."
