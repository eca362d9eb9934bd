"""Accuracy of all models, the best first: the figure that a report begins with."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import isnan

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from benchmarks.records.record import MEAN
from benchmarks.reporting.figures.style import FAMILIES, family, family_color, layout
from benchmarks.reporting.statistics.aggregate import Models, estimates
from benchmarks.reporting.statistics.significance import interval

FEWEST = 4
"""Models that a closer look shows."""

CLOSE = 0.25
"""Models lie close that together take less than this of the width of all."""


@dataclass(frozen=True)
class _Row:
    """In percent: the mean over seeds, single seeds, both ends of the interval."""

    mean: float
    seeds: tuple[float, ...]
    low: float
    high: float


def accuracy_figure(where: str, condition: str, models: Models) -> Figure:
    """Points are means over seeds, ticks single seeds, lines the mean over seeds of the 95 % intervals.

    Where the best lie close together, a second panel shows them larger.
    """
    rows = _ranked(models, condition)
    closer = _closer_look(rows)
    figure = Figure(figsize=(5.0, 1.15 + 0.175 * len(rows)), layout=layout())
    FigureCanvasAgg(figure)
    figure.suptitle(f"{where}: accuracy in %", x=0.01, ha="left", fontsize="medium")
    panels = list(figure.subplots(1, 2 if closer else 1, squeeze=False).flat)
    for axes in panels:
        _draw(axes, rows)
    panels[0].set_yticks(range(len(rows)), list(rows), fontsize="small")
    for label, row in zip(panels[0].get_yticklabels(), rows, strict=True):
        label.set_color(family_color(row) if family(row) == "CMA-CLIP" else "black")
        label.set_fontweight("bold" if family(row) == "CMA-CLIP" else "normal")
    if closer:
        panels[0].set_title("all", fontsize="small", loc="left")
        panels[1].set_title("the best, closer", fontsize="small", loc="left")
        _look_closer(panels[1], rows, closer)
    for place, found in enumerate(rows.values()):
        panels[-1].text(
            1.02,
            place,
            f"{found.mean:.1f}",
            transform=panels[-1].get_yaxis_transform(),
            va="center",
            fontsize="small",
        )
    shown = [name for name in FAMILIES if name in map(family, rows)]
    marks = [Line2D([], [], marker="o", linestyle="", color=FAMILIES[name][0], label=name) for name in shown]
    figure.legend(handles=marks, loc="outside lower left", ncols=3, frameon=False, fontsize="small", handletextpad=0)
    figure.set_label(
        f"Accuracy on {where}, mean over tasks, the best first. Points are means over seeds, ticks single seeds, lines "
        "95 % intervals."
    )
    return figure


def _ranked(models: Models, condition: str) -> dict[str, _Row]:
    found: dict[str, _Row] = {}
    for model, records in models.items():
        ends = interval(records, MEAN, "accuracy", condition)
        if ends is not None:
            every = (e.value for e in estimates(records, MEAN, "accuracy", condition))
            values = tuple(100 * value for value in every if not isnan(value))
            found[model] = _Row(sum(values) / len(values), values, 100 * ends[0], 100 * ends[1])
    return dict(sorted(found.items(), key=lambda item: -item[1].mean))


def _draw(axes: Axes, rows: Mapping[str, _Row]) -> None:
    for place, (model, found) in enumerate(rows.items()):
        color, strong = family_color(model), family(model) == "CMA-CLIP"
        axes.hlines(place, found.low, found.high, color=color, linewidth=3 if strong else 1.8, zorder=2)
        axes.plot(found.seeds, [place] * len(found.seeds), "|", color=color, markersize=7)
        axes.plot(found.mean, place, "o", color=color, markersize=7 if strong else 5, zorder=3)
    axes.set_yticks(range(len(rows)), [""] * len(rows))
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.tick_params(axis="x", labelsize="small")
    axes.grid(visible=False, axis="y")


def _closer_look(rows: Mapping[str, _Row]) -> tuple[float, float] | None:
    """The range of the best that lie close, down to the widest gap below them."""
    listed = list(rows.values())
    ranges = {many: _range(listed[:many]) for many in range(FEWEST, len(listed))}
    low, high = _range(listed)
    close = [many for many, (start, end) in ranges.items() if end - start < CLOSE * (high - low)]
    return ranges[max(close, key=lambda many: listed[many - 1].mean - listed[many].mean)] if close else None


def _range(rows: Collection[_Row]) -> tuple[float, float]:
    return min(row.low for row in rows), max(row.high for row in rows)


def _look_closer(axes: Axes, rows: Mapping[str, _Row], ends: tuple[float, float]) -> None:
    margin = 0.05 * (ends[1] - ends[0])
    axes.set_xlim(ends[0] - margin, ends[1] + margin)
    for place, (model, found) in enumerate(rows.items()):
        if found.mean < ends[0]:
            axes.plot(ends[0] - margin / 2, place, "<", color=family_color(model), markersize=4)
