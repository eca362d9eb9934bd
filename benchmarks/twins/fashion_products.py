"""A procedural copy of Fashion Product Images (Small): products that the catalogue draws, in Kaggle's layout.

As in the original, a title names the colour in 88 % and the audience in 91 % of the rows, and its noun is often not
the article type ("T-shirt" and Tshirts). Season and year follow from the kind of product, or from nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.datasets.catalog.attributes import draw_labels, pick
from benchmarks.datasets.catalog.items import Look
from benchmarks.datasets.catalog.palette import draw_color, draw_second
from benchmarks.datasets.catalog.photo import Scene, render
from benchmarks.datasets.catalog.product import TYPES
from benchmarks.datasets.catalog.words import BRANDS
from benchmarks.datasets.fashion_products.styles import COLUMNS
from benchmarks.seeding import seed_of

SIZE = (60, 80)
"""Width and height of the photos in pixels."""
FIRST_ID = 1163
LEAST_ROWS = 60
QUIRK_PERIOD = 20
"""With quirks, of so many rows seven have one each, and the others are as they should be."""
MISLABELLED = 17
"""With quirks, the row whose photo shows another product, as 7217 of the original does."""
NAMES_COLOUR, NAMES_GENDER = 0.88, 0.91

ARTICLES = {
    "bag": ("Accessories", "Bags", "Handbags", "Handbag"),
    "cushion": ("Home", "Home Furnishing", "Cushion Covers", "Cushion Cover"),
    "dress": ("Apparel", "Dress", "Dresses", "Dress"),
    "hat": ("Accessories", "Headwear", "Hat", "Hat"),
    "jacket": ("Apparel", "Topwear", "Jackets", "Jacket"),
    "mug": ("Home", "Home Furnishing", "Mugs", "Coffee Mug"),
    "shirt": ("Apparel", "Topwear", "Shirts", "Shirt"),
    "shoe": ("Footwear", "Shoes", "Casual Shoes", "Sneakers"),
    "skirt": ("Apparel", "Bottomwear", "Skirts", "Skirt"),
    "t-shirt": ("Apparel", "Topwear", "Tshirts", "T-shirt"),
    "trousers": ("Apparel", "Bottomwear", "Trousers", "Trousers"),
    "umbrella": ("Accessories", "Umbrellas", "Umbrellas", "Umbrella"),
}
"""Product type -> master category, subcategory, article type, and its noun in titles."""

SHOES = {"sporty": ("Sports Shoes", "Running Shoes"), "formal": ("Formal Shoes", "Leather Shoes")}
"""Style -> article type and noun of shoes that are not casual ones."""

USAGES = {"bohemian": "Ethnic", "formal": "Formal", "party": "Party", "sporty": "Sports"}
"""Style -> usage; the others are Casual."""

SEASONS = {"jacket": ("Fall", "Winter"), "umbrella": ("Fall", "Winter"), "dress": ("Spring", "Summer")}
ANY_SEASON = ("Fall", "Spring", "Summer", "Summer", "Summer", "Winter")
WOMENS = ("bag", "dress", "skirt")
GENDERS = {
    "Accessories": ("Men", "Unisex", "Women"),
    "Apparel": ("Boys", "Girls", "Men", "Men", "Women", "Women"),
    "Footwear": ("Men", "Men", "Women"),
    "Home": ("Unisex",),
}
"""Master category -> whom its products are for."""


@dataclass(frozen=True)
class Drawn:
    """A row and what its photo shows.

    Attributes:
        cells: column -> cell.
        look: the product in the photo.
        photo: what the photo is drawn from; rows with the same number and look have the same bytes.
        mode: of the JPEG, `RGB` or `L`; None for a row without a file.
    """

    cells: Mapping[str, str]
    look: Look
    photo: int
    mode: str | None = "RGB"


def make(folder: Path, rows: int, seed: int, *, quirks: bool = False) -> None:
    """Write `styles.csv` and `images/`.

    Quirks that the loader takes: titles with unquoted commas, empty titles, titles and photos that two products
    share, greyscale JPEGs, a photo of another product. Quirks that it refuses with their row, or skips: rows without
    a photo. One that only `data check` finds: the colour "nan", as a careless conversion writes it.

    Raises:
        ValueError: fewer than 60 rows; they would not fill the three splits.
    """
    if rows < LEAST_ROWS:
        raise ValueError(f"{rows} rows: a fashion-products twin needs at least {LEAST_ROWS}")
    (folder / "images").mkdir(parents=True, exist_ok=True)
    lines = [",".join(COLUMNS)]
    for drawn in _products(rows, seed, quirks):
        lines.append(",".join(drawn.cells[column] for column in COLUMNS))
        if drawn.mode is not None:
            photo = _photograph(drawn, seed).convert(drawn.mode)
            photo.save(folder / "images" / f"{drawn.cells['id']}.jpg", quality=90)
    (folder / "styles.csv").write_text("\n".join([*lines, ""]), encoding="utf-8")


def _products(rows: int, seed: int, quirks: bool) -> Iterator[Drawn]:
    before: Drawn | None = None
    for number in range(rows):
        own = _product(number, np.random.default_rng(seed_of("fashion-products twin", seed, number)))
        before = _with_quirk(own, before, number) if quirks and before else own
        yield before


def _product(number: int, rng: np.random.Generator) -> Drawn:
    product_type, attributes = pick(rng, TYPES), draw_labels(rng)
    first = draw_color(rng, attributes["color"])
    look = Look(product_type, first, draw_second(rng, first), attributes["pattern"], attributes["style"])
    master, subcategory, article, noun = ARTICLES[product_type]
    if product_type == "shoe":
        article, noun = SHOES.get(attributes["style"], (article, noun))
    gender = pick(rng, GENDERS[master] if product_type not in WOMENS else ("Women",))
    told = rng.random(2) < (NAMES_GENDER, NAMES_COLOUR)
    words = (
        pick(rng, BRANDS),
        gender if told[0] else "",
        "" if attributes["pattern"] == "solid" else attributes["pattern"].title(),
        attributes["color"].title() if told[1] else "",
        noun,
    )
    cells = (
        str(FIRST_ID + number),
        gender,
        master,
        subcategory,
        article,
        attributes["color"].title(),
        pick(rng, SEASONS.get(product_type, ANY_SEASON)),
        str(rng.integers(2011, 2019)),
        USAGES.get(attributes["style"], "Casual"),
        " ".join(filter(None, words)),
    )
    return Drawn(dict(zip(COLUMNS, cells, strict=True)), look, number)


def _with_quirk(own: Drawn, before: Drawn, number: int) -> Drawn:
    title = own.cells["productDisplayName"]
    place = number % QUIRK_PERIOD
    cells = {
        1: {"productDisplayName": f"{title}, set of 2, boxed"},
        3: {"productDisplayName": ""},
        5: {"productDisplayName": before.cells["productDisplayName"]},
        13: {"baseColour": "nan"},
    }.get(place, {})
    drawn = replace(own, cells={**own.cells, **cells})
    if place == 7 or number == MISLABELLED:
        drawn = replace(drawn, look=before.look, photo=before.photo if place == 7 else number)
    modes: dict[int, str | None] = {9: "L", 11: None}
    return replace(drawn, mode=modes.get(place, drawn.mode))


def _photograph(drawn: Drawn, seed: int) -> Image.Image:
    """The product on its backdrop, in the proportions of the original's photos."""
    rng = np.random.default_rng(seed_of("fashion-products twin", seed, drawn.photo, "photo"))
    square = render(Scene(drawn.look, False, None, drawn.look), SIZE[0] * 2, rng)
    page = Image.new("RGB", SIZE, "white")
    page.paste(square.resize((SIZE[0], SIZE[0]), Image.Resampling.LANCZOS), (0, (SIZE[1] - SIZE[0]) // 2))
    return page
