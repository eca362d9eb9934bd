"""What every dish needs: a brush with volume, tables, plates, and the camera."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

from benchmarks.datasets.catalog.attributes import pick
from benchmarks.datasets.catalog.palette import RGB, shade

Point = tuple[float, float]

OVERSAMPLING = 3
"""A photo is drawn this many times larger and averaged down, against jagged edges."""
BREAD: RGB = (214, 160, 92)
GREEN: RGB = (76, 140, 58)
SWEETS: tuple[RGB, ...] = ((240, 150, 178), (96, 58, 38), (248, 236, 214), (170, 214, 160), (178, 150, 214))
SPRINKLES: tuple[RGB, ...] = ((230, 60, 70), (250, 210, 60), (70, 150, 220), (250, 250, 250), (90, 190, 90))
CERAMIC: tuple[RGB, ...] = ((246, 245, 240), (230, 233, 236), (88, 122, 160), (62, 64, 70), (206, 190, 160))
TABLES: tuple[RGB, ...] = (
    (122, 84, 54),
    (168, 128, 88),
    (70, 54, 46),
    (196, 186, 172),
    (90, 96, 104),
    (176, 60, 58),
    (84, 128, 132),
    (226, 222, 214),
)


class Brush:
    """Draws in a square from -1 to 1, x right and y down, turned and placed somewhere in the picture."""

    def __init__(self, picture: Image.Image, center: Point, scale: float, turn: float, rng: np.random.Generator):
        """`center` and `scale` (of one unit) in pixels, `turn` in radians."""
        self.rng = rng
        self.plate: RGB | None = None
        self._draw = ImageDraw.Draw(picture)
        self._center = center
        self._scale = scale
        self._cos, self._sin = np.cos(turn), np.sin(turn)

    def polygon(self, points: Iterable[Point], color: RGB) -> None:
        """Filled."""
        self._draw.polygon(self._place(list(points)), fill=color)

    def line(self, points: Sequence[Point], color: RGB, width: float) -> None:
        """With round joints and ends."""
        places, thick = self._place(points), max(1, round(width * self._scale))
        self._draw.line(places, fill=color, width=thick, joint="curve")
        for x, y in (places[0], places[-1]):
            radius = thick / 2
            self._draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=color)

    def disc(self, center: Point, radii: Point, color: RGB, turn: float = 0.0, wobble: float = 0.0) -> None:
        """An ellipse; `wobble` is how far its border strays, as a share of the radii."""
        self.polygon(self.ring(center, radii, turn, wobble), color)

    def lump(self, center: Point, radii: Point, color: RGB, turn: float = 0.0, wobble: float = 0.0) -> None:
        """A disc with a shadow below and light from above left."""
        (x, y), (across, down) = center, radii
        border = np.array(self.ring((0.0, 0.0), radii, turn, wobble))
        for size, shift, factor in ((1.04, 0.10, 0.55), (1.0, 0.0, 0.88), (0.84, -0.06, 1.0), (0.5, -0.22, 1.12)):
            low = shift * min(across, down)
            self.polygon([(x + size * a + 0.7 * low, y + size * b + low) for a, b in border], shade(color, factor))

    def ring(self, center: Point, radii: Point, turn: float = 0.0, wobble: float = 0.0) -> list[Point]:
        """The border of a disc."""
        angles = np.linspace(0, 2 * np.pi, 49)[:-1]
        stray = 1 + wobble * sum(
            self.rng.normal(0, 0.6) * np.cos(k * angles + self.rng.uniform(0, 6)) for k in (2, 3, 5)
        )
        x, y = radii[0] * stray * np.cos(angles), radii[1] * stray * np.sin(angles)
        cos, sin = np.cos(turn), np.sin(turn)
        return list(
            zip((center[0] + x * cos - y * sin).tolist(), (center[1] + x * sin + y * cos).tolist(), strict=True)
        )

    def scatter(self, center: Point, radii: Point, count: int) -> list[Point]:
        """Points anywhere in an ellipse."""
        angles, reach = self.rng.uniform(0, 2 * np.pi, count), np.sqrt(self.rng.uniform(0, 1, count))
        x, y = center[0] + radii[0] * reach * np.cos(angles), center[1] + radii[1] * reach * np.sin(angles)
        return list(zip(x.tolist(), y.tolist(), strict=True))

    def vary(self, color: RGB, by: float = 0.1) -> RGB:
        """About this colour, lighter or darker."""
        return shade(color, self.rng.uniform(1 - by, 1 + by))

    def _place(self, points: Sequence[Point]) -> list[Point]:
        # Not as a matrix product, whose last digits depend on the processor.
        u, v = np.array(points).T
        x = (u * self._cos - v * self._sin) * self._scale + self._center[0]
        y = (u * self._sin + v * self._cos) * self._scale + self._center[1]
        return list(zip(x.tolist(), y.tolist(), strict=True))


def table(size: tuple[int, int], rng: np.random.Generator) -> Image.Image:
    """Planks, a checked cloth, or plain."""
    color = pick(rng, TABLES)
    picture = Image.new("RGB", size, shade(color, rng.uniform(0.85, 1.1)))
    draw, step = ImageDraw.Draw(picture), round(max(size) * rng.uniform(0.1, 0.22))
    kind = pick(rng, ("planks", "checks", "plain"))
    across = rng.random() < 0.5
    for number, start in enumerate(range(0, max(size), step)):
        stop = start + step
        if kind == "planks":
            box = (0, start, size[0], stop) if across else (start, 0, stop, size[1])
            draw.rectangle(box, fill=shade(color, rng.uniform(0.85, 1.1)), outline=shade(color, 0.55))
        elif kind == "checks" and number % 2:
            draw.rectangle((start, 0, stop, size[1]), fill=shade(color, 1.2))
            draw.rectangle((0, start, size[0], stop), fill=shade(color, 0.8))
    return picture


def plate(brush: Brush, kind: str) -> None:
    """A `round` plate, a slate `board`, or `none`."""
    shadow: RGB = (45, 38, 34)
    if kind == "round":
        color = pick(brush.rng, CERAMIC)
        brush.plate = shade(color, 0.97)
        for radius, y, tone in ((1.27, 0.06, shadow), (1.25, 0.0, color), (1.0, 0.0, shade(color, 0.86))):
            brush.disc((0.0, y), (radius, radius), tone)
        brush.disc((0.0, 0.015), (0.97, 0.97), brush.plate)
    elif kind == "board":
        color = pick(brush.rng, ((52, 54, 60), (150, 108, 70), (236, 234, 228)))
        brush.plate = color
        for grow, tone in ((0.05, shadow), (0.0, color)):
            x, y = 1.22 + grow, 0.85 + grow
            brush.polygon([(-x, -y + 2 * grow), (x, -y + 2 * grow), (x, y + grow), (-x, y + grow)], tone)


def develop(picture: Image.Image, size: tuple[int, int], rng: np.random.Generator) -> Image.Image:
    """Averaged down; tinted light from one side, a little blur, a camera's exposure and grain."""
    small = picture.resize(size, Image.Resampling.LANCZOS).filter(ImageFilter.GaussianBlur(rng.uniform(0.2, 0.7)))
    pixels: npt.NDArray[np.float32] = np.asarray(small, dtype=np.float32)
    height, width = pixels.shape[:2]
    across, down = rng.normal(0, 0.1, 2)
    light = 1 + across * np.linspace(-1, 1, width)[None, :] + down * np.linspace(-1, 1, height)[:, None]
    tint = np.exp(rng.normal(0, 0.05, 3)) * rng.uniform(0.82, 1.08)
    grain = rng.uniform(1, 6) * rng.standard_normal((height, width, 1))
    return Image.fromarray(np.clip(pixels * light[..., None] * tint + grain, 0, 255).astype(np.uint8))
