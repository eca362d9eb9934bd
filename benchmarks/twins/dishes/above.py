"""Dishes as they are seen from above."""

from __future__ import annotations

import numpy as np

from benchmarks.datasets.catalog.attributes import pick
from benchmarks.datasets.catalog.palette import shade
from benchmarks.twins.dishes.kitchen import BREAD, GREEN, SPRINKLES, SWEETS, Brush, Point


def _leaf(brush: Brush, center: Point, length: float = 0.15) -> None:
    turn = brush.rng.uniform(0, np.pi)
    brush.lump(center, (length, 0.45 * length), brush.vary(GREEN), turn)


def pizza(brush: Brush) -> None:
    """From above: crust, sauce, cheese, toppings, cut into eight."""
    brush.lump((0, 0), (0.98, 0.98), brush.vary(BREAD), wobble=0.015)
    brush.disc((0, 0), (0.86, 0.86), brush.vary((196, 62, 36)), wobble=0.02)
    brush.disc((0, 0), (0.81, 0.81), brush.vary((244, 204, 104), 0.05), wobble=0.04)
    for spot in brush.scatter((0, 0), (0.75, 0.75), 14):
        brush.disc(spot, (0.1, 0.07), brush.vary((250, 226, 150), 0.06), wobble=0.2)
    topping = pick(brush.rng, ((184, 44, 36), (206, 52, 40), (236, 226, 206), (54, 46, 52)))
    for ring, count in ((0.3, 4), (0.64, 9)):
        for angle in np.arange(count) * 2 * np.pi / count + brush.rng.uniform(0, 1):
            brush.lump((ring * np.cos(angle), ring * np.sin(angle)), (0.115, 0.115), brush.vary(topping), wobble=0.04)
    for spot in brush.scatter((0, 0), (0.7, 0.7), int(brush.rng.integers(3, 8))):
        _leaf(brush, spot)
    for angle in np.arange(4) * np.pi / 4:
        x, y = 0.95 * np.cos(angle), 0.95 * np.sin(angle)
        brush.line([(-x, -y), (x, y)], (150, 84, 44), 0.018)


def donuts(brush: Brush) -> None:
    """From above: iced rings with sprinkles."""
    places = ((-0.48, -0.42), (0.5, -0.36), (-0.4, 0.5), (0.52, 0.52))
    for x, y in places[: int(brush.rng.integers(2, 5))]:
        icing = pick(brush.rng, SWEETS)
        brush.lump((x, y), (0.46, 0.46), brush.vary((204, 146, 82)))
        brush.disc((x, y), (0.4, 0.4), icing, wobble=0.05)
        brush.disc((x - 0.03, y - 0.04), (0.31, 0.31), shade(icing, 1.1))
        for angle, reach in brush.rng.uniform((0, 0.2), (6.3, 0.36), (22, 2)):
            dx, dy = brush.rng.normal(0, 0.025, 2)
            at = (x + reach * np.cos(angle), y + reach * np.sin(angle))
            brush.line([at, (at[0] + dx, at[1] + dy)], pick(brush.rng, SPRINKLES), 0.024)
        brush.disc((x, y), (0.16, 0.16), shade((204, 146, 82), 0.7))
        brush.disc((x + 0.015, y + 0.03), (0.125, 0.125), brush.plate or (90, 70, 60))


def sushi(brush: Brush) -> None:
    """From above: maki in rows on a board, ginger and wasabi beside them."""
    filling = pick(brush.rng, ((238, 120, 84), (196, 44, 52), (122, 176, 70), (248, 196, 74)))
    for row in (-0.4, 0.15):
        for x in (-0.88, -0.4, 0.08, 0.56):
            brush.lump((x, row), (0.235, 0.235), (32, 40, 36))
            brush.disc((x, row), (0.19, 0.19), (246, 244, 236), wobble=0.02)
            brush.disc((x, row), (0.1, 0.09), brush.vary(filling), wobble=0.08)
            brush.disc((x + 0.05, row + 0.03), (0.045, 0.05), brush.vary(GREEN), wobble=0.1)
    for x in (0.3, 0.4, 0.5):
        brush.lump((x, 0.6), (0.13, 0.07), brush.vary((244, 190, 180)), 0.5, 0.06)
    brush.lump((-0.6, 0.6), (0.13, 0.11), (150, 190, 84), wobble=0.1)
    brush.line([(-0.3, 0.72), (1.15, 0.62)], (120, 70, 40), 0.03)
    brush.line([(-0.3, 0.78), (1.15, 0.72)], (120, 70, 40), 0.03)


def spaghetti_bolognese(brush: Brush) -> None:
    """From above: a nest of pasta, meat sauce, basil."""
    angles = np.linspace(0, 2.2, 12)
    for _ in range(95):
        (x, y), start, radius = (
            brush.scatter((0, 0), (0.45, 0.45), 1)[0],
            brush.rng.uniform(0, 6.3),
            brush.rng.uniform(0.2, 0.45),
        )
        strand = [(x + radius * np.cos(start + a), y + radius * np.sin(start + a)) for a in angles]
        color = brush.vary((240, 206, 122), 0.08)
        brush.line(strand, shade(color, 0.68), 0.05)
        brush.line(strand, color, 0.033)
    brush.lump((0, 0), (0.47, 0.43), brush.vary((158, 48, 26)), wobble=0.1)
    for spot in brush.scatter((0, 0), (0.42, 0.38), 45):
        brush.lump(spot, (0.06, 0.05), pick(brush.rng, ((120, 52, 32), (176, 58, 34), (98, 44, 30))), wobble=0.2)
    for spot in ((0.0, -0.06), (0.1, 0.05), (-0.1, 0.04))[: int(brush.rng.integers(1, 4))]:
        _leaf(brush, spot, 0.18)


def breakfast_burrito(brush: Brush) -> None:
    """From above: a rolled tortilla cut in two, egg, beans and peppers inside."""
    for y, side in ((-0.34, 1), (0.36, 1)):
        wrap = brush.vary((236, 208, 160), 0.05)
        brush.lump((-0.62 * side, y), (0.3, 0.27), shade(wrap, 0.94))
        brush.polygon([(-0.66, y - 0.27), (0.5, y - 0.29), (0.5, y + 0.29), (-0.66, y + 0.27)], shade(wrap, 0.9))
        brush.polygon([(-0.66, y - 0.24), (0.5, y - 0.26), (0.5, y + 0.12), (-0.66, y + 0.1)], wrap)
        brush.polygon([(-0.66, y - 0.2), (0.5, y - 0.2), (0.5, y - 0.08), (-0.66, y - 0.1)], shade(wrap, 1.06))
        for spot in brush.scatter((-0.1, y), (0.5, 0.2), 16):
            brush.disc(spot, (0.05, 0.03), shade((190, 136, 80), brush.rng.uniform(0.9, 1.1)), wobble=0.2)
        brush.disc((0.52, y), (0.2, 0.3), shade(wrap, 0.8))
        brush.disc((0.53, y), (0.165, 0.26), (250, 214, 92))
        for spot in brush.scatter((0.53, y), (0.13, 0.22), 34):
            stuff = pick(brush.rng, ((252, 226, 110), (82, 42, 32), (200, 54, 40), (96, 150, 66), (252, 240, 190)))
            brush.disc(spot, (0.04, 0.035), stuff, wobble=0.2)


def hot_dog(brush: Brush) -> None:
    """From above: a sausage in a bun under a wave of mustard or ketchup."""
    bun = brush.vary(BREAD)
    brush.lump((0, -0.16), (1.0, 0.32), shade(bun, 1.02))
    brush.lump((0, 0.2), (1.0, 0.32), bun)
    sausage = brush.vary((172, 74, 46))
    for width, tone in ((0.33, 0.7), (0.28, 1.0)):
        brush.line([(-1.0, 0.02), (1.0, 0.02)], shade(sausage, tone), width)
    brush.line([(-0.95, -0.05), (0.95, -0.05)], shade(sausage, 1.25), 0.05)
    sauce = pick(brush.rng, ((246, 200, 40), (200, 28, 28)))
    brush.line([(x, 0.02 + 0.1 * np.sin(14 * x)) for x in np.linspace(-0.88, 0.88, 80)], sauce, 0.06)


def waffles(brush: Brush) -> None:
    """From above: a grid of pockets, syrup, cream, berries."""
    square = brush.rng.random() < 0.5
    crisp = brush.vary((222, 164, 84))
    side = 0.74 if square else 0.92
    if square:
        brush.polygon([(-0.8, -0.76), (0.84, -0.76), (0.84, 0.86), (-0.8, 0.86)], shade(crisp, 0.6))
        brush.polygon([(-0.8, -0.8), (0.8, -0.8), (0.8, 0.8), (-0.8, 0.8)], crisp)
    else:
        brush.lump((0, 0), (0.95, 0.95), crisp, wobble=0.015)
    for x in np.linspace(-side, side, 6)[:-1] + side / 5:
        for y in np.linspace(-side, side, 6)[:-1] + side / 5:
            if square or np.hypot(x, y) < 0.8:
                half = 0.11
                box = [(x - half, y - half), (x + half, y - half), (x + half, y + half), (x - half, y + half)]
                brush.polygon(box, shade(crisp, 0.62))
                brush.polygon([(a + 0.02, b + 0.03) for a, b in box], shade(crisp, 0.8))
    brush.disc((0.1, 0.12), (0.4, 0.34), (136, 72, 26), wobble=0.2)
    brush.lump((-0.05, -0.05), (0.27, 0.24), (252, 248, 240), wobble=0.08)
    for spot in brush.scatter((0, 0), (0.6, 0.6), int(brush.rng.integers(3, 9))):
        brush.lump(spot, (0.1, 0.1), brush.vary(pick(brush.rng, ((62, 70, 132), (206, 38, 54)))))


def deviled_eggs(brush: Brush) -> None:
    """From above: halves of eggs, piped yolk, paprika."""
    for x, y in ((-0.55, -0.45), (0.1, -0.6), (0.62, -0.1), (-0.62, 0.3), (0.0, 0.12), (0.35, 0.62), (-0.28, 0.74)):
        turn = brush.rng.uniform(0, 3)
        brush.lump((x, y), (0.31, 0.235), (240, 238, 230), turn)
        brush.disc((x, y), (0.27, 0.2), (252, 252, 248), turn)
        yolk = brush.vary((250, 200, 70), 0.05)
        for dx, dy in ((-0.08, 0), (0.08, 0), (0, -0.06), (0, 0.06), (0, 0)):
            brush.lump((x + dx, y + dy), (0.085, 0.08), yolk, wobble=0.08)
        for spot in brush.scatter((x, y), (0.15, 0.12), 10):
            brush.disc(spot, (0.015, 0.015), (190, 60, 30))
        if brush.rng.random() < 0.6:
            brush.line([(x, y), (x + 0.06, y - 0.08)], brush.vary(GREEN), 0.025)
