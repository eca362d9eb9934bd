"""Figures that compare models on one data set: accuracy, by task, by training time, and modality weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter, LogLocator, NullLocator

from benchmarks.records.record import CLEAN, MEAN, Record
from benchmarks.reporting.figures.accuracy import accuracy_figure
from benchmarks.reporting.figures.style import axes_of, drawable, family_color
from benchmarks.reporting.figures.style.labels import label_marks
from benchmarks.reporting.notes import dataset_title
from benchmarks.reporting.statistics.aggregate import Models, over_seeds, records_of, score, tasks_of

SHORTEST = 1e-3
"""Seconds below this are drawn as this: the axis is logarithmic and records keep milliseconds."""

FEW_DECADES = 1e4
"""A logarithmic axis that spans less has two labels a decade."""

NARROWEST = 0.04
"""The share from which a bar has room for its number."""


def comparison_figures(dataset: str, condition: str, models: Models) -> dict[str, Figure]:
    """Name -> figure, not laid out yet: accuracy, accuracy by task and, where there are some, modality weights.

    The clean test split also has accuracy against training time.
    """
    present = {model: found for model, found in models.items() if found}
    clean = condition == CLEAN
    title = dataset_title(dataset, models)
    prefix, where = (dataset, title) if clean else (f"{dataset}-{condition}", f"{title}, {condition}")
    figures = {
        f"{prefix}-accuracy": accuracy_figure(where, condition, present),
        f"{prefix}-accuracy_by_task": _by_task(where, condition, present),
    }
    if clean:
        figures[f"{prefix}-accuracy_by_cost"] = _by_cost(where, present)
    if any(record.modality_weights.get(condition) for record in records_of(models)):
        figures[f"{prefix}-modality_weights"] = _modality_weights(where, condition, present)
    return figures


def _by_task(where: str, condition: str, models: Models) -> Figure:
    columns = (*tasks_of(models, condition), MEAN)
    scores = [[score(records, task, "accuracy", condition) for task in columns] for records in models.values()]
    values = np.array([[np.nan if found is None else 100 * found.value for found in row] for row in scores])
    figure, axes = axes_of(2.6 + 0.95 * len(columns), 1.2 + 0.27 * len(models), f"{where}: accuracy in %, by task")
    sns.heatmap(
        values,
        ax=axes,
        annot=True,
        fmt=".1f",
        cmap="Blues",
        xticklabels=[drawable(column) for column in columns],  # seaborn draws them already, before `lay_out`
        yticklabels=list(models),
        linewidths=1,
        cbar_kws={"label": "accuracy in %"},
    )
    axes.set_xticklabels(columns)
    axes.tick_params(axis="x", rotation=30 if max(map(len, columns)) > 12 else 0)
    axes.axvline(len(columns) - 1, color="white", linewidth=5)
    figure.set_label(f"Accuracy in % on {where} by task, mean over seeds; the last column is the mean over tasks.")
    return figure


def _by_cost(where: str, models: Models) -> Figure:
    """Up and to the left is better."""
    figure, axes = axes_of(5.2, 4.4, f"{where}: accuracy against time of training")
    points = {}
    for model, records in models.items():
        accuracy = score(records, MEAN, "accuracy")
        cost = over_seeds(records, lambda record: record.seconds.get("fit"))
        if accuracy is not None and not np.isnan(accuracy.value) and cost is not None:
            points[model] = (max(cost.value, SHORTEST), 100 * accuracy.value)
    for model, point in points.items():
        axes.plot(*point, "o", color=family_color(model), markersize=6)
    axes.set_xscale("log")
    axes.margins(0.12, 0.06)
    low, high = axes.get_xlim()
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 3.0) if high < FEW_DECADES * low else (1.0,)))
    axes.xaxis.set_major_formatter(FormatStrFormatter("%g"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel(f"training in seconds, mean over seeds (logarithmic; at least {SHORTEST:g})")
    axes.set_ylabel("accuracy in %, mean over tasks")
    label_marks(axes, points)
    figure.set_label(f"Accuracy on {where} against seconds of training: up and to the left is better.")
    return figure


def _modality_weights(where: str, condition: str, models: Models) -> Figure:
    """One group of bars per task: the known relevance first, then every model that weighs modalities."""
    shares = _shares(models, condition)
    figure, axes = axes_of(6.8, 1.4 + 0.27 * len(shares), f"{where}: modality weights by task")
    text_color, image_color = (sns.color_palette("colorblind")[i] for i in (0, 1))
    positions, position = [], 0.0
    for i, ((task, who), (text, image)) in enumerate(shares.items()):
        position += 1.0 if i == 0 or task == list(shares)[i - 1][0] else 1.5
        bars = [
            *axes.barh(position, 100 * text, color=text_color, edgecolor="white", height=0.85),
            *axes.barh(position, 100 * image, left=100 * text, color=image_color, edgecolor="white", height=0.85),
        ]
        for bar in bars if who == KNOWN else []:
            bar.set(alpha=0.55, hatch="//")
        for middle, share in ((text / 2, text), (text + image / 2, image)):
            if share >= NARROWEST:
                axes.text(100 * middle, position - 0.1, f"{100 * share:.0f}", ha="center", va="center", color="black")
        seeds = _weights(models.get(who, ()), task, condition)
        if len(seeds) > 1:
            # along the lower edge of the bar, where no number stands
            lower = [position + 0.3] * len(seeds)
            axes.plot([100 * weights[0] for weights in seeds], lower, "|", color="black", markersize=5)
        positions.append(position)
    axes.set_yticks(positions, [f"{task}: {who}" for task, who in shares])
    axes.set_ylim(position + 0.6, 0.4)
    axes.set_xlim(0, 100)
    axes.set_xlabel("share in %, mean over test examples and seeds (tick: one seed)")
    axes.grid(visible=False, axis="y")
    handles = [
        mpl.patches.Patch(color=color, label=name) for color, name in ((text_color, "text"), (image_color, "image"))
    ]
    figure.legend(handles=handles, loc="outside lower right", ncols=2, frameon=False)
    figure.set_label(
        f"Mean modality weights on {where}, by task and model; ticks are single seeds. Hatched: the share of the "
        "evidence that each modality is known to carry, where the data set knows it."
    )
    return figure


KNOWN = "known relevance"


def _shares(models: Models, condition: str) -> Mapping[tuple[str, str], tuple[float, float]]:
    """(task, model or KNOWN) -> shares of text and image, task by task."""
    shares: dict[tuple[str, str], tuple[float, float]] = {}
    for task in tasks_of(models, condition):
        for record in records_of(models):
            if task in record.relevance:
                shares[task, KNOWN] = record.relevance[task]
        for model, records in models.items():
            weights = _weights(records, task, condition)
            if weights:
                text, image = np.mean(weights, axis=0)
                shares[task, model] = (float(text), float(image))
    return shares


def _weights(records: Sequence[Record], task: str, condition: str) -> list[tuple[float, float]]:
    """(text, image) of every seed."""
    return [found for record in records if (found := record.modality_weights.get(condition, {}).get(task))]
