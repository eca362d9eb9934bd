"""Significance of differences in accuracy: paired bootstrap, Holm's correction, intervals over seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from benchmarks.records.record import CLEAN, Outcomes, Record
from benchmarks.reporting.statistics.aggregate import estimates
from benchmarks.seeding import seed_of

Matrix = npt.NDArray[np.float64]

LEVEL = 0.05
"""Family-wise error rate of every comparison."""

RESAMPLES = 10_000
"""Of the paired bootstrap."""


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


def p_value(
    one: Sequence[Mapping[str, Outcomes]], other: Sequence[Mapping[str, Outcomes]], tasks: Sequence[str]
) -> float | None:
    """Two-sided p-value of the difference in accuracy between two models; None where nothing can be paired.

    Paired bootstrap over test examples and seeds: both models are looked at on the same resampled examples, and the
    seeds of each are resampled for themselves, where it has several. With few seeds that still understates
    what other seeds could change (of three, a resample has two thirds of their variance).
    Several `tasks` are compared by the mean of their accuracies: examples are resampled jointly where all
    tasks label the same ones, and task by task otherwise, since outcomes of different sets cannot be aligned.
    p is twice the smaller tail of the resampled differences beyond 0, so p > 0.05 says that their 95 %
    percentile interval holds 0; it is never below 2 / (RESAMPLES + 1) (Davison & Hinkley 1997, section 4.2.5).

    Args:
        one: one mapping of task to outcomes per seed.
        other: the same for the other model; the seeds need not be as many.
        tasks: one, or those whose mean is compared.
    """
    if not one or not other:
        return None
    examples = {task: {_examples(seed, task) for seed in (*one, *other)} for task in tasks}
    if any(len(hashes) != 1 or None in hashes for hashes in examples.values()):
        return None
    right = [_right((*one, *other), task) for task in tasks]
    if any(len(columns) == 0 for columns in right):
        return None
    if len(set.union(*examples.values())) == 1:
        right = [np.mean(right, axis=0)]
    generator = np.random.default_rng(seed_of("paired bootstrap"))
    rates = np.mean([_resampled_means(columns, generator) for columns in right], axis=0)
    weights = np.concatenate([_resampled_seeds(one, generator), -_resampled_seeds(other, generator)], axis=1)
    resampled = (rates * weights).sum(axis=1).round(12)
    beyond = 1 + min(int((resampled <= 0).sum()), int((resampled >= 0).sum()))
    return min(1.0, 2 * beyond / (RESAMPLES + 1))


def _examples(seed: Mapping[str, Outcomes], task: str) -> str | None:
    return seed[task].examples if task in seed else None


def _right(seeds: Sequence[Mapping[str, Outcomes]], task: str) -> Matrix:
    """Float[N S]: 1 where an example was answered correctly."""
    return np.stack([seed[task].bits() for seed in seeds], axis=1).astype(np.float64)


def _resampled_means(columns: Matrix, generator: np.random.Generator) -> Matrix:
    """Float[N S] -> Float[RESAMPLES S]. Few rows are distinct: drawing how often each occurs is cheaper."""
    distinct, counts = np.unique(columns, axis=0, return_counts=True)
    drawn = generator.multinomial(len(columns), counts / len(columns), size=RESAMPLES)
    return np.asarray(drawn @ distinct / len(columns))


def _resampled_seeds(seeds: Sequence[object], generator: np.random.Generator) -> Matrix:
    """Float[RESAMPLES S]: the share of each seed; rows sum to 1."""
    return generator.multinomial(len(seeds), np.full(len(seeds), 1 / len(seeds)), size=RESAMPLES) / len(seeds)
