"""What a network learns from: batches with their labels, each process of a training with its share of every batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from cma_clip.features.batching import RowBatches
from cma_clip.features.boundary_states import BoundaryTable
from cma_clip.features.token_features import FeatureTable
from cma_clip.tensors import Batch, Features
from cma_clip.types import IGNORE


@dataclass(frozen=True)
class Labelled:
    """A training batch, or the share of it that one process computes.

    Attributes:
        inputs: what the network reads of B rows.
        labels: per task Int[B], IGNORE where unknown.
        rows: how many the whole batch has, the shares of all processes together.
    """

    inputs: Features | Batch
    labels: dict[str, Tensor]
    rows: int

    def to(self, device: torch.device | str) -> Labelled:
        """The same batch elsewhere; Lightning calls it."""
        return Labelled(self.inputs.to(device), {task: y.to(device) for task, y in self.labels.items()}, self.rows)


@dataclass(frozen=True)
class Share:
    """Of every batch the rows at `rank`, `rank + processes`, ...: process `rank` of so many computes them."""

    rank: int = 0
    processes: int = 1

    def of(self, rows: list[int]) -> list[int]:
        """None where there are fewer rows than processes."""
        return rows[self.rank :: self.processes]


WHOLE = Share()


def labelled_batches(
    table: BoundaryTable | FeatureTable, labels: Mapping[str, npt.NDArray[np.int64]], share: Share
) -> RowBatches[Labelled]:
    """Item = `share` of the batch made of a list of rows; `labels` are those of all N examples.

    A process without a row computes one without a label: it takes part in every step, and this row counts nowhere.
    """

    def labelled(rows: list[int]) -> Labelled:
        own = share.of(rows)
        computed = own or rows[:1]
        known = {task: torch.from_numpy(y[computed]) for task, y in labels.items()}
        if not own:
            known = {task: torch.full_like(y, IGNORE) for task, y in known.items()}
        return Labelled(table.batch(computed), known, len(rows))

    return RowBatches(len(table), labelled, table.lengths)
