"""One product cut out of its photo: fabric, parts and the mark of its style, at a larger scale."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from benchmarks.datasets.catalog.garments import CUTS
from benchmarks.datasets.catalog.palette import RGB, shade
from benchmarks.datasets.catalog.patterns import FILLS
from benchmarks.datasets.catalog.shapes import Part, Points, arc, fill, line

CREAM: RGB = (246, 242, 230)
GOLD: RGB = (206, 168, 84)


@dataclass(frozen=True)
class Look:
    """What a photo shows of a product; `style` None has no mark of a style."""

    type: str
    first: RGB
    second: RGB
    pattern: str
    style: str | None


@dataclass(frozen=True)
class Pose:
    """From the unit square of a garment to pixels: mirrored, scaled, turned by radians, moved."""

    scale: float
    angle: float
    center: tuple[float, float]
    mirrored: bool

    # Without matrix products and inverses, whose last digits depend on the processor.

    def place(self, points: Points) -> list[tuple[float, float]]:
        """Pixel coordinates of points of the garment."""
        cos, sin = np.cos(self.angle) * self.scale, np.sin(self.angle) * self.scale
        u, v = points[:, 0] * self._side, points[:, 1]
        x, y = u * cos - v * sin + self.center[0], u * sin + v * cos + self.center[1]
        return list(zip(x.tolist(), y.tolist(), strict=True))

    def unplace(self, side: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Garment coordinates (u, v), each Float[side, side], of the pixels of a square picture."""
        cos, sin = (np.float32(turn(self.angle) / self.scale) for turn in (np.cos, np.sin))
        pixels, mirror = np.arange(side, dtype=np.float32), np.float32(self._side)
        x, y = (pixels - self.center[0])[None, :], (pixels - self.center[1])[:, None]
        return (x * cos + y * sin) * mirror, y * cos - x * sin

    @property
    def _side(self) -> int:
        return -1 if self.mirrored else 1


@dataclass(frozen=True)
class Item:
    """A cut-out: colours and coverage of side x side pixels, and how deep its folds are."""

    colors: Image.Image
    cover: Image.Image
    folds: float


def _textile(look: Look, pose: Pose, side: int, rng: np.random.Generator) -> Image.Image:
    first, second = (Image.new("RGB", (side, side), color) for color in (look.first, look.second))
    if look.pattern == "solid":
        return first
    share = FILLS[look.pattern](*pose.unplace(side), rng)
    return Image.composite(second, first, Image.fromarray((255 * share).astype(np.uint8)))


def _pocket(rng: np.random.Generator) -> Iterable[Part]:
    outline = [(-0.17, -0.17), (0.17, -0.17), (0.17, 0.1), (0, 0.2), (-0.17, 0.1)]
    yield fill("seam", outline)
    yield line("light", [*outline, outline[0]], 0.04)


def _bow(rng: np.random.Generator) -> Iterable[Part]:
    yield fill("inside", [(0, 0), (-0.26, -0.17), (-0.26, 0.17)])
    yield fill("inside", [(0, 0), (0.26, -0.17), (0.26, 0.17)])
    yield fill("metal", [(-0.06, -0.08), (0.06, -0.08), (0.06, 0.08), (-0.06, 0.08)])


def _number(rng: np.random.Generator) -> Iterable[Part]:
    yield fill("light", arc((0, 0), (0.24, 0.24), 0, 360))
    yield line("inside", [(-0.1, -0.12), (0.1, -0.12), (-0.03, 0.15)], 0.08)


def _fringe(rng: np.random.Generator) -> Iterable[Part]:
    yield line("trim", [(-0.36, 0), (0.36, 0)], 0.07)
    for x in np.linspace(-0.34, 0.34, 8):
        yield line("trim", [(x, 0), (x + rng.uniform(-0.04, 0.04), rng.uniform(0.24, 0.34))], 0.05)


def _rosette(rng: np.random.Generator) -> Iterable[Part]:
    angles = np.linspace(0, 2 * np.pi, 49)
    ring = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    yield fill("light", ring * (0.24 + 0.05 * np.cos(8 * angles))[:, None])
    yield line("trim", 0.15 * ring, 0.04)
    yield fill("metal", 0.07 * ring)


def _sparkles(rng: np.random.Generator) -> Iterable[Part]:
    star = np.array([(0, -1), (0.2, -0.2), (1, 0), (0.2, 0.2), (0, 1), (-0.2, 0.2), (-1, 0), (-0.2, -0.2)])
    for center in ((-0.16, -0.12), (0.15, -0.02), (-0.04, 0.17)):
        yield fill("light", center + star * rng.uniform(0.13, 0.19))


MARKS: dict[str, Callable[[np.random.Generator], Iterable[Part]]] = {
    "bohemian": _fringe,
    "casual": _pocket,
    "formal": _bow,
    "party": _sparkles,
    "sporty": _number,
    "vintage": _rosette,
}
"""Style -> the mark by which a photo tells it, around the point (0, 0) of the fabric."""

MARK_SCALE = 1.4
"""Large enough that a mark is still seen on a patterned fabric at 64 px."""


def _draw(part: Part, placed: list[tuple[float, float]], width: int, draw: ImageDraw.ImageDraw, ink: RGB | int) -> None:
    if part.stroke:
        draw.line(placed, fill=ink, width=width, joint="curve")
    else:
        draw.polygon(placed, fill=ink)


def paint_item(look: Look, pose: Pose, side: int, rng: np.random.Generator) -> Item:
    """Draw a product into an otherwise empty square of side x side pixels."""
    garment = CUTS[look.type](rng)
    mark = MARKS[look.style](rng) if look.style else ()
    marks = (
        replace(part, points=MARK_SCALE * part.points + garment.emblem, stroke=MARK_SCALE * part.stroke)
        for part in mark
    )
    textile = _textile(look, pose, side, rng)
    colors, cover = textile.copy(), Image.new("L", (side, side))
    inks: dict[str, RGB] = {
        "seam": shade(look.first, 0.6) if sum(look.first) > 150 else shade(look.first, 2.2),
        "inside": shade(look.first, 0.32) if sum(look.first) > 240 else (90, 88, 92),
        "trim": look.second,
        "light": CREAM,
        "metal": GOLD,
    }
    on_colors, on_cover = ImageDraw.Draw(colors), ImageDraw.Draw(cover)
    for part in (*garment.parts, *marks):
        placed, width = pose.place(part.points), max(1, round(part.stroke * pose.scale))
        _draw(part, placed, width, on_cover, 255)
        if part.paint != "fabric":
            _draw(part, placed, width, on_colors, inks[part.paint])
    return Item(colors, cover, garment.folds)
