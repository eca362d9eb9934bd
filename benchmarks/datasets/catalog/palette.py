"""What a colour name looks like: every class is a region, and neighbours meet at their borders."""

from __future__ import annotations

import colorsys

import numpy as np

from benchmarks.datasets.catalog.attributes import CLASSES, pick

RGB = tuple[int, int, int]

HSV: dict[str, tuple[tuple[float, float], tuple[float, float], tuple[float, float]]] = {
    "black": ((0.0, 1.0), (0.0, 0.25), (0.06, 0.20)),
    "blue": ((0.55, 0.67), (0.50, 0.90), (0.40, 0.90)),
    "brown": ((0.04, 0.08), (0.50, 0.75), (0.30, 0.52)),
    "green": ((0.25, 0.43), (0.45, 0.90), (0.32, 0.75)),
    "grey": ((0.0, 1.0), (0.0, 0.08), (0.38, 0.68)),
    "pink": ((0.90, 0.97), (0.28, 0.60), (0.85, 1.00)),
    "purple": ((0.73, 0.81), (0.40, 0.80), (0.40, 0.78)),
    "red": ((0.97, 1.02), (0.75, 0.95), (0.60, 0.92)),
    "white": ((0.0, 1.0), (0.0, 0.06), (0.90, 1.00)),
    "yellow": ((0.12, 0.165), (0.65, 0.95), (0.86, 1.00)),
}
"""Class -> ranges of hue, saturation and value (0-1; a hue above 1 wraps around). Our choice."""

MIN_CONTRAST = 150.0
"""Least RGB distance of a fabric's two colours: a pattern that is shown can be seen."""


def _rgb(hue: float, saturation: float, value: float) -> RGB:
    red, green, blue = (round(255 * x) for x in colorsys.hsv_to_rgb(hue % 1, saturation, value))
    return red, green, blue


def draw_color(rng: np.random.Generator, name: str) -> RGB:
    """A colour that goes by this name."""
    hue, saturation, value = (rng.uniform(*limits) for limits in HSV[name])
    return _rgb(hue, saturation, value)


def draw_grey(rng: np.random.Generator) -> RGB:
    """What a black-and-white photo makes of a fabric whose colour it does not tell."""
    return _rgb(0.0, 0.0, rng.uniform(0.12, 0.95))


def draw_second(rng: np.random.Generator, first: RGB) -> RGB:
    """The second colour of a pattern: often white or black, always far from the first."""
    preferred = ["white"] * (rng.random() < 0.4) + ["black"] * (rng.random() < 0.3)
    for name in (*preferred, pick(rng, CLASSES["color"]), pick(rng, CLASSES["color"])):
        second = draw_color(rng, name)
        if np.linalg.norm(np.subtract(first, second)) >= MIN_CONTRAST:
            return second
    return draw_color(rng, "white" if sum(first) < 383 else "black")


def shade(color: RGB, factor: float) -> RGB:
    """The colour with its brightness multiplied."""
    red, green, blue = (min(255, round(factor * x)) for x in color)
    return red, green, blue
