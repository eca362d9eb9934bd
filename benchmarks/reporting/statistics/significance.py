"""Which differences in accuracy are significant: Holm's correction of the paired bootstrap; intervals over seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from benchmarks.records.groups import Groups
from benchmarks.records.record import CLEAN, Record
from benchmarks.reporting.statistics.aggregate import estimates
from benchmarks.reporting.statistics.paired import Difference, Seeds, difference

LEVEL = 0.05
"""Family-wise error rate of every comparison."""


def interval(records: Sequence[Record], task: str, metric: str, condition: str = CLEAN) -> tuple[float, float] | None:
    """Mean over seeds of both ends of the 95 % bootstrap intervals; None without a defined one.

    Somewhat wider than the interval of the mean over seeds would be: it is that of a typical seed.
    """
    found = [e for e in estimates(records, task, metric, condition) if not math.isnan(e.value)]
    if not found:
        return None
    return float(np.mean([e.low for e in found])), float(np.mean([e.high for e in found]))


def holm(p_values: Sequence[float]) -> npt.NDArray[np.float64]:
    """Float[K]: p-values of K tests, so adjusted that the chance of any false discovery is the level (Holm 1979)."""
    # statsmodels has it too, but takes 2 s to import and 0.1 s and more a call, for a full garbage collection.
    given = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(given)
    stepped = np.maximum.accumulate(given[order] * np.arange(len(given), 0, -1))
    adjusted = np.empty_like(given)
    adjusted[order] = stepped.clip(max=1.0)
    return adjusted


def tied_with(
    best: str, outcomes: Mapping[str, Seeds], tasks: Sequence[str], groups: Sequence[Groups] = ()
) -> set[str]:
    """The models whose accuracy does not differ significantly from that of `best`.

    Holm's correction is over all models that can be paired with the best; those that cannot are not tied.

    Args:
        best: the model that all others are compared with.
        outcomes: model -> one mapping of task to outcomes per seed.
        tasks: one, or those whose mean is compared.
        groups: of rows, see `paired.difference`.
    """
    others = {model: seeds for model, seeds in outcomes.items() if model != best}
    found = {model: difference(outcomes[best], seeds, tasks, groups) for model, seeds in others.items()}
    return {model for model, p in corrected(found).items() if p > LEVEL}


def corrected(found: Mapping[str, Difference | None]) -> dict[str, float]:
    """Holm's p-values of the differences that there are."""
    p_values = {model: one.p for model, one in found.items() if one is not None}
    return dict(zip(p_values, map(float, holm(list(p_values.values()))), strict=True))
