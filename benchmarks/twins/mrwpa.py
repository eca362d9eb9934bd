"""A procedural export of a retailer: products of the catalogue in the schema of `mrwpa`, JSON Lines beside photos.

A product comes in one to three sizes, which share everything but the size in the title and the photo, mirrored in
every second one; `parent_id` ties them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from benchmarks.datasets.catalog.attributes import CatalogOptions
from benchmarks.datasets.catalog.product import product
from benchmarks.seeding import seed_of

NAME = "products.jsonl"
SIZES = ("S", "M", "L")
LEAST_ROWS = 30
QUIRK_PERIOD = 15
"""With quirks, of so many rows twelve have one each, and the others are as they should be."""

MISSING: tuple[str | None, ...] = ("", "N/A", "none", "-", "NaN", None)


@dataclass(frozen=True)
class Variant:
    """One row and its photo, which lies where the row says if that is a file's name."""

    cells: Mapping[str, Any]
    photo: Image.Image


def make(folder: Path, rows: int, seed: int, *, quirks: bool = False) -> None:
    """Write `products.jsonl` and `photos/`.

    Quirks that a strict reader takes: missing values in six spellings, class names in odd case, a missing title, a
    column of its own. Quirks that it refuses with their row: a URL, a photo that is not there, a path out of the
    folder, a list of labels, labels with a bar between them, an id used twice, no id, neither title nor photo.

    Raises:
        ValueError: fewer than 30 rows; they would not fill the three splits.
    """
    if rows < LEAST_ROWS:
        raise ValueError(f"{rows} rows: an MRWPA twin needs at least {LEAST_ROWS}")
    (folder / "photos").mkdir(parents=True, exist_ok=True)
    lines = []
    for number, variant in enumerate(islice(_variants(seed), rows)):
        variant.photo.save(folder / str(variant.cells["image"]), quality=90)
        cells = _with_quirk(variant.cells, number) if quirks else variant.cells
        lines.append(json.dumps(cells))
    partial = folder / f".{NAME}.partial"
    partial.write_text("\n".join(lines) + "\n", encoding="utf-8")
    partial.replace(folder / NAME)


def _variants(seed: int) -> Iterator[Variant]:
    options = CatalogOptions(seed=seed)
    for index in count():
        made = product(index, options)
        if made.image is None or made.title is None:  # the default options lose neither
            continue
        sizes = int(np.random.default_rng(seed_of("mrwpa twin", seed, index)).integers(1, len(SIZES) + 1))
        for number, size in enumerate(SIZES[:sizes]):
            name = f"P{index:05d}-{size}"
            cells = {
                "product_id": name,
                "parent_id": f"P{index:05d}",
                "title": f"{made.title}, size {size}",
                "image": f"photos/{name}.jpg",
                **{task: made.labels.get(task) for task in ("color", "pattern", "style")},
            }
            yield Variant(cells, ImageOps.mirror(made.image) if number % 2 else made.image)


def _with_quirk(cells: Mapping[str, Any], row: int) -> dict[str, Any]:
    changes: Sequence[Mapping[str, Any]] = (
        {},
        {"color": MISSING[row // QUIRK_PERIOD % len(MISSING)]},
        {"style": f" {str(cells['style'] or 'casual').title()} "},
        {"title": None},
        {"price": 19.9},
        {"image": f"https://shop.example/{cells['product_id']}.jpg"},
        {"image": "photos/gone.jpg"},
        {"image": "../outside.jpg"},
        {"color": ["red", "blue"]},
        {"pattern": "striped|dotted"},
        {"product_id": "P00000-S"},
        {"product_id": "N/A"},
        {"title": "", "image": None},
    )
    place = row % QUIRK_PERIOD
    return {**cells, **(changes[place] if place < len(changes) else {})}
