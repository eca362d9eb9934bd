"""A procedural copy of UPMC Food-101: a coloured card a dish under titles as web pages have them.

Fifteen of the 101 classes. As in the original, 73 % of the titles contain the name of the class, some titles occur
more than once, and a quarter of the images is the test split. Beside the original's files stand the lists that pin
the other splits: MMBT's `train.jsonl`, `dev.jsonl`, `test.jsonl`, and the missing-aware prompts' `split.json`.
"""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

import numpy as np

from benchmarks.datasets.catalog.attributes import pick
from benchmarks.datasets.food101.partitions import MISSING_AWARE_LIST, MMBT_LISTS, TITLES
from benchmarks.datasets.food101.titles import Folder, Page
from benchmarks.datasets.loading.rows import Part
from benchmarks.seeding import seed_of
from benchmarks.twins.dishes import card

SHARE_NAMED = 0.73
LEAST_ROWS = 60
VAL_PERIOD = 10
"""Of so many training images in a row the lists put one into validation."""

NAMED = (
    "{adjective} {dish} Recipe | {site}",
    "{dish} Recipe - {site}",
    "How to Make {adjective} {dish} - {site}",
    "{site}: {adjective} {dish}",
    "{adjective} {dish}",
    'Recipe: {dish}, "the {adjective} way"',
    "{dish} Recipe",
)
UNNAMED = (
    "{hint} - {site}",
    "{adjective} {hint} | {site}",
    "{site}: what we had on Sunday",
    "What's on your menu this week? | {site}",
    "{hint}",
)
HINTS = {
    "breakfast_burrito": "Egg and bean wrap",
    "cup_cakes": "Little cakes with buttercream",
    "deviled_eggs": "Stuffed eggs with paprika",
    "donuts": "Glazed rings with sprinkles",
    "french_fries": "Crispy potatoes with ketchup",
    "hamburger": "Cheeseburgers from the grill",
    "hot_dog": "Sausages in a bun",
    "ice_cream": "Two scoops in a cone",
    "macarons": "French almond cookies",
    "pancakes": "Fluffy flapjacks with syrup",
    "pizza": "Margherita from a stone oven",
    "spaghetti_bolognese": "Pasta with meat sauce",
    "sushi": "Maki rolls with wasabi",
    "tacos": "Crispy shells with salsa",
    "waffles": "Belgian breakfast with berries",
}
DISHES = tuple(HINTS)
ADJECTIVES = ("Easy", "Homemade", "Best Ever", "Vegan", "Grandma's", "Classic", "Quick", "Low Carb", "Perfect")
SITES = ("Food Network", "Taste of Home", "The Hungry Spoon", "BBC Good Food", "My Tiny Kitchen", "Allrecipes.com")

RAW_QUIRKS = (
    "Caf\\xc3\\xa9 Style {0} \\xc2\\xae",
    "Sally&#039;s {0} &raquo; My Kitchen &amp; Garden",
    '[["{0} to Remember"]]',
    "b'Nan\\'s {0}'",
    '[["{0} of the Week',
    "{0} | \\t\\t\\tAL.com",
    "",
)
"""Titles of the first training images with quirks; {0} is the dish."""
OPEN_QUOTE = 'breakfast_burrito_730.jpg,"Sunday Breakfast Burrito, the Best,breakfast_burrito'
"""The original's row whose quote is never closed; here its title holds a comma."""
DASHED = "donuts_717-10.jpg"
TEXT_NAMED = (50,)
WITHOUT_PHOTO = (40, -1)
"""Rows, counted over both folders, which the csv calls `.txt`, and whose photo is missing."""


def make(folder: Path, rows: int, seed: int, *, quirks: bool = False) -> None:
    """Write `rows` images with their titles and lists into a new folder.

    Quirks, as in the original: literal escapes, entities, `b'...'` and `[["..."]]` rows, an empty title, an unclosed
    quote, a `.txt` name, a `717-10` name, and a missing image in each of train and test.

    Raises:
        ValueError: fewer than 60 rows, which would not fill the splits; a folder that is not empty.
    """
    if rows < LEAST_ROWS:
        raise ValueError(f"{rows} rows: a Food-101 twin needs at least {LEAST_ROWS}")
    if folder.exists() and any(folder.iterdir()):
        raise ValueError(f"{folder} is not empty; name a new folder for the twin")
    pages = [_page(number, rows, seed) for number in range(rows)]
    if quirks:
        pages = _with_quirks(pages)
    target = folder.absolute()
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = target.with_name(f".{target.name}.partial")
    shutil.rmtree(staging, ignore_errors=True)
    _write_lists(staging, pages, _files(pages, TEXT_NAMED) if quirks else ())
    _write_photos(staging, pages, seed, _files(pages, WITHOUT_PHOTO) if quirks else ())
    staging.replace(target)


def _files(pages: Sequence[Page], rows: Iterable[int]) -> list[str]:
    return [pages[row].file for row in rows]


def _page(number: int, rows: int, seed: int) -> Page:
    rng = np.random.default_rng(seed_of("food101 twin title", seed, number))
    label = DISHES[number % len(DISHES)]
    folder: Folder = "train" if number < 0.75 * rows else "test"
    template = pick(rng, NAMED if rng.random() < SHARE_NAMED else UNNAMED)
    dish = label.replace("_", " ")
    title = template.format(
        dish=dish.title() if rng.random() < 0.8 else dish,
        adjective=pick(rng, ADJECTIVES),
        site=pick(rng, SITES),
        hint=HINTS[label],
    )
    return Page(f"{label}_{number}.jpg", title, label, folder, "")


def _with_quirks(pages: Sequence[Page]) -> list[Page]:
    """Odd titles first, then odd names; breakfast_burrito_730.jpg becomes the row with the open quote."""
    found = list(pages)
    for place, quirk in enumerate(RAW_QUIRKS):
        found[place] = found[place]._replace(title=quirk.format(found[place].label.replace("_", " ").title()))
    for file in (OPEN_QUOTE.split(",", 1)[0], DASHED):
        row = next(i for i, page in enumerate(found) if i >= len(RAW_QUIRKS) and file.startswith(page.label))
        found[row] = found[row]._replace(file=file)
    return found


def _write_photos(staging: Path, pages: Sequence[Page], seed: int, missing: Collection[str]) -> None:
    for page in pages:
        if page.file not in missing:
            path = staging / "images" / page.folder / page.label / page.file
            path.parent.mkdir(parents=True, exist_ok=True)
            rng = np.random.default_rng(seed_of("food101 twin photo", seed, page.file))
            card(page.label, rng).save(path, "JPEG", quality=int(rng.integers(80, 95)))


def _write_lists(staging: Path, pages: Sequence[Page], text_named: Collection[str]) -> None:
    (staging / "texts").mkdir(parents=True, exist_ok=True)
    for folder, name in TITLES.items():
        lines = [_csv_line(page, page.file in text_named) for page in pages if page.folder == folder]
        (staging / name).write_text("".join(lines), encoding="utf-8", newline="")
    mmbt, aware = _parts(pages, 0), _parts(pages, VAL_PERIOD // 2)
    for part, name in MMBT_LISTS.items():
        own = mmbt[part][1:] if part == "test" else mmbt[part]  # as the original's lacks its first image
        (staging / name).write_text("".join(map(_json_line, own)), encoding="utf-8")
    names = {part: [page.file for page in own] for part, own in aware.items()}
    (staging / MISSING_AWARE_LIST).write_text(json.dumps(names), encoding="utf-8")


def _parts(pages: Iterable[Page], shift: int) -> dict[Part, list[Page]]:
    parts: dict[Part, list[Page]] = {"train": [], "val": [], "test": []}
    for number, page in enumerate(pages, start=shift):
        held_out = page.folder == "train" and number % VAL_PERIOD == 0
        parts["val" if held_out else page.folder].append(page)
    return parts


def _csv_line(page: Page, text_named: bool) -> str:
    if OPEN_QUOTE.startswith(page.file):
        return f"{OPEN_QUOTE}\r\n"
    buffer = io.StringIO()
    file = page.file.replace(".jpg", ".txt") if text_named else page.file
    csv.writer(buffer).writerow((file, page.title, page.label))
    return buffer.getvalue()


def _json_line(page: Page) -> str:
    """In MMBT's wording: lower case, punctuation as spaces."""
    cells = {
        "id": f"{page.label}_{page.file}",
        "label": page.label,
        "text": " ".join(re.sub(r"[^\w|]|_", " ", page.title.lower()).split()),
        "img": f"images/{page.folder}/{page.label}/{page.file}",
    }
    return json.dumps(cells) + "\n"
