"""By how much each model differs from one of them, with intervals: what marks in a table of accuracies leave out."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.records.record import CLEAN, MEAN
from benchmarks.reporting.notes import dataset_title, footnotes, table_title
from benchmarks.reporting.statistics.aggregate import Models, Score, records_of, score, tasks_of
from benchmarks.reporting.statistics.leading import CMA_CLIP
from benchmarks.reporting.statistics.paired import RESAMPLES, Difference, difference, groups_of
from benchmarks.reporting.statistics.seeds import POWER, seeds_needed
from benchmarks.reporting.statistics.significance import LEVEL, corrected
from benchmarks.reporting.table import MISSING, Cell, Table

POINT = 0.01


def differences_table(dataset: str, models: Models, condition: str = CLEAN) -> Table | None:
    """Accuracy of every model minus that of CMA-CLIP, or of the best where it has no record.

    None where there is no rival that can be paired with it.
    """
    scores = {model: score(records, MEAN, "accuracy", condition) for model, records in models.items()}
    values = {model: found.value for model, found in scores.items() if found is not None and found.value >= 0}
    if len(values) < 2:
        return None
    to = CMA_CLIP if CMA_CLIP in values else max(values, key=lambda model: values[model])
    rivals = [model for model in values if model != to]
    tasks = tasks_of(models, condition)
    by_task = {task: _column(models, rivals, to, [task], condition) for task in tasks if len(tasks) > 1}
    overall = _column(models, rivals, to, tasks, condition)
    p_values = corrected(overall)
    if not p_values:
        return None
    rows = [
        (
            Cell(model),
            *(difference_cell(column[model]) for column in (*by_task.values(), overall)),
            p_cell(p_values.get(model)),
            _seeds(scores[model], scores[to]),
        )
        for model in rivals
    ]
    what = f"accuracy minus that of {to}, in points (95 % interval)"
    return Table(
        title=table_title(f"{dataset_title(dataset, models)}, {condition}: {what}", models, condition),
        header=("model", *by_task, MEAN if by_task else tasks[0], "p", "seeds for a point"),
        rows=tuple(rows),
        footnotes=(*_legend(), *footnotes(models)),
    )


def _legend() -> Sequence[str]:
    return (
        f"Intervals: paired bootstrap over test examples and seeds, {RESAMPLES:,} resamples; each stands for itself.",
        f"p: of the difference of the means, two-sided, with Holm's correction over the rows; significant "
        f"up to {LEVEL:g}.",
        "Seeds for a point: how many of each of the two models find a difference of one point with "
        f"{POWER:.0%} power at {LEVEL:.0%}, as far as seeds go, by the spread over those in this table; of few seeds a "
        "rough number.",
    )


def _column(
    models: Models, rivals: Sequence[str], to: str, tasks: Sequence[str], condition: str
) -> dict[str, Difference | None]:
    outcomes = {model: [record.outcomes.get(condition, {}) for record in models[model]] for model in (*rivals, to)}
    groups = groups_of(records_of(models))
    return {model: difference(outcomes[model], outcomes[to], tasks, groups) for model in rivals}


def difference_cell(found: Difference | None) -> Cell:
    """In points, with its interval."""
    if found is None:
        return Cell(MISSING)
    value, low, high = (100 * number for number in (found.value, found.low, found.high))
    text = f"{_signed(value)} ({_signed(low)} to {_signed(high)})"
    return Cell(text, value, interval=(low, high))


def _signed(points: float) -> str:
    return f"{round(points, 1) + 0.0:+.1f}"


def p_cell(p: float | None) -> Cell:
    """A p-value; those below a thousandth as that."""
    return Cell(MISSING) if p is None else Cell("< 0.001" if p < 0.001 else f"{p:.3f}", p)


def _seeds(one: Score | None, other: Score | None) -> Cell:
    if one is None or other is None or one.std is None or other.std is None:
        return Cell(MISSING)
    needed = seeds_needed(one.std, other.std, POINT)
    return Cell(str(needed), needed)
