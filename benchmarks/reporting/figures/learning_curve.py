"""Learning curves: what more labelled products are worth to each model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from benchmarks.answers import ANSWER_METRICS
from benchmarks.metrics import METRICS
from benchmarks.records.record import Record
from benchmarks.reporting.figures.style import axes_of, line_style, markers, palette
from benchmarks.reporting.notes import dataset_title
from benchmarks.reporting.statistics.curves import By, learning_curves
from benchmarks.reporting.tables.learning_curve import SHOWN, curves_of


def learning_figures(records: Iterable[Record], order: Sequence[str]) -> dict[str, Figure]:
    """Name -> figure, not laid out yet, for every data set whose records have several numbers of training rows."""
    return {
        f"{dataset}-learning_curve_{name}": _figure(dataset, by, order, metric)
        for dataset, by in learning_curves(records).items()
        for metric, name in SHOWN.items()
    }


def _figure(dataset: str, by: By, order: Sequence[str], metric: str) -> Figure:
    what, where = (METRICS | ANSWER_METRICS)[metric].title, dataset_title(dataset, {"": by[max(by)]})
    figure, axes = axes_of(7.4, 4.6, f"{where}: {what} by training rows")
    curves = curves_of(by, order, metric)
    everyone = [*order, *(model for model in curves if model not in order)]
    colors, shapes = palette(everyone), markers(everyone)
    for model, curve in curves.items():
        axes.plot(
            list(curve),
            [100 * found.value for found in curve.values()],
            marker=shapes[model],
            color=colors[model],
            linestyle=line_style(model),
            label=model,
            markersize=4,
        )
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(list(by)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda rows, _: f"{rows:,.0f}"))
    axes.set_xlabel("training rows (logarithmic)")
    axes.set_ylabel(f"{what} in %, mean over tasks")
    figure.set_label(f"{what.capitalize()} on {where} by the number of training rows, mean over tasks and seeds.")
    figure.legend(loc="outside right upper", frameon=False)
    return figure
