"""The difference between two models in a metric that is not a mean over rows: by their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan, sqrt
from statistics import NormalDist, mean, variance

from benchmarks.records.record import Estimate
from benchmarks.reporting.statistics.paired import Difference

NORMAL = NormalDist()
WIDTH = 2 * NORMAL.inv_cdf(0.975)
"""Of a 95 % interval, in standard errors."""


def unpaired(one: Sequence[Estimate], other: Sequence[Estimate]) -> Difference | None:
    """Mean over seeds of the first model minus that of the second; None without a defined value of both.

    z-test of two independent means (our choice: records hold no confidences, with which recall at a precision could be
    paired row by row). Models that see the same rows err together, so the interval is too wide rather than too narrow.
    Other test rows would move all seeds of a model alike: their error does not shrink with the number of seeds, that of
    the seeds does.

    Args:
        one: the metric's estimate for each seed of the first model.
        other: of the second.
    """
    known = [[found for found in seeds if not isnan(found.value)] for seeds in (one, other)]
    if not all(known):
        return None
    value = mean(found.value for found in known[0]) - mean(found.value for found in known[1])
    error = sqrt(sum(_squared_error(seeds) for seeds in known))
    if error == 0:
        return Difference(value, value, value, float(value == 0))
    half = WIDTH / 2 * error
    return Difference(value, value - half, value + half, 2 * NORMAL.cdf(-abs(value) / error))


def _squared_error(seeds: Sequence[Estimate]) -> float:
    rows = mean(((found.high - found.low) / WIDTH) ** 2 for found in seeds)
    return rows + (variance([found.value for found in seeds]) / len(seeds) if len(seeds) > 1 else 0.0)
