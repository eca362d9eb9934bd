"""Records arranged for tables, figures and comparisons: by data set, model and seed, whatever order they come in."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import mean, stdev

from benchmarks.records.record import CLEAN, MEAN, Estimate, Record

COMPARED = (CLEAN, "deduplicated", "product-level")
"""Conditions with tables and figures of their own: the test split, a part of it, another level of it. What is perturbed
is told by robustness tables."""

Models = dict[str, list[Record]]
"""Model -> its records, one per seed."""


@dataclass(frozen=True)
class Score:
    """A number over seeds. `std` is the sample standard deviation, None for a single seed."""

    value: float
    std: float | None
    seeds: int


def by_dataset(records: Iterable[Record], order: Sequence[str], condition: str = CLEAN) -> dict[str, Models]:
    """Data set -> model -> records that have the condition, sorted by seed.

    Every model of `order` is there, with no record if need be; models that `order` does not know come last.

    Raises:
        ValueError: two records of one data set, model and seed: a mean would count that seed twice.
    """
    datasets: dict[str, Models] = {}
    for record in sorted(records, key=lambda record: record.experiment.model_dump_json()):
        if condition in record.metrics:
            models = datasets.setdefault(record.experiment.dataset, {model: [] for model in order})
            models.setdefault(record.experiment.row, []).append(record)
    for models in datasets.values():
        for found in models.values():
            found.sort(key=lambda record: record.experiment.seed)
            _refuse_repeated_seeds(found)
    return datasets


def _refuse_repeated_seeds(records: Sequence[Record]) -> None:
    for one, two in pairwise(records):
        if one.experiment.seed == two.experiment.seed:
            raise ValueError(
                f"two records of {one.experiment.label()} with the same seed, {one.key} ({_settings(one)}) and "
                f"{two.key} ({_settings(two)}); keep them in different suites, or delete one"
            )


def _settings(record: Record) -> str:
    settings = {**record.experiment.dataset_options, **record.experiment.hparams}
    return ", ".join(f"{name}={value}" for name, value in sorted(settings.items())) or "defaults"


def compared(records: Iterable[Record], order: Sequence[str]) -> dict[tuple[str, str], Models]:
    """(data set, condition of COMPARED) -> models, for every pair that has a record; data sets together."""
    listed = list(records)
    found = {(dataset, at): models for at in COMPARED for dataset, models in by_dataset(listed, order, at).items()}
    return dict(sorted(found.items(), key=lambda item: (item[0][0], COMPARED.index(item[0][1]))))


def num_test(models: Models, condition: str = CLEAN) -> int:
    """The size of the test split; of a part of it, the most examples that any task has labels for."""
    if condition == CLEAN:
        return records_of(models)[0].sizes["test"]
    return max(
        e.n for record in records_of(models) for task in record.metrics[condition].values() for e in task.values()
    )


def records_of(models: Models) -> list[Record]:
    """All of them, in order."""
    return [record for found in models.values() for record in found]


def tasks_of(models: Models, condition: str = CLEAN) -> tuple[str, ...]:
    """The real tasks, in the order of the first record that has them."""
    named = (task for record in records_of(models) for task in record.metrics[condition] if task != MEAN)
    return tuple(dict.fromkeys(named))


def estimates(records: Sequence[Record], task: str, metric: str, condition: str = CLEAN) -> list[Estimate]:
    """One per seed that has the metric."""
    found = (record.metrics[condition].get(task, {}).get(metric) for record in records)
    return [estimate for estimate in found if estimate is not None]


def score(records: Sequence[Record], task: str, metric: str, condition: str = CLEAN) -> Score | None:
    """Mean over seeds; None if no record has the metric, NaN if it is undefined in one of them."""
    return over_seeds(records, lambda record: _value(record, task, metric, condition))


def over_seeds(records: Sequence[Record], number: Callable[[Record], float | None]) -> Score | None:
    """Mean over the records that have the number; None if none has."""
    values = [value for record in records if (value := number(record)) is not None]
    if not values:
        return None
    defined = not any(math.isnan(value) for value in values)
    std = stdev(values) if len(values) > 1 and defined else None
    return Score(mean(values) if defined else math.nan, std, len(values))


def _value(record: Record, task: str, metric: str, condition: str) -> float | None:
    estimate = record.metrics[condition].get(task, {}).get(metric)
    return None if estimate is None else estimate.value


def versions_of(records: Iterable[Record]) -> dict[str, set[int]]:
    """Name -> the versions of it that took part."""
    found: dict[str, set[int]] = {}
    for record in records:
        for name, version in record.versions.items():
            found.setdefault(name, set()).add(version)
    return found
