"""How many products must be labelled: accuracy, and the share answered at a precision, by number of training rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from benchmarks.answers import ANSWER_METRICS
from benchmarks.metrics import METRICS
from benchmarks.records.record import MEAN, Record
from benchmarks.reporting.notes import dataset_title, footnotes, table_title
from benchmarks.reporting.statistics.aggregate import Models, Score, by_dataset, score
from benchmarks.reporting.statistics.curves import By, learning_curves
from benchmarks.reporting.table import MISSING, Cell, Table
from benchmarks.reporting.tables.comparison import number

SHOWN = {"accuracy": "accuracy", "answered_at_90_precision": "answered"}
"""Metric -> how files of its table and figure are called."""

NEAR = 0.01
"""A model is as good as with all rows once it is within a point."""


def learning_tables(records: Iterable[Record], order: Sequence[str]) -> dict[str, Table]:
    """Name -> table, for every data set whose records have several numbers of training rows."""
    return {
        f"{dataset}-learning_curve_{name}": _table(dataset, by, order, metric)
        for dataset, by in learning_curves(records).items()
        for metric, name in SHOWN.items()
    }


def curves_of(by: By, order: Sequence[str], metric: str) -> dict[str, dict[int, Score]]:
    """Row of the tables -> training rows -> mean over tasks and seeds; rows without any are left out."""
    curves: dict[str, dict[int, Score]] = {}
    for rows, records in by.items():
        for model, found in _models(records, order).items():
            value = score(found, MEAN, metric)
            if value is not None:
                curves.setdefault(model, {})[rows] = value
    return {model: curves[model] for model in [*order, *sorted(curves.keys() - set(order))] if model in curves}


def _models(records: Sequence[Record], order: Sequence[str]) -> Models:
    ((_, models),) = by_dataset(records, order).items()
    return models


def _table(dataset: str, by: By, order: Sequence[str], metric: str) -> Table:
    curves = curves_of(by, order, metric)
    columns = [_column([curve.get(rows) for curve in curves.values()]) for rows in by]
    models = _models(by[max(by)], order)
    what = (METRICS | ANSWER_METRICS)[metric].title
    enough = [enough_rows(curve) for curve in curves.values()]
    return Table(
        title=table_title(f"{dataset_title(dataset, models)}: {what} in %, mean over tasks, by training rows", models),
        header=("model", *(f"{rows:,}" for rows in by), "rows to within a point"),
        rows=tuple(
            (Cell(model), *(column[row] for column in columns), _rows(enough[row])) for row, model in enumerate(curves)
        ),
        footnotes=(_answer(curves), *_legend(by), *footnotes(models)),
    )


def _column(scores: Sequence[Score | None]) -> list[Cell]:
    cells = [number(found, 100, 1) for found in scores]
    best = max((round(cell.value, 1) for cell in cells if cell.value is not None), default=None)
    return [replace(cell, best=cell.value is not None and round(cell.value, 1) == best) for cell in cells]


def enough_rows(curve: Mapping[int, Score]) -> int | None:
    """The fewest training rows from which on a model is never a point below what it reaches with the most."""
    floor = curve[max(curve)].value - NEAR
    near = [rows for rows in curve if all(found.value >= floor for more, found in curve.items() if more >= rows)]
    return min(near, default=None)


def _rows(rows: int | None) -> Cell:
    return Cell(MISSING) if rows is None else Cell(f"{rows:,}", rows)


def _answer(curves: Mapping[str, Mapping[int, Score]]) -> str:
    most = max(rows for curve in curves.values() for rows in curve)
    whole = {model: curve for model, curve in curves.items() if most in curve}
    best = max(whole, key=lambda model: whole[model][most].value)
    return (
        f"How many products must be labelled: {best}, the best with {most:,} training rows, has "
        f"{100 * whole[best][most].value:.1f} % there, and is within a point of that from {enough_rows(whole[best]):,} "
        "on."
    )


def _legend(by: By) -> Iterable[str]:
    validated = {rows: records[0].sizes["val"] for rows, records in by.items()}
    yield "Bold: best of the column, ties after rounding included."
    yield (
        "Fewer rows are a subset of more; classes and test rows are the same for all. Validation, which chooses epochs "
        "and thresholds and has to be labelled too, has "
        + ", ".join(f"{val:,} rows beside {rows:,}" for rows, val in validated.items())
        + "."
    )
