"""From scores of models to the cells of one column of a table."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

from benchmarks.metrics import METRICS
from benchmarks.records.record import CLEAN, MEAN
from benchmarks.reporting.aggregate import Models, Score, score, tasks_of
from benchmarks.reporting.significance import interval, tied_with
from benchmarks.reporting.table import MISSING, Cell

UNDEFINED = "n/a"


def column(models: Models, task: str, metric: str, condition: str = CLEAN) -> list[Cell]:
    """One cell per model: mean over seeds with spread and interval, the best and, for accuracy, what ties with it."""
    scores = {model: score(records, task, metric, condition) for model, records in models.items()}
    scale, digits = (100, 1) if METRICS[metric].percent else (1, 3)
    sign = 1 if METRICS[metric].higher_is_better else -1
    shown = {
        model: sign * round(scale * found.value, digits)
        for model, found in scores.items()
        if found is not None and not math.isnan(found.value)
    }
    best = {model for model in shown if shown[model] == max(shown.values())}
    tied = _tied(models, best, shown, task, condition) if metric == "accuracy" else set()
    cells = {model: number(found, scale, digits) for model, found in scores.items()}
    ends = {model: interval(records, task, metric, condition) for model, records in models.items()}
    return [
        replace(
            cell,
            best=model in best,
            tied=model in tied,
            interval=(scale * low_high[0], scale * low_high[1])
            if (low_high := ends[model]) and model in shown
            else None,
        )
        for model, cell in cells.items()
    ]


def _tied(models: Models, best: set[str], shown: Iterable[str], task: str, condition: str) -> set[str]:
    """The models that are not the best, but not significantly different from the (first) best either."""
    tasks = tasks_of(models, condition) if task == MEAN else (task,)
    outcomes = {model: [record.outcomes.get(condition, {}) for record in models[model]] for model in shown}
    winner = next((model for model in outcomes if model in best), None)
    rivals = {model: seeds for model, seeds in outcomes.items() if model == winner or model not in best}
    return set() if winner is None else tied_with(winner, rivals, tasks)


def number(found: Score | None, scale: float, digits: int) -> Cell:
    """Mean ± standard deviation over seeds, times `scale`; MISSING without a score, UNDEFINED where it is NaN."""
    if found is None:
        return Cell(MISSING)
    if math.isnan(found.value):
        return Cell(UNDEFINED)
    text = f"{round(scale * found.value, digits) + 0.0:,.{digits}f}"  # no minus before a zero
    if found.std is None or (digits == 0 and found.std == 0):
        return Cell(text, scale * found.value)
    return Cell(f"{text} ± {scale * found.std:,.{digits}f}", scale * found.value, scale * found.std)
