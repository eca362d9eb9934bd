"""Which differences between models count: against the best of a column, and by rank over many columns."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.records.outcomes import p_value
from benchmarks.records.record import CLEAN, Outcomes, Record
from benchmarks.reporting.aggregate import estimates

LEVEL = 0.05
"""Family-wise error rate of every comparison."""

FEWEST_BLOCKS = 3
FEWEST_MODELS = 3


class RankingError(ValueError):
    """Scores from which no ranking can be made; the message says what is missing."""


def interval(records: Sequence[Record], task: str, metric: str, condition: str = CLEAN) -> tuple[float, float] | None:
    """Mean over seeds of both ends of the 95 % bootstrap intervals over test examples; None without a defined one.

    Somewhat wider than the interval of the mean over seeds would be: it is that of a typical seed.
    """
    found = [e for e in estimates(records, task, metric, condition) if not math.isnan(e.value)]
    if not found:
        return None
    return float(np.mean([e.low for e in found])), float(np.mean([e.high for e in found]))


def holm(p_values: Sequence[float]) -> npt.NDArray[np.float64]:
    """Float[K]: p-values of K tests, so corrected that the chance of any false discovery is the level (Holm 1979)."""
    # statsmodels has it too, but takes 2 s to import and 0.1 s and more a call, for a full garbage collection.
    given = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(given)
    stepped = np.maximum.accumulate(given[order] * np.arange(len(given), 0, -1))
    corrected = np.empty_like(given)
    corrected[order] = stepped.clip(max=1.0)
    return corrected


def tied_with(best: str, outcomes: Mapping[str, Sequence[Mapping[str, Outcomes]]], tasks: Sequence[str]) -> set[str]:
    """The models whose accuracy does not differ significantly from that of `best`, by the paired bootstrap.

    Holm's correction is over all models that can be paired with the best; those that cannot are not tied.

    Args:
        best: the model that all others are compared with.
        outcomes: model -> one mapping of task to outcomes per seed.
        tasks: one, or those whose mean is compared.
    """
    p_values = {model: p_value(outcomes[best], seeds, tasks) for model, seeds in outcomes.items() if model != best}
    paired = {model: p for model, p in p_values.items() if p is not None}
    return {model for model, p in zip(paired, holm(list(paired.values())), strict=True) if p > LEVEL}


@dataclass(frozen=True)
class Ranking:
    """Models by average rank over blocks (Demsar 2006); rank 1 is the best, ties share their mean.

    Attributes:
        models: K names, the best average rank first; ties in the order they were given.
        blocks: N names.
        ranks: Float[N K], columns in the order of `models`.
        friedman: p-value of Friedman's test that all models are alike.
        critical_difference: of average ranks, by Nemenyi's test at LEVEL.
        pairwise: Float[K K], Nemenyi's p-values; all 1 where Friedman's test does not reject, as nothing may
            then be compared pair by pair.
    """

    models: tuple[str, ...]
    blocks: tuple[str, ...]
    ranks: npt.NDArray[np.float64]
    friedman: float
    critical_difference: float
    pairwise: npt.NDArray[np.float64]

    @property
    def average(self) -> dict[str, float]:
        """Model -> average rank."""
        return dict(zip(self.models, map(float, self.ranks.mean(axis=0)), strict=True))


def rank(scores: Mapping[str, Mapping[str, float]], higher_is_better: bool = True) -> Ranking:
    """Rank models over blocks.

    Args:
        scores: block -> model -> score; every block has the same models.
        higher_is_better: the direction of the best.

    Raises:
        RankingError: fewer than FEWEST_BLOCKS blocks or FEWEST_MODELS models.
    """
    from scipy.stats import friedmanchisquare, rankdata, studentized_range

    blocks, names = tuple(scores), tuple(next(iter(scores.values()), {}))
    if len(blocks) < FEWEST_BLOCKS or len(names) < FEWEST_MODELS:
        raise RankingError(
            f"average ranks need at least {FEWEST_BLOCKS} blocks and {FEWEST_MODELS} models with a score in all of "
            f"them; found {len(blocks)} blocks ({', '.join(blocks) or 'none'}) and {len(names)} models "
            f"({', '.join(names) or 'none'})"
        )
    values = np.array([[scores[block][model] for model in names] for block in blocks])
    ranks = rankdata(-values if higher_is_better else values, axis=1)
    order = np.argsort(ranks.mean(axis=0), kind="stable")
    ranks = ranks[:, order]
    all_tied = bool((ranks == ranks[0, 0]).all())  # the statistic would be 0 / 0
    p = 1.0 if all_tied else float(friedmanchisquare(*ranks.T).pvalue)
    n, k = ranks.shape
    quantile = studentized_range.ppf(1 - LEVEL, k, np.inf) / math.sqrt(2)
    return Ranking(
        models=tuple(names[index] for index in order),
        blocks=blocks,
        ranks=ranks,
        friedman=p,
        critical_difference=float(quantile * math.sqrt(k * (k + 1) / (6 * n))),
        pairwise=_nemenyi(ranks) if p <= LEVEL else np.ones((k, k)),
    )


def _nemenyi(ranks: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    from scikit_posthocs import posthoc_nemenyi_friedman  # imports pyplot

    return np.asarray(posthoc_nemenyi_friedman(ranks), dtype=np.float64)
