"""The difference between two models on the same examples, its interval and its p-value: the paired bootstrap."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from benchmarks.records.groups import Groups
from benchmarks.records.record import Outcomes, Record
from benchmarks.seeding import seed_of

Matrix = npt.NDArray[np.float64]
Seeds = Sequence[Mapping[str, Outcomes]]
"""Of one model, one mapping of task to outcomes per seed."""

RESAMPLES = 10_000
"""Of the paired bootstrap."""

FEW = 500
"""Different units up to which drawing how often each kind occurs is cheaper than drawing the units."""

CHUNK = 100


@dataclass(frozen=True)
class Scored:
    """What every example counts, of a task: 1 where it was answered correctly, or what else is compared.

    Attributes:
        examples: as in `Outcomes`.
        values: Float[N S], of N labelled examples under the S seeds of both models, one model's after the other's.
    """

    examples: str
    values: Matrix


@dataclass(frozen=True)
class Difference:
    """Of two models, the first minus the second.

    Attributes:
        low, high: 95 % percentile interval.
        p: two-sided; never below 2 / (RESAMPLES + 1) (Davison & Hinkley 1997, section 4.2.5). Above 0.05 where the
            interval holds 0.
    """

    value: float
    low: float
    high: float
    p: float


def groups_of(records: Iterable[Record]) -> tuple[Groups, ...]:
    """Which test and validation rows belong together, where any of the records knows."""
    return tuple({tuple(found.labelled): found for record in records for found in record.groups.values()}.values())


def difference(one: Seeds, other: Seeds, tasks: Sequence[str], groups: Sequence[Groups] = ()) -> Difference | None:
    """Difference in accuracy between two models; None where nothing can be paired.

    Args:
        one: the first model.
        other: the second; its seeds need not be as many.
        tasks: one, or those whose mean is compared.
        groups: of rows; examples of none of them are groups of their own.
    """
    answers = tuple(tuple(seed.get(task) for seed in (*one, *other)) for task in tasks)
    return _difference(answers, len(one), tuple(groups)) if one and other else None


@lru_cache(maxsize=10_000)
def _difference(
    answers: tuple[tuple[Outcomes | None, ...], ...], first: int, groups: tuple[Groups, ...]
) -> Difference | None:
    """Of tasks the outcomes by seed. Kept: tables, their notes and the page ask for the same pairs."""
    scored = [_scored(seeds) for seeds in answers]
    known = [found for found in scored if found is not None]
    return compare(known, first, groups) if len(known) == len(scored) else None


def compare(scored: Sequence[Scored], first: int, groups: Sequence[Groups] = ()) -> Difference:
    """The mean over tasks of what the examples count, of the `first` seeds minus that of the others.

    Bootstrap over groups of examples and over seeds: both models are looked at on the same resampled groups, which are
    drawn whole (Field and Welsh 2007), and the seeds of each are resampled for themselves, where it has several. With
    few seeds that still understates what other seeds could change (of three, a resample has two thirds of their
    variance). Tasks are resampled jointly where their groups are known or they label the same examples, and task by
    task otherwise, since examples of different sets cannot be aligned.
    """
    generator = np.random.default_rng(seed_of("paired bootstrap"))
    tables = _tables(scored, groups)
    seeds = scored[0].values.shape[1]
    rates = _mean_rates([_resampled(table, generator) for table in tables], seeds)
    weights = np.concatenate([_resampled_seeds(first, generator), -_resampled_seeds(seeds - first, generator)], axis=1)
    resampled = (rates * weights).sum(axis=1).round(12)
    (observed,) = _mean_rates([table.sum(axis=0, keepdims=True) for table in tables], seeds)
    low, high = np.quantile(resampled, [0.025, 0.975])
    beyond = 1 + min(int((resampled <= 0).sum()), int((resampled >= 0).sum()))
    return Difference(
        value=float(observed[:first].mean() - observed[first:].mean()),
        low=float(low),
        high=float(high),
        p=min(1.0, 2 * beyond / (RESAMPLES + 1)),
    )


def _scored(seeds: Sequence[Outcomes | None]) -> Scored | None:
    """None where some seed has no outcome, or those of other examples, or no example at all."""
    known = [found for found in seeds if found is not None]
    if len(known) < len(seeds) or len({found.examples for found in known}) != 1:
        return None
    values = np.stack([found.bits() for found in known], axis=1).astype(np.float64)
    return Scored(known[0].examples, values) if len(values) else None


def _tables(scored: Sequence[Scored], groups: Sequence[Groups]) -> list[Matrix]:
    """What is resampled jointly: Float[U T(S+1)], of U groups and T tasks the sum under every seed, and the count."""
    examples = {found.examples for found in scored}
    known = next((found for found in groups if examples <= found.labelled.keys()), None)
    if known is not None:
        numbers = known.numbers()
        return [np.hstack([_summed(found, numbers, known.rows(found.examples)) for found in scored])]
    if len(examples) == 1:
        return [_counted(np.mean([found.values for found in scored], axis=0))]
    return [_counted(found.values) for found in scored]


def _counted(values: Matrix) -> Matrix:
    return np.column_stack([values, np.ones(len(values))])


def _summed(scored: Scored, numbers: npt.NDArray[np.int64], rows: npt.NDArray[np.bool_]) -> Matrix:
    """Float[U S+1], by the number of each row's group; a group without a labelled example counts nothing."""
    columns = _counted(scored.values).T
    return np.stack([np.bincount(numbers[rows], column, numbers.max() + 1) for column in columns], axis=1)


def _resampled(table: Matrix, generator: np.random.Generator) -> Matrix:
    """Float[U C] -> Float[RESAMPLES C]: sums over as many units as there are, drawn with replacement."""
    distinct, counts = np.unique(table, axis=0, return_counts=True)
    n = len(table)
    if len(distinct) <= FEW:
        return np.asarray(generator.multinomial(n, counts / n, size=RESAMPLES) @ distinct)
    parts = []
    for _ in range(0, RESAMPLES, CHUNK):
        drawn = [np.bincount(generator.integers(n, size=n), minlength=n) for _ in range(CHUNK)]
        parts.append(np.array(drawn, dtype=np.float64) @ table)
    return np.concatenate(parts)


def _mean_rates(sums: Sequence[Matrix], seeds: int) -> Matrix:
    """Tables of Float[R T(S+1)] -> Float[R S]: sum by count, mean over all tasks; 0 where a resample has no example."""
    by_task = np.concatenate([table.reshape(len(table), -1, seeds + 1) for table in sums], axis=1)
    return np.asarray((by_task[..., :-1] / np.maximum(by_task[..., -1:], 1)).mean(axis=1))


def _resampled_seeds(count: int, generator: np.random.Generator) -> Matrix:
    """Float[RESAMPLES S]: the share of each seed; rows sum to 1."""
    return generator.multinomial(count, np.full(count, 1 / count), size=RESAMPLES) / count
