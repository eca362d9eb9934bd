"""Encoded images -> RGB, and a clear word for each that is not one."""

from __future__ import annotations

import io
import struct
from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from tqdm import tqdm

from benchmarks.datasets.loading.rows import ImageInPlace
from benchmarks.datasets.loading.splits import DataError

try:
    from pillow_heif import register_heif_opener
except ImportError:  # an extra that most people need not have
    pass
else:
    register_heif_opener()

HEIC = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
"""Brands of the container that phones write photos in."""

AHEAD = 1024
"""Images handed to the threads at a time; all at once would cost a kilobyte each while they wait."""


def decode(image: Path | bytes, origin: str) -> Image.Image:
    """The whole picture as RGB, upright (EXIF orientation applied), transparency on white.

    Raises:
        DataError: missing, empty, truncated, not an image, or larger than `PIL.Image.MAX_IMAGE_PIXELS`; names
            file and origin.
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


def rgb(image: Image.Image) -> Image.Image:
    """A picture as RGB, upright (EXIF orientation applied), transparency on white.

    Raises:
        ValueError, OSError: its file is damaged; its pixels have no agreed range.
    """
    return _to_rgb(ImageOps.exif_transpose(image))


def digest(data: bytes) -> str:
    """Hash of the encoded bytes: equal for byte-identical images."""
    return blake2b(data, digest_size=16).hexdigest()


def check_all(
    images: Iterable[tuple[Path | bytes | ImageInPlace | None, str]], progress: bool, total: int | None = None
) -> Generator[str | DataError | None, None, None]:
    """For each (image, origin): its digest, what is wrong with it, or None where there is none.

    Every image is decoded, in threads; closing the generator stops them. `total` is how many there are.
    """

    def check(item: tuple[Path | bytes | ImageInPlace | None, str]) -> str | DataError | None:
        image, origin = item
        if image is None:
            return None
        try:
            if not isinstance(image, Path | bytes):
                return image.digest(origin)
            data = read(image, origin)
            _decode(data, _name(image), origin)
        except DataError as error:
            return error
        return digest(data)

    pool = ThreadPoolExecutor()  # Pillow releases the interpreter lock while it decodes
    try:
        remaining = iter(images)
        chunks = iter(lambda: list(islice(remaining, AHEAD)), [])
        results = (result for chunk in chunks for result in pool.map(check, chunk))
        yield from tqdm(results, "check images", total, disable=not progress, delay=2, leave=False)
    finally:
        pool.shutdown(cancel_futures=True)


def _name(image: Path | bytes) -> str:
    return str(image) if isinstance(image, Path) else f"{len(image)} bytes"


def _decode(data: bytes, name: str, origin: str) -> Image.Image:
    if not data:
        raise DataError(f"{origin}: image {name} is empty")
    try:
        with Image.open(io.BytesIO(data)) as opened:
            _refuse_bomb(opened.size)
            opened.load()
            return rgb(opened)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise DataError(f"{origin}: image {name} is too large to decode safely: {error}") from error
    except UnidentifiedImageError as error:
        heic = data[4:8] == b"ftyp" and data[8:12] in HEIC
        way_out = "; it is HEIC: pip install pillow-heif, or save it as JPEG" if heic else ""
        raise DataError(f"{origin}: {name} is not an image in a format known to Pillow{way_out}") from error
    except (OSError, SyntaxError, ValueError, RuntimeError, struct.error) as error:  # whatever Pillow's plugins raise
        raise DataError(f"{origin}: image {name} cannot be decoded: {error}") from error


def _refuse_bomb(size: tuple[int, int]) -> None:
    """Pillow only warns between one and two times its limit, and turning warnings into errors is not thread-safe."""
    width, height = size
    if Image.MAX_IMAGE_PIXELS is not None and width * height > Image.MAX_IMAGE_PIXELS:
        raise Image.DecompressionBombError(f"{width} x {height} pixels, the limit is {Image.MAX_IMAGE_PIXELS}")


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I") or image.mode == "F":
        return _from_deep(image).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    return image.convert("RGB")


def _from_deep(image: Image.Image) -> Image.Image:
    """16 bits of grey to 8. Pillow's own conversion clips them at 255 instead of scaling them."""
    values = np.asarray(image)
    if image.mode == "F" or values.min() < 0 or values.max() > 65535:
        raise ValueError(f"pixels of mode {image.mode} have no agreed range; save it with 8 or 16 bits")
    return Image.fromarray((values / 257).round().astype(np.uint8))
