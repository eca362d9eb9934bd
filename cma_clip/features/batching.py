"""Whole batches by row numbers: no per-example work, an order that depends only on (seed, epoch)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from math import ceil
from typing import Generic, TypeVar

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

BatchT = TypeVar("BatchT")


class RowBatches(Dataset[BatchT], Generic[BatchT]):
    """Item = the batch made of a list of rows."""

    def __init__(self, rows: int, batch_of: Callable[[list[int]], BatchT]):
        self.rows = rows
        self.batch_of = batch_of

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


class OrderedRows(Sampler[list[int]]):
    """Lists of consecutive rows, for prediction."""

    def __init__(self, rows: int, batch_size: int):
        self.rows, self.batch_size = rows, batch_size

    def __len__(self) -> int:
        return ceil(self.rows / self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        for start in range(0, self.rows, self.batch_size):
            yield list(range(start, min(start + self.batch_size, self.rows)))


def loader(batches: RowBatches[BatchT], rows: Iterable[list[int]]) -> DataLoader[BatchT]:
    """A DataLoader whose items are whole batches. The arrays behind are mapped files: no workers needed.

    It draws a number whenever it is iterated over, after a resume at another moment than without one: from a
    generator of its own, or dropout would differ.
    """
    pinned = torch.cuda.is_available()
    return DataLoader(batches, sampler=rows, batch_size=None, pin_memory=pinned, generator=torch.Generator())
