"""From predictions to metrics with intervals. Every metric is undefined, NaN, where no example has a label.

A metric is written once, for weighted examples: weights of 1 give its value, the counts of a bootstrap resample
its value in that resample.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from benchmarks.records.details import BINS
from benchmarks.records.groups import first_rows
from benchmarks.records.record import MEAN, Estimate, Outcomes
from benchmarks.seeding import seed_of
from cma_clip.types import IGNORE, Predictions
from cma_clip.version import Version

RESAMPLES = 1000
CHUNK = 50
EVALUATION = {"evaluation": Version(1)}
"""Of all between predictions and a record but the metrics: intervals, outcomes, subsets, groups, a run's own seeds."""
GROUP_INTERVALS = {"group intervals": Version(1)}
"""Of the bootstrap over groups of rows; takes part where rows of a data set may share one."""

Array = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]
Weighted = Callable[[Array], Array]
"""From Float[R N], the weight of N examples in R resamples, to Float[R], the metric in each of them."""


@dataclass(frozen=True)
class Metric:
    """A named number.

    Attributes:
        title: how tables call it.
        higher_is_better: the direction of the best.
        prepare: from probabilities Float[N C] and labels Int[N], all known, to the weighted metric.
        percent: lies between 0 and 1 and is shown times 100.
    """

    title: str
    higher_is_better: bool
    prepare: Callable[[Array, Labels], Weighted]
    percent: bool = True
    version: Version = Version(1)

    def __call__(self, probabilities: npt.NDArray[np.floating], labels: Labels) -> float:
        """The value for probabilities Float[N C] and labels Int[N]; rows labelled IGNORE do not count."""
        known = labels != IGNORE
        if not known.any():
            return float("nan")
        weighted = self.prepare(probabilities[known].astype(np.float64), labels[known])
        return float(weighted(np.ones((1, int(known.sum()))))[0])


def ratio(numerator: Array, denominator: Array) -> Array:
    """NaN where the denominator is 0."""
    undefined = np.full(denominator.shape, np.nan)
    return np.asarray(np.divide(numerator, denominator, out=undefined, where=denominator > 0))


def _mean_of_defined(values: Array) -> Array:
    """Float[R K] -> Float[R], leaving out NaN."""
    defined = ~np.isnan(values)
    return ratio(np.where(defined, values, 0.0).sum(1), defined.sum(1).astype(np.float64))


def _sparse(values: Array, columns: npt.NDArray[np.integer], width: int) -> csr_array[np.float64]:
    """[N width] with one value in each row; a column outside the width leaves its row empty."""
    rows = np.flatnonzero(columns < width)
    return csr_array((values[rows], (rows, columns[rows])), shape=(len(columns), width))


def _sums(weights: Array, matrix: csr_array[np.float64]) -> Array:
    """Float[R N] times [N K] -> Float[R K]."""
    return np.asarray((matrix.T @ weights.T).T)


def _accuracy(probabilities: Array, labels: Labels) -> Weighted:
    correct = (probabilities.argmax(1) == labels).astype(np.float64)
    return lambda weights: ratio(weights @ correct, weights.sum(1))


def _macro_f1(probabilities: Array, labels: Labels) -> Weighted:
    """Mean over the classes that occur among the labels or the predictions: scikit-learn's default."""
    predicted, width = probabilities.argmax(1), probabilities.shape[1]
    ones = np.ones(len(labels))
    hits = _sparse(2.0 * (predicted == labels), labels, width)
    either = _sparse(ones, labels, width) + _sparse(ones, predicted, width)
    return lambda weights: _mean_of_defined(ratio(_sums(weights, hits), _sums(weights, either)))


def _answered_and_correct(scores: Array, correct: npt.NDArray[np.bool_], precision: float) -> Weighted:
    """Largest weight of correct examples above one threshold on `scores` with at least `precision` there.

    0 if no threshold reaches it. Examples of equal score are answered together.
    """
    levels = np.unique(scores[correct])[::-1]  # any other threshold answers more and gets none more right
    level = np.searchsorted(-levels, -scores)
    newly_answered = _sparse(np.ones(len(scores)), level, len(levels))
    newly_right = _sparse(correct.astype(np.float64), level, len(levels))

    def weighted(weights: Array) -> Array:
        answered, right = _sums(weights, newly_answered).cumsum(1), _sums(weights, newly_right).cumsum(1)
        reached = right >= precision * answered
        return np.asarray(np.where(reached, right, 0.0).max(1, initial=0.0))

    return weighted


def _recall(precision: float) -> Callable[[Array, Labels], Weighted]:
    """Micro: one threshold on the confidence of the top-1 prediction; the share of all examples answered correctly."""

    def prepare(probabilities: Array, labels: Labels) -> Weighted:
        right = _answered_and_correct(probabilities.max(1), probabilities.argmax(1) == labels, precision)
        return lambda weights: ratio(right(weights), weights.sum(1))

    return prepare


def _macro_recall(precision: float) -> Callable[[Array, Labels], Weighted]:
    """Macro: each class against the rest with its own threshold; mean over the classes among the labels."""

    def prepare(probabilities: Array, labels: Labels) -> Weighted:
        members = [(c, labels == c) for c in np.unique(labels)]
        per_class = [(_answered_and_correct(probabilities[:, c], own, precision), own) for c, own in members]

        def weighted(weights: Array) -> Array:
            recalls = [ratio(right(weights), weights[:, own].sum(1)) for right, own in per_class]
            return _mean_of_defined(np.stack(recalls, axis=1))

        return weighted

    return prepare


def ece(probabilities: Array, labels: Labels) -> Weighted:
    """Expected calibration error of the top-1 confidence (Guo et al. 2017), bins (low, high] of equal width."""
    confidence = probabilities.max(1)
    gap = confidence - (probabilities.argmax(1) == labels)
    bins = np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)
    gaps = _sparse(gap, bins, BINS)
    return lambda weights: ratio(np.abs(_sums(weights, gaps)).sum(1), weights.sum(1))


def _log_loss(probabilities: Array, labels: Labels) -> Weighted:
    """In nats; a probability below 1.2e-7, the resolution of float32, counts as that."""
    own = probabilities[np.arange(len(labels)), labels]
    loss = -np.log(np.clip(own, np.finfo(np.float32).eps, 1.0))
    return lambda weights: ratio(weights @ loss, weights.sum(1))


SCORED = "(threshold chosen on the scored rows)"  # as papers report it: the best threshold, not one that promises
METRICS: dict[str, Metric] = {
    "accuracy": Metric("accuracy", True, _accuracy),
    "macro_f1": Metric("macro-F1", True, _macro_f1),
    "recall_at_90_precision": Metric(f"recall at 90 % precision {SCORED}", True, _recall(0.90)),
    "recall_at_95_precision": Metric(f"recall at 95 % precision {SCORED}", True, _recall(0.95)),
    "recall_at_90_precision_macro": Metric(f"recall at 90 % precision, macro {SCORED}", True, _macro_recall(0.90)),
    "recall_at_95_precision_macro": Metric(f"recall at 95 % precision, macro {SCORED}", True, _macro_recall(0.95)),
    "ece": Metric("ECE", False, ece),
    "log_loss": Metric("log loss", False, _log_loss, percent=False),
}

Estimates = dict[str, dict[str, Estimate]]


def evaluate(
    predictions: Predictions, names: Sequence[str] = tuple(METRICS), groups: Sequence[str] | None = None
) -> tuple[Estimates, dict[str, Outcomes]]:
    """(task -> metric -> estimate, task -> outcomes); the estimates have a further task "mean".

    Intervals are 95 % bootstrap intervals over `groups`, the names of N examples' groups, which are drawn whole (Field
    and Welsh 2007); without names every example is a group of its own. Of 1,000 resamples percentiles, shifted so that
    the median resample lies at the value, because duplicates bias ECE, macro-F1 and recall at a precision. All tasks
    and all models see the same resamples: the interval of the mean over tasks knows that tasks share examples.
    The mean is NaN if one of its tasks is. Its `n` counts the examples with any label.

    Raises:
        ValueError: a task is called "mean".
    """
    chosen = {name: METRICS[name] for name in names}
    estimates = estimate(predictions, dict.fromkeys(predictions.labels, chosen), groups)
    return estimates, {task: _outcomes(predictions, task) for task in predictions.labels}


def estimate(
    predictions: Predictions, metrics: Mapping[str, Mapping[str, Metric]], groups: Sequence[str] | None = None
) -> Estimates:
    """The estimates of `evaluate`, and its error, for metrics of each task by itself, of the same names in all."""
    place = np.unique(first_rows(predictions.ids if groups is None else groups), return_inverse=True)[1]
    if MEAN in predictions.labels:
        raise ValueError(f"no task may be called {MEAN!r}: tables use that name for the mean over tasks")
    known = {task: labels != IGNORE for task, labels in predictions.labels.items()}
    counts = {task: int(mask.sum()) for task, mask in known.items()}
    counts[MEAN] = int(np.any(list(known.values()), axis=0).sum())
    values = {task: _values(predictions, task, metrics[task], place) for task in known}
    some = next(iter(metrics.values()))
    values[MEAN] = {name: np.mean([values[task][name] for task in known], axis=0) for name in some}
    return {
        task: {name: _estimate(some[name], v, counts[task]) for name, v in of.items()} for task, of in values.items()
    }


def _values(predictions: Predictions, task: str, metrics: Mapping[str, Metric], place: Labels) -> dict[str, Array]:
    """Metric -> its value, then its value in each resample; `place` Int[N] is the number of each example's group."""
    labels = predictions.labels[task]
    if not (known := labels != IGNORE).any():
        return {name: np.full(1 + RESAMPLES, np.nan) for name in metrics}
    probabilities = predictions.probabilities[task][known].astype(np.float64)
    weighted = {name: metric.prepare(probabilities, labels[known]) for name, metric in metrics.items()}
    values = {name: [of(np.ones((1, int(known.sum()))))] for name, of in weighted.items()}
    for weights in _resamples(int(place.max()) + 1):
        for name, of in weighted.items():
            values[name].append(of(weights[:, place[known]]))
    return {name: np.concatenate(parts) for name, parts in values.items()}


def _resamples(n: int) -> Iterator[Array]:
    """Float[CHUNK n], how often each of n groups is in each resample, until there are RESAMPLES."""
    generator = np.random.default_rng(seed_of("bootstrap"))
    for _ in range(0, RESAMPLES, CHUNK):
        draws = [np.bincount(generator.integers(n, size=n), minlength=n) for _ in range(CHUNK)]
        yield np.array(draws, dtype=np.float64)


def _estimate(metric: Metric, values: Array, n: int) -> Estimate:
    """From the value and its resamples; those of a rare label may hold none of it, and then do not count."""
    value, resampled = float(values[0]), values[1:]
    defined = resampled[~np.isnan(resampled)]
    if not len(defined):
        return Estimate(value=value, low=np.nan, high=np.nan, n=n)
    low, median, high = np.quantile(defined, [0.025, 0.5, 0.975])
    largest = 1.0 if metric.percent else np.inf
    low, high = max(0.0, value - float(median - low)), min(largest, value + float(high - median))
    return Estimate(value=value, low=low, high=high, n=n)


def _outcomes(predictions: Predictions, task: str) -> Outcomes:
    labels = predictions.labels[task]
    known = np.flatnonzero(labels != IGNORE)
    correct = predictions.probabilities[task][known].argmax(1) == labels[known]
    return Outcomes.of([predictions.ids[row] for row in known], correct)
