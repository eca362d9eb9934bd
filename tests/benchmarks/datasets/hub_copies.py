"""Local copies of the hub's data sets: its columns and types, drawn photos."""

from functools import cache

import numpy as np
from datasets import Dataset, Features, Image, Value

from benchmarks.datasets.catalog.attributes import CatalogOptions
from benchmarks.datasets.catalog.product import product
from benchmarks.datasets.hub.parts import frozen_parts

TEXT, YEAR, NUMBER = Value("string"), Value("float64"), Value("int64")
ATTRIBUTES = dict.fromkeys(("season", "usage"), TEXT)
CATEGORIES = dict.fromkeys(("category1", "category2", "category3"), TEXT)
FEATURES = {
    "hub-fashion-products-small": {
        "id": NUMBER,
        **dict.fromkeys(("gender", "masterCategory", "subCategory", "articleType", "baseColour", "season"), TEXT),
        "year": YEAR,
        "usage": TEXT,
        "productDisplayName": TEXT,
        "image": Image(),
    },
    "hub-kagl": {
        "image": Image(),
        "gender": TEXT,
        **CATEGORIES,
        "baseColour": TEXT,
        "season": TEXT,
        "year": YEAR,
        "usage": TEXT,
        "text": TEXT,
        "item_ID": NUMBER,
    },
    "hub-fashion200k": {"image": Image(), **CATEGORIES, "text": TEXT, "item_ID": TEXT},
    "hub-deepfashion-inshop": {
        "image": Image(),
        **CATEGORIES,
        "color": TEXT,
        "description": TEXT,
        "text": TEXT,
        "item_ID": TEXT,
    },
}
"""As the dataset_info of each card on the hub states them."""

ID = {
    "hub-fashion-products-small": lambda number: sorted(frozen_parts())[number],
    "hub-kagl": lambda number: sorted(frozen_parts())[number],
    "hub-fashion200k": lambda number: f"{51727804 + number // 2}_{number % 2}",
    "hub-deepfashion-inshop": lambda number: f"WOMEN_Dresses_id_{number // 2:08d}_01_{number % 2 + 1}_front",
}


@cache
def table(name, rows=60):
    """Two views a product where the original has several; every fifth `category3` and `usage` is missing."""
    products = [product(number, CatalogOptions(image_size=32)) for number in range(rows)]
    columns = {
        column: [_cell(name, column, number, made) for number, made in enumerate(products)] for column in FEATURES[name]
    }
    return Dataset.from_dict(columns, Features(FEATURES[name]))


def _cell(name, column, number, made):
    if column in ("id", "item_ID"):
        return ID[name](number)
    if column == "image":
        return np.asarray(made.image)
    if column in ("text", "productDisplayName", "description"):
        return product(number // 2, CatalogOptions(image_size=32)).title if "inshop" in name else made.title
    if column == "year":
        return 2012.0 + number % 2
    if column in ("category3", "usage") and number % 5 == 0:
        return None
    return (f"{column} A", f"{column} B")[number // 2 % 2]


def write_parquet(name, folder, shards=2):
    """As on the hub: `data/data-00000-of-00002.parquet`, images as PNG in the cells."""
    (folder / "data").mkdir(parents=True)
    for shard in range(shards):
        part = table(name).shard(shards, shard, contiguous=True)
        part.to_parquet(folder / "data" / f"data-{shard:05d}-of-{shards:05d}.parquet")
    return folder


def write_saved(name, folder):
    """As `save_to_disk` leaves it."""
    table(name).save_to_disk(folder)
    return folder
