"""The sections of a card that hold numbers: quality, promised precision, calibration."""

from __future__ import annotations

import math
from collections.abc import Mapping

from benchmarks.answers import ANSWER_METRICS
from benchmarks.metrics import METRICS
from benchmarks.records.record import CLEAN, MEAN, Estimate, Record
from benchmarks.reporting.table import MISSING, Cell, Table, to_markdown
from cma_clip.answering import Answering

SHOWN = ("accuracy", "macro_f1", "log_loss")
TARGETS = (90, 95)


def quality(record: Record) -> list[str]:
    """On the test split, task by task, and the mean."""
    measured = record.metrics[CLEAN]
    order = sorted(measured, key=lambda task: task == MEAN)  # the mean last
    rows = tuple((Cell(task), *(_cell(measured[task], name) for name in SHOWN)) for task in order)
    title = f"{record.sizes['test']:,} test rows, with 95 % bootstrap intervals"
    return ["## Quality", "", to_markdown(Table(title, ("task", *(METRICS[name].title for name in SHOWN)), rows))]


def answers(record: Record | None, answering: Answering) -> list[str]:
    """Thresholds, what they answered and how much of it was right, and what the promise leaves out."""
    header = ("task", "promised", "threshold", "right on validation", "answered on test", "precision reached on test")
    rows = tuple(_promise(answering, task, target, record) for task in answering.tasks for target in TARGETS)
    return [
        "## Answers at a promised precision",
        "",
        to_markdown(Table("Answers whose confidence reaches the threshold", header, rows, labels=2)),
        f"The promise: with a confidence of {100 * answering.confidence_level:.0f} % over validation splits, at least "
        "the promised share of the answers to new rows is right. It is for each task and precision by itself, and for "
        "new rows from where the validation rows come from. It says nothing about rows from elsewhere or from after "
        "a change of the catalogue, and nothing about each class by itself. Where there is no threshold, validation "
        "could promise none, and every answer is to be reviewed.",
        "",
    ]


def calibration(record: Record | None, answering: Answering) -> list[str]:
    """Temperatures, and how far confidences were from the share of right answers."""
    rows = tuple(
        (
            Cell(task),
            Cell(f"{learned.temperature:.3g}", learned.temperature),
            *(_cell(_on_test(record, task), name) for name in ("ece", "ece_calibrated")),
        )
        for task, learned in answering.tasks.items()
    )
    header = ("task", "temperature", "ECE before", "ECE after")
    return ["## Calibration", "", to_markdown(Table("Temperature from validation, ECE on test", header, rows))]


def _promise(answering: Answering, task: str, target: int, record: Record | None) -> tuple[Cell, ...]:
    promise, found = answering.promise(task, target / 100), _on_test(record, task)
    threshold, counts = Cell(MISSING), Cell(MISSING)
    if promise is not None:
        threshold = Cell(f"{promise.threshold:.3f}", promise.threshold)
        counts = Cell(f"{promise.right:,} of {promise.answered:,}")
    shares = (_cell(found, name) for name in (f"answered_at_{target}_precision", f"precision_reached_at_{target}"))
    return Cell(task), Cell(f"{target} %"), threshold, counts, *shares


def _on_test(record: Record | None, task: str) -> Mapping[str, Estimate]:
    return record.metrics[CLEAN].get(task, {}) if record else {}


def _cell(found: Mapping[str, Estimate], name: str) -> Cell:
    """Value and interval; what is undefined, or was not measured when the record was made, is missing."""
    estimate, metric = found.get(name), METRICS.get(name) or ANSWER_METRICS[name]
    if estimate is None or math.isnan(estimate.value):
        return Cell(MISSING)
    value, low, high = estimate.value, estimate.low, estimate.high
    if not metric.percent:
        return Cell(f"{value:.3f} [{low:.3f}, {high:.3f}]", value)
    return Cell(f"{100 * value:.1f} % [{100 * low:.1f}, {100 * high:.1f}]", value)
