"""Photos small enough to travel inside a page."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from benchmarks.datasets.loading.images import data_uri
from benchmarks.datasets.manifest.folder import PhotoFolder
from benchmarks.serving.inputs import is_missing
from benchmarks.serving.photos import Photo, PhotoError, photos_in

SIDE = 160
"""Longest side in pixels: sharp on a screen with two pixels a point."""
QUALITY = 75


@dataclass(frozen=True)
class Thumbnail:
    """A data URI, or why there is none."""

    uri: str | None
    reason: str = ""


def thumbnails(cells: Mapping[int, Any], images: PhotoFolder, missing: Collection[str]) -> dict[int, Thumbnail]:
    """The first photo of each cell.

    Args:
        cells: row -> what it has in the column of photos.
        images: where the named files are.
        missing: words that stand for an empty cell.
    """
    found = [_first(cell, images, missing) for cell in cells.values()]
    with ThreadPoolExecutor() as pool:  # Pillow releases the interpreter lock while it decodes and resizes
        return dict(zip(cells, pool.map(_thumbnail, found), strict=True))


def _first(cell: object, images: PhotoFolder, missing: Collection[str]) -> Photo | str:
    """A photo not yet decoded, or why there is none."""
    try:
        photos = () if is_missing(cell, missing) else photos_in(cell, images)
    except PhotoError as error:
        return str(error)
    return photos[0] if photos else "no photo"


def _thumbnail(found: Photo | str) -> Thumbnail:
    if isinstance(found, str):
        return Thumbnail(None, found)
    try:
        return Thumbnail(data_uri(found.open(), SIDE, QUALITY))
    except PhotoError as error:
        return Thumbnail(None, str(error))
