"""Tables that compare models on one data set: metrics by task, training cost, modality weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import combinations

from benchmarks.answers import ANSWER_METRICS, AnswerMetric
from benchmarks.metrics import METRICS, Metric
from benchmarks.records.record import CLEAN, MEAN, Record
from benchmarks.reporting.notes import dataset_title, footnotes, table_title
from benchmarks.reporting.statistics.aggregate import (
    Models,
    Score,
    num_test,
    over_seeds,
    records_of,
    score,
    tasks_of,
)
from benchmarks.reporting.statistics.leading import FLOOR
from benchmarks.reporting.statistics.paired import groups_of
from benchmarks.reporting.statistics.significance import LEVEL, interval, tied_with
from benchmarks.reporting.table import MISSING, TIED, Cell, Table
from benchmarks.reporting.tables.verdicts import notes_on_cma_clip
from cma_clip.answering.answering import CONFIDENCE_LEVEL

UNDEFINED = "n/a"

CALIBRATION = ("ece", "ece_calibrated")

MEASURES: dict[str, Metric | AnswerMetric] = {**METRICS, **ANSWER_METRICS}
"""Everything that a table may show."""


def comparison_table(dataset: str, models: Models, metrics: Sequence[str], condition: str = CLEAN) -> Table:
    """Models by tasks and metrics: mean ± sample standard deviation over seeds, the best in bold.

    Every model gets a row, records or not. For accuracy, cells that the paired bootstrap does not find significantly
    different from the best of their column are marked.
    """
    tasks = tasks_of(models, condition)
    columns = [(task, metric) for metric in metrics for task in (*tasks, MEAN)]
    cells = [column(models, task, metric, condition) for task, metric in columns]
    several = len(metrics) > 1
    return Table(
        title=_title(dataset, models, " and ".join(map(_with_unit, metrics)), condition),
        header=("model", *(f"{task}, {MEASURES[metric].title}" if several else task for task, metric in columns)),
        rows=tuple((Cell(model), *(column[row] for column in cells)) for row, model in enumerate(models)),
        footnotes=(
            *legend(metrics, cells),
            *(notes_on_cma_clip(models, condition) if "accuracy" in metrics else ()),
            *_labelled(models, tasks, condition),
            *footnotes(models),
        ),
    )


def _title(dataset: str, models: Models, what: str, condition: str) -> str:
    return table_title(f"{dataset_title(dataset, models)}, {condition}: {what}", models, condition)


def _with_unit(metric: str) -> str:
    return MEASURES[metric].title + (" in %" if MEASURES[metric].percent else "")


def legend(metrics: Sequence[str], cells: Sequence[Sequence[Cell]]) -> Iterable[str]:
    """What the marks in these columns mean."""
    directions = {"higher" if MEASURES[metric].higher_is_better else "lower" for metric in metrics}
    yield f"Bold: best of the column ({' or '.join(sorted(directions))} is better), ties after rounding included."
    if set(CALIBRATION) & set(metrics):
        yield f"{FLOOR} is never the best here: it gives every row one confidence, which tells nothing apart."
    if any(cell.tied for column in cells for cell in column):
        yield (
            f"{TIED}: not significantly different from the best (two-sided paired bootstrap over test examples and "
            f"seeds at {LEVEL:.0%}, Holm's correction over the models of the column)."
        )
    if any(cell.text == MISSING for column in cells for cell in column):
        yield f"{MISSING}: not measured."
    if any(cell.text == UNDEFINED for column in cells for cell in column):
        none_answered = " or none answered" if ANSWER_METRICS.keys() & set(metrics) else ""
        yield f"{UNDEFINED}: undefined, no labelled test example{none_answered}."
    if ANSWER_METRICS.keys() & set(metrics):
        yield (
            "Answered: the calibrated confidence reaches a threshold chosen on the validation split, above which, with "
            f"{CONFIDENCE_LEVEL:.0%} confidence, the promised share of answers to new rows of the same kind is right."
        )


def _labelled(models: Models, tasks: Sequence[str], condition: str) -> Iterable[str]:
    first = records_of(models)[0]
    counts = {task: next(iter(first.metrics[condition].get(task, {}).values()), None) for task in tasks}
    if any(found is not None and found.n != num_test(models, condition) for found in counts.values()):
        yield (
            "Labelled test examples: "
            + ", ".join(f"{task} {found.n:,}" for task, found in counts.items() if found)
            + "."
        )


def cost_table(dataset: str, models: Models) -> Table:
    """What training took: parameters, epochs, seconds; means over seeds."""
    columns = {
        "trainable parameters": _costs(models, _fact("trainable_parameters"), 0),
        "epochs": _costs(models, _fact("epochs"), 0),
        "chosen epoch": _costs(models, _chosen_epoch, 0),
        "training, s": _costs(models, _seconds("fit"), 1),
        "prediction, s": _costs(models, _seconds("predict"), 1),
    }
    machines = sorted({str(record.environment.get("cpu")) for record in records_of(models)})
    notes = (
        f"Seconds are wall time on {' and '.join(machines)}; features of a frozen backbone are computed by the "
        "first model that needs them and read from the cache by the others.",
        f"{MISSING}: does not apply.",
    )
    return Table(
        title=_title(dataset, models, "training cost", CLEAN),
        header=("model", *columns),
        rows=tuple((Cell(model), *(cells[row] for cells in columns.values())) for row, model in enumerate(models)),
        footnotes=(*notes, *footnotes(models)),
    )


def _costs(models: Models, of: Number, digits: int) -> list[Cell]:
    """One cell per model; a mean over seeds that is no whole number gets a digit, and so does its column."""
    found = [over_seeds(records, of) for records in models.values()]
    whole = all(score is None or score.std in (None, 0) for score in found)
    return [number(score, 1, digits if whole else max(1, digits)) for score in found]


Number = Callable[[Record], float | None]


def _fact(name: str) -> Number:
    def of(record: Record) -> float | None:
        fact = record.facts.get(name)
        return float(fact) if isinstance(fact, int | float) else None

    return of


def _chosen_epoch(record: Record) -> float | None:
    """Counted from 1, as the epochs beside it are; records count from 0."""
    epoch = _fact("best_epoch")(record)
    return None if epoch is None else epoch + 1


def _seconds(stage: str) -> Number:
    return lambda record: record.seconds.get(stage)


def _weight(task: str, side: int, condition: str) -> Number:
    def of(record: Record) -> float | None:
        weights = record.modality_weights.get(condition, {}).get(task)
        return None if weights is None else weights[side]

    return of


def modality_weights_table(dataset: str, models: Models, condition: str = CLEAN) -> Table:
    """Mean weight of text and image per task, next to the known relevance, for the models that have weights."""
    rows: list[tuple[Cell, ...]] = []
    notes: list[str] = []
    for model, records in models.items():
        known = records[0].relevance if records else {}
        text: dict[str, float] = {}
        for task in tasks_of({model: records}, condition):
            sides = [over_seeds(records, _weight(task, side, condition)) for side in (0, 1)]
            if sides[0] is not None:
                text[task] = sides[0].value
                relevance = [Score(share, None, 1) for share in known[task]] if task in known else [None, None]
                rows.append((Cell(model), Cell(task), *(number(found, 100, 1) for found in (*sides, *relevance))))
        notes += _agreement(model, text, known)
    return Table(
        title=_title(dataset, models, "mean modality weights in %", condition),
        header=("model", "task", "text", "image", "known relevance of text", "known relevance of image"),
        rows=tuple(rows),
        footnotes=(*notes, *footnotes(models)),
        labels=2,
    )


def _agreement(model: str, text: dict[str, float], known: dict[str, tuple[float, float]]) -> Iterable[str]:
    pairs = [(a, b) for a, b in combinations([t for t in text if t in known], 2) if known[a][0] != known[b][0]]
    if pairs:
        agree = sum((text[a] < text[b]) == (known[a][0] < known[b][0]) for a, b in pairs)
        yield f"{model} puts {agree} of {len(pairs)} pairs of tasks in the order of their known relevance."


def column(models: Models, task: str, metric: str, condition: str = CLEAN) -> list[Cell]:
    """One cell per model: mean over seeds with spread and interval, the best and, for accuracy, what ties with it."""
    scores = {model: score(records, task, metric, condition) for model, records in models.items()}
    scale, digits = (100, 1) if MEASURES[metric].percent else (1, 3)
    sign = 1 if MEASURES[metric].higher_is_better else -1
    shown = {
        model: sign * round(scale * found.value, digits)
        for model, found in scores.items()
        if found is not None and not math.isnan(found.value)
    }
    rivals = {model: value for model, value in shown.items() if not (metric in CALIBRATION and model == FLOOR)}
    best = {model for model, value in rivals.items() if value == max(rivals.values())}
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
    return set() if winner is None else tied_with(winner, rivals, tasks, groups_of(records_of(models)))


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
