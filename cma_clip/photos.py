"""Photos as people have them -> pictures as every model gets them: RGB, upright, transparency on white."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

try:
    from pillow_heif import register_heif_opener
except ImportError:  # an extra that most people need not have
    pass
else:
    register_heif_opener()

Photo = str | Path | npt.NDArray[np.uint8] | Image.Image
"""A file, an array UInt8[H W 3], or a PIL image."""

UNDECODABLE = (OSError, SyntaxError, ValueError, RuntimeError, struct.error, Image.DecompressionBombError)
"""Whatever Pillow's plugins raise."""


def picture(photo: Photo) -> Image.Image:
    """The whole picture as RGB.

    Raises:
        ValueError: no photo, or a missing or damaged one; names the file.
    """
    if isinstance(photo, Image.Image):
        return rgb(photo)
    if isinstance(photo, np.ndarray):
        return from_array(photo)
    check(photo)
    try:
        with Image.open(photo) as opened:
            return rgb(opened)
    except UNDECODABLE as error:
        raise ValueError(f"photo {photo} cannot be decoded: {error}") from error


def check(photo: str | Path) -> None:
    """Look at the head of a file.

    Raises:
        ValueError: there is no such file, or it is no image; names it.
    """
    if not isinstance(photo, str | Path):
        raise ValueError(f"a photo is a path, an array or a PIL image, found {type(photo).__name__}")
    if not Path(photo).is_file():
        raise ValueError(f"there is no photo {photo}, seen from {Path.cwd()}")
    try:
        with Image.open(photo):
            pass
    except UNDECODABLE as error:
        raise ValueError(f"photo {photo} is not an image in a format known to Pillow") from error


def rgb(image: Image.Image) -> Image.Image:
    """A picture as RGB, upright (EXIF orientation applied), transparency on white.

    Raises:
        ValueError, OSError: its file is damaged; its pixels have no agreed range.
    """
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I") or image.mode == "F":
        return _from_deep(image).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    return image.convert("RGB")


def from_array(pixels: npt.NDArray[Any]) -> Image.Image:
    """A picture of UInt8[H W 3].

    Raises:
        ValueError: another shape or type.
    """
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size:
        raise ValueError(f"an array is H W 3 of uint8, found {pixels.shape} of {pixels.dtype}")
    return Image.fromarray(pixels)


def _from_deep(image: Image.Image) -> Image.Image:
    """16 bits of grey to 8. Pillow's own conversion clips them at 255 instead of scaling them."""
    values = np.asarray(image)
    if image.mode == "F" or values.min() < 0 or values.max() > 65535:
        raise ValueError(f"pixels of mode {image.mode} have no agreed range; save it with 8 or 16 bits")
    return Image.fromarray((values / 257).round().astype(np.uint8))
