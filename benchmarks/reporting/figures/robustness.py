"""Curves of accuracy and of modality weights against severity."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from math import ceil
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from benchmarks.perturbations import PERTURBATIONS
from benchmarks.records.record import CLEAN, Record
from benchmarks.reporting.figures.style import line_style, markers, palette
from benchmarks.reporting.notes import dataset_title
from benchmarks.reporting.statistics.aggregate import Models, by_dataset, over_seeds, tasks_of
from benchmarks.reporting.statistics.families import GROUPS, Family, accuracy, families
from benchmarks.reporting.tables.verdicts import CMA_CLIP

COLUMNS = 3


def robustness_figures(records: Iterable[Record], order: Sequence[str]) -> dict[str, Figure]:
    """Name -> figure, not laid out yet: accuracy and modality weights, for every data set and group of conditions."""
    figures: dict[str, Figure] = {}
    for dataset, models in by_dataset(records, order).items():
        present = {model: seeds for model, seeds in models.items() if seeds}
        for group, title in GROUPS.items():
            chosen = [family for family in families(present) if family.group == group]
            if not chosen:
                continue
            prefix = f"{dataset}-robustness_{group or 'presets'}"
            where = dataset_title(dataset, models)
            figures[prefix] = _accuracy(where, title, present, chosen, list(models))
            if any(record.modality_weights.get(CLEAN) for record in present.get(CMA_CLIP, [])):
                figures[f"{prefix}_weights"] = _weights(where, title, CMA_CLIP, present[CMA_CLIP], chosen)
    return figures


def _accuracy(dataset: str, title: str, models: Models, chosen: Sequence[Family], order: Sequence[str]) -> Figure:
    figure, panels = _panels(chosen, f"{dataset}, {title}: accuracy in %, mean over tasks")
    colors, shapes = palette(order), markers(order)
    for family, axes in zip(chosen, panels, strict=True):
        for model, records in models.items():
            scores = {at: over_seeds(records, partial(accuracy, condition=name)) for at, name in family.levels.items()}
            known = {at: 100 * found.value for at, found in scores.items() if found is not None}
            look: dict[str, Any] = {"marker": shapes[model], "color": colors[model], "linestyle": line_style(model)}
            axes.plot(list(known), list(known.values()), label=model, ms=4, **look)
    panels[0].set_ylabel("accuracy in %")
    _legend(figure, panels[0], list(models))
    figure.set_label(
        f"Accuracy on {dataset} under {title}, mean over tasks and seeds, against severity; 0 is the clean test split."
    )
    return figure


def _weights(dataset: str, title: str, model: str, records: Sequence[Record], chosen: Sequence[Family]) -> Figure:
    figure, panels = _panels(chosen, f"{dataset}, {title}: weight of the text in {model}, in %")
    tasks = tasks_of({model: list(records)})
    colors, shapes = palette(tasks), markers(tasks)
    for family, axes in zip(chosen, panels, strict=True):
        for task in tasks:
            points = {}
            for at, name in family.levels.items():
                found = [r.modality_weights[name][task][0] for r in records if task in r.modality_weights.get(name, {})]
                if found:
                    points[at] = 100 * sum(found) / len(found)
            axes.plot(list(points), list(points.values()), marker=shapes[task], color=colors[task], label=task, ms=4)
        axes.set_ylim(0, 100)
    panels[0].set_ylabel("weight of the text in %")
    _legend(figure, panels[0], tasks)
    missing = any(PERTURBATIONS[family.name].kind == "remove" for family in chosen if family.name in PERTURBATIONS)
    figure.set_label(
        f"How much {model} listens to the text of each task on {dataset} under {title}, mean over test examples and "
        "seeds: if modality-wise attention noticed damage, the line would rise for damaged photos and fall for texts."
        + (" A missing modality has no weight by construction." if missing else "")
    )
    return figure


def _panels(chosen: Sequence[Family], title: str) -> tuple[Figure, list[Axes]]:
    rows = ceil(len(chosen) / COLUMNS)
    figure = Figure(figsize=(9.5, 1.0 + 2.1 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, x=0.01, ha="left", fontsize="medium")
    grid = figure.subplots(rows, COLUMNS, sharey=True, squeeze=False)
    panels = list(grid.flat)
    for axes in panels[len(chosen) :]:
        axes.set_axis_off()
    for family, axes in zip(chosen, panels, strict=False):
        axes.set_title(family.name, fontsize="small")
        axes.set_xlabel(_unit(family), fontsize="small")
        axes.set_xticks(list(family.levels))
    return figure, panels[: len(chosen)]


def _unit(family: Family) -> str:
    if any(name.endswith("%") for name in family.levels.values()):
        return "% of the examples"
    return "severity" if family.name in PERTURBATIONS else "epsilon"


def _legend(figure: Figure, axes: Axes, labels: Sequence[str]) -> None:
    """Of every line, in order: left to itself, matplotlib drops labels that begin with an underscore."""
    figure.legend(axes.get_lines(), labels, loc="outside right upper", frameon=False, fontsize="small")
