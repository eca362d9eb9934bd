"""Which model to take for some data: chosen on the validation split; the test split has no part in it.

The candidates are all rows of a table, over their seeds: models, variants, tuned or not. Of those whose accuracy on the
validation split does not differ significantly from the best's, the cheapest is taken. Cost is one number, our choice:
the seconds of training and of PRODUCTS products together, medians over seeds. (Features of a frozen backbone are
computed by the first model that needs them: with three seeds or more the median leaves that one out.) Of equal costs
the first of the table is taken. Of the seeds it is the first: the best on validation would be the luckiest.

Validation flatters models that have chosen something on it, an epoch or hyper-parameters, a little; the test split,
looked at afterwards, tells.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, median

from benchmarks.records.groups import Groups
from benchmarks.records.record import CLEAN, MEAN, Cost, Estimate, Experiment, Outcomes, Record, Validation
from benchmarks.reporting.statistics.aggregate import by_dataset
from benchmarks.reporting.statistics.curves import largest
from benchmarks.reporting.statistics.paired import difference, groups_of
from benchmarks.reporting.statistics.significance import LEVEL, tied_with

PRODUCTS = 100_000
"""So many products are answered with a trained model, in the cost that decides."""

FEWEST_ROWS = 10
"""Labelled validation rows that a choice needs, our choice: of fewer, a resample is the sample too often."""

FLOOR = "majority"
"""The model that no other is worth taking for if it is not significantly better."""


@dataclass(frozen=True)
class Candidate:
    """A row of the tables with its records, one a seed, by seed."""

    row: str
    records: tuple[Record, ...]

    @property
    def training(self) -> float:
        """Seconds, median over seeds."""
        return median(record.seconds["fit"] for record in self.records)

    @property
    def answering(self) -> float:
        """Seconds a product, median over seeds."""
        return median(_cost(record).seconds for record in self.records)

    @property
    def seconds(self) -> float:
        """What decides: of training and PRODUCTS products."""
        return self.training + PRODUCTS * self.answering

    @property
    def reads(self) -> tuple[str, ...]:
        """Of a product: image, text or both."""
        return _cost(self.records[0]).reads

    @property
    def tasks(self) -> tuple[str, ...]:
        """Those with labels in the validation split."""
        return tuple(_validation(self.records[0]).outcomes)

    def accuracy(self, task: str) -> Estimate:
        """On the validation split: mean over seeds of value and both ends of the interval."""
        found = [_validation(record).metrics[task]["accuracy"] for record in self.records]
        value, low, high = (mean(getattr(estimate, part) for estimate in found) for part in ("value", "low", "high"))
        return Estimate(value=value, low=low, high=high, n=found[0].n)

    @property
    def outcomes(self) -> list[Mapping[str, Outcomes]]:
        """On the validation split, one mapping of task to outcomes per seed."""
        return [_validation(record).outcomes for record in self.records]


@dataclass(frozen=True)
class Pick:
    """A choice for all tasks of a data set, or for one of them.

    Attributes:
        dataset: its name.
        title: the name with options and protocol.
        task: MEAN for all tasks.
        chosen: what to take.
        best: the best on validation; `chosen` itself if no cheaper model is as good.
        rivals: what does not differ significantly from the best, without `chosen`, in the table's order.
        candidates: all of them, in the table's order.
        beats_floor: whether it is significantly better than the largest class; None without such a row.
    """

    dataset: str
    title: str
    task: str
    chosen: Candidate
    best: Candidate
    rivals: tuple[Candidate, ...]
    candidates: tuple[Candidate, ...]
    beats_floor: bool | None

    @property
    def record(self) -> Record:
        """Of the model to take; its key names the folder runs/experiments/KEY/model."""
        return self.chosen.records[0]

    @property
    def rows(self) -> int:
        """Labelled rows of the validation split."""
        return self.best.accuracy(self.task).n

    @property
    def can_be_made(self) -> bool:
        """Whether there are enough of them."""
        return self.rows >= FEWEST_ROWS

    @property
    def answered(self) -> dict[str, Estimate]:
        """Task -> share of the validation split that this model answers at 90 % precision."""
        metrics = _validation(self.record).metrics
        return {task: metrics[task]["answered_at_90_precision"] for task in self.chosen.tasks}


def picks(records: Iterable[Record], order: Sequence[str]) -> list[Pick]:
    """For every data set, with its options and protocol, a choice for all tasks, then one for each of several.

    Records that hold no validation results are left out, and of a learning curve all but those with the most training
    rows. `order` is that of the table's rows.

    Raises:
        ValueError: two records of one row and seed.
    """
    return [pick for group in _groups(largest(records)) for pick in _picks(group, order)]


def too_few_rows(pick: Pick) -> str:
    """Why a choice cannot be made, and what to do."""
    rows = "1 labelled row" if pick.rows == 1 else f"{pick.rows} labelled rows"
    return (
        f"No model can be chosen: the validation split has {rows}, and a choice needs at least {FEWEST_ROWS}. Label "
        "more products: a tenth of them is validation."
    )


def _groups(records: Iterable[Record]) -> list[list[Record]]:
    """By data set, options and protocol; of data that have changed only those of the newest record."""
    groups: dict[tuple[str, str, str], list[Record]] = {}
    for record in records:
        if record.can_be_chosen and _validation(record).outcomes:
            asked = record.experiment
            name = (asked.dataset, json.dumps(asked.dataset_options, sort_keys=True), asked.protocol)
            groups.setdefault(name, []).append(record)
    return [_of_newest_data(groups[name]) for name in sorted(groups)]


def _of_newest_data(records: Sequence[Record]) -> list[Record]:
    newest = max(records, key=lambda record: str(record.environment.get("timestamp")))
    return [record for record in records if record.fingerprints["data"] == newest.fingerprints["data"]]


def _picks(records: Sequence[Record], order: Sequence[str]) -> list[Pick]:
    ((dataset, models),) = by_dataset(records, order).items()
    candidates = tuple(Candidate(row, tuple(found)) for row, found in models.items() if found)
    title = _title(records[0].experiment)
    tasks = candidates[0].tasks
    asked = [MEAN, *(tasks if len(tasks) > 1 else ())]
    return [_pick(dataset, title, task, candidates) for task in asked]


def _title(asked: Experiment) -> str:
    options = [f"{name}={_written(value)}" for name, value in sorted(asked.dataset_options.items())]
    told = [*options, *([] if asked.protocol == CLEAN else [f"protocol {asked.protocol}"])]
    return f"{asked.dataset} ({', '.join(told)})" if told else asked.dataset


def _written(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _pick(dataset: str, title: str, task: str, candidates: tuple[Candidate, ...]) -> Pick:
    tasks = candidates[0].tasks if task == MEAN else (task,)
    best = min(candidates, key=lambda one: (-one.accuracy(task).value, one.seconds))
    groups = groups_of(record for one in candidates for record in one.records)
    tied = tied_with(best.row, {one.row: one.outcomes for one in candidates}, tasks, groups)
    equals = [one for one in candidates if one is best or one.row in tied]
    floor = next((one for one in candidates if one.row == FLOOR), None)
    worth = [one for one in equals if floor is not None and _beats(one, floor, task, groups)]
    chosen = min(worth or equals, key=lambda one: one.seconds)
    return Pick(
        dataset=dataset,
        title=title,
        task=task,
        chosen=chosen,
        best=best,
        rivals=tuple(one for one in equals if one is not chosen),
        candidates=candidates,
        beats_floor=None if floor is None else bool(worth),
    )


def _beats(one: Candidate, other: Candidate, task: str, groups: Sequence[Groups]) -> bool:
    found = difference(one.outcomes, other.outcomes, one.tasks if task == MEAN else (task,), groups)
    return found is not None and found.p <= LEVEL and one.accuracy(task).value > other.accuracy(task).value


def _validation(record: Record) -> Validation:
    assert record.validation is not None
    return record.validation


def _cost(record: Record) -> Cost:
    assert record.cost is not None
    return record.cost
