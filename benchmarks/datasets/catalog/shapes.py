"""Painted polygons and how to make them, in a square from -1 to 1, x right and y down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]
Outline = Sequence[tuple[float, float]]
Paint = Literal["fabric", "seam", "inside", "trim", "light", "metal"]


@dataclass(frozen=True)
class Part:
    """A filled polygon, or a line of width `stroke` (same unit as the points) if that is not 0."""

    paint: Paint
    points: Points
    stroke: float = 0.0


@dataclass(frozen=True)
class Garment:
    """A product's parts in drawing order.

    Attributes:
        parts: later ones cover earlier ones.
        emblem: where a mark on the fabric finds room.
        folds: depth of the folds, 0 for hard goods.
    """

    parts: tuple[Part, ...]
    emblem: tuple[float, float]
    folds: float


def flip(outline: Outline) -> Points:
    """The outline on the other side of the axis."""
    return np.array([(-x, y) for x, y in outline], dtype=np.float64)


def both(half: Outline) -> Points:
    """The closed outline whose right half runs from the top of the axis to its bottom."""
    return np.concatenate([np.array(half, dtype=np.float64), flip(half)[::-1]])


def arc(center: tuple[float, float], radii: tuple[float, float], start: float, stop: float) -> Points:
    """Points of an ellipse between two angles in degrees; 0 is right and 90 is down."""
    angles = np.radians(np.linspace(start, stop, 19))
    unit = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    points: Points = np.array(center) + np.array(radii) * unit
    return points


def fill(paint: Paint, outline: Outline | Points) -> Part:
    """A filled polygon."""
    return Part(paint, np.asarray(outline, dtype=np.float64))


def line(paint: Paint, outline: Outline | Points, width: float = 0.035) -> Part:
    """A line."""
    return Part(paint, np.asarray(outline, dtype=np.float64), width)


def pair(paint: Paint, outline: Outline) -> tuple[Part, Part]:
    """The same polygon on both sides of the axis."""
    return Part(paint, np.array(outline, dtype=np.float64)), Part(paint, flip(outline))


def line_pair(paint: Paint, outline: Outline, width: float = 0.035) -> tuple[Part, Part]:
    """The same line on both sides of the axis."""
    return Part(paint, np.array(outline, dtype=np.float64), width), Part(paint, flip(outline), width)
