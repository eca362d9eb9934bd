"""Fashion Product Images (Small): real shop photos (60 x 80 px) with titles and catalogue attributes.

Input: one JPEG per product and its `productDisplayName` (median 6 words; a few are empty). Labels: the csv's
attribute columns; the tasks and the least number of training examples of a class are options. Classes below
it become missing labels, counted in the report.

Source: Kaggle `paramaggarwal/fashion-product-images-small`, crawled from Myntra. Licence: MIT according to its
Kaggle page. Layout: `styles.csv` (unquoted; in the original the title of 22 rows holds commas, which `reading` refuses
as ragged, so that it is taken apart here) and
`images/<id>.jpg`; in the original 5 rows have no image.

Split: frozen, 70 / 10 / 20 % of the groups by a hash of the group's name; a row's split depends on its own group
only. Products that share a title (case and spaces apart) or a byte-identical photo are one group: 18,541 of 44,441
rows share their title with another one, 1,433 their photo. `frozen_splits/fashion-products.json` holds its checksum
over the products that have a photo; a folder with other products is noted in the report. The weights shipped with the
project were pretrained on this training split: another rule would leak its test split into them.
Titles name the colour in 88 % and the article type in 62 % of the rows: see the class-name baseline.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator
from functools import cached_property, partial
from pathlib import Path

from pydantic import Field, field_validator

from benchmarks.datasets.fashion_products.styles import COLUMNS, label_of, read_styles
from benchmarks.datasets.loading import grouping as groups
from benchmarks.datasets.loading.build import PARTS, Part, Row, TaskSpec, build_splits
from benchmarks.datasets.loading.splits import Card, DataError, Names, Options, Source, Splits
from benchmarks.names import choose

ATTRIBUTES = COLUMNS[1:-1]
RULE = "fashion-products/v1"
FROZEN = Path(__file__).parents[1] / "frozen_splits" / "fashion-products.json"

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
        train_rows: at most so many training rows, group by group in the order of a hash; None takes all. Fewer rows
            are a subset of more, and validation and test do not depend on it.
        eval_rows: likewise for each of validation and test.
        val_rows: likewise for validation alone.
        min_count: classes with fewer training rows become missing labels.
        class_rows: count them among so many training rows, of which `train_rows` may then be fewer: the sizes of a
            learning curve have the same classes, and the same labelled test rows.
    """

    tasks: Names = Field(("articleType", "baseColour", "season", "usage"), min_length=1)
    train_rows: int | None = Field(None, ge=2)
    eval_rows: int | None = Field(None, ge=1)
    val_rows: int | None = Field(None, ge=1)
    min_count: int = Field(50, ge=1)
    class_rows: int | None = Field(None, ge=2)

    @field_validator("tasks")
    @classmethod
    def _known(cls, tasks: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(choose(task, ATTRIBUTES, "attribute") for task in tasks)


def load(source: Source, options: FashionProductsOptions) -> Splits:
    """Read `styles.csv` and `images/` below `source.root`.

    Raises:
        DataError: a missing file, a malformed row, a missing or corrupt photo.
    """
    products = _Products(_root(source.root))
    return build_splits(
        name="fashion-products",
        card=CARD,
        key=products.key(options),
        rows=partial(products.rows, options),
        tasks=partial(products.tasks, options),
        source=source,
        notes=partial(products.notes, options),
    )


def _root(root: Path | None) -> Path:
    layout = "it needs styles.csv and images/<id>.jpg (unpack images.tar.gz or archive.zip there)"
    if root is None:
        raise DataError(f"fashion-products needs a folder: --data fashion-products=DIR; {layout}")
    if not (root / "styles.csv").is_file():
        raise DataError(f"fashion-products: {root / 'styles.csv'} is not a file; {layout}")
    if not (root / "images").is_dir():
        raise DataError(f"fashion-products: {root / 'images'} is not a folder; {layout}")
    return root


class _Products:
    """The official folder; every file is read when it is first needed, and once."""

    def __init__(self, root: Path):
        self._styles = root / "styles.csv"
        self._images = root / "images"

    def key(self, options: FashionProductsOptions) -> str:
        """Options, the csv's content, and name, size and time of every photo: a changed file is noticed."""
        hashed = hashlib.sha256(f"{self._images.absolute()} {options.model_dump_json()}".encode())
        hashed.update(self._styles.read_bytes())
        with os.scandir(self._images) as entries:
            facts = sorted((entry.name, entry.stat().st_size, entry.stat().st_mtime_ns) for entry in entries)
        hashed.update(repr(facts).encode())
        return hashed.hexdigest()

    def rows(self, options: FashionProductsOptions) -> Iterator[Row]:
        """All products that the options leave in, in the order of the file."""
        kept = self._kept(options)
        for cells, group, part in zip(self._cells, self._groups, self._parts, strict=True):
            if cells["id"] in kept:
                yield Row(
                    id=cells["id"],
                    group=group,
                    part=part,
                    image=self._photo(cells),
                    text=cells["productDisplayName"],
                    labels={task: label_of(cells[task]) for task in options.tasks},
                    origin=cells["origin"],
                )

    def tasks(self, options: FashionProductsOptions) -> list[TaskSpec]:
        """Their classes are those of the training rows, or those that are frequent among `class_rows` of them."""
        prompts = {task: PROMPTS.get(task, ("a photo of {}.", "{}")) for task in options.tasks}
        if options.class_rows is None:
            return [TaskSpec(task, None, options.min_count, prompts[task]) for task in options.tasks]
        kept = self._kept(options.model_copy(update={"train_rows": options.class_rows}))
        rows = [
            cells
            for cells, part in zip(self._cells, self._parts, strict=True)
            if part == "train" and cells["id"] in kept
        ]
        specs = []
        for task in options.tasks:
            counts = Counter(label for cells in rows if (label := label_of(cells[task])) is not None)
            classes = tuple(sorted(name for name, count in counts.items() if count >= options.min_count))
            specs.append(TaskSpec(task, classes, 1, prompts[task], refuse_unseen=False))
        return specs

    def notes(self, options: FashionProductsOptions) -> list[str]:
        """What the options leave out, and whether the split is the frozen one."""
        limits = {part: limit for part, limit in _limits(options).items() if limit is not None}
        notes = [f"{part}: {min(n, limits[part]):,} of {n:,} rows used." for part, n in self._sizes() if part in limits]
        with_photo = {
            cells["id"]: part
            for cells, part, photo in zip(self._cells, self._parts, self._photo_hashes, strict=True)
            if photo is not None
        }
        found, frozen = groups.summary(with_photo, RULE), json.loads(FROZEN.read_text(encoding="utf-8"))
        if found != frozen:
            notes.append(
                f"Not the frozen split {RULE}: {found['rows']:,} products with a photo, checksum "
                f"{found['sha256'][:12]}, instead of {frozen['rows']:,}, {frozen['sha256'][:12]}."
            )
        return notes

    @cached_property
    def _cells(self) -> list[dict[str, str]]:
        return read_styles(self._styles)

    def _photo(self, cells: dict[str, str]) -> Path:
        return self._images / f"{cells['id']}.jpg"

    @cached_property
    def _photo_hashes(self) -> list[str | None]:
        photos = [self._photo(cells) for cells in self._cells]
        return [hashlib.sha256(photo.read_bytes()).hexdigest() if photo.is_file() else None for photo in photos]

    @cached_property
    def _groups(self) -> list[str]:
        keys = []
        for cells, photo in zip(self._cells, self._photo_hashes, strict=True):
            title = groups.normalise(cells["productDisplayName"])
            name = f"title:{title}" if title else f"id:{cells['id']}"
            keys.append((name, f"image:{photo}") if photo else (name,))
        return groups.join(keys)

    @cached_property
    def _parts(self) -> list[Part]:
        return [groups.part_of(group, RULE) for group in self._groups]

    def _sizes(self) -> list[tuple[Part, int]]:
        return [(part, self._parts.count(part)) for part in PARTS]

    def _kept(self, options: FashionProductsOptions) -> set[str]:
        kept: set[str] = set()
        for part, limit in _limits(options).items():
            own = [
                (_order(group), _order(cells["id"]), cells["id"])
                for cells, group, of in zip(self._cells, self._groups, self._parts, strict=True)
                if of == part
            ]
            kept.update(name for *_, name in sorted(own)[:limit])
        return kept


def _limits(options: FashionProductsOptions) -> dict[Part, int | None]:
    val_rows = options.eval_rows if options.val_rows is None else options.val_rows
    return {"train": options.train_rows, "val": val_rows, "test": options.eval_rows}


def _order(name: str) -> bytes:
    return hashlib.sha256(f"{RULE} order {name}".encode()).digest()
