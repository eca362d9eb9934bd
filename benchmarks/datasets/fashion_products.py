"""Fashion Product Images (Small): real shop photos (60 x 80 px) with titles and catalogue attributes.

Input: one JPEG per product and its `productDisplayName` (median 6 words; a few are empty). Labels: the csv's
attribute columns; the tasks and the least number of training examples of a class are options. Classes below
it become missing labels, counted in the report.

Source: Kaggle `paramaggarwal/fashion-product-images-small`, crawled from Myntra. Licence: MIT according to its
Kaggle page. Layout: `styles.csv` (unquoted; in the original the title of 22 rows holds commas) and
`images/<id>.jpg`; in the original 5 rows have no image.

Split: frozen, 70 / 10 / 20 % of the groups by a hash of the group's name. Products that share a title (case and
spaces apart) or a byte-identical photo are one group: 18,541 of 44,441 rows share their title with another one.
Titles name the colour in 88 % and the article type in 62 % of the rows: see the class-name baseline.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from pydantic import Field, field_validator

from benchmarks.datasets import groups
from benchmarks.datasets.build import Part, Row, TaskSpec, build_splits
from benchmarks.datasets.splits import Card, DataError, Options, Source, Splits
from benchmarks.names import choose

COLUMNS = (
    "id",
    "gender",
    "masterCategory",
    "subCategory",
    "articleType",
    "baseColour",
    "season",
    "year",
    "usage",
    "productDisplayName",
)
ATTRIBUTES = COLUMNS[1:-1]
RULE = "fashion-products/v1"
FROZEN = Path(__file__).parent / "manifests" / "fashion-products.json"

PROMPTS = {
    "baseColour": ("a photo of a {} product.", "{} colour", "{}"),
    "season": ("a product for {}.", "{} collection", "{}"),
    "usage": ("a product for {} use.", "{} wear", "{}"),
    "gender": ("a product for {}.", "{}"),
}

CARD = Card(
    title="Fashion Product Images (Small)",
    image="product photo, JPEG, 60 x 80 px; 431 are greyscale",
    text="productDisplayName: brand, audience, colour, type; median 6 words",
    labels="catalogue attributes: gender, masterCategory, subCategory, articleType, baseColour, season, year, usage",
    splits="frozen 70 / 10 / 20 % by title and photo group (rule fashion-products/v1)",
    source="https://www.kaggle.com/datasets/paramaggarwal/fashion-product-images-small",
    licence="MIT according to its Kaggle page",
    notes="Titles leak labels: colour 88 %, gender 91 %, article type 62 %, season 0.1 % of the rows.",
)


class FashionProductsOptions(Options):
    """What of it is used.

    Attributes:
        tasks: attribute columns to predict.
        train_rows: at most so many training rows (the first by a hash of their ids); None takes all.
        eval_rows: likewise for each of validation and test.
        min_count: classes with fewer training rows become missing labels.
    """

    tasks: tuple[str, ...] = ("articleType", "baseColour", "season", "usage")
    train_rows: int | None = Field(None, ge=2)
    eval_rows: int | None = Field(None, ge=1)
    min_count: int = Field(50, ge=1)

    @field_validator("tasks")
    @classmethod
    def _known(cls, tasks: tuple[str, ...]) -> tuple[str, ...]:
        try:
            return tuple(choose(task, ATTRIBUTES, "attribute") for task in tasks)
        except KeyError as error:
            raise ValueError(error.args[0]) from error


def load(source: Source, options: FashionProductsOptions) -> Splits:
    """Read `styles.csv` and `images/` below `source.root`.

    Raises:
        DataError: a missing file, a malformed row, a missing or corrupt photo.
    """
    root = _root(source.root)
    return build_splits(
        name="fashion-products",
        card=CARD,
        key=_key(root, options),
        rows=partial(_rows, root, options),
        tasks=[
            TaskSpec(task, None, options.min_count, PROMPTS.get(task, ("a photo of {}.", "{}")))
            for task in options.tasks
        ],
        source=source,
    )


def _root(root: Path | None) -> Path:
    layout = "it needs styles.csv and images/<id>.jpg (unpack images.tar.gz or archive.zip there)"
    if root is None:
        raise DataError(f"fashion-products needs a folder: --data fashion-products=DIR; {layout}")
    for part in ("styles.csv", "images"):
        if not (root / part).exists():
            raise DataError(f"fashion-products: {root / part} does not exist; {layout}")
    return root


def _key(root: Path, options: FashionProductsOptions) -> str:
    """Options, the csv's content, and name, size and time of every photo: a changed file is noticed."""
    hashed = hashlib.sha256(options.model_dump_json().encode())
    hashed.update(str(root.absolute()).encode())
    hashed.update((root / "styles.csv").read_bytes())
    for entry in sorted((root / "images").iterdir()):
        facts = entry.stat()
        hashed.update(f"{entry.name} {facts.st_size} {facts.st_mtime_ns}\n".encode())
    return hashed.hexdigest()


def _rows(root: Path, options: FashionProductsOptions) -> Iterable[Row]:
    cells = _read_csv(root / "styles.csv")
    names = groups.join([_group_keys(root, row) for row in cells])
    parts = [groups.part_of(name, RULE) for name in names]
    check_frozen({row["id"]: part for row, part in zip(cells, parts, strict=True)})
    kept = _kept(cells, parts, options)
    for row, name, part in zip(cells, names, parts, strict=True):
        if row["id"] in kept:
            yield Row(
                id=row["id"],
                group=name,
                part=part,
                image=root / "images" / f"{row['id']}.jpg",
                text=row["productDisplayName"],
                labels={task: row[task] if row[task] not in ("", "NA") else None for task in options.tasks},
                origin=row["origin"],
            )


def _read_csv(path: Path) -> list[dict[str, str]]:
    """The file is not quoted: everything after the ninth comma is the title."""
    try:
        header, *lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 at byte {error.start}; convert the file to UTF-8") from error
    if tuple(header.split(",")) != COLUMNS:
        raise DataError(f"{path}, row 1: the header is {header!r}, expected {','.join(COLUMNS)!r}")
    rows = []
    for number, line in enumerate(lines, start=2):
        cells = line.split(",", len(COLUMNS) - 1)
        if len(cells) != len(COLUMNS):
            raise DataError(f"{path}, row {number}: {len(cells)} cells instead of {len(COLUMNS)}: {line!r}")
        rows.append({**dict(zip(COLUMNS, cells, strict=True)), "origin": f"{path.name}, row {number}"})
    return rows


def _group_keys(root: Path, row: dict[str, str]) -> tuple[str, ...]:
    title = groups.normalise(row["productDisplayName"])
    keys = [f"title:{title}" if title else f"id:{row['id']}"]
    photo = root / "images" / f"{row['id']}.jpg"
    if photo.is_file():
        keys.append(f"image:{hashlib.sha256(photo.read_bytes()).hexdigest()}")
    return tuple(keys)


def _kept(cells: list[dict[str, str]], parts: list[Part], options: FashionProductsOptions) -> set[str]:
    """Ids that the options leave in: the first of each split by a hash of the id, so that fewer rows are a subset."""
    limits = {"train": options.train_rows, "val": options.eval_rows, "test": options.eval_rows}
    kept: set[str] = set()
    for part, limit in limits.items():
        ids = [row["id"] for row, own in zip(cells, parts, strict=True) if own == part]
        kept.update(sorted(ids, key=lambda name: hashlib.sha256(name.encode()).digest())[:limit])
    return kept


def split_checksum(parts: dict[str, Part]) -> str:
    """sha256 over the sorted "id part" lines."""
    lines = "\n".join(f"{name} {part}" for name, part in sorted(parts.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def check_frozen(parts: dict[str, Part]) -> None:
    """The complete data must give the frozen split, to the row.

    Raises:
        DataError: as many rows as the frozen split, but other ids, titles or photos.
    """
    frozen = json.loads(FROZEN.read_text())
    if len(parts) == frozen["rows"] and split_checksum(parts) != frozen["sha256"]:
        raise DataError(
            f"fashion-products: {len(parts)} rows as in the frozen split {RULE}, but ids, titles or photos differ: "
            f"its checksum is {frozen['sha256']}, that of these files {split_checksum(parts)}"
        )
