"""Precision against the share that is answered, one figure a task: what a threshold on the confidence buys."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.answers import SHARES
from benchmarks.records.record import Record
from benchmarks.reporting.figures.style import axes_of, colors_of_few, line_style
from benchmarks.reporting.figures.style.labels import label_ends
from benchmarks.reporting.notes import dataset_title
from benchmarks.reporting.statistics.aggregate import Models, score, tasks_of
from benchmarks.reporting.statistics.leading import leading

ROOM = 0.35
"""Right of the lines, for names, as a share of their width."""

PROMISED = 90
"""Percent, of the points: those of the metrics `answered_at_90_precision` and `precision_reached_at_90`."""


def answered_figures(dataset: str, models: Models) -> dict[str, Figure]:
    """Name -> figure, not laid out yet, of a few models; none for tasks whose records have no answer curve."""
    figures = {}
    for task in tasks_of(models):
        curves = {row: found for row in leading(models) if (found := _with_curve(models[row], task))}
        if curves:
            figures[f"{dataset}-answered-{task}"] = _answered(dataset_title(dataset, models), task, curves)
    return figures


def _with_curve(records: Sequence[Record], task: str) -> list[Record]:
    return [record for record in records if task in record.answer_curve]


def _answered(where: str, task: str, models: Models) -> Figure:
    """Down and to the right: the more is answered, the less of it is right."""
    figure, axes = axes_of(5.2, 3.6, f"{where}: precision against the share answered, {task}")
    colors = colors_of_few(list(models))
    shares = 100 * np.array(SHARES)
    ends = {}
    for row, records in models.items():
        curve = 100 * np.mean([record.answer_curve[task] for record in records], axis=0)
        axes.plot(shares, curve, linestyle=line_style(row), label=row, color=colors[row], linewidth=1.5)
        _promised_point(axes, records, task, colors[row])
        ends[row] = (float(shares[-1]), float(curve[-1]), colors[row])
    axes.axhline(PROMISED, color="black", linewidth=0.8, linestyle=":")
    axes.set_xlim(0, 100 * (1 + ROOM))
    axes.set_xticks(range(0, 101, 20))
    axes.set_ylim(top=101)
    axes.set_xlabel("share of labelled test examples answered in %, most confident first")
    axes.set_ylabel("share of answers that is right in %")
    label_ends(axes, ends)
    figure.set_label(
        f"Precision on {where} against the share answered, {task}, mean over seeds; CMA-CLIP and the most "
        f"accurate others. Points: where the threshold from validation that promises {PROMISED} % (dotted) lands on "
        "the test split; models without one promise it nowhere."
    )
    return figure


def _promised_point(axes: Axes, records: Sequence[Record], task: str, color: str) -> None:
    """Mean over the seeds that answer something."""
    answering = [r for r in records if (found := score([r], task, "answered_at_90_precision")) and found.value > 0]
    share, precision = (
        score(answering, task, name) for name in ("answered_at_90_precision", "precision_reached_at_90")
    )
    if share is not None and precision is not None and not math.isnan(precision.value):
        axes.plot(
            100 * share.value,
            100 * precision.value,
            "o",
            color=color,
            markersize=8,
            markeredgecolor="white",
            zorder=3,
        )
