"""Encoded images -> RGB, and a clear word for each that is not one."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError
from tqdm import tqdm

from benchmarks.datasets.splits import DataError


def decode(image: Path | bytes, origin: str) -> Image.Image:
    """The whole picture as RGB, upright (EXIF orientation applied), transparency on white.

    Raises:
        DataError: missing, empty, truncated, not an image, or a decompression bomb; names file and origin.
    """
    return _decode(read(image, origin), _name(image), origin)


def read(image: Path | bytes, origin: str) -> bytes:
    """The encoded bytes.

    Raises:
        DataError: the file cannot be read.
    """
    if isinstance(image, bytes):
        return image
    try:
        return image.read_bytes()
    except OSError as error:
        raise DataError(f"{origin}: image file {image} cannot be read: {error.strerror}") from error


def digest(data: bytes) -> str:
    """Hash of the encoded bytes: equal for byte-identical images."""
    return blake2b(data, digest_size=16).hexdigest()


def check_all(images: Sequence[tuple[Path | bytes | None, str]], progress: bool) -> Iterator[str | DataError | None]:
    """For each (image, origin): its digest, what is wrong with it, or None where there is none."""

    def check(item: tuple[Path | bytes | None, str]) -> str | DataError | None:
        image, origin = item
        if image is None:
            return None
        try:
            data = read(image, origin)
            _decode(data, _name(image), origin)
        except DataError as error:
            return error
        return digest(data)

    with ThreadPoolExecutor() as pool:  # Pillow releases the interpreter lock while it decodes
        results = pool.map(check, images)
        yield from tqdm(results, "check images", len(images), disable=not progress, delay=2, leave=False)


def _name(image: Path | bytes) -> str:
    return str(image) if isinstance(image, Path) else f"{len(image)} bytes"


def _decode(data: bytes, name: str, origin: str) -> Image.Image:
    if not data:
        raise DataError(f"{origin}: image file {name} is empty")
    try:
        with warnings.catch_warnings():
            # Pillow only warns between one and two times its limit; both are refused here.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data)) as opened:
                opened.load()
                return _to_rgb(ImageOps.exif_transpose(opened))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise DataError(f"{origin}: image {name} is too large to decode safely: {error}") from error
    except UnidentifiedImageError as error:
        raise DataError(f"{origin}: {name} is not an image in a format known to Pillow") from error
    except (OSError, SyntaxError, ValueError) as error:
        raise DataError(f"{origin}: image {name} is corrupt: {error}") from error


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16") or image.mode == "I":
        # Pillow's own conversion clips 16 bits at 255 instead of scaling them.
        return image.convert("F").point(lambda value: value / 257).convert("L").convert("RGB")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    return image.convert("RGB")
