"""How a model answered a task, for people to look at: confusions, classes, the most confident mistakes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.records.details import Mistake
from benchmarks.records.record import Record

if TYPE_CHECKING:
    from benchmarks.records.details import Counts

FEW_CLASSES = 12
"""Up to so many all confusions stand in a table; of more, the most frequent ones."""

MOST_CONFUSIONS = 10


@dataclass(frozen=True)
class ClassResult:
    """One class: its labelled test rows, and shares between 0 and 1; NaN where nothing is divided by."""

    name: str
    rows: int
    recall: float
    precision: float
    f1: float


@dataclass(frozen=True)
class Confusion:
    """Rows of one label that got one wrong answer, all seeds together, and their share of the label's."""

    label: str
    answer: str
    rows: int
    share: float


@dataclass(frozen=True)
class TaskView:
    """A task as one model answered it, all its seeds together; mistakes are of one seed.

    Attributes:
        matrix: (label, share of its rows by answer); empty where there are more than FEW_CLASSES.
        confusions: the most frequent.
        classes: the worst first.
    """

    model: str
    names: tuple[str, ...]
    matrix: tuple[tuple[str, tuple[float, ...]], ...]
    confusions: tuple[Confusion, ...]
    classes: tuple[ClassResult, ...]
    mistakes: tuple[Mistake, ...]


def view(model: str, records: Sequence[Record], task: str) -> TaskView | None:
    """None for records made before details were kept, or of a task without a labelled row."""
    found = [record.details[task] for record in records if task in record.details]
    if not found or len({one.classes for one in found}) > 1:
        return None
    names = found[0].classes
    counts = np.concatenate([one.counts() for one in found])
    few = len(names) <= FEW_CLASSES
    return TaskView(
        model=model,
        names=names,
        matrix=_matrix(names, counts) if few else (),
        confusions=_confusions(names, counts),
        classes=_classes(names, counts, len(found)),
        mistakes=next((one.mistakes for one in found if one.mistakes), ()),
    )


def _matrix(names: Sequence[str], counts: Counts) -> tuple[tuple[str, tuple[float, ...]], ...]:
    table = np.zeros((len(names), len(names)))
    np.add.at(table, (counts[:, 0], counts[:, 1]), counts[:, 2])
    shares = table / np.maximum(table.sum(1, keepdims=True), 1)
    return tuple((names[label], tuple(shares[label].tolist())) for label in np.flatnonzero(table.sum(1)).tolist())


def _confusions(names: Sequence[str], counts: Counts) -> tuple[Confusion, ...]:
    totals = np.bincount(counts[:, 0], counts[:, 2], len(names))
    wrong: dict[tuple[int, int], int] = {}
    for label, answer, rows in counts.tolist():
        if label != answer:
            wrong[label, answer] = wrong.get((label, answer), 0) + rows
    first = sorted(wrong.items(), key=lambda item: (-item[1], item[0]))[:MOST_CONFUSIONS]
    return tuple(
        Confusion(names[label], names[answer], rows, rows / float(totals[label])) for (label, answer), rows in first
    )


def _classes(names: Sequence[str], counts: Counts, seeds: int) -> tuple[ClassResult, ...]:
    """Of classes that occur among labels."""
    right = np.bincount(*_weighted(counts[counts[:, 0] == counts[:, 1]], 0), len(names))
    labels, answers = (np.bincount(*_weighted(counts, side), len(names)) for side in (0, 1))
    with np.errstate(invalid="ignore"):
        recall, precision, f1 = right / labels, right / answers, 2 * right / (labels + answers)
    found = [
        ClassResult(name, round(rows / seeds), *shares)
        for name, rows, *shares in zip(
            names, labels.tolist(), recall.tolist(), precision.tolist(), f1.tolist(), strict=True
        )
        if rows
    ]
    return tuple(sorted(found, key=lambda one: one.f1))


def _weighted(counts: Counts, side: int) -> tuple[Counts, Counts]:
    return counts[:, side], counts[:, 2]
