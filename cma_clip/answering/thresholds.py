"""A threshold on the confidence above which answers are right as often as promised.

Learn then Test (Angelopoulos et al. 2021): thresholds are tested from the strictest to the loosest, each with the exact
binomial test of "precision lies below the target", until one is not rejected; the last rejected is taken. As a fixed
sequence it needs no correction for the number of thresholds: precision on new rows lies below the target with a
probability of at most 1 - confidence level. It holds for new rows from where the validation rows come from; not after
a shift, and not for each class by itself. The theorem wants thresholds fixed beforehand; these are quantiles of the
confidences, which leaves a small gap that experiments (benchmarks/perf) measure: no promise was broken too often.

In 52 simulated cases (100 to 5,000 rows, 2 or 8 classes, label noise, ties, overconfident tops) the fixed sequence
answered 48 % of what an oracle could, Bonferroni-Holm 36 % and three sequences at a third of the error each 40 %.
It loses where its first threshold fails by bad luck or noise at the top; so the first answers FIRST of the rows.

MAPIE 1.6 tests the same hypothesis, with "top-1 answer is right" as its binary label. Not used: by default it finds no
threshold if one of its grid answers nothing (the p-value is NaN), its fixed sequence takes its direction from the
labels, and it needs the validation rows again for every target.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.stats import binom

FIRST = 0.15
"""Share of validation rows that the strictest threshold answers, our choice: 0.15 to 0.25 did alike, 0.1 worse."""

STEP = 1.05
"""Each threshold answers so many times the rows of the one before, our choice; finer ones gained under 1 point."""


class Point(NamedTuple):
    """Of the validation rows with at least this confidence, so many were answered, and so many of those right."""

    threshold: float
    answered: int
    right: int


def points(confidence: npt.NDArray[np.float64], right: npt.NDArray[np.bool_]) -> tuple[Point, ...]:
    """The thresholds to test, strictest first, at most about 40; the last answers all rows. Empty for no rows.

    They depend on the confidences Float[N] alone, never on which answers are right, Bool[N]. Rows must be independent.
    Rows of equal confidence are answered together.
    """
    if not len(confidence):
        return ()
    order = np.argsort(-confidence, kind="stable")
    descending, hits = confidence[order], right[order].cumsum()
    thresholds = descending[_ranks(len(confidence)) - 1]
    answered = np.unique(np.searchsorted(-descending, -thresholds, side="right"))
    return tuple(Point(float(descending[n - 1]), int(n), int(hits[n - 1])) for n in answered)


def choose(tested: Sequence[Point], target: float, confidence_level: float) -> Point | None:
    """The loosest threshold whose precision is at least the target, with this confidence; None if there is none.

    While everything is right but too few rows are answered to tell, the next threshold is tried: whether few rows
    can be enough depends on their number, not on the labels. A higher target never gets a lower threshold.

    Raises:
        ValueError: a target that is not above 0 and below 1.
    """
    if not 0 < target < 1:
        raise ValueError(f"a precision target lies above 0 and below 1: {target}")
    chosen = None
    for point in tested:
        as_good_by_luck = binom.sf(point.right - 1, point.answered, target)
        if as_good_by_luck <= 1 - confidence_level:
            chosen = point
        elif point.right < point.answered:
            break
    return chosen


def one_per_group(ids: Sequence[str], groups: Sequence[str]) -> npt.NDArray[np.int64]:
    """One row of each group, ascending: the one whose id has the lowest hash, a draw blind to what the row holds.

    Rows of one group, as the photos of a product, are right and wrong together: counted as independent they promise
    too much. With one of each, the promise is about groups: each counts once, however many rows it has.
    """
    drawn: dict[str, int] = {}
    for row in sorted(range(len(ids)), key=lambda row: hashlib.sha256(ids[row].encode()).digest()):
        drawn.setdefault(groups[row], row)
    return np.sort(np.fromiter(drawn.values(), dtype=np.int64))


def _ranks(rows: int) -> npt.NDArray[np.int64]:
    """How many rows each threshold answers before ties: from FIRST of them to all, in steps of STEP."""
    steps = int(np.ceil(np.log(1 / FIRST) / np.log(STEP)))
    ranks = np.ceil(rows * FIRST * STEP ** np.arange(steps))
    return np.unique(np.append(ranks, rows).astype(np.int64))
