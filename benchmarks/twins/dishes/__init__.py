"""Fifteen of Food-101's dishes, each drawn so that a person knows it, no two alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from PIL import Image

from benchmarks.twins.dishes import above, side
from benchmarks.twins.dishes.kitchen import OVERSAMPLING, Brush, develop, plate, table


class Dish(NamedTuple):
    """How a dish is drawn, on what it lies, and how far it may be turned (radians)."""

    draw: Callable[[Brush], None]
    on: str
    turn: float


DISHES: dict[str, Dish] = {
    "breakfast_burrito": Dish(above.breakfast_burrito, "round", 0.5),
    "cup_cakes": Dish(side.cup_cakes, "none", 0.06),
    "deviled_eggs": Dish(above.deviled_eggs, "round", 3.2),
    "donuts": Dish(above.donuts, "round", 0.6),
    "french_fries": Dish(side.french_fries, "none", 0.15),
    "hamburger": Dish(side.hamburger, "none", 0.06),
    "hot_dog": Dish(above.hot_dog, "board", 0.7),
    "ice_cream": Dish(side.ice_cream, "none", 0.2),
    "macarons": Dish(side.macarons, "board", 0.1),
    "pancakes": Dish(side.pancakes, "round", 0.05),
    "pizza": Dish(above.pizza, "round", 3.2),
    "spaghetti_bolognese": Dish(above.spaghetti_bolognese, "round", 3.2),
    "sushi": Dish(above.sushi, "board", 0.4),
    "tacos": Dish(side.tacos, "board", 0.1),
    "waffles": Dish(above.waffles, "round", 3.2),
}


def photograph(name: str, rng: np.random.Generator) -> Image.Image:
    """A photo of the dish, 160-256 pixels wide and high."""
    width, height = (int(pixels) for pixels in rng.integers(160, 257, 2))
    large = (OVERSAMPLING * width, OVERSAMPLING * height)
    dish, picture = DISHES[name], table(large, rng)
    center = (large[0] * rng.uniform(0.44, 0.56), large[1] * rng.uniform(0.46, 0.54))
    brush = Brush(picture, center, min(large) * rng.uniform(0.33, 0.42), rng.uniform(-dish.turn, dish.turn), rng)
    plate(brush, dish.on)
    dish.draw(brush)
    return develop(picture, (width, height), rng)
