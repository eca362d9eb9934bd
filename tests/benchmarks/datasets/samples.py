"""Photos, rows and folders that the tests of the data layer are made of."""

import csv
import io
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.datasets.fashion_products import COLUMNS
from benchmarks.datasets.loading.build import Row, TaskSpec, build_splits
from benchmarks.datasets.loading.splits import Card, Source

CARD = Card("Test", "photo", "title", "colour", "by hand", "this test", "none")
TASKS = (TaskSpec("colour"),)
PARTS = ("train", "train", "train", "train", "val", "val", "test", "test")


def encode(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def photo(number=0, kind="PNG"):
    """A small photo of its own for every number, which stands in the first pixel."""
    image = Image.fromarray(np.random.default_rng(number).integers(0, 256, (4, 6, 3), dtype=np.uint8))
    image.putpixel((0, 0), (number % 256, number // 256, 90))
    return encode(image, kind)


def half_a_photo(kind="JPEG"):
    """As a download leaves it that broke off."""
    data = encode(Image.effect_noise((40, 40), 80).convert("RGB"), kind)
    return data[: len(data) // 2]


def row(number, part, **changes):
    """A good row; colours alternate."""
    facts = {
        "id": f"r{number}",
        "group": f"g{number}",
        "part": part,
        "image": photo(number),
        "text": f"title {number}",
        "labels": {"colour": ("red", "blue")[number % 2]},
        "origin": f"items.csv, row {number + 2}",
    }
    return Row(**{**facts, **changes})


def good_rows():
    return [row(number, part) for number, part in enumerate(PARTS)]


def build(rows, cache, key="k", tasks=TASKS, **source):
    return build_splits("test", CARD, key, lambda: rows, tasks, Source(None, cache, **source))


def write_csv(path: Path, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_manifest(folder: Path, count=24):
    """A folder with a manifest with a split column, and a photo for every row."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        (folder / f"{number}.png").write_bytes(photo(number))
    rows = [
        {
            "image": f"{number}.png",
            "text": f"title {number}",
            "colour": ("red", "blue")[number % 2],
            "split": PARTS[number % len(PARTS)],
        }
        for number in range(count)
    ]
    return write_csv(folder / "items.csv", rows)


def product(number, **changes):
    """The cells of one product in Kaggle's layout."""
    cells = {
        "id": str(1000 + number),
        "gender": ("Men", "Women")[number % 2],
        "masterCategory": "Apparel",
        "subCategory": "Topwear",
        "articleType": ("Shirts", "Jeans")[number % 2],
        "baseColour": ("Blue", "Red")[number // 2 % 2],
        "season": ("Summer", "Fall")[number // 3 % 2],
        "year": "2012",
        "usage": ("Casual", "Sports")[number // 5 % 2],
        "productDisplayName": f"Brand {number} Shirt",
    }
    return {**cells, **changes}


def write_products(folder: Path, products):
    """styles.csv, unquoted as the original, and a photo for every product."""
    (folder / "images").mkdir(parents=True)
    for number, cells in enumerate(products):
        (folder / "images" / f"{cells['id']}.jpg").write_bytes(photo(number, "JPEG"))
    lines = [",".join(cells[column] for column in COLUMNS) for cells in products]
    (folder / "styles.csv").write_text("\n".join([",".join(COLUMNS), *lines, ""]), encoding="utf-8")
    return folder
