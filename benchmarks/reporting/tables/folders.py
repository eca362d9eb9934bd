"""Two folders of records side by side: the same rows of their tables, one minus the other, answer by answer."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from benchmarks.records.record import MEAN, Outcomes, Record
from benchmarks.reporting.notes import resampled
from benchmarks.reporting.statistics.aggregate import Models, by_dataset, records_of, tasks_of
from benchmarks.reporting.statistics.paired import RESAMPLES, Difference, difference, groups_of
from benchmarks.reporting.statistics.significance import LEVEL, corrected
from benchmarks.reporting.table import Cell, Table
from benchmarks.reporting.tables.differences import difference_cell, p_cell
from benchmarks.reporting.tables.verdicts import quoted


def folder_tables(one: Sequence[Record], other: Sequence[Record], order: Sequence[str]) -> list[Table]:
    """A table for every data set and condition that both have: accuracy of `other` minus that of `one`.

    Raises:
        ValueError: they have no row in common.
    """
    tables: list[Table] = []
    for condition in dict.fromkeys(name for record in one for name in record.metrics):
        found = by_dataset(one, order, condition), by_dataset(other, order, condition)
        for dataset in found[0]:
            if dataset in found[1]:
                tables += _table(dataset, condition, found[0][dataset], found[1][dataset])
    if not tables:
        raise ValueError("the two folders have no data set and model in common: there is nothing to compare")
    return tables


def _table(dataset: str, condition: str, one: Models, other: Models) -> Iterable[Table]:
    rows = [model for model, records in one.items() if records and other.get(model)]
    if not rows:
        return
    tasks = tasks_of(one, condition)
    groups = groups_of([*records_of(one), *records_of(other)])

    def column(which: Sequence[str]) -> dict[str, Difference | None]:
        return {
            model: difference(_outcomes(other[model], condition), _outcomes(one[model], condition), which, groups)
            for model in rows
        }

    by_task, overall = [column([task]) for task in tasks if len(tasks) > 1], column(tasks)
    p_values = corrected(overall)
    yield Table(
        title=f"{dataset}, {condition}: accuracy of the second minus that of the first, in points (95 % interval)",
        header=("model", *(tasks if len(tasks) > 1 else ()), MEAN if len(tasks) > 1 else tasks[0], "p"),
        rows=tuple(
            (Cell(row), *(difference_cell(found[row]) for found in (*by_task, overall)), p_cell(p_values.get(row)))
            for row in rows
        ),
        footnotes=(
            f"Paired bootstrap over test examples and seeds, {RESAMPLES:,} resamples; p of the mean, with Holm's "
            f"correction over the rows, significant up to {LEVEL:g}.",
            *_not_compared(one, other, rows, p_values),
            *resampled({model: [*one[model], *other[model]] for model in rows}),
        ),
    )


def _outcomes(records: Sequence[Record], condition: str) -> list[dict[str, Outcomes]]:
    return [record.outcomes.get(condition, {}) for record in records]


def _not_compared(one: Models, other: Models, rows: Sequence[str], paired: Iterable[str]) -> Iterable[str]:
    """What one side alone has, what was answered on other rows, and what else differs."""
    for which, models in (("first", one), ("second", other)):
        alone = [model for model, records in models.items() if records and model not in rows]
        if alone:
            yield f"In the {which} alone: {', '.join(map(quoted, alone))}."
    if lost := [model for model in rows if model not in set(paired)]:
        yield f"Not the same test rows, or no answers kept: {', '.join(map(quoted, lost))}."
    if changed := [model for model in rows if _settings(one[model]) != _settings(other[model])]:
        yield f"Other hyper-parameters or data options: {', '.join(map(quoted, changed))}."


def _settings(records: Sequence[Record]) -> set[str]:
    asked = [record.experiment for record in records]
    return {json.dumps([found.hparams, found.dataset_options], sort_keys=True) for found in asked}
