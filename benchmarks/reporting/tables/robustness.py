"""What noise and missing modalities cost: accuracy under every condition of a protocol, from records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from benchmarks.perturbations import PROTOCOLS
from benchmarks.records.record import CLEAN, Record
from benchmarks.reporting.notes import dataset_title, footnotes, table_title
from benchmarks.reporting.statistics.aggregate import Models, Score, by_dataset, over_seeds, records_of, tasks_of
from benchmarks.reporting.statistics.families import (
    GROUPS,
    Family,
    accuracy,
    area,
    drop,
    families,
    loss,
    shares,
    worst,
)
from benchmarks.reporting.statistics.leading import CMA_CLIP
from benchmarks.reporting.statistics.paired import Difference, Scored, compare, groups_of
from benchmarks.reporting.statistics.significance import LEVEL, corrected
from benchmarks.reporting.table import Cell, Table
from benchmarks.reporting.tables.comparison import number
from benchmarks.reporting.tables.differences import difference_cell
from benchmarks.reporting.tables.verdicts import AHEAD, BEHIND, LEVEL_WITH, quoted

LOSS = "mean loss"

FEW = 8
"""Up to so many conditions each has a column; more are summed up by family."""


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
    columns[LOSS] = [over_seeds(records, partial(loss, chosen=found)) for records in models.values()]
    return _table(dataset, "accuracy, mean over tasks, in %", models, columns, found)


def _by_family(dataset: str, title: str, models: Models, chosen: Sequence[Family]) -> Table:
    columns = {CLEAN: [over_seeds(records, partial(accuracy, condition=CLEAN)) for records in models.values()]}
    for family in chosen:
        columns[family.name] = [over_seeds(records, partial(area, family=family)) for records in models.values()]
    columns["worst case"] = [over_seeds(records, partial(worst, chosen=chosen)) for records in models.values()]
    columns[LOSS] = [over_seeds(records, partial(loss, chosen=chosen)) for records in models.values()]
    columns["relative drop"] = [over_seeds(records, partial(drop, chosen=chosen)) for records in models.values()]
    return _table(dataset, f"{title}: accuracy, mean over tasks and severities, in %", models, columns, chosen)


def _table(
    dataset: str,
    what: str,
    models: Models,
    columns: Mapping[str, Sequence[Score | None]],
    chosen: Sequence[Family],
) -> Table:
    cells = {name: _column(scores, lower=name in (LOSS, "relative drop")) for name, scores in columns.items()}
    compared, verdict = against_cma_clip(models, chosen)
    if verdict:
        cells[f"{LOSS} minus {CMA_CLIP}'s"] = [compared[model] for model in models]
    notes = [
        *verdict,
        "Bold: best of the column (higher is better; for losses and drops lower), ties after rounding included.",
        "A family's column is the area under its curve of accuracy over the levels, clean included, over its width; "
        f"the worst case is the lowest accuracy under any condition of the table, the {LOSS} the clean accuracy minus "
        "the mean of the areas, the relative drop the share of the clean accuracy lost at the strongest levels.",
    ]
    levels = "; ".join(f"{family.name} {', '.join(list(family.levels.values())[1:])}" for family in chosen)
    presets = dict.fromkeys(record.experiment.protocol for record in records_of(models))
    notes += [f"Conditions: {levels}.", *(PROTOCOLS[name].note for name in presets if name in PROTOCOLS)]
    return Table(
        title=table_title(f"{dataset_title(dataset, models)}, {what}", models),
        header=("model", *cells),
        rows=tuple((Cell(model), *(column[row] for column in cells.values())) for row, model in enumerate(models)),
        footnotes=(*notes, *footnotes(models)),
    )


def _column(scores: Sequence[Score | None], lower: bool) -> list[Cell]:
    sign = -1 if lower else 1
    cells = [number(found, 100, 1) for found in scores]
    shown = [sign * round(cell.value, 1) for cell in cells if cell.value is not None]
    return [replace(cell, best=cell.value is not None and sign * round(cell.value, 1) == max(shown)) for cell in cells]


def against_cma_clip(models: Models, chosen: Sequence[Family]) -> tuple[dict[str, Cell], list[str]]:
    """Row -> its mean loss minus CMA-CLIP's, and the verdicts in words; none where nothing can be paired.

    Every model has met the same noise on the same rows, so that losses are compared row by row: of a row, its clean
    answers minus the mean of those under the conditions, weighted as in the areas.
    """
    found = {model: loss_difference(records, models.get(CMA_CLIP, []), chosen) for model, records in models.items()}
    rivals = {model: one for model, one in found.items() if model != CMA_CLIP and one is not None}
    if not rivals:
        return {}, []
    verdicts = dict(zip(("loses less", LEVEL_WITH, "loses more"), _by_loss(rivals).values(), strict=True))
    told = "; ".join(f"{verdict} {', '.join(map(quoted, which))}" for verdict, which in verdicts.items() if which)
    note = (
        f"{LOSS.capitalize()} against {CMA_CLIP}'s, paired by row under the same noise (bootstrap over test examples "
        f"and seeds, 95 % intervals, verdicts with Holm's correction): {told}."
    )
    return {model: difference_cell(rivals.get(model)) for model in models}, [note]


def losses_against_cma_clip(models: Models, chosen: Sequence[Family]) -> dict[str, list[str]]:
    """AHEAD, LEVEL_WITH and BEHIND -> the rivals that lose significantly less, as much, or more than CMA-CLIP."""
    found = {model: loss_difference(records, models[CMA_CLIP], chosen) for model, records in models.items()}
    return _by_loss({model: one for model, one in found.items() if model != CMA_CLIP and one is not None})


def _by_loss(rivals: Mapping[str, Difference]) -> dict[str, list[str]]:
    p_values = corrected(rivals)
    return {
        AHEAD: [model for model, one in rivals.items() if p_values[model] <= LEVEL and one.value < 0],
        LEVEL_WITH: [model for model in rivals if p_values[model] > LEVEL],
        BEHIND: [model for model, one in rivals.items() if p_values[model] <= LEVEL and one.value > 0],
    }


def loss_difference(one: Sequence[Record], other: Sequence[Record], chosen: Sequence[Family]) -> Difference | None:
    """Mean loss under the chosen kinds of the first model minus that of the second, paired; None where it cannot be."""
    if not one or not other:
        return None
    scored = [_losses((*one, *other), task, chosen) for task in tasks_of({"": [*one, *other]})]
    known = [found for found in scored if found is not None]
    return compare(known, len(one), groups_of((*one, *other))) if len(known) == len(scored) else None


def _losses(records: Sequence[Record], task: str, chosen: Sequence[Family]) -> Scored | None:
    """None where a condition was not measured for some record, or on other rows."""
    weights = {CLEAN: 1.0}
    for family in chosen:
        for name, share in shares(family).items():
            weights[name] = weights.get(name, 0.0) - share / len(chosen)
    outcomes = [[record.outcomes.get(name, {}).get(task) for name in weights] for record in records]
    examples = {None if one is None else one.examples for seed in outcomes for one in seed}
    if len(examples) != 1 or None in examples:
        return None
    values = [
        sum(weight * one.bits() for weight, one in zip(weights.values(), seed, strict=True) if one is not None)
        for seed in outcomes
    ]
    return Scored(examples.pop() or "", np.stack(values, axis=1).round(12))
