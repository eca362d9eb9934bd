"""Metrics of answers with a promised precision. Threshold and temperature are from validation, not the scored rows.

`answered at 90 % precision` is the share of labelled test rows whose calibrated confidence reaches the threshold, 0
where validation promises none; `precision reached` the share of these that are right, NaN where none is answered.
Intervals are over groups of test rows, with the threshold as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from benchmarks.metrics import Array, Estimates, Labels, Metric, Weighted, ece, estimate, ratio
from cma_clip.answering import Answering
from cma_clip.answering.calibration import calibrated
from cma_clip.types import IGNORE, Predictions


@dataclass(frozen=True)
class AnswerMetric:
    """A metric that needs to know what validation taught.

    Attributes:
        title: how tables call it.
        higher_is_better: the direction of the best.
        prepare: from (answering, task, probabilities Float[N C], labels Int[N]) to the weighted metric.
        percent: lies between 0 and 1 and is shown times 100.
    """

    title: str
    higher_is_better: bool
    prepare: Callable[[Answering, str, Array, Labels], Weighted]
    percent: bool = True

    def of(self, answering: Answering, task: str) -> Metric:
        """The metric of one task."""
        return Metric(self.title, self.higher_is_better, partial(self.prepare, answering, task), self.percent)


def _answered(answering: Answering, task: str, probabilities: Array, target: float) -> npt.NDArray[np.bool_]:
    return answering.answer(task, probabilities, target).answered


def _share_answered(target: float) -> Callable[[Answering, str, Array, Labels], Weighted]:
    def prepare(answering: Answering, task: str, probabilities: Array, labels: Labels) -> Weighted:
        answered = _answered(answering, task, probabilities, target).astype(np.float64)
        return lambda weights: ratio(weights @ answered, weights.sum(1))

    return prepare


def _precision_reached(target: float) -> Callable[[Answering, str, Array, Labels], Weighted]:
    def prepare(answering: Answering, task: str, probabilities: Array, labels: Labels) -> Weighted:
        answered = _answered(answering, task, probabilities, target)
        right = answered & (probabilities.argmax(1) == labels)
        return lambda weights: ratio(weights @ right.astype(np.float64), weights @ answered.astype(np.float64))

    return prepare


def _calibrated_ece(answering: Answering, task: str, probabilities: Array, labels: Labels) -> Weighted:
    return ece(calibrated(probabilities, answering.tasks[task].temperature), labels)


ANSWER_METRICS: dict[str, AnswerMetric] = {
    "answered_at_90_precision": AnswerMetric("answered at 90 % precision", True, _share_answered(0.90)),
    "precision_reached_at_90": AnswerMetric("precision reached, 90 % promised", True, _precision_reached(0.90)),
    "answered_at_95_precision": AnswerMetric("answered at 95 % precision", True, _share_answered(0.95)),
    "precision_reached_at_95": AnswerMetric("precision reached, 95 % promised", True, _precision_reached(0.95)),
    "ece_calibrated": AnswerMetric("ECE after calibration", False, _calibrated_ece),
}


def answering_of(validation: Predictions, groups: Sequence[str] | None = None) -> Answering:
    """Temperatures and thresholds from validation predictions; `groups` as in `Answering.of`."""
    return Answering.of(validation, groups)


def evaluate_answers(
    predictions: Predictions,
    answering: Answering,
    names: Sequence[str] = tuple(ANSWER_METRICS),
    groups: Sequence[str] | None = None,
) -> Estimates:
    """Task -> metric of ANSWER_METRICS -> estimate, and their mean; intervals as `evaluate`.

    On the validation predictions that the thresholds are from, a share answered is what the model will answer of new
    rows of the same kind, and a precision reached is flattered.

    Raises:
        ValueError: a task is called "mean", or was not in the validation predictions.
    """
    metrics = {task: {name: ANSWER_METRICS[name].of(answering, task) for name in names} for task in predictions.labels}
    return estimate(predictions, metrics, groups)


SHARES = tuple(step / 20 for step in range(1, 21))
"""Of the labelled rows that are answered, in an answer curve."""


def answer_curves(predictions: Predictions, answering: Answering) -> dict[str, tuple[float, ...]]:
    """Task -> the precision at each of SHARES if the rows of highest calibrated confidence are answered.

    Rows of equal confidence are answered in random order: the precision is the expected one. Tasks without a label have
    no curve.
    """
    curves = {}
    for task, labels in predictions.labels.items():
        known = labels != IGNORE
        if known.any():
            probabilities = predictions.probabilities[task][known]
            confidence = answering.tasks[task].confidence(probabilities)
            curves[task] = _curve(confidence, probabilities.argmax(1) == labels[known])
    return curves


def _curve(confidence: Array, right: npt.NDArray[np.bool_]) -> tuple[float, ...]:
    levels, place = np.unique(-confidence, return_inverse=True)
    answered = np.bincount(place, minlength=len(levels)).cumsum()
    hits = np.bincount(place, weights=right, minlength=len(levels)).cumsum()
    rows = np.array(SHARES) * len(right)
    return tuple(round(float(p), 6) for p in np.interp(rows, [0, *answered], [0, *hits]) / rows)
