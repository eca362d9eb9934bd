"""Precision against the share that is answered, one figure a task: what a threshold on the confidence buys."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.answers import SHARES
from benchmarks.records.record import Record
from benchmarks.reporting.figures.style import axes_of, line_style, markers, palette
from benchmarks.reporting.notes import dataset_title
from benchmarks.reporting.statistics.aggregate import Models, score, tasks_of

PROMISED = 90
"""Percent, of the points: those of the metrics `answered_at_90_precision` and `precision_reached_at_90`."""


def answered_figures(dataset: str, models: Models) -> dict[str, Figure]:
    """Name -> figure, not laid out yet; none for tasks whose records have no answer curve."""
    figures = {}
    for task in tasks_of(models):
        curves = {row: found for row, records in models.items() if (found := _with_curve(records, task))}
        if curves:
            figures[f"{dataset}-answered-{task}"] = _answered(
                dataset_title(dataset, models), task, curves, list(models)
            )
    return figures


def _with_curve(records: Sequence[Record], task: str) -> list[Record]:
    return [record for record in records if task in record.answer_curve]


def _answered(where: str, task: str, models: Models, order: Sequence[str]) -> Figure:
    """Down and to the right: the more is answered, the less of it is right."""
    figure, axes = axes_of(7.4, 4.6, f"{where}: precision against the share answered, {task}")
    colors, shapes = palette(order), markers(order)
    shares = 100 * np.array(SHARES)
    for row, records in models.items():
        curve = 100 * np.mean([record.answer_curve[task] for record in records], axis=0)
        look: dict[str, Any] = {"color": colors[row], "marker": shapes[row], "markersize": 4, "markevery": 4}
        axes.plot(shares, curve, linestyle=line_style(row), label=row, linewidth=1.5, **look)
        _promised_point(axes, records, task, color=colors[row], marker=shapes[row])
    axes.axhline(PROMISED, color="black", linewidth=0.8, linestyle=":")
    axes.set_xlim(0, 100)
    axes.set_ylim(top=101)
    axes.set_xlabel("share of labelled test examples answered in %, most confident first")
    axes.set_ylabel("share of answers that is right in %")
    figure.set_label(
        f"Precision on {where} against the share answered, {task}, mean over seeds. The points are where the threshold "
        f"from validation that promises {PROMISED} % (dotted) lands on the test split; models without a point promise "
        "it nowhere."
    )
    figure.legend(loc="outside right upper", frameon=False)
    return figure


def _promised_point(axes: Axes, records: Sequence[Record], task: str, color: object, marker: str) -> None:
    """Mean over the seeds that answer something."""
    answering = [r for r in records if (found := score([r], task, "answered_at_90_precision")) and found.value > 0]
    share, precision = (
        score(answering, task, name) for name in ("answered_at_90_precision", "precision_reached_at_90")
    )
    if share is not None and precision is not None and not math.isnan(precision.value):
        axes.plot(
            100 * share.value,
            100 * precision.value,
            marker,
            color=color,
            markersize=8,
            markeredgecolor="white",
            zorder=3,
        )
