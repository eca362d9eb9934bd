"""A procedural copy of Amazon Berkeley Objects: listings and photos of products that the catalogue draws.

A photo shows the recorded color and pattern, and most of the titles name color and style; attributes are free text in
the many spellings of sellers, and often missing. Titles are in English (on amazon.com beside German and Spanish).
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.datasets.abo import LISTINGS, PHOTOS, TABLE
from benchmarks.datasets.abo.listings import SHARDS
from benchmarks.datasets.abo.photos import COLUMNS
from benchmarks.datasets.catalog.attributes import draw_evidence, draw_labels, pick
from benchmarks.datasets.catalog.items import Look
from benchmarks.datasets.catalog.palette import draw_color, draw_second
from benchmarks.datasets.catalog.photo import Scene, render
from benchmarks.datasets.catalog.product import TYPES
from benchmarks.datasets.catalog.titles import Noise, write_title
from benchmarks.datasets.catalog.words import BRANDS
from benchmarks.seeding import seed_of

SPELLINGS: dict[str, dict[str, tuple[str, ...]]] = {
    "color": {
        "black": ("Black", "black", "Jet Black", "Matte Black", "BLACK_00826", "Onyx"),
        "blue": ("Blue", "Navy", "Navy Blue", "navy", "Royal Blue", "Dark Blue", "Denim"),
        "brown": ("Brown", "Dark Brown", "Espresso", "Walnut", "Cognac", "Chocolate Brown"),
        "green": ("Green", "Olive", "Dark Green", "Emerald", "Forest Green"),
        "grey": ("Grey", "Gray", "Charcoal", "Heather Grey", "Dark Slate Gray"),
        "pink": ("Pink", "Blush", "Hot Pink", "Light pink"),
        "purple": ("Purple", "Lavender", "Plum", "Violet"),
        "red": ("Red", "Burgundy", "Dark Red", "Crimson", "Maroon"),
        "white": ("White", "Snow White", "Bright White", "White (Pack of 2)"),
        "yellow": ("Yellow", "Mustard", "Lemon Yellow", "Canary"),
    },
    "pattern": {
        "animal": ("Leopard", "Animal Print", "Zebra", "leopard print"),
        "checked": ("Plaid", "Checkered", "Gingham", "Buffalo Check", "checked"),
        "dotted": ("Polka Dot", "Polka Dots", "polka-dot", "Dots"),
        "floral": ("Floral", "Flowers", "Floral Print", "floral"),
        "solid": ("Solid", "solid", "Solid Color", "Plain"),
        "striped": ("Striped", "Stripes", "Pinstripe", "Stripe"),
        "zigzag": ("Chevron", "Zig-Zag", "chevron"),
    },
    "style": {
        "bohemian": ("Bohemian", "Boho", "Boho Chic"),
        "casual": ("Casual", "casual", "Everyday"),
        "formal": ("Formal", "Business", "formal wear"),
        "party": ("Party", "Cocktail", "Evening"),
        "sporty": ("Sport", "Athletic", "Sporty", "Sports"),
        "vintage": ("Vintage", "Retro", "Vintage Style"),
    },
    "material": {
        "ceramic": ("Ceramic", "Porcelain", "Stoneware"),
        "cotton": ("Cotton", "100% Cotton", "cotton"),
        "leather": ("Leather", "Genuine Leather"),
        "polyester": ("Polyester", "100% polyester"),
    },
}
"""Attribute -> class as the catalogue calls it -> free text."""

CODES = {
    "bag": "HANDBAG",
    "cushion": "PILLOW",
    "jacket": "OUTERWEAR",
    "mug": "DRINKING_CUP",
    "shoe": "SHOES",
    "t-shirt": "SHIRT",
    "trousers": "PANTS",
}
"""The catalogue's product type -> Amazon's, where it is another word."""
MARKETPLACES = (("amazon.com", "US", "en_US"), ("amazon.co.uk", "GB", "en_GB"), ("amazon.in", "IN", "en_IN"))
MISSING = {"color": 0.1, "pattern": 0.25, "style": 0.25, "material": 0.3}
"""P(the attribute is missing)."""
NO_CLASS = {
    "color": ("Natural", "As shown"),
    "pattern": ("Printed", "Chevron Stripes"),
    "style": ("1-Pack", "Modern Rustic"),
    "material": ("Cotton + Polyester", "Fabric"),
}
"""What some sellers write: no class, or two that conflict."""
SHARE_NO_CLASS = 0.05
TITLE_NOISE = 0.15
SIDE = 192
"""Pixels of the photos."""
ORIGINAL_SIDE = 1600
"""Pixels of the originals, which the csv tells."""
LEAST_ROWS = 60
QUIRK_PERIOD = 20
"""With quirks, of so many listings ten have one each, and the others are as they should be."""


@dataclass(frozen=True)
class Listed:
    """A listing as the files hold it, and how its photo looks; `in_table`, `on_disk` where the photo is."""

    record: Mapping[str, Any]
    look: Look
    image_id: str
    in_table: bool = True
    on_disk: bool = True


def make(folder: Path, rows: int, seed: int, *, quirks: bool = False) -> None:
    """Write `rows` listings with their photos into a new folder.

    Quirks, as in the original: `product_type` as a bare text, an item id that repeats on another marketplace, no
    `main_image_id`, one that the csv does not know, a photo that is not there, a listing without English, HTML in the
    description, `standardized_values` alone, a number as the style, attributes as bare texts.

    Raises:
        ValueError: fewer than 60 rows, which would not fill the splits; a folder that is not empty.
    """
    if rows < LEAST_ROWS:
        raise ValueError(f"{rows} rows: an ABO twin needs at least {LEAST_ROWS}")
    if folder.exists() and any(folder.iterdir()):
        raise ValueError(f"{folder} is not empty; name a new folder for the twin")
    target = folder.absolute()
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = target.with_name(f".{target.name}.partial")
    shutil.rmtree(staging, ignore_errors=True)
    listings = list(listed(rows, seed, quirks=quirks))
    write_listings(staging, listings)
    _write_table(staging, listings)
    _write_photos(staging, listings, seed)
    staging.replace(target)


def listed(rows: int, seed: int, *, quirks: bool = False) -> Iterator[Listed]:
    """The listings, not yet written."""
    before: Listed | None = None
    for number in range(rows):
        own = _listing(number, np.random.default_rng(seed_of("abo twin", seed, number)))
        before = _with_quirk(own, number % QUIRK_PERIOD, before) if quirks else own
        yield before


def write_listings(folder: Path, listings: Iterable[Listed]) -> None:
    """Write the sixteen files; a listing is in the one of its number."""
    lines: list[list[str]] = [[] for _ in SHARDS]
    for number, one in enumerate(listings):
        lines[number % len(SHARDS)].append(json.dumps(one.record, ensure_ascii=False) + "\n")
    for shard, own in zip(SHARDS, lines, strict=True):
        _write_gzip(folder / LISTINGS / shard, "".join(own))


def _listing(number: int, rng: np.random.Generator) -> Listed:
    product_type, attributes = pick(rng, TYPES), draw_labels(rng)
    first = draw_color(rng, attributes["color"])
    look = Look(product_type, first, draw_second(rng, first), attributes["pattern"], attributes["style"])
    image_id = sha256(f"image {number}".encode()).hexdigest()[:11]
    domain, country, language = MARKETPLACES[int(rng.choice(3, p=(0.6, 0.2, 0.2)))]
    title = write_title(number, product_type, draw_evidence(rng, attributes, TITLE_NOISE), Noise(False, 0.1), rng)
    names = {
        language: title,
        **({"de_DE": f"Artikel {number}", "es_MX": f"Artículo {number}"} if country == "US" else {}),
    }
    record = {
        "brand": _in(language, pick(rng, BRANDS)),
        "bullet_point": [*_in(language, "Easy to care for."), *_in(language, f"Satisfaction guaranteed. {title}.")],
        **_attributes(attributes, product_type, language, rng),
        "country": country,
        "domain_name": domain,
        "item_id": f"B{sha256(f'item {number}'.encode()).hexdigest()[:9].upper()}",
        "item_name": [{"language_tag": tag, "value": name} for tag, name in names.items()],
        "main_image_id": image_id,
        "marketplace": "Amazon",
        "node": [{"node_id": 1000 + TYPES.index(product_type), "path": f"/Categories/{product_type.title()}"}],
        "product_type": [{"value": CODES.get(product_type, product_type.upper())}],
    }
    return Listed(record, look, image_id)


def _attributes(
    attributes: Mapping[str, str], product_type: str, language: str, rng: np.random.Generator
) -> dict[str, list[dict[str, Any]]]:
    made_of = {"mug": "ceramic", "shoe": "leather", "bag": "leather"}.get(product_type) or pick(
        rng, ("cotton", "polyester")
    )
    fields: dict[str, list[dict[str, Any]]] = {}
    for attribute, name in {**attributes, "material": made_of}.items():
        missing, odd = rng.random() < MISSING[attribute], rng.random() < SHARE_NO_CLASS
        value = pick(rng, NO_CLASS[attribute] if odd else SPELLINGS[attribute][name])
        if not missing:
            fields[attribute] = _in(language, value)
    if "color" in fields and rng.random() < 0.5:
        fields["color"][0]["standardized_values"] = [attributes["color"].title()]
    return fields


def _in(language: str, value: str) -> list[dict[str, Any]]:
    return [{"language_tag": language, "value": value}]


def _with_quirk(own: Listed, place: int, before: Listed | None) -> Listed:
    record = own.record
    description = "<p>Made to last.<br>&nbsp;<b>Machine wash</b> &amp; dry.</p>"
    changes: dict[int, Mapping[str, Any]] = {
        1: {"product_type": record["product_type"][0]["value"]},
        3: {"main_image_id": None},
        4: {"main_image_id": f"unknown-{own.image_id}"},
        6: {"item_name": _in("de_DE", f"Artikel {own.image_id}"), "domain_name": "amazon.de"},
        7: {"product_description": _in("en_US", description)},
        8: {"color": [{"language_tag": "en_US", "standardized_values": ["Multi"]}]},
        9: {"style": [{"language_tag": "en_US", "value": 7}]},
        10: {"color": "Navy", "pattern": "Solid"},
    }
    if place == 2 and before is not None:
        return replace(before, record={**before.record, "domain_name": "amazon.ca", "country": "CA"})
    changed = {field: value for field, value in {**record, **changes.get(place, {})}.items() if value is not None}
    return replace(own, record=changed, in_table=place != 4, on_disk=place not in (4, 5))


def _path(image_id: str) -> str:
    return f"{image_id[:2]}/{image_id}.jpg"


def _write_table(folder: Path, listings: Sequence[Listed]) -> None:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    ids = dict.fromkeys(one.image_id for one in listings if one.in_table)
    writer.writerows((image_id, ORIGINAL_SIDE, ORIGINAL_SIDE, _path(image_id)) for image_id in ids)
    _write_gzip(folder / TABLE, buffer.getvalue())


def _write_photos(folder: Path, listings: Sequence[Listed], seed: int) -> None:
    for one in listings:
        path = folder / PHOTOS / _path(one.image_id)
        if one.on_disk and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            rng = np.random.default_rng(seed_of("abo twin photo", seed, one.image_id))
            render(Scene(one.look, False, None, one.look), SIDE, rng).save(path)


def _write_gzip(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode(), compresslevel=6, mtime=0))
