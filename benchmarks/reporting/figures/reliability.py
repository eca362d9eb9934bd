"""Whether confidences can be believed: the share of right answers against the confidence of the answers."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from benchmarks.records.details import BINS
from benchmarks.records.record import Record
from benchmarks.reporting.figures.style import colors_of_few, layout, line_style
from benchmarks.reporting.figures.style.labels import label_ends
from benchmarks.reporting.notes import dataset_title
from benchmarks.reporting.statistics.aggregate import Models, tasks_of
from benchmarks.reporting.statistics.leading import leading

FEWEST = 10
"""Answers that a point needs, our choice: of fewer, its height is luck."""

COLUMNS = 2


def reliability_figure(dataset: str, models: Models) -> Figure | None:
    """One panel a task, four models at most; None for records made before reliability was kept.

    Models whose confidence never changes, as the largest class has it, have one point and are left out.
    """
    shown = {row: models[row] for row in leading(models) if any(record.details for record in models[row])}
    tasks = [task for task in tasks_of(models) if any(task in r.details for found in shown.values() for r in found)]
    if not tasks:
        return None
    columns = min(COLUMNS, len(tasks))
    rows = ceil(len(tasks) / columns)
    figure = Figure(figsize=(2.6 * columns, 0.6 + 2.0 * rows), layout=layout())
    FigureCanvasAgg(figure)
    where = dataset_title(dataset, models)
    figure.suptitle(f"{where}: right answers in %, by confidence in %", x=0.01, ha="left", fontsize="medium")
    panels = list(figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).flat)
    for axes in panels[len(tasks) :]:
        axes.set_axis_off()
    for task, axes in zip(tasks, panels, strict=False):
        _draw(axes, task, shown)
    figure.set_label(
        f"Reliability on {where}: of the answers of about one confidence, the share that is right; over seeds, points "
        f"of at least {FEWEST} answers. Below the dotted line a model is too sure, above it not sure enough."
    )
    return figure


def _draw(axes: Axes, task: str, models: Models) -> None:
    axes.set_title(task, fontsize="small", loc="left")
    axes.plot([0, 100], [0, 100], ":", color="black", linewidth=0.8)
    ends, colors = {}, colors_of_few(list(models))
    for row, records in models.items():
        points = _points(records, task)
        if len(points) > 1:
            axes.plot(*zip(*points, strict=True), line_style(row), marker="o", ms=3, color=colors[row])
            ends[row] = (*points[-1], colors[row])
    axes.set_xlim(0, 175)
    axes.set_ylim(0, 104)
    axes.set_xticks([0, 25, 50, 75, 100])
    axes.tick_params(labelsize="small")
    label_ends(axes, ends)


def _points(records: Sequence[Record], task: str) -> list[tuple[float, float]]:
    """(confidence, share right) of the bins of all seeds together, in percent."""
    bins = [np.array(record.details[task].reliability) for record in records if task in record.details]
    if not bins:
        return []
    pooled = np.concatenate(bins)
    number = np.ceil(pooled[:, 1] * BINS).clip(1, BINS).astype(int)
    points = []
    for own in (pooled[number == one] for one in np.unique(number)):
        examples = own[:, 0].sum()
        if examples >= FEWEST:
            confidence, right = own[:, 0] @ own[:, 1:] / examples
            points.append((100 * float(confidence), 100 * float(right)))
    return points
