"""Every image decoded once, in threads: what is left of it are its size, two hashes and a tiny thumbnail."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import blake2b

import imagehash
import numpy as np
import numpy.typing as npt
from PIL import Image
from tqdm import tqdm

from benchmarks.datasets.loading.images import AHEAD
from benchmarks.datasets.loading.splits import DataError
from cma_clip.types import Examples

TINY = 8
"""Side of the thumbnails whose colours confirm a near-duplicate."""


@dataclass(frozen=True)
class Photos:
    """Of N images; rows without one, or whose image cannot be decoded, hold zeros.

    Attributes:
        decoded: Bool[N].
        sizes: Int[N, 2], width and height in pixels.
        grey: Bool[N]: red, green and blue are equal everywhere.
        digests: UInt64[N], equal for equal pixels.
        phashes, dhashes: UInt64[N], perceptual and difference hash; similar images differ in few bits.
        tiny: UInt8[N, 8 * 8 * 3], the colours.
        problems: row -> why its image cannot be decoded.
    """

    decoded: npt.NDArray[np.bool_]
    sizes: npt.NDArray[np.int64]
    grey: npt.NDArray[np.bool_]
    digests: npt.NDArray[np.uint64]
    phashes: npt.NDArray[np.uint64]
    dhashes: npt.NDArray[np.uint64]
    tiny: npt.NDArray[np.uint8]
    problems: dict[int, str]

    def __len__(self) -> int:
        return len(self.decoded)


def scan(parts: list[Examples], progress: bool) -> Photos:
    """Decode the images of these examples, one part after the other."""
    where = [(examples, index) for examples in parts for index in range(len(examples))]
    photos = _empty(len(where))

    def look(row: int) -> None:
        examples, index = where[row]
        try:
            image = examples[index].image
        except DataError as error:
            photos.problems[row] = str(error)
            return
        if image is not None:
            _describe(photos, row, image)

    with ThreadPoolExecutor() as pool:  # Pillow releases the interpreter lock while it decodes and resizes
        starts = range(0, len(where), AHEAD)
        rows = (done for start in starts for done in pool.map(look, range(len(where))[start : start + AHEAD]))
        for _ in tqdm(rows, "look at images", len(where), disable=not progress, delay=2, leave=False):
            pass
    return photos


def _empty(rows: int) -> Photos:
    return Photos(
        decoded=np.zeros(rows, dtype=np.bool_),
        sizes=np.zeros((rows, 2), dtype=np.int64),
        grey=np.zeros(rows, dtype=np.bool_),
        digests=np.zeros(rows, dtype=np.uint64),
        phashes=np.zeros(rows, dtype=np.uint64),
        dhashes=np.zeros(rows, dtype=np.uint64),
        tiny=np.zeros((rows, TINY * TINY * 3), dtype=np.uint8),
        problems={},
    )


def _describe(photos: Photos, row: int, image: Image.Image) -> None:
    pixels = np.asarray(image)
    digest = blake2b(repr(pixels.shape).encode() + pixels.tobytes(), digest_size=8).digest()
    photos.sizes[row] = image.size
    photos.grey[row] = bool((pixels == pixels[..., :1]).all())
    photos.digests[row] = int.from_bytes(digest, "big")
    photos.phashes[row] = _as_number(imagehash.phash(image))
    photos.dhashes[row] = _as_number(imagehash.dhash(image))
    photos.tiny[row] = np.asarray(image.resize((TINY, TINY), Image.Resampling.BILINEAR)).ravel()
    photos.decoded[row] = True


def _as_number(hashed: imagehash.ImageHash) -> int:
    return int.from_bytes(np.packbits(hashed.hash).tobytes(), "big")
