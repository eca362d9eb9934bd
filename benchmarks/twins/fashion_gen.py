"""A procedural copy of Fashion-Gen: both HDF5 files with all keys, of garments that the catalogue draws.

Every product is drawn once; its 1-6 views are crops, zooms, turns and mirror images of that photo. Names, descriptions
and classes are in the original's words: the text tells the class, and so does the photo, but for the finest ones (a
long dress). Brands and prices are invented; the width of the byte strings and the compression are our choice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
from PIL import Image

from benchmarks.datasets.catalog.attributes import CLASSES, pick
from benchmarks.datasets.catalog.items import Look
from benchmarks.datasets.catalog.palette import draw_color, draw_second
from benchmarks.datasets.catalog.photo import Scene, render
from benchmarks.datasets.catalog.words import BRANDS, PATTERN_WORDS
from benchmarks.datasets.fashion_gen.layout import ENCODING, IMAGE, NAMES, PRODUCT, SIDE, TEXTS, Split
from benchmarks.seeding import seed_of


@dataclass(frozen=True)
class Kind:
    """A kind of garment: how the catalogue draws it, and what Fashion-Gen calls it."""

    type: str
    category: str
    subcategory: str
    gender: str
    department: str
    noun: str
    details: tuple[str, ...]


KINDS = (
    Kind("dress", "DRESSES", "SHORT DRESSES", "Women", "CLOTHING", "dress", ("Short length", "Tie waist")),
    Kind("skirt", "SKIRTS", "SHORT SKIRTS", "Women", "CLOTHING", "skirt", ("Mini length", "Pleats at front")),
    Kind("jacket", "JACKETS & COATS", "JACKETS", "Men", "CLOTHING", "jacket", ("Notched lapel", "Two-button closure")),
    Kind("shirt", "SHIRTS", "SHIRTS", "Men", "CLOTHING", "shirt", ("Spread collar", "Button closure at front")),
    Kind("trousers", "PANTS", "TROUSERS", "Men", "CLOTHING", "trousers", ("Four-pocket styling", "Zip-fly")),
    Kind("t-shirt", "TOPS", "T-SHIRTS", "Women", "CLOTHING", "t-shirt", ("Crewneck collar", "Short sleeves")),
    Kind("bag", "TOTE BAGS", "TOTE BAGS", "Women", "BAGS", "tote", ("Twin carry handles", "Zip closure at throat")),
    Kind("shoe", "SNEAKERS", "LOW TOP SNEAKERS", "Men", "SHOES", "low-top sneakers", ("Round toe", "Lace-up closure")),
    Kind("hat", "HATS", "FEDORAS & PANAMA HATS", "Men", "ACCESSORIES", "hat", ("Tonal brim", "Band at crown")),
    Kind("dress", "DRESSES", "LONG DRESSES", "Women", "CLOTHING", "long dress", ("Floor length", "Tie waist")),
    Kind("shirt", "TOPS", "BLOUSES", "Women", "CLOTHING", "blouse", ("Pointed collar", "Single-button barrel cuffs")),
    Kind("jacket", "SUITS & BLAZERS", "BLAZERS", "Men", "CLOTHING", "blazer", ("Notched lapel", "Welt pockets")),
    Kind("trousers", "JEANS", "JEANS", "Women", "CLOTHING", "jeans", ("Five-pocket styling", "Button-fly")),
)
UNSEEN = Kind("skirt", "SKIRTS", "LONG SKIRTS", "Women", "CLOTHING", "long skirt", ("Maxi length", "Pleats at front"))
"""With quirks, the validation file's first product: no training row has its subcategory."""

MATERIALS = ("Cotton", "Linen", "Wool", "Silk", "Virgin wool", "Technical fabric")
SEASONS = ("SS2015", "FW2015", "SS2016", "FW2016", "SS2017", "FW2017")

VALIDATION_SHARE = 0.2
"""Of the rows. In the original it is a ninth; a small twin needs a test split of some size."""
LEAST_ROWS = 60
ROWS_PER_KIND = 15
"""A small twin has fewer kinds of garments, so that each is in all splits."""
MOST_VIEWS = 6
QUIRK_PERIOD = 12
"""With quirks, of so many products in a row five have one each, and the others are as they should be."""
PHOTO_SIDE = 320
"""Pixels of the photo of which a view shows a part."""


@dataclass(frozen=True)
class Garment:
    """One product: its cells by key, and its photo, larger than a view."""

    cells: Mapping[str, Any]
    photo: Image.Image


def make(folder: Path, rows: int, seed: int, *, quirks: bool = False) -> None:
    """Write both files, `rows` views in all, a fifth of them in the validation file.

    Quirks, as in the original: bytes that are not UTF-8; tabs, repeated spaces and odd case in class names; a
    subcategory that only the validation file has; an empty description; a grey photo.

    Raises:
        ValueError: fewer than 60 rows; they would not fill the three splits.
    """
    if rows < LEAST_ROWS:
        raise ValueError(f"{rows} rows: a Fashion-Gen twin needs at least {LEAST_ROWS}")
    folder.mkdir(parents=True, exist_ok=True)
    kinds = KINDS[: rows // ROWS_PER_KIND]
    validation = round(VALIDATION_SHARE * rows)
    counts: dict[Split, int] = {"train": rows - validation, "validation": validation}
    for split, own_rows in counts.items():
        target = folder / NAMES[split]
        partial = target.with_name(f".{target.name}.partial")
        _write(partial, own_rows, _views(_garments(split, kinds, seed, quirks), seed))
        partial.replace(target)


def _garments(split: Split, kinds: Sequence[Kind], seed: int, quirks: bool) -> Iterator[Garment]:
    first = 0 if split == "train" else 10**6
    for number in count():
        rng = np.random.default_rng(seed_of("fashion-gen twin", seed, split, number))
        unseen = quirks and split == "validation" and number == 0
        kind = UNSEEN if unseen else kinds[number % len(kinds)]
        garment = _garment(kind, first + 7 * number + 1, rng)
        yield _with_quirk(garment, number % QUIRK_PERIOD) if quirks else garment


def _garment(kind: Kind, product: int, rng: np.random.Generator) -> Garment:
    color, pattern = pick(rng, CLASSES["color"]), pick(rng, ("solid", *CLASSES["pattern"]))
    first = draw_color(rng, color)
    look = Look(kind.type, first, draw_second(rng, first), pattern, None)
    return Garment(_cells(kind, product, color, pattern, rng), render(Scene(look, False, None, look), PHOTO_SIDE, rng))


def _cells(kind: Kind, product: int, color: str, pattern: str, rng: np.random.Generator) -> dict[str, Any]:
    material = pick(rng, MATERIALS)
    figured = pick(rng, PATTERN_WORDS[pattern]) if pattern != "solid" else ""
    sentences = [f"{material} {kind.noun} in {color}", *rng.permutation(kind.details).tolist(), "Tonal stitching"]
    if figured:
        sentences.insert(1, f"{figured.capitalize()} pattern throughout")
    description, composition = ". ".join(sentences) + ".", f"100% {material.lower()}."
    return {
        "input_brand": pick(rng, BRANDS).upper(),
        "input_category": kind.category,
        "input_composition": composition,
        "input_concat_description": f"{description} {composition}",
        "input_department": kind.department,
        "input_description": description,
        "input_gender": kind.gender,
        "input_msrpUSD": float(rng.integers(8, 200) * 10),
        "input_name": " ".join(f"{color} {figured} {kind.noun}".title().split()),
        "input_productID": product,
        "input_season": pick(rng, SEASONS),
        "input_subcategory": kind.subcategory,
    }


def _with_quirk(garment: Garment, place: int) -> Garment:
    cells = garment.cells
    name, description = cells["input_name"], cells["input_description"]
    category, subcategory = cells["input_category"], cells["input_subcategory"]
    changes: dict[int, dict[str, str]] = {
        1: {"input_name": f"{name} Appliqué", "input_description": f"{description} Appliqué at chest."},
        2: {"input_category": f"{category}\t".replace(" ", "\t"), "input_subcategory": f" {subcategory} "},
        3: {"input_category": category.title(), "input_subcategory": subcategory.lower().replace(" ", "  ")},
        4: {"input_description": ""},
    }
    photo = garment.photo.convert("L").convert("RGB") if place == 5 else garment.photo
    return Garment({**cells, **changes.get(place, {})}, photo)


def _view(photo: Image.Image, number: int, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """UInt8[256, 256, 3]: the whole photo first, then parts of it, some turned a little or mirrored."""
    if number:
        turned = photo.rotate(rng.uniform(-6, 6), Image.Resampling.BILINEAR, fillcolor=photo.getpixel((0, 0)))
        width = PHOTO_SIDE * rng.uniform(0.65, 0.95)
        left, top = rng.uniform(0.2, 0.8, 2) * (PHOTO_SIDE - width)
        photo = turned.crop((round(left), round(top), round(left + width), round(top + width)))
        if rng.random() < 0.5:
            photo = photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return np.asarray(photo.resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def _views(garments: Iterator[Garment], seed: int) -> Iterator[tuple[dict[str, Any], npt.NDArray[np.uint8]]]:
    """Cells and pixels of one row after the other."""
    for garment in garments:
        rng = np.random.default_rng(seed_of("fashion-gen twin views", seed, garment.cells["input_productID"]))
        for number in range(int(rng.integers(1, MOST_VIEWS + 1))):
            yield {**garment.cells, "input_pose": f"id_gridfs_{number + 1}"}, _view(garment.photo, number, rng)


def _write(path: Path, rows: int, views: Iterator[tuple[dict[str, Any], npt.NDArray[np.uint8]]]) -> None:
    cells: list[dict[str, Any]] = []
    with h5py.File(path, "w") as file:
        photos = file.create_dataset(
            IMAGE, (rows, SIDE, SIDE, 3), np.uint8, chunks=(1, SIDE, SIDE, 3), compression="gzip", compression_opts=1
        )
        for row, (own, pixels) in enumerate(islice(views, rows)):
            photos[row] = pixels
            cells.append(own)
        file["index"] = np.arange(rows).reshape(-1, 1)
        file["index_2"] = np.arange(rows)
        file["input_msrpUSD"] = np.array([[own["input_msrpUSD"]] for own in cells], dtype=np.float32)
        file[PRODUCT] = np.array([[own[PRODUCT]] for own in cells], dtype=np.int64)
        for key in TEXTS:
            file[key] = np.array([[own[key].encode(ENCODING)] for own in cells], dtype="S")
