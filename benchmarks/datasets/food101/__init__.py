"""UPMC Food-101: web photos of dishes with the titles of their pages, 101 classes.

Input: the photo and the page title (median 8 words). Task: `dish`.

Source: the official site (visiir.lip6.fr) is down; Kaggle `gianmarco96/upmcfood101` has the layout that is read here:
`images/{train,test}/<class>/<class>_<n>.jpg` and `texts/{train,test}_titles.csv` (no header; file, title, class).
Licence: research use; not stated by the sources available to us. Do not confuse it with ETH Food-101 (`ethz/food101`):
the same 101 names, images only.

Splits: three that do not compare are in use, so the chosen one is the report's first note.
- `kaggle`: 67,972 / 22,716 official images; the original has no validation split, ours is 10 % of the training titles
  by a hash, all images of a title on one side.
- `mmbt`: 62,971 / 5,000 / 22,715 images (MMBT, QMF, PDF, MLA). MMBT drew the 5,000 without a seed; the list that QMF
  and PDF ship pins them, and stands in `frozen_splits/food101-mmbt.json`. Where the folder holds their `train.jsonl`,
  `dev.jsonl` and `test.jsonl` (keys label, text, img) these are used, with their wording.
- `missing-aware`: 61,142 / 6,846 / 22,716 images (missing-aware prompts and followers) by their `split.json` (an object
  of the lists train, val and test) in the folder; without it a stand-in that says so.

Titles cross the official splits: 15 % of the test images have, in MMBT's wording, the title of one of its 5,000
validation images. So every image is a group of its own here, and the condition `deduplicated` scores the test images
whose title (case and spaces apart) no training or validation image has. 73 % of the test titles contain the name of
their class: see the class-name baseline.

Wording: `raw` as the csv has it and the published models read it; `clean` as the pages' authors wrote it.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np

from benchmarks.datasets.food101.partitions import Name, Partition, partition, sources
from benchmarks.datasets.food101.titles import CLASSES, Page, clean
from benchmarks.datasets.loading import grouping as groups
from benchmarks.datasets.loading.build import Row, TaskSpec, build_splits
from benchmarks.datasets.loading.splits import Card, DataError, Options, Source, Splits

LAYOUT = "it needs images/{train,test}/<class>/<file>.jpg and texts/{train,test}_titles.csv"

CARD = Card(
    title="UPMC Food-101",
    image="web photo of a dish, JPEG, any size",
    text="title of the page it was found on; median 8 words; literal escapes and entities unless wording=clean",
    labels="dish: 101 classes",
    splits="one of kaggle, mmbt, missing-aware, which do not compare: the report's first note names it; titles cross "
    "all of them, the condition `deduplicated` leaves those test images out",
    source="https://www.kaggle.com/datasets/gianmarco96/upmcfood101 (the official site is down)",
    licence="research use; not stated by the sources available to us",
    notes="73 % of the test titles contain the name of their class.",
)

DISH = TaskSpec(
    "dish",
    tuple(name.replace("_", " ") for name in CLASSES),
    prompts=("a photo of {}, a type of food.", "{} recipe", "{}"),
)


class Food101Options(Options):
    """What of it is used.

    Attributes:
        split: the published split; see the card.
        wording: titles `raw` as in the csv, or `clean`: escapes decoded, entities resolved, wrappers removed.
        images: false for titles alone; then no image file is needed.
    """

    split: Name = "kaggle"
    wording: Literal["raw", "clean"] = "raw"
    images: bool = True


def load(source: Source, options: Food101Options) -> Splits:
    """Read `texts/` and `images/` below `source.root`.

    Raises:
        DataError: a missing file, a malformed row, a missing or corrupt photo.
    """
    folder = _Folder(_root(source.root, options), options)
    splits = build_splits(
        name="food101",
        card=CARD,
        key=folder.key(),
        rows=folder.rows,
        tasks=[DISH],
        source=source,
        notes=folder.notes,
    )
    return _with_deduplicated(splits)


def _root(root: Path | None, options: Food101Options) -> Path:
    if root is None:
        raise DataError(f"food101 needs a folder: --data food101=DIR; {LAYOUT}")
    needed = [*sources(root, options.split), *(("images/train", "images/test") if options.images else ())]
    missing = [name for name in needed if not (root / name).exists()]
    if missing:
        inner = [path.parent for path in sorted(root.glob("*/texts")) if path.is_dir()]
        hint = f"; did you mean --data food101={inner[0]}?" if inner else ""
        raise DataError(f"food101: {root} has no {' and no '.join(missing)}; {LAYOUT}{hint}")
    return root


class _Folder:
    """The official folder; its lists are read when they are first needed, and once."""

    def __init__(self, root: Path, options: Food101Options):
        self._root = root
        self._options = options

    def key(self) -> str:
        """Options, the lists' content, and name, size and time of every photo: a changed file is noticed."""
        hashed = hashlib.sha256(f"{self._root.absolute()} {self._options.model_dump_json()}".encode())
        for name in sources(self._root, self._options.split):
            hashed.update((self._root / name).read_bytes())
        for folder in sorted(self._root.glob("images/*/*/")) if self._options.images else ():
            with os.scandir(folder) as entries:
                facts = sorted((entry.name, entry.stat().st_size, entry.stat().st_mtime_ns) for entry in entries)
            hashed.update(f"{folder.name} {facts}".encode())
        return hashed.hexdigest()

    def rows(self) -> Iterator[Row]:
        """All pages of the split, in the order of its lists."""
        for part, page in self._partition.pages:
            yield Row(
                id=page.file,
                group=page.file,
                part=part,
                image=self._photo(page) if self._options.images else None,
                text=clean(page.title) if self._options.wording == "clean" else page.title,
                labels={DISH.name: page.label.replace("_", " ")},
                origin=page.origin,
            )

    def notes(self) -> list[str]:
        """The split, the wording, and which rows had to be repaired."""
        repairs = Counter(repair for _, page in self._partition.pages for repair in page.repairs)
        repaired = [f"{count:,} rows repaired: {repair}." for repair, count in sorted(repairs.items())]
        return [*self._partition.notes, f"Wording of the titles: {self._options.wording}.", *repaired]

    @cached_property
    def _partition(self) -> Partition:
        return partition(self._root, self._options.split)

    def _photo(self, page: Page) -> Path:
        return self._root / "images" / page.folder / page.label / page.file


def _with_deduplicated(splits: Splits) -> Splits:
    known = {groups.normalise(text) for part in (splits.train, splits.val) for text in part.texts() if text}
    new = np.array([text is None or groups.normalise(text) not in known for text in splits.test.texts()])
    return splits.with_deduplicated(
        new, f"{new.sum():,} of {len(new):,} test titles occur in no training or validation row"
    )
