"""The photos of Food-101's twin: one card a class, in a colour and a pattern that its name decides."""

from __future__ import annotations

from hashlib import sha256

import numpy as np
from PIL import Image, ImageDraw

PATTERNS = ("plain", "stripes", "checks", "dots")


def card(name: str, rng: np.random.Generator) -> Image.Image:
    """160-256 pixels wide and high; the size, the place of the pattern and the ground are drawn anew for each photo."""
    colour, other, (kind, width, *_) = (bytes(sha256(f"{name} {part}".encode()).digest()[:3]) for part in range(3))
    size = (int(rng.integers(160, 257)), int(rng.integers(160, 257)))
    left, top, *ground = (int(number) for number in (*rng.integers(8, 24, 2), *rng.integers(0, 256, 3)))
    picture = Image.new("RGB", size, (ground[0], ground[1], ground[2]))
    picture.paste(_pattern(PATTERNS[kind % len(PATTERNS)], colour, other, 12 + width % 12), (left, top))
    return picture


def _pattern(kind: str, colour: bytes, other: bytes, step: int) -> Image.Image:
    """A square of 128 pixels."""
    square = Image.new("RGB", (128, 128), tuple(colour))
    draw = ImageDraw.Draw(square)
    for x in range(0, 128, 2 * step):
        if kind == "stripes":
            draw.rectangle((x, 0, x + step, 128), fill=tuple(other))
        for y in range(0, 128, 2 * step) if kind in ("checks", "dots") else ():
            shape = draw.rectangle if kind == "checks" else draw.ellipse
            shape((x, y, x + step, y + step), fill=tuple(other))
    return square
