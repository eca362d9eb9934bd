"""Dishes as they are seen from the side."""

from __future__ import annotations

import numpy as np

from benchmarks.datasets.catalog.attributes import pick
from benchmarks.datasets.catalog.palette import shade
from benchmarks.twins.dishes.kitchen import BREAD, SPRINKLES, SWEETS, Brush


def cup_cakes(brush: Brush) -> None:
    """From the side: a striped paper cup, a swirl of cream, something on top."""
    paper, cream = pick(brush.rng, SPRINKLES[:3]), pick(brush.rng, SWEETS)
    brush.polygon([(-0.6, 0.1), (0.6, 0.1), (0.44, 0.95), (-0.44, 0.95)], paper)
    for x in np.linspace(-0.9, 0.9, 8):
        brush.polygon(
            [(0.62 * x, 0.1), (0.62 * x + 0.07, 0.1), (0.45 * x + 0.05, 0.95), (0.45 * x, 0.95)], shade(paper, 0.8)
        )
    brush.lump((0, 0.08), (0.66, 0.2), (176, 116, 62))
    for y, width in ((0.0, 0.66), (-0.2, 0.54), (-0.4, 0.4), (-0.58, 0.25), (-0.74, 0.11)):
        brush.lump((0, y), (width, 0.17), cream, -0.07)
    for spot in brush.scatter((0, -0.2), (0.4, 0.3), int(brush.rng.integers(0, 20))):
        brush.disc(spot, (0.03, 0.03), pick(brush.rng, SPRINKLES))
    if brush.rng.random() < 0.7:
        brush.lump((0, -0.88), (0.12, 0.12), (208, 28, 44))
        brush.line([(0.02, -0.98), (0.12, -1.16)], (96, 70, 40), 0.02)


def french_fries(brush: Brush) -> None:
    """From the side: fries that stick out of a paper carton."""
    for depth in (0, 1):
        for x in np.linspace(-0.55, 0.55, 11):
            lean, tip = brush.rng.normal(0.25 * x, 0.09), brush.rng.uniform(-0.95, -0.45) + 0.25 * depth
            color = brush.vary((246, 206, 98), 0.08)
            brush.line([(x, 0.5), (x + lean, tip)], shade(color, 0.72), 0.125)
            brush.line([(x - 0.015, 0.5), (x + lean - 0.015, tip)], color, 0.09)
    carton = pick(brush.rng, ((206, 36, 36), (240, 238, 230), (214, 60, 48), (70, 110, 160)))
    rim = [(-0.72, -0.08), (-0.35, 0.1), (0.0, 0.14), (0.35, 0.1), (0.72, -0.08)]
    brush.polygon([*rim, (0.55, 0.98), (-0.55, 0.98)], carton)
    brush.polygon([(0.35, 0.1), (0.72, -0.08), (0.55, 0.98), (0.3, 0.98)], shade(carton, 0.82))
    brush.polygon([(-0.2, 0.16), (0.1, 0.16), (0.08, 0.98), (-0.16, 0.98)], shade(carton, 1.16))


def hamburger(brush: Brush) -> None:
    """From the side: bun, salad, tomato, cheese, meat, bun with sesame."""
    brush.lump((0, 0.62), (0.86, 0.24), brush.vary(BREAD))
    brush.lump((0, 0.4), (0.9, 0.2), brush.vary((98, 56, 36)), wobble=0.02)
    if brush.rng.random() < 0.5:
        brush.lump((0, 0.26), (0.88, 0.16), brush.vary((92, 52, 34)), wobble=0.02)
    brush.polygon([(-0.92, 0.14), (0.92, 0.14), (0.6, 0.26), (0.3, 0.46), (0.02, 0.26), (-0.5, 0.36)], (250, 190, 50))
    for x in (-0.5, 0.0, 0.5):
        brush.lump((x, 0.1), (0.36, 0.09), brush.vary((208, 52, 40)))
    for x in np.linspace(-0.85, 0.85, 9):
        brush.lump((x, 0.0 + brush.rng.uniform(-0.02, 0.05)), (0.16, 0.09), brush.vary((112, 178, 70)), wobble=0.15)
    bun = brush.vary(BREAD)
    for size, tone in ((1.0, 0.8), (0.96, 1.0), (0.7, 1.1)):
        angles = np.linspace(np.pi, 2 * np.pi, 30)
        top = [(0.9 * size * np.cos(a), -0.04 + 0.74 * size * np.sin(a)) for a in angles]
        brush.polygon([*top, (0.8 * size, 0.05), (-0.8 * size, 0.05)] if size > 0.9 else top, shade(bun, tone))
    for x, y in brush.scatter((0, -0.42), (0.62, 0.22), 26):
        brush.disc((x, y), (0.035, 0.02), (250, 236, 200), brush.rng.uniform(0, 3))


def ice_cream(brush: Brush) -> None:
    """From the side: one to three scoops in a waffle cone."""
    brush.polygon([(-0.42, 0.0), (0.42, 0.0), (0.0, 1.15)], (208, 150, 86))
    for shift in np.linspace(-0.3, 0.3, 4):
        brush.line([(shift - 0.1, 0.02), (0.5 * shift + 0.16, 0.7 - abs(shift))], (164, 104, 52), 0.025)
        brush.line([(shift + 0.1, 0.02), (0.5 * shift - 0.16, 0.7 - abs(shift))], (164, 104, 52), 0.025)
    spots = ((0.0, -0.12),), ((-0.25, -0.12), (0.27, -0.14)), ((-0.25, -0.1), (0.27, -0.12), (0.02, -0.56))
    for x, y in pick(brush.rng, spots):
        taste = brush.vary(pick(brush.rng, SWEETS), 0.05)
        brush.lump((x, y), (0.43, 0.4), taste, wobble=0.02)
        for dx in np.linspace(-0.32, 0.32, 5):
            brush.disc((x + dx, y + 0.28 - 0.25 * abs(dx)), (0.12, 0.09), shade(taste, 0.94), wobble=0.1)
        if brush.rng.random() < 0.5:
            for spot in brush.scatter((x, y - 0.05), (0.3, 0.24), 12):
                brush.disc(spot, (0.025, 0.025), pick(brush.rng, SPRINKLES))
    brush.polygon([(-0.46, 0.06), (0.46, 0.06), (0.4, 0.2), (-0.4, 0.2)], (190, 130, 70))


def macarons(brush: Brush) -> None:
    """From the side: two shells with feet and a filling; several colours."""
    for y, shift in ((0.55, 0.0), (-0.05, 0.12), (-0.65, -0.05))[: int(brush.rng.integers(2, 4))]:
        for x in (-0.5, 0.5):
            color, at = brush.vary(pick(brush.rng, (*SWEETS, (246, 214, 110), (236, 120, 100))), 0.05), x + shift
            brush.lump((at, y + 0.14), (0.42, 0.15), shade(color, 0.9))
            brush.disc((at, y + 0.05), (0.43, 0.09), shade(color, 0.75), wobble=0.03)
            brush.disc((at, y + 0.02), (0.39, 0.07), pick(brush.rng, ((250, 240, 222), (90, 50, 36), (214, 60, 90))))
            brush.disc((at, y - 0.05), (0.43, 0.08), shade(color, 0.8), wobble=0.03)
            brush.lump((at, y - 0.13), (0.42, 0.17), color)


def pancakes(brush: Brush) -> None:
    """From the side: a stack with butter and syrup, perhaps berries."""
    layers = int(brush.rng.integers(4, 7))
    top = 0.6
    for _ in range(layers):
        x, top = brush.rng.normal(0, 0.03), top - 0.15
        brush.disc((x, top + 0.15), (0.86, 0.3), shade((170, 108, 54), 0.7))
        brush.disc((x, top + 0.11), (0.86, 0.3), brush.vary((244, 212, 142), 0.04))
        brush.disc((x, top + 0.05), (0.86, 0.3), brush.vary((196, 128, 62), 0.06))
    brush.disc((0, top + 0.03), (0.74, 0.24), (216, 152, 82))
    syrup = (132, 66, 22)
    brush.disc((0, top + 0.03), (0.55, 0.18), syrup, wobble=0.1)
    for x, length in zip((-0.5, -0.12, 0.3, 0.56), brush.rng.uniform(0.25, 0.65, 4), strict=True):
        brush.line([(0.7 * x, top + 0.1), (x, top + 0.24), (x, top + 0.24 + length)], syrup, 0.085)
    brush.polygon([(-0.17, top - 0.1), (0.15, top - 0.13), (0.19, top + 0.06), (-0.13, top + 0.1)], (255, 236, 140))
    brush.polygon([(-0.13, top + 0.1), (0.19, top + 0.06), (0.19, top + 0.12), (-0.13, top + 0.16)], (226, 196, 96))
    berry = pick(brush.rng, ((60, 70, 130), (204, 40, 56)))
    for x in brush.rng.uniform(-0.9, 0.9, int(brush.rng.integers(0, 6))):
        brush.lump((x, 0.78), (0.1, 0.1), brush.vary(berry))


def tacos(brush: Brush) -> None:
    """From the side: folded shells, filled with salad, meat, tomato and cheese."""
    for x in (0.42, 0.0, -0.42):
        shell = brush.vary((238, 190, 92))
        arc = [(x + 0.62 * np.cos(a), 0.5 + 0.86 * np.sin(a)) for a in np.linspace(np.pi, 2 * np.pi, 30)]
        brush.polygon([(a + 0.1, b - 0.08) for a, b in arc], shade(shell, 0.75))
        for angle in np.linspace(np.pi * 1.06, np.pi * 1.94, 24):
            stuff = pick(brush.rng, ((108, 176, 66), (132, 190, 80), (206, 50, 40), (112, 62, 38), (252, 214, 90)))
            at = (x + 0.05 + 0.62 * np.cos(angle), 0.44 + 0.88 * np.sin(angle))
            brush.lump(at, (0.1, 0.075), brush.vary(stuff), brush.rng.uniform(0, 3), 0.2)
        brush.polygon(arc, shell)
        brush.polygon([(x + 0.85 * (a - x), 0.5 + 0.8 * (b - 0.5)) for a, b in arc], shade(shell, 1.07))
        for spot in brush.scatter((x, 0.22), (0.4, 0.22), 9):
            brush.disc(spot, (0.035, 0.03), shade(shell, 0.85), wobble=0.2)
