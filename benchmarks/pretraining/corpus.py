"""What a backbone is pretrained on, and the held-out products that are watched meanwhile.

Only training splits are read: photos and titles of one data set's, and products of the catalogue from an index range
that no evaluation ever draws from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from benchmarks import datasets
from benchmarks.datasets.catalog import CARD, pretraining_products
from benchmarks.datasets.loading.masking import as_is
from benchmarks.datasets.loading.splits import Source, Splits
from benchmarks.seeding import seed_of
from cma_clip.types import Example, Examples, Joined

POOL = 1_000
"""Recall is among so many held-out products."""


class Chosen(Examples):
    """Some rows of other examples; columns come without decoding an image."""

    def __init__(self, base: Examples, rows: npt.NDArray[np.int64]):
        self.base = base
        self.rows = rows
        if base.fingerprint is not None:
            self.fingerprint = _named(base.fingerprint, rows.tolist())

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Example:
        return self.base[int(self.rows[index])]

    def ids(self) -> tuple[str, ...]:
        """Those of the rows."""
        ids = self.base.ids()
        return tuple(ids[row] for row in self.rows)

    def texts(self) -> list[str | None]:
        """Those of the rows."""
        texts = self.base.texts()
        return [texts[row] for row in self.rows]

    def image_present(self) -> npt.NDArray[np.bool_]:
        """Those of the rows."""
        return self.base.image_present()[self.rows]


class CatalogPairs(Examples):
    """Photos and titles of catalogue products that are never evaluated on."""

    def __init__(self, count: int, seed: int):
        products = pretraining_products(count, seed)
        self.fingerprint = _named("catalog", count, seed, CARD.version)
        self._pairs: list[tuple[Image.Image, str]] = [
            (made.image, made.title) for made in products if made.image is not None and made.title
        ]

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, index: int) -> Example:
        image, title = self._pairs[index]
        name = f"catalog-pretraining-{index}"
        return Example(name, name, image, title)

    def texts(self) -> list[str | None]:
        """The titles."""
        return [title for _, title in self._pairs]


def _named(*parts: object) -> str:
    return blake2b(" ".join(map(str, parts)).encode(), digest_size=12).hexdigest()


@dataclass(frozen=True)
class Corpus:
    """Pairs to train on, and validation products of the data set to watch."""

    train: Examples
    pool: Examples
    splits: Splits

    def texts(self) -> list[str | None]:
        """All that is trained on, masked titles a second time as they are: a test on those is one on what was seen."""
        return [*self.train.texts(), *as_is(self.splits.train).texts()]


def corpus(dataset: str, options: Mapping[str, Any], source: Source, catalog: int, seed: int) -> Corpus:
    """The training split of a data set and `catalog` products of the catalogue; the pool is of its validation split."""
    splits = datasets.load(dataset, source, options)
    train = Joined([splits.train, CatalogPairs(catalog, seed)]) if catalog else splits.train
    return Corpus(train, Chosen(splits.val, pool_rows(splits.val)), splits)


def pool_rows(examples: Examples) -> npt.NDArray[np.int64]:
    """The rows of POOL products that have a photo and a title, chosen by their ids alone; all if there are fewer."""
    present = [
        bool(text and text.strip()) and shown
        for text, shown in zip(examples.texts(), examples.image_present(), strict=True)
    ]
    ids = examples.ids()
    order = sorted(np.flatnonzero(present), key=lambda row: seed_of("retrieval", ids[row]))
    return np.sort(np.array(order[:POOL], dtype=np.int64))
