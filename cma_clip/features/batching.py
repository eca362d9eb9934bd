"""Whole batches by row numbers: no per-example work, an order that depends only on (seed, epoch)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from math import ceil
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

BatchT = TypeVar("BatchT")
Ints = npt.NDArray[np.int64]


class RowBatches(Dataset[BatchT], Generic[BatchT]):
    """Item = the batch made of a list of rows.

    Attributes:
        lengths: Int[N], tokens of each row's text; None where batches are not to be made by them.
    """

    def __init__(self, rows: int, batch_of: Callable[[list[int]], BatchT], lengths: Ints | None = None):
        self.rows = rows
        self.batch_of = batch_of
        self.lengths = lengths

    def __len__(self) -> int:
        return self.rows

    def __getitem__(self, rows: list[int]) -> BatchT:
        return self.batch_of(rows)


class ShuffledRows(Sampler[list[int]]):
    """Lists of `batch_size` rows in an order that (seed, epoch) decide: a resumed training sees the same.

    Under DDP every process takes each `replicas`-th row of the same order.
    """

    def __init__(
        self, rows: int, batch_size: int, seed: int, drop_last: bool = False, rank: int = 0, replicas: int = 1
    ):
        self.rows, self.batch_size, self.seed, self.drop_last = rows, batch_size, seed, drop_last
        self.rank, self.replicas = rank, replicas
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Lightning calls this at the start of every epoch, also after a resume."""
        self.epoch = epoch

    def __len__(self) -> int:
        rows = self.rows // self.replicas
        return rows // self.batch_size if self.drop_last else -(-rows // self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        order = np.random.default_rng([self.seed, self.epoch]).permutation(self.rows)
        order = order[self.rank : self.rows - self.rows % self.replicas : self.replicas]
        for start in range(0, len(self) * self.batch_size, self.batch_size):
            yield order[start : start + self.batch_size].tolist()


POOL = 32
"""Batches of `OrderedRows` whose rows are sorted by length together."""


class OrderedRows(Sampler[list[int]]):
    """Lists of consecutive rows, for prediction; with `lengths`, Int[N], of rows of similar length.

    Attributes:
        order: Int[N], the rows of all lists one after the other.
    """

    def __init__(self, rows: int, batch_size: int, lengths: Ints | None = None):
        self.batch_size = batch_size
        self.order = np.arange(rows)
        if lengths is not None:
            self.order = by_length(self.order, lengths, POOL * batch_size)

    def __len__(self) -> int:
        return ceil(len(self.order) / self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        for start in range(0, len(self.order), self.batch_size):
            yield self.order[start : start + self.batch_size].tolist()


def by_length(order: Ints, lengths: Ints, size: int) -> Ints:
    """The same rows, of every `size` the shortest first; not of all, so that mapped files are read part by part.

    Args:
        order: Int[M], rows.
        lengths: Int[N], of all rows.
        size: how many successive rows are sorted together.
    """
    parts = [order[start : start + size] for start in range(0, len(order), size)]
    return np.concatenate([part[np.argsort(lengths[part], kind="stable")] for part in parts] or [order])


def loader(batches: RowBatches[BatchT], rows: Iterable[list[int]]) -> DataLoader[BatchT]:
    """A DataLoader whose items are whole batches. The arrays behind are mapped files: no workers needed.

    It draws a number whenever it is iterated over, after a resume at another moment than without one: from a
    generator of its own, or dropout would differ.
    """
    pinned = torch.cuda.is_available()
    return DataLoader(batches, sampler=rows, batch_size=None, pin_memory=pinned, generator=torch.Generator())
