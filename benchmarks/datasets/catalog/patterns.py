"""Textiles: where on a fabric the second colour is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image

Field = npt.NDArray[np.float32]
Fill = Callable[[Field, Field, np.random.Generator], Field]


def _wave(x: Field) -> Field:
    """Triangle wave of period 1, from 0 to 1."""
    return np.abs(2 * (x % 1) - 1, dtype=np.float32)


def _turned(u: Field, v: Field, angle: float) -> tuple[Field, Field]:
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return cos * u + sin * v, cos * v - sin * u


def _cells(u: Field, v: Field, period: float) -> tuple[Field, Field]:
    """Coordinates within the cells of a grid whose odd rows are shifted by half a cell, each -0.5 to 0.5."""
    y = v / np.float32(period)
    row = np.floor(y)
    x = u / np.float32(period) + row * np.float32(0.5)
    return x - np.floor(x) - np.float32(0.5), y - row - np.float32(0.5)


def _fivefold(x: Field, radius2: Field) -> Field:
    """The cosine of five times the angle of (x, y); radius2 = x * x + y * y > 0.

    By Chebyshev's polynomial: sums, products and square roots are equal on all processors, `cos` and `arctan2` are not.
    """
    c2 = x.astype(np.float64) ** 2 / radius2
    cosine: Field = (x * (16 * c2 * c2 - 20 * c2 + 5) / np.sqrt(radius2, dtype=np.float64)).astype(np.float32)
    return cosine


def _solid(u: Field, v: Field, rng: np.random.Generator) -> Field:
    return np.zeros_like(u)


def _striped(u: Field, v: Field, rng: np.random.Generator) -> Field:
    angle = (0.0, np.pi / 2, np.pi / 4)[int(rng.integers(3))]
    _, across = _turned(u, v, angle)
    period, width = rng.uniform(0.26, 0.44), rng.uniform(0.28, 0.42)
    return (across / np.float32(period) % 1 < width).astype(np.float32)


def _checked(u: Field, v: Field, rng: np.random.Generator) -> Field:
    x, y = _turned(u, v, rng.choice((0.0, np.pi / 4), p=(0.8, 0.2)))
    period, width = np.float32(rng.uniform(0.32, 0.5)), rng.uniform(0.38, 0.5)
    bands = (x / period % 1 < width).astype(np.float32) + (y / period % 1 < width)
    return bands * np.float32(0.5)


def _dotted(u: Field, v: Field, rng: np.random.Generator) -> Field:
    x, y = _cells(u, v, rng.uniform(0.26, 0.42))
    return (x * x + y * y < rng.uniform(0.26, 0.36) ** 2).astype(np.float32)


def _floral(u: Field, v: Field, rng: np.random.Generator) -> Field:
    x, y = _cells(*_turned(u, v, rng.uniform(0, np.pi)), rng.uniform(0.44, 0.58))
    radius2, heart = x * x + y * y, np.float32(0.014)
    petals = np.float32(0.1) + np.float32(0.075) * _fivefold(x, np.maximum(radius2, heart))
    share: Field = ((radius2 < petals) & (radius2 > heart)).astype(np.float32)
    return share


def _zigzag(u: Field, v: Field, rng: np.random.Generator) -> Field:
    x, y = (u, v) if rng.random() < 0.75 else (v, u)
    period, width = rng.uniform(0.28, 0.42), rng.uniform(0.36, 0.48)
    waves = y + np.float32(0.75 * period) * _wave(x / np.float32(1.3 * period))
    return (waves / np.float32(period) % 1 < width).astype(np.float32)


def _animal(u: Field, v: Field, rng: np.random.Generator) -> Field:
    cells = int(rng.integers(15, 20))
    noise = Image.fromarray(rng.standard_normal((cells, cells), dtype=np.float32))
    blotches = np.asarray(noise.resize(u.shape[::-1], Image.Resampling.BICUBIC))
    share: Field = np.where(blotches > 1.1, 0.4, blotches > 0.35).astype(np.float32)
    return share


FILLS: dict[str, Fill] = {
    "animal": _animal,
    "checked": _checked,
    "dotted": _dotted,
    "floral": _floral,
    "solid": _solid,
    "striped": _striped,
    "zigzag": _zigzag,
}
"""Pattern -> fill(u, v, rng): the share 0-1 of the second colour at the points (u, v) of the fabric.

u runs right and v down, both about -1 to 1 over the product; the mean share stays below one half, so that the
first colour is the product's colour.
"""
