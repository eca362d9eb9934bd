"""Which rows of the two files are used, and in which split: by product, never by view."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

import numpy as np
import numpy.typing as npt

from benchmarks.datasets.loading.rows import Part

Thinning = Literal["all", "first"]
Products = npt.NDArray[np.int64]

RULE = "fashion-gen/v1"
VAL_SHARE = 0.1
"""Of the training file's products, those first in the order of a hash of their number (our choice)."""


@dataclass(frozen=True)
class Selection:
    """What is used.

    Attributes:
        parts: split -> Int, rising: rows of the training file for train and val, of the validation file for test.
        leaking: products of the training file that are left out because the validation file has them too.
    """

    parts: Mapping[Part, npt.NDArray[np.int64]]
    leaking: tuple[int, ...]


def select(train: Products, validation: Products, views: Thinning, train_rows: int | None) -> Selection:
    """Split the training file into train and val by product; all of the validation file is test.

    `train` and `validation` are the products of the rows of each file. `views` and `train_rows` thin out train alone:
    val and test do not depend on them, and fewer training rows are a subset of more.
    """
    leaking = np.intersect1d(train, validation)
    order = sorted(np.setdiff1d(train, leaking).tolist(), key=_hash)
    val = order[: max(1, round(VAL_SHARE * len(order)))]
    learnt = _rows_of(train, order[len(val) :])
    if views == "first":
        _, firsts = np.unique(train[learnt], return_index=True)
        learnt = learnt[np.sort(firsts)]
    if train_rows is not None:
        rank = {product: place for place, product in enumerate(order)}
        by_rank = np.argsort([rank[product] for product in train[learnt].tolist()], kind="stable")
        learnt = np.sort(learnt[by_rank[:train_rows]])
    parts: dict[Part, npt.NDArray[np.int64]] = {
        "train": learnt,
        "val": _rows_of(train, val),
        "test": np.arange(len(validation)),
    }
    return Selection(parts, tuple(leaking.tolist()))


def _rows_of(products: Products, wanted: Sequence[int]) -> npt.NDArray[np.int64]:
    return np.flatnonzero(np.isin(products, wanted))


def _hash(product: int) -> bytes:
    return sha256(f"{RULE}\x1f{product}".encode()).digest()
