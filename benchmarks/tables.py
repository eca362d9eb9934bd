"""From records to tables. Pure: the same records give the same bytes, in whatever order they come."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations

from benchmarks.experiment import CLEAN, Record
from benchmarks.footnotes import footnotes
from benchmarks.metrics import MEAN, METRICS
from benchmarks.outcomes import indistinguishable
from benchmarks.rendering import MISSING, TIED, Cell, Table
from benchmarks.scores import Models, Score, by_dataset, over_seeds, records_of, score, tasks_of

UNDEFINED = "n/a"

SELECTION = "epoch chosen on validation, never on test"


def comparison(
    records: Iterable[Record], order: Sequence[str], metric: str = "accuracy", condition: str = CLEAN
) -> Table:
    """Models by tasks on one data set: mean ± sample standard deviation over seeds, the best in bold.

    Every model of `order` gets a row, records or not. For accuracy, cells that the paired bootstrap cannot tell
    from the best of their column are marked.

    Raises:
        ValueError: the records are of several data sets, or of none under this condition.
    """
    datasets = by_dataset(records, order, condition)
    if len(datasets) != 1:
        raise ValueError(f"a comparison is of one data set; with {condition!r} the records have {sorted(datasets)}")
    [(dataset, models)] = datasets.items()
    return _comparison(dataset, models, [metric], condition)


def modality_weights_table(records: Iterable[Record], condition: str = CLEAN) -> Table:
    """Mean weight of text and image per task, beside the known relevance, for the models that have weights.

    Raises:
        ValueError: the records are of several data sets.
    """
    datasets = by_dataset(records, (), condition)
    if len(datasets) != 1:
        raise ValueError(f"modality weights are of one data set; the records have {sorted(datasets)}")
    [(dataset, models)] = datasets.items()
    return _modality_weights(dataset, models, condition)


def all_tables(records: Iterable[Record], order: Sequence[str]) -> dict[str, Table]:
    """Name -> table for every data set: three comparisons, calibration, training cost, modality weights."""
    tables: dict[str, Table] = {}
    for dataset, models in by_dataset(records, order).items():
        for metric in ("accuracy", "macro_f1", "recall_at_90_precision"):
            tables[f"{dataset}-{metric}"] = _comparison(dataset, models, [metric], CLEAN)
        tables[f"{dataset}-calibration"] = _comparison(dataset, models, ["ece", "log_loss"], CLEAN)
        tables[f"{dataset}-cost"] = _cost(dataset, models)
        if any(record.modality_weights.get(CLEAN) for record in records_of(models)):
            tables[f"{dataset}-modality_weights"] = _modality_weights(dataset, models, CLEAN)
    return tables


def _comparison(dataset: str, models: Models, metrics: Sequence[str], condition: str) -> Table:
    tasks = tasks_of(models, condition)
    columns = [(task, metric) for metric in metrics for task in (*tasks, MEAN)]
    cells = [_column(models, task, metric, condition) for task, metric in columns]
    several = len(metrics) > 1
    return Table(
        title=_title(dataset, models, " and ".join(map(_with_unit, metrics)), condition),
        header=("model", *(f"{task}, {METRICS[metric].title}" if several else task for task, metric in columns)),
        rows=tuple((Cell(model), *(column[row] for column in cells)) for row, model in enumerate(models)),
        footnotes=(*_legend(metrics, cells), *_labelled(models, tasks, condition), *footnotes(models)),
    )


def _title(dataset: str, models: Models, what: str, condition: str) -> str:
    counts = sorted({len(records) for records in models.values() if records})
    seeds = f"{counts[0]} to {counts[-1]} seeds" if len(counts) > 1 else f"{counts[0]} seed{'s' * (counts[0] > 1)}"
    over = f"mean ± std over {seeds}" if counts[-1] > 1 else seeds
    test = records_of(models)[0].sizes["test"]
    return f"{dataset}, {condition}: {what}; {over}; {test:,} test examples; {SELECTION}"


def _with_unit(metric: str) -> str:
    return METRICS[metric].title + (" in %" if METRICS[metric].percent else "")


def _column(models: Models, task: str, metric: str, condition: str) -> list[Cell]:
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
    return [_number(found, scale, digits, best=model in best, tied=model in tied) for model, found in scores.items()]


def _tied(models: Models, best: set[str], shown: dict[str, float], task: str, condition: str) -> set[str]:
    """The models that are not the best, but not significantly different from the (first) best either."""
    tasks = tasks_of(models, condition) if task == MEAN else (task,)
    outcomes = {model: [record.outcomes.get(condition, {}) for record in models[model]] for model in shown}
    winner = next((model for model in shown if model in best), None)
    return {
        model
        for model in shown
        if winner is not None and model not in best and indistinguishable(outcomes[winner], outcomes[model], tasks)
    }


def _number(found: Score | None, scale: float, digits: int, *, best: bool = False, tied: bool = False) -> Cell:
    if found is None:
        return Cell(MISSING)
    if math.isnan(found.value):
        return Cell(UNDEFINED)
    text = f"{scale * found.value:,.{digits}f}"
    if found.std is None or (digits == 0 and found.std == 0):
        return Cell(text, scale * found.value, best=best, tied=tied)
    text += f" ± {scale * found.std:,.{digits}f}"
    return Cell(text, scale * found.value, scale * found.std, best, tied)


def _legend(metrics: Sequence[str], cells: Sequence[Sequence[Cell]]) -> Iterable[str]:
    directions = {"higher" if METRICS[metric].higher_is_better else "lower" for metric in metrics}
    yield f"Bold: best of the column ({' or '.join(sorted(directions))} is better), ties after rounding included."
    if any(cell.tied for column in cells for cell in column):
        yield (
            f"{TIED}: not significantly different from the best (95 % paired bootstrap over test examples, "
            "not corrected for the number of models; it does not tell what other seeds would change)."
        )
    if any(cell.text == MISSING for column in cells for cell in column):
        yield f"{MISSING}: not measured."
    if any(cell.text == UNDEFINED for column in cells for cell in column):
        yield f"{UNDEFINED}: undefined, no labelled test example."


def _labelled(models: Models, tasks: Sequence[str], condition: str) -> Iterable[str]:
    first = records_of(models)[0]
    counts = {task: next(iter(first.metrics[condition].get(task, {}).values()), None) for task in tasks}
    if any(found is not None and found.n != first.sizes["test"] for found in counts.values()):
        yield (
            "Labelled test examples: "
            + ", ".join(f"{task} {found.n:,}" for task, found in counts.items() if found)
            + "."
        )


def _cost(dataset: str, models: Models) -> Table:
    numbers = {
        "trainable parameters": (_fact("trainable_parameters"), 0),
        "epochs": (_fact("epochs"), 1),
        "chosen epoch": (_fact("best_epoch"), 1),
        "training, s": (_seconds("fit"), 1),
        "prediction, s": (_seconds("predict"), 1),
    }
    machines = sorted({str(record.environment.get("cpu")) for record in records_of(models)})
    notes = (
        f"Seconds are wall time on {' and '.join(machines)}; features of a frozen backbone are computed by the "
        "first model that needs them and read from the cache by the others.",
        f"{MISSING}: does not apply.",
    )
    return Table(
        title=_title(dataset, models, "training cost", CLEAN),
        header=("model", *numbers),
        rows=tuple(
            (Cell(model), *(_number(over_seeds(records, of), 1, digits) for of, digits in numbers.values()))
            for model, records in models.items()
        ),
        footnotes=(*notes, *footnotes(models)),
    )


Number = Callable[[Record], float | None]


def _fact(name: str) -> Number:
    def of(record: Record) -> float | None:
        fact = record.facts.get(name)
        return float(fact) if isinstance(fact, int | float) else None

    return of


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
                rows.append((Cell(model), Cell(task), *(_number(found, 100, 1) for found in (*sides, *relevance))))
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
