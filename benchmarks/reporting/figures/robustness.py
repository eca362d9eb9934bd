"""What damage costs: points lost by model and kind of damage, and curves of a few models against severity."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from math import ceil

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from benchmarks.perturbations import PERTURBATIONS
from benchmarks.records.record import CLEAN, Record
from benchmarks.reporting.figures.style import axes_of, colors_of_few, layout, line_style, markers, palette
from benchmarks.reporting.figures.style.labels import label_ends
from benchmarks.reporting.notes import dataset_title
from benchmarks.reporting.statistics.aggregate import Models, by_dataset, over_seeds, tasks_of
from benchmarks.reporting.statistics.families import GROUPS, Family, accuracy, families, loss
from benchmarks.reporting.statistics.leading import CMA_CLIP, FEW, FLOOR, ranked

COLUMNS = 2

ROOM = 0.8
"""Right of the lines, for names, as a share of their width."""


def robustness_figures(records: Iterable[Record], order: Sequence[str]) -> dict[str, Figure]:
    """Name -> figure, not laid out yet.

    For every data set the points lost; for every group of conditions accuracy and modality weights against severity.
    """
    figures: dict[str, Figure] = {}
    for dataset, models in by_dataset(records, order).items():
        present = {model: seeds for model, seeds in models.items() if seeds}
        if found := sorted(families(present), key=lambda one: list(GROUPS).index(one.group)):
            heat = _points_lost(dataset_title(dataset, models), present, found)
            figures |= {} if heat is None else {f"{dataset}-robustness": heat}
        for group, title in GROUPS.items():
            chosen = [family for family in families(present) if family.group == group]
            if not chosen:
                continue
            prefix = f"{dataset}-robustness_{group or 'presets'}"
            where = dataset_title(dataset, models)
            figures[prefix] = _accuracy(where, title, present, chosen)
            if any(record.modality_weights.get(CLEAN) for record in present.get(CMA_CLIP, [])):
                figures[f"{prefix}_weights"] = _weights(where, title, CMA_CLIP, present[CMA_CLIP], chosen)
    return figures


def _points_lost(where: str, models: Models, found: Sequence[Family]) -> Figure | None:
    """Rows by what they lose on average, the least first; None where no model has met every kind."""
    lost = {row: _lost(records, found) for row, records in models.items()}
    rows = sorted((row for row, values in lost.items() if values), key=lambda row: float(np.mean(lost[row])))
    if not rows:
        return None
    values = np.array([[*lost[row], float(np.mean(lost[row]))] for row in rows]).round() + 0.0  # no minus before a zero
    figure, axes = axes_of(1.9 + 0.34 * values.shape[1], 1.5 + 0.2 * len(rows), f"{where}: points lost to damage")
    names = [*(one.name for one in found), "mean"]
    sns.heatmap(
        values,
        ax=axes,
        annot=True,
        fmt=".0f",
        annot_kws={"fontsize": "x-small"},
        cmap="Oranges",
        vmin=0,
        xticklabels=names,
        yticklabels=rows,
        linewidths=0.6,
        cbar=False,
    )
    axes.set_xticklabels(names, rotation=40, ha="right", rotation_mode="anchor", fontsize="small")
    axes.tick_params(axis="y", labelsize="small")
    axes.axvline(len(found), color="white", linewidth=4)
    for label, row in zip(axes.get_yticklabels(), rows, strict=True):
        label.set_fontweight("bold" if row == CMA_CLIP else "normal")
    left_out = [row for row in models if row not in rows]
    figure.set_label(
        f"Points of accuracy lost on {where}, mean over tasks, severities and seeds; those who lose least come first. "
        "Who gets little right without damage has little to lose."
        + (f" Not measured under all of them: {', '.join(left_out)}." if left_out else "")
    )
    return figure


def _lost(records: Sequence[Record], found: Sequence[Family]) -> list[float]:
    """Of each family, in points; empty where a record lacks a condition."""
    scores = [over_seeds(records, partial(loss, chosen=[one])) for one in found]
    return [100 * score.value for score in scores if score is not None] if None not in scores else []


def _few(models: Models, chosen: Sequence[Family]) -> list[str]:
    """CMA-CLIP, the most accurate without damage, those that lose least and most; then the next most accurate."""
    best = [row for row in ranked(models) if row != FLOOR]
    lost = {row: sum(values) for row in best if (values := _lost(models[row], chosen))}
    ends = [min(lost, key=lost.__getitem__), max(lost, key=lost.__getitem__)] if lost else []
    wanted = [*[row for row in best if row == CMA_CLIP], *best[:1], *ends, *best]
    return list(dict.fromkeys(wanted))[:FEW]


def _accuracy(dataset: str, title: str, models: Models, chosen: Sequence[Family]) -> Figure:
    figure, panels = _panels(chosen, f"{dataset}, {title}: accuracy in %, mean over tasks")
    shown = _few(models, chosen)
    colors = colors_of_few(shown)
    for family, axes in zip(chosen, panels, strict=True):
        ends = {}
        for model in shown:
            known = _curve(models[model], family)
            axes.plot(
                list(known), list(known.values()), line_style(model), label=model, marker="o", ms=3, color=colors[model]
            )
            if known:
                ends[model.replace(", ", ",\n")] = (*list(known.items())[-1], colors[model])
        axes.set_xlim(right=max(family.levels) * (1 + ROOM))
        label_ends(axes, ends)
    figure.set_label(
        f"Accuracy on {dataset} under {title}, mean over tasks and seeds, against severity; 0 is the clean test split. "
        "Of the models: CMA-CLIP, the most accurate, and those that lose least and most."
    )
    return figure


def _curve(records: Sequence[Record], family: Family) -> dict[float, float]:
    """Level -> accuracy in percent."""
    scores = {at: over_seeds(records, partial(accuracy, condition=name)) for at, name in family.levels.items()}
    return {at: 100 * found.value for at, found in scores.items() if found is not None}


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
    figure = Figure(figsize=(5.2, 0.8 + 1.8 * rows), layout=layout())
    FigureCanvasAgg(figure)
    figure.suptitle(title, x=0.01, ha="left", fontsize="medium")
    grid = figure.subplots(rows, COLUMNS, sharey=True, squeeze=False)
    panels = list(grid.flat)
    for axes in panels[len(chosen) :]:
        axes.set_axis_off()
    for family, axes in zip(chosen, panels, strict=False):
        axes.set_title(family.name, fontsize="small")
        axes.set_xlabel(_unit(family), fontsize="small")
        axes.set_xticks(_apart(list(family.levels)))
        axes.tick_params(labelsize="small")
    return figure, panels[: len(chosen)]


def _apart(levels: Sequence[float]) -> list[float]:
    """Without those whose label would touch that of the next."""
    room = 0.15 * max(levels)
    return [one for one, after in zip(levels, [*levels[1:], float("inf")], strict=True) if after - one >= room]


def _unit(family: Family) -> str:
    if any(name.endswith("%") for name in family.levels.values()):
        return "% of the examples"
    return "severity" if family.name in PERTURBATIONS else "epsilon"


def _legend(figure: Figure, axes: Axes, labels: Sequence[str]) -> None:
    """Of every line, in order: left to itself, matplotlib drops labels that begin with an underscore."""
    figure.legend(axes.get_lines(), labels, loc="outside right upper", frameon=False, fontsize="small")
