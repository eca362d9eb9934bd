"""Encoded images -> RGB, and a clear word for each that is not one."""

from __future__ import annotations

import base64
import io
import struct
from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from PIL import Image, UnidentifiedImageError
from tqdm import tqdm

from benchmarks.datasets.loading.rows import ImageInPlace, Samples, with_columns
from benchmarks.datasets.loading.splits import DataError, Source
from cma_clip.photos import rgb

HEIC = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
"""Brands of the container that phones write photos in."""

JPEG = b"\xff\xd8", b"\xff\xd9"
"""How such a file begins and ends."""

WAYS_OUT = (
    "--on-bad-sample skip leaves such samples out and lists them; --on-bad-sample blank keeps those that have a text, "
    "without their image"
)

AHEAD = 1024
"""Images handed to the threads at a time; all at once would cost a kilobyte each while they wait."""


@dataclass(frozen=True)
class Checked:
    """Rows whose image, if they have one, can be decoded.

    Attributes:
        columns: the good rows, with `image_digest`.
        bad, blanked: what is wrong with the rows left out, with the images left out.
        files: problem -> the image that has it: the path of a file, or encoded bytes.
    """

    columns: pa.Table
    bad: list[str] = field(default_factory=list)
    blanked: list[str] = field(default_factory=list)
    files: dict[str, str | bytes] = field(default_factory=dict)


def decode(image: Path | bytes, origin: str) -> Image.Image:
    """The whole picture as RGB, upright (EXIF orientation applied), transparency on white.

    Raises:
        DataError: missing, empty, truncated, not an image, or larger than `PIL.Image.MAX_IMAGE_PIXELS`; names
            file and origin.
    """
    return _decode(read(image, origin), _name(image), origin)


def salvage(image: Path | bytes) -> Image.Image | None:
    """What can be decoded of a damaged image, grey or black elsewhere; None where nothing can."""
    try:
        data = read(image, "")
        if data.startswith(JPEG[0]):
            data += JPEG[1]  # without its end the decoder holds the last rows back
        with Image.open(io.BytesIO(data)) as opened:
            _refuse_bomb(opened.size)
            try:
                opened.load()
            except Exception:  # the rows decoded so far are there
                opened.tile = []  # so that no more are asked for; Pillow's own switch for this is global
            found = rgb(opened)
    except Exception:  # whatever a damaged file makes Pillow's plugins raise
        return None
    return None if len(found.getcolors(1) or ()) == 1 else found


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


def data_uri(image: Image.Image, side: int, quality: int = 75) -> str:
    """A JPEG of at most `side` pixels a side, to stand in a page; a smaller photo keeps its size."""
    small = image.convert("RGB")
    small.thumbnail((side, side))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=quality, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


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


def check_samples(samples: Samples, source: Source) -> Checked:
    """Decode the image of every row.

    Raises:
        DataError: one is bad, and the source does not say what to do with such samples.
    """
    columns, has_image = samples.columns, samples.has_image()
    origins, has_text = columns["origin"], columns["text"].is_valid().to_numpy()
    digests = np.full(len(columns), None, object)
    good = np.ones(len(columns), np.bool_)
    checked = Checked(columns)
    rows = np.flatnonzero(has_image | ~has_text).tolist()
    given = ((samples.image(row), origins[row].as_py()) for row in rows)
    with closing(check_all(given, source.progress, len(rows))) as results:
        for row, result in zip(rows, results, strict=True):
            if isinstance(result, DataError):
                problem = str(result)
            elif not has_image[row]:
                problem = f"{origins[row]}: id {columns['id'][row].as_py()!r} has neither an image nor a text"
            else:
                digests[row] = result
                continue
            if source.on_bad_sample == "error":
                raise DataError(f"{problem} ({WAYS_OUT})")
            kept = source.on_bad_sample == "blank" and bool(has_text[row])
            good[row] = kept
            (checked.blanked if kept else checked.bad).append(problem)
            if isinstance(image := samples.image(row), Path | bytes):
                checked.files[problem] = str(image) if isinstance(image, Path) else image
    columns = columns.append_column("image_digest", pa.chunked_array([pa.array(digests, pa.string())]))
    if checked.blanked:
        lost = pc.is_null(columns["image_digest"])
        columns = with_columns(
            columns, **{name: _without(columns[name], lost) for name in ("image_path", "image_bytes")}
        )
    return replace(checked, columns=columns if good.all() else columns.filter(pa.array(good)))


def _without(column: pa.ChunkedArray, lost: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.if_else(lost, pa.scalar(None, column.type), column)


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
