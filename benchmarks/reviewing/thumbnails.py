"""Photos small enough to travel inside a page."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from PIL import Image

from benchmarks.datasets.loading.splits import DataError

SIDE = 160
"""Longest side in pixels: sharp on a screen with two pixels a point."""
QUALITY = 75

ReadPhoto = Callable[[int], Image.Image | None]
"""A row's number -> its photo, None where it has none; raises DataError where it cannot be decoded."""


@dataclass(frozen=True)
class Thumbnail:
    """A data URI, or why there is none."""

    uri: str | None
    reason: str = ""


def thumbnails(rows: Collection[int], photo: ReadPhoto) -> dict[int, Thumbnail]:
    """One for each row, made in threads."""
    with ThreadPoolExecutor() as pool:  # Pillow releases the interpreter lock while it decodes and resizes
        return dict(zip(rows, pool.map(lambda row: _thumbnail(row, photo), rows), strict=True))


def _thumbnail(row: int, photo: ReadPhoto) -> Thumbnail:
    try:
        image = photo(row)
    except DataError as error:
        return Thumbnail(None, str(error))
    return Thumbnail(None, "no photo") if image is None else Thumbnail(data_uri(image))


def data_uri(image: Image.Image) -> str:
    """A JPEG of at most SIDE pixels a side; a smaller photo keeps its size."""
    small = image.convert("RGB")
    small.thumbnail((SIDE, SIDE))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=QUALITY, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
