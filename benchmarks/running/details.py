"""From predictions to what a record holds beside metrics: confusions, reliability, the most confident mistakes."""

from __future__ import annotations

import numpy as np

from benchmarks.datasets.loading.images import data_uri
from benchmarks.datasets.loading.splits import Splits
from benchmarks.records.details import Details, Mistake
from cma_clip.types import IGNORE, Example, Predictions, Task

MISTAKES = 10
"""Of a task, our choice: what a person looks at."""
SIDE = 64
"""Longest side of their photos in pixels: one or two kilobytes each."""
LONGEST = 200
"""Characters of their texts."""
SHOWN_SEED = 0
"""Only its records hold mistakes: one seed shows them, and photos would be in the records of all."""


def details_of(predictions: Predictions, splits: Splits, seed: int) -> dict[str, Details]:
    """Task -> how the test split was answered; tasks without a label there are left out."""
    found = {}
    for task in splits.tasks:
        labels, probabilities = predictions.labels[task.name], predictions.probabilities[task.name]
        known = labels != IGNORE
        if known.any():
            mistakes = _mistakes(predictions, splits, task) if seed == SHOWN_SEED else ()
            found[task.name] = Details.of(task.classes, labels[known], probabilities[known], mistakes)
    return found


def _mistakes(predictions: Predictions, splits: Splits, task: Task) -> tuple[Mistake, ...]:
    labels, probabilities = predictions.labels[task.name], predictions.probabilities[task.name]
    answers, confidence = probabilities.argmax(1), probabilities.max(1)
    wrong = np.flatnonzero((labels != IGNORE) & (answers != labels))
    surest = wrong[np.argsort(-confidence[wrong], kind="stable")[:MISTAKES]]
    return tuple(
        _mistake(
            splits.test[row],
            task.classes[labels[row]],
            task.classes[answers[row]],
            float(confidence[row]),
            splits.card.photos_may_be_copied,
        )
        for row in surest.tolist()
    )


def _mistake(example: Example, label: str, answer: str, confidence: float, with_photo: bool) -> Mistake:
    return Mistake(
        id=example.id,
        text=(example.text or "")[:LONGEST],
        label=label,
        answer=answer,
        confidence=round(confidence, 6),
        photo=data_uri(example.image, SIDE) if with_photo and example.image is not None else "",
    )
