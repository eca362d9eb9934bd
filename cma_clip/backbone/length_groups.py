"""Texts of a batch in groups of similar length, each computed without the padding of the others."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

LENGTH_GROUPS = 5
"""At most so many a batch (our choice): of 128 titles of real products 59 % padding becomes 7 %. More cost time."""


@torch.compiler.disable  # type: ignore[untyped-decorator]  # it depends on the lengths, which no graph holds
def length_groups(lengths: Tensor) -> tuple[list[Tensor], Tensor]:
    """Int[B] -> the B rows in groups, the shortest first; Int[B], where each row stands in all groups together."""
    order = lengths.argsort(stable=True)
    groups = order.tensor_split(least_padding(lengths[order].cpu().numpy()))
    return [rows for rows in groups if len(rows)], order.argsort()


def least_padding(lengths: npt.NDArray[np.int64]) -> list[int]:
    """Where to cut B ascending lengths so that groups padded to their longest are smallest (dynamic programming)."""
    longest, counts = np.unique(lengths, return_counts=True)
    ends = np.append(0, counts.cumsum())
    sizes = (ends - ends[:, None]) * np.append(0.0, longest)  # of a group from one end to another
    sizes[np.tril_indices(len(ends), -1)] = np.inf
    least, before = sizes[0], []
    for _ in range(LENGTH_GROUPS - 1):
        totals = least[:, None] + sizes
        before.append(totals.argmin(axis=0))
        least = totals.min(axis=0)
    cuts = [len(longest)]
    for chosen in reversed(before):
        cuts.append(int(chosen[cuts[-1]]))
    found: list[int] = ends[cuts[:0:-1]].tolist()
    return found
