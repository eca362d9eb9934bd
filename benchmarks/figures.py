"""From records to figures. A model has the same colour and marker in all of them.

Pure, like the tables; drawn without pyplot, so that no display and no global state is involved.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence

import matplotlib as mpl
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from benchmarks.experiment import CLEAN, Record
from benchmarks.metrics import MEAN
from benchmarks.scores import Models, by_dataset, estimates, over_seeds, records_of, score, tasks_of

MARKERS = ("o", "s", "^", "D")
SHORTEST = 1e-3
"""Seconds below this are drawn as this: the axis is logarithmic and records keep milliseconds."""

_STYLE = {**sns.axes_style("whitegrid"), "font.family": ["DejaVu Sans"], "font.size": 9.0}

Color = tuple[float, float, float]


def palette(order: Sequence[str]) -> dict[str, Color]:
    """Model -> colour-blind-safe colour. After ten models colours repeat, with another marker."""
    colors = sns.color_palette("colorblind", 10)
    return {model: colors[i % 10] for i, model in enumerate(order)}


def markers(order: Sequence[str]) -> dict[str, str]:
    """Model -> marker; colour and marker together are unique up to 40 models."""
    return {model: MARKERS[i // 10 % len(MARKERS)] for i, model in enumerate(order)}


def all_figures(records: Iterable[Record], order: Sequence[str]) -> dict[str, Figure]:
    """Name -> figure for every data set: accuracy, accuracy by task, accuracy against cost, modality weights."""
    with mpl.rc_context(_STYLE):
        figures = _figures(records, order)
        for figure in figures.values():
            figure.draw_without_rendering()
            figure.set_layout_engine("none")  # laid out once: drawing again would move things by a hair
    return figures


def to_svg(figure: Figure) -> bytes:
    """The same figure is the same bytes: no date, no random ids. Text is drawn as paths, so that it never reflows."""
    return _saved(figure, "svg", {"Date": None})


def to_png(figure: Figure) -> bytes:
    """At 150 dots per inch, for places that show no SVG."""
    return _saved(figure, "png", {"Software": None})


def _figures(records: Iterable[Record], order: Sequence[str]) -> dict[str, Figure]:
    figures: dict[str, Figure] = {}
    for dataset, models in by_dataset(records, order).items():
        present = {model: found for model, found in models.items() if found}
        figures[f"{dataset}-accuracy"] = _accuracy(dataset, present, list(models))
        figures[f"{dataset}-accuracy_by_task"] = _by_task(dataset, present)
        figures[f"{dataset}-accuracy_by_cost"] = _by_cost(dataset, present, list(models))
        if any(record.modality_weights.get(CLEAN) for record in records_of(models)):
            figures[f"{dataset}-modality_weights"] = _modality_weights(dataset, present)
    return figures


def _saved(figure: Figure, kind: str, metadata: dict[str, str | None]) -> bytes:
    out = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "cma-clip-bench", "svg.fonttype": "path"}):
        figure.savefig(out, format=kind, dpi=150, metadata=metadata)
    return out.getvalue()


def _axes(width: float, height: float, title: str) -> tuple[Figure, Axes]:
    """In inches."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_title(title, loc="left", fontsize="medium")
    return figure, axes


def _accuracy(dataset: str, models: Models, order: Sequence[str]) -> Figure:
    """Points are means over seeds, small ticks single seeds, lines the mean over seeds of the 95 % intervals."""
    figure, axes = _axes(6.4, 1.2 + 0.27 * len(models), f"{dataset}: accuracy, mean over tasks")
    colors, shapes = palette(order), markers(order)
    for row, (model, records) in enumerate(models.items()):
        found = [e for e in estimates(records, MEAN, "accuracy") if not np.isnan(e.value)]
        if found:
            value, low, high = (100 * np.mean([getattr(e, end) for e in found]) for end in ("value", "low", "high"))
            axes.hlines(row, low, high, color=colors[model], linewidth=2, zorder=2)
            axes.plot([100 * e.value for e in found], [row] * len(found), "|", color=colors[model], markersize=9)
            axes.plot(value, row, shapes[model], color=colors[model], markersize=6, zorder=3)
    axes.set_yticks(range(len(models)), list(models))
    axes.set_ylim(len(models) - 0.5, -0.5)
    axes.set_xlabel("accuracy in %  (line: 95 % interval over test examples; tick: one seed)")
    axes.grid(visible=False, axis="y")
    return figure


def _by_task(dataset: str, models: Models) -> Figure:
    columns = (*tasks_of(models), MEAN)
    scores = [[score(records, task, "accuracy") for task in columns] for records in models.values()]
    values = np.array([[np.nan if found is None else 100 * found.value for found in row] for row in scores])
    figure, axes = _axes(2.6 + 0.95 * len(columns), 1.2 + 0.27 * len(models), f"{dataset}: accuracy in %, by task")
    sns.heatmap(
        values,
        ax=axes,
        annot=True,
        fmt=".1f",
        cmap="Blues",
        xticklabels=columns,
        yticklabels=list(models),
        linewidths=1,
        cbar_kws={"label": "accuracy in %"},
    )
    axes.tick_params(axis="x", rotation=30 if max(map(len, columns)) > 12 else 0)
    axes.axvline(len(columns) - 1, color="white", linewidth=5)
    return figure


def _by_cost(dataset: str, models: Models, order: Sequence[str]) -> Figure:
    """Up and to the left is better."""
    figure, axes = _axes(7.4, 4.6, f"{dataset}: accuracy against time of training")
    colors, shapes = palette(order), markers(order)
    for model, records in models.items():
        accuracy = score(records, MEAN, "accuracy")
        cost = over_seeds(records, lambda record: record.seconds.get("fit"))
        if accuracy is not None and cost is not None:
            seconds = max(cost.value, SHORTEST)
            axes.plot(seconds, 100 * accuracy.value, shapes[model], color=colors[model], label=model, markersize=8)
    axes.set_xscale("log")
    axes.set_xlabel(f"training in seconds, mean over seeds (logarithmic; at least {SHORTEST:g})")
    axes.set_ylabel("accuracy in %, mean over tasks")
    axes.margins(0.06)
    figure.legend(loc="outside right upper", frameon=False)
    return figure


def _modality_weights(dataset: str, models: Models) -> Figure:
    """One group of bars per task: the known relevance first, then every model that weighs modalities."""
    shares = _shares(models)
    figure, axes = _axes(6.8, 1.4 + 0.27 * len(shares), f"{dataset}: how much each task listens to each modality")
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
        axes.text(100 * text / 2, position, f"{100 * text:.0f}", ha="center", va="center", color="black")
        axes.text(100 * (text + image / 2), position, f"{100 * image:.0f}", ha="center", va="center", color="black")
        positions.append(position)
    axes.set_yticks(positions, [f"{task}: {who}" for task, who in shares])
    axes.set_ylim(position + 0.6, 0.4)
    axes.set_xlim(0, 100)
    axes.set_xlabel("share in %, mean over test examples and seeds")
    axes.grid(visible=False, axis="y")
    handles = [
        mpl.patches.Patch(color=color, label=name) for color, name in ((text_color, "text"), (image_color, "image"))
    ]
    figure.legend(handles=handles, loc="outside right upper", frameon=False)
    return figure


KNOWN = "known relevance"


def _shares(models: Models) -> Mapping[tuple[str, str], tuple[float, float]]:
    """(task, model or KNOWN) -> shares of text and image, task by task."""
    shares: dict[tuple[str, str], tuple[float, float]] = {}
    for task in tasks_of(models):
        for record in records_of(models):
            if task in record.relevance:
                shares[task, KNOWN] = record.relevance[task]
        for model, records in models.items():
            weights = [w for record in records if (w := record.modality_weights.get(CLEAN, {}).get(task))]
            if weights:
                text, image = np.mean(weights, axis=0)
                shares[task, model] = (float(text), float(image))
    return shares
