"""What noise and missing modalities cost: accuracy under every condition of a protocol, from records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise

from benchmarks.perturbations import PERTURBATIONS, PROTOCOLS
from benchmarks.records.record import CLEAN, MEAN, Record
from benchmarks.reporting.notes import dataset_title, footnotes, table_title
from benchmarks.reporting.statistics.aggregate import COMPARED, Models, Score, by_dataset, over_seeds, records_of
from benchmarks.reporting.table import Cell, Table
from benchmarks.reporting.tables.comparison import number

FEW = 8
"""Up to so many conditions each has a column; more are summed up by family."""

GROUPS = {"image": "damaged photos", "text": "damaged texts", "missing": "missing and wrong modalities", "": "presets"}


@dataclass(frozen=True)
class Family:
    """Conditions of one kind: level -> name of the condition, the weakest first; level 0 is the clean one."""

    name: str
    levels: Mapping[float, str]

    @property
    def group(self) -> str:
        """Key of GROUPS."""
        perturbation = PERTURBATIONS.get(self.name)
        if perturbation is None:
            return ""
        return perturbation.touches if perturbation.kind == "change" else "missing"


def families(models: Models) -> list[Family]:
    """All conditions of the records but those that tables of their own are about, by kind."""
    names = dict.fromkeys(name for record in records_of(models) for name in record.metrics if name not in COMPARED)
    found: dict[str, dict[float, str]] = {}
    for name in names:
        family, _, level = name.partition("@")
        found.setdefault(family, {0.0: CLEAN})[float(level.rstrip("%") or 1)] = name
    return [Family(name, dict(sorted(levels.items()))) for name, levels in found.items()]


def accuracy(record: Record, condition: str) -> float | None:
    """Mean over tasks; None without it."""
    found = record.metrics.get(condition, {}).get(MEAN, {}).get("accuracy")
    return None if found is None else found.value


def area(record: Record, family: Family) -> float | None:
    """Mean height of the curve of accuracy over the levels, clean included: the trapezoidal area over its width.

    1 for a model that is always right, and the clean accuracy for one that nothing disturbs.
    """
    points = [(level, accuracy(record, name)) for level, name in family.levels.items()]
    known = [(level, value) for level, value in points if value is not None]
    if len(known) < len(points):
        return None
    return sum((b - a) * (x + y) / 2 for (a, x), (b, y) in pairwise(known)) / (known[-1][0] - known[0][0])


def worst(record: Record, chosen: Sequence[Family]) -> float | None:
    """The lowest accuracy under any condition of these families."""
    values = [accuracy(record, name) for family in chosen for name in family.levels.values()]
    return None if None in values or not values else min(value for value in values if value is not None)


def drop(record: Record, chosen: Sequence[Family]) -> float | None:
    """Share of the clean accuracy that is lost on average at the strongest level of each family."""
    clean = accuracy(record, CLEAN)
    last = [accuracy(record, list(family.levels.values())[-1]) for family in chosen]
    if not clean or not last or None in last:
        return None
    return 1 - sum(value for value in last if value is not None) / len(last) / clean


def robustness_tables(records: Iterable[Record], order: Sequence[str]) -> dict[str, Table]:
    """Name -> table, for every data set whose records hold conditions beside the clean one."""
    tables: dict[str, Table] = {}
    for dataset, models in by_dataset(records, order).items():
        found = families(models)
        if sum(len(family.levels) - 1 for family in found) <= FEW:
            if found:
                tables[f"{dataset}-robustness"] = _by_condition(dataset, models, found)
            continue
        for group, title in GROUPS.items():
            chosen = [family for family in found if family.group == group]
            if chosen:
                tables[f"{dataset}-robustness_{group or 'presets'}"] = _by_family(dataset, title, models, chosen)
    return tables


def _by_condition(dataset: str, models: Models, found: Sequence[Family]) -> Table:
    names = [CLEAN, *(name for family in found for name in list(family.levels.values())[1:])]
    columns = {
        name: [over_seeds(records, partial(accuracy, condition=name)) for records in models.values()] for name in names
    }
    return _table(dataset, "accuracy, mean over tasks, in %", models, columns, found)


def _by_family(dataset: str, title: str, models: Models, chosen: Sequence[Family]) -> Table:
    columns = {CLEAN: [over_seeds(records, partial(accuracy, condition=CLEAN)) for records in models.values()]}
    for family in chosen:
        columns[family.name] = [over_seeds(records, partial(area, family=family)) for records in models.values()]
    columns["worst case"] = [over_seeds(records, partial(worst, chosen=chosen)) for records in models.values()]
    columns["relative drop"] = [over_seeds(records, partial(drop, chosen=chosen)) for records in models.values()]
    return _table(dataset, f"{title}: accuracy, mean over tasks and severities, in %", models, columns, chosen)


def _table(
    dataset: str,
    what: str,
    models: Models,
    columns: Mapping[str, Sequence[Score | None]],
    chosen: Sequence[Family],
) -> Table:
    cells = {name: _column(scores, lower=name == "relative drop") for name, scores in columns.items()}
    notes = [
        "Bold: best of the column (higher is better; for the relative drop lower), ties after rounding included.",
        "A family's column is the area under its curve of accuracy over the levels, clean included, over its width; "
        "the worst case is the lowest accuracy under any condition of the table, the relative drop the share of the "
        "clean accuracy lost at the strongest levels.",
    ]
    levels = "; ".join(f"{family.name} {', '.join(list(family.levels.values())[1:])}" for family in chosen)
    presets = dict.fromkeys(record.experiment.protocol for record in records_of(models))
    notes += [f"Conditions: {levels}.", *(PROTOCOLS[name].note for name in presets if name in PROTOCOLS)]
    return Table(
        title=table_title(f"{dataset_title(dataset, models)}, {what}", models),
        header=("model", *columns),
        rows=tuple((Cell(model), *(column[row] for column in cells.values())) for row, model in enumerate(models)),
        footnotes=(*notes, *footnotes(models)),
    )


def _column(scores: Sequence[Score | None], lower: bool) -> list[Cell]:
    sign = -1 if lower else 1
    cells = [number(found, 100, 1) for found in scores]
    shown = [sign * round(cell.value, 1) for cell in cells if cell.value is not None]
    return [replace(cell, best=cell.value is not None and sign * round(cell.value, 1) == max(shown)) for cell in cells]
