"""From records to tables. Pure: the same records give the same bytes, in whatever order they come."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import combinations

from benchmarks.metrics import METRICS
from benchmarks.records.record import CLEAN, MEAN, Record
from benchmarks.reporting.aggregate import (
    Models,
    Score,
    by_dataset,
    compared,
    num_test,
    over_seeds,
    records_of,
    tasks_of,
)
from benchmarks.reporting.cells import UNDEFINED, column, number
from benchmarks.reporting.notes import footnotes
from benchmarks.reporting.ranking import ranks_table, suite_ranking
from benchmarks.reporting.robustness import robustness_tables
from benchmarks.reporting.significance import LEVEL
from benchmarks.reporting.subject import about_subject
from benchmarks.reporting.table import MISSING, TIED, Cell, Table
from benchmarks.reporting.titles import named, table_title


def comparison(
    records: Iterable[Record], order: Sequence[str], metric: str = "accuracy", condition: str = CLEAN
) -> Table:
    """Models by tasks on one data set: mean ± sample standard deviation over seeds, the best in bold.

    Every model of `order` gets a row, records or not. For accuracy, cells that the paired bootstrap cannot tell
    from the best of their column are marked.

    Raises:
        ValueError: the records are of several data sets, or of none under this condition.
    """
    dataset, models = _only(by_dataset(records, order, condition), condition)
    return _comparison(dataset, models, [metric], condition)


def modality_weights_table(records: Iterable[Record], condition: str = CLEAN) -> Table:
    """Mean weight of text and image per task, beside the known relevance, for the models that have weights.

    Raises:
        ValueError: the records are of several data sets.
    """
    dataset, models = _only(by_dataset(records, (), condition), condition)
    return _modality_weights(dataset, models, condition)


def _only(datasets: dict[str, Models], condition: str) -> tuple[str, Models]:
    if len(datasets) != 1:
        raise ValueError(f"a table is of one data set; with {condition!r} the records have {sorted(datasets)}")
    return next(iter(datasets.items()))


def all_tables(records: Iterable[Record], order: Sequence[str]) -> dict[str, Table]:
    """Name -> table.

    For every data set and condition of `scores.COMPARED` three comparisons, calibration and modality weights; for
    every data set training cost and what the conditions of its protocol cost; for a suite of several data sets average
    ranks. Names of conditions other than the clean one hold the condition.
    """
    tables: dict[str, Table] = {}
    listed = list(records)
    for (dataset, condition), models in compared(listed, order).items():
        prefix = dataset if condition == CLEAN else f"{dataset}-{condition}"
        for metric in ("accuracy", "macro_f1", "recall_at_90_precision"):
            tables[f"{prefix}-{metric}"] = _comparison(dataset, models, [metric], condition)
        tables[f"{prefix}-calibration"] = _comparison(dataset, models, ["ece", "log_loss"], condition)
        if condition == CLEAN:
            tables[f"{prefix}-cost"] = _cost(dataset, models)
        if any(record.modality_weights.get(condition) for record in records_of(models)):
            tables[f"{prefix}-modality_weights"] = _modality_weights(dataset, models, condition)
    tables |= robustness_tables(listed, order)
    found = suite_ranking(listed, order)
    return tables if found is None else {**tables, "ranks": ranks_table(found)}


def _comparison(dataset: str, models: Models, metrics: Sequence[str], condition: str) -> Table:
    tasks = tasks_of(models, condition)
    columns = [(task, metric) for metric in metrics for task in (*tasks, MEAN)]
    cells = [column(models, task, metric, condition) for task, metric in columns]
    several = len(metrics) > 1
    return Table(
        title=_title(dataset, models, " and ".join(map(_with_unit, metrics)), condition),
        header=("model", *(f"{task}, {METRICS[metric].title}" if several else task for task, metric in columns)),
        rows=tuple((Cell(model), *(column[row] for column in cells)) for row, model in enumerate(models)),
        footnotes=(
            *legend(metrics, cells),
            *(about_subject(models, condition) if "accuracy" in metrics else ()),
            *_labelled(models, tasks, condition),
            *footnotes(models),
        ),
    )


def _title(dataset: str, models: Models, what: str, condition: str) -> str:
    return table_title(f"{named(dataset, models)}, {condition}: {what}", models, condition)


def _with_unit(metric: str) -> str:
    return METRICS[metric].title + (" in %" if METRICS[metric].percent else "")


def legend(metrics: Sequence[str], cells: Sequence[Sequence[Cell]]) -> Iterable[str]:
    """What the marks in these columns mean."""
    directions = {"higher" if METRICS[metric].higher_is_better else "lower" for metric in metrics}
    yield f"Bold: best of the column ({' or '.join(sorted(directions))} is better), ties after rounding included."
    if any(cell.tied for column in cells for cell in column):
        yield (
            f"{TIED}: not significantly different from the best (two-sided paired bootstrap over test examples and "
            f"seeds at {LEVEL:.0%}, Holm's correction over the models of the column)."
        )
    if any(cell.text == MISSING for column in cells for cell in column):
        yield f"{MISSING}: not measured."
    if any(cell.text == UNDEFINED for column in cells for cell in column):
        yield f"{UNDEFINED}: undefined, no labelled test example."


def _labelled(models: Models, tasks: Sequence[str], condition: str) -> Iterable[str]:
    first = records_of(models)[0]
    counts = {task: next(iter(first.metrics[condition].get(task, {}).values()), None) for task in tasks}
    if any(found is not None and found.n != num_test(models, condition) for found in counts.values()):
        yield (
            "Labelled test examples: "
            + ", ".join(f"{task} {found.n:,}" for task, found in counts.items() if found)
            + "."
        )


def _cost(dataset: str, models: Models) -> Table:
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


def _modality_weights(dataset: str, models: Models, condition: str) -> Table:
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
