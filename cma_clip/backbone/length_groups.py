"""Texts of a batch in groups of similar length, each computed without the padding of the others."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

LENGTH_GROUPS = 5
"""At most so many a batch (our choice): of 128 titles of real products 59 % padding becomes 7 %. More cost time."""


def length_groups(lengths: Tensor) -> tuple[list[Tensor], Tensor]:
    """Int[B] -> the B rows in groups, the shortest first; Int[B], where each row stands in all groups together."""
    order = lengths.argsort(stable=True)
    groups = order.tensor_split(least_padding(lengths[order].cpu()))
    return [rows for rows in groups if len(rows)], order.argsort()


def least_padding(lengths: Tensor) -> list[int]:
    """Where to cut B ascending lengths so that groups padded to their longest are smallest (dynamic programming)."""
    longest, counts = lengths.unique_consecutive(return_counts=True)
    ends = F.pad(counts.cumsum(0), (1, 0))
    sizes = (ends - ends[:, None]) * F.pad(longest, (1, 0)).double()  # of a group from one end to another
    sizes = sizes.masked_fill(torch.ones_like(sizes).tril(-1).bool(), torch.inf)
    least, before = sizes[0], []
    for _ in range(LENGTH_GROUPS - 1):
        least, chosen = (least[:, None] + sizes).min(dim=0)
        before.append(chosen)
    cuts = [len(longest)]
    for chosen in reversed(before):
        cuts.append(int(chosen[cuts[-1]]))
    return ends[cuts[:0:-1]].tolist()
