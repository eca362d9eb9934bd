"""The product photo: backdrop, other things in the picture, the product, light, and the camera."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

from benchmarks.datasets.catalog.attributes import pick
from benchmarks.datasets.catalog.items import Item, Look, Pose, paint_item
from benchmarks.datasets.catalog.palette import RGB, draw_color, shade

Pixels = npt.NDArray[np.float32]
Extra = Literal["item", "logo", "clutter"]

EXTRAS: tuple[Extra, ...] = ("item", "logo", "clutter")
"""What a distracted photo holds beside the product, equally likely."""


LUMA = np.array([[0.299], [0.587], [0.114]], dtype=np.float32)
"""Weights of red, green and blue in a black-and-white photo (ITU-R BT.601)."""

OVERSAMPLING = 2
"""A photo is drawn this many times larger and averaged down, against jagged edges."""


@dataclass(frozen=True)
class Scene:
    """What is in front of the camera.

    Attributes:
        look: the product.
        monochrome: the photo is black-and-white.
        extra: another product, a shop's logo, things lying about, or nothing.
        extra_look: how the other product looks.
    """

    look: Look
    monochrome: bool
    extra: Extra | None
    extra_look: Look


def _pose(rng: np.random.Generator, side: int) -> Pose:
    center = (side * rng.uniform(0.44, 0.56), side * rng.uniform(0.46, 0.54))
    return Pose(side * rng.uniform(0.36, 0.45), rng.normal(0, 0.1), center, bool(rng.random() < 0.5))


def _corner_pose(rng: np.random.Generator, side: int) -> Pose:
    center = (side * pick(rng, (0.12, 0.88)), side * pick(rng, (0.14, 0.86)))
    return Pose(side * rng.uniform(0.2, 0.27), rng.normal(0, 0.4), center, False)


def _loud(rng: np.random.Generator) -> RGB:
    """A colour of things that are not for sale."""
    return draw_color(rng, pick(rng, ("blue", "brown", "green", "pink", "red", "yellow")))


def _backdrop(rng: np.random.Generator, side: int) -> Image.Image:
    """A pale studio wall, or a wall of any colour; sometimes with a floor."""
    pale = int(rng.integers(205, 250))
    wall: RGB = (pale, pale + int(rng.integers(-8, 6)), pale + int(rng.integers(-14, 6)))
    if rng.random() < 0.3:
        red, green, blue = (round(0.45 * channel + 0.55 * pale) for channel in _loud(rng))
        wall = (red, green, blue)
    backdrop = Image.new("RGB", (side, side), wall)
    if rng.random() < 0.4:
        floor = (0, int(side * rng.uniform(0.68, 0.85)), side, side)
        ImageDraw.Draw(backdrop).rectangle(floor, fill=shade(wall, rng.uniform(0.75, 0.9)))
    return backdrop


def _litter(backdrop: Image.Image, rng: np.random.Generator) -> None:
    """Draw coloured shapes along the borders of the backdrop."""
    draw, side = ImageDraw.Draw(backdrop), backdrop.width
    for _ in range(int(rng.integers(3, 7))):
        x, y = rng.uniform(0, side, 2)
        if rng.random() < 0.5:
            x = pick(rng, (0.04, 0.96)) * side
        else:
            y = pick(rng, (0.04, 0.96)) * side
        radius = side * rng.uniform(0.06, 0.15)
        box = (x - radius, y - radius, x + radius, y + radius)
        (draw.ellipse if rng.random() < 0.5 else draw.rectangle)(box, fill=_loud(rng))


def _stamp(picture: Image.Image, rng: np.random.Generator) -> None:
    """Draw a shop's round logo into a corner of the picture."""
    draw, side = ImageDraw.Draw(picture), picture.width
    x, y, radius = side * pick(rng, (0.14, 0.86)), side * pick(rng, (0.14, 0.86)), side * 0.12
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=_loud(rng))
    for row in (-0.35, 0.0, 0.35):
        half = radius * rng.uniform(0.35, 0.7)
        line = (x - half, y + row * radius, x + half, y + row * radius)
        draw.line(line, fill="white", width=max(1, round(radius * 0.16)))


def _small(image: Image.Image) -> Pixels:
    return np.asarray(image.reduce(OVERSAMPLING), dtype=np.float32)


def _put(scene: Pixels, item: Item, rng: np.random.Generator) -> Pixels:
    """The scene with the item, its shadow, and its volume: edges turn away from the light, folds catch it."""
    size = len(scene)
    cover_image = item.cover.reduce(OVERSAMPLING)
    cover = np.asarray(cover_image, dtype=np.float32)[..., None] / np.float32(255)
    blurred = cover_image.filter(ImageFilter.BoxBlur(size * 0.05))
    soft = np.asarray(blurred, dtype=np.float32)[..., None] / np.float32(255)
    shift = (round(size / 24), round(size / 24 * rng.uniform(-1, 1)))
    shadow = np.float32(0.35) * np.roll(soft, shift, (0, 1))
    noise = Image.fromarray(rng.standard_normal((4, 9), dtype=np.float32))
    folds = np.asarray(noise.resize((size, size), Image.Resampling.BICUBIC))[..., None]
    light = np.float32(0.62) + np.float32(0.44) * soft + np.float32(0.09 * item.folds) * folds
    lit: Pixels = scene * (1 - shadow) * (1 - cover) + _small(item.colors) * light * cover
    return lit


def _expose(picture: Pixels, monochrome: bool, rng: np.random.Generator) -> Pixels:
    """Tinted light from one side, a camera's exposure and grain; grey if the photo is black-and-white."""
    size = len(picture)
    ramp = np.linspace(-1, 1, size, dtype=np.float32)
    across, down = rng.normal(0, 0.07, 2).astype(np.float32)
    tint = np.exp(rng.normal(0, 0.075, 3)).astype(np.float32)
    light = (1 + across * ramp[None, :] + down * ramp[:, None])[..., None] * np.float32(rng.uniform(0.8, 1.08))
    picture = picture * light * tint
    if monochrome:
        picture = np.repeat((picture * LUMA[:, 0]).sum(axis=2, keepdims=True), 3, axis=2)
    grain = np.float32(rng.uniform(1, 6))
    exposed: Pixels = picture + grain * rng.standard_normal((size, size, 1), dtype=np.float32)
    return exposed


def render(scene: Scene, size: int, rng: np.random.Generator) -> Image.Image:
    """The photo, size x size pixels; its content does not depend on the size."""
    side = OVERSAMPLING * size
    rng, extra_rng = rng.spawn(2)  # what else is in the picture does not move the product
    backdrop = _backdrop(rng, side)
    if scene.extra == "clutter":
        _litter(backdrop, extra_rng)
    if scene.extra == "logo":
        _stamp(backdrop, extra_rng)
    picture = _small(backdrop)
    if scene.extra == "item":
        pose = _corner_pose(extra_rng, side)
        picture = _put(picture, paint_item(scene.extra_look, pose, side, extra_rng), extra_rng)
    picture = _put(picture, paint_item(scene.look, _pose(rng, side), side, rng), rng)
    picture = _expose(picture, scene.monochrome, rng)
    return Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))
