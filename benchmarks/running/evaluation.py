"""One trained model under every condition of a protocol: predictions, metrics, modality weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks import metrics
from benchmarks.answers import evaluate_answers
from benchmarks.datasets.loading.splits import Splits
from benchmarks.perturbations import Protocol
from benchmarks.perturbations.view import Perturbed
from benchmarks.records.groups import Groups
from benchmarks.records.record import CLEAN, Estimate, Outcomes, Validation
from cma_clip.answering import Answering
from cma_clip.classifier import Classifier
from cma_clip.types import IGNORE, Examples, Predictions

Array = npt.NDArray[Any]
Grouped = tuple[Predictions, tuple[str, ...]]
"""Predictions, and the name of each row's group."""

ALL_METRICS = tuple(metrics.METRICS)
PERTURBED_METRICS = ("accuracy", "macro_f1", "recall_at_90_precision")
"""What is kept under a perturbation; all metrics of sixty conditions would make records unwieldy."""


@dataclass
class Measured:
    """Condition -> what a record holds of it."""

    metrics: dict[str, dict[str, dict[str, Estimate]]] = field(default_factory=dict)
    outcomes: dict[str, dict[str, Outcomes]] = field(default_factory=dict)
    modality_weights: dict[str, dict[str, tuple[float, float]]] = field(default_factory=dict)
    groups: dict[str, Groups] = field(default_factory=dict)

    def add(self, condition: str, found: Grouped, names: tuple[str, ...] = ALL_METRICS) -> None:
        """Evaluate the predictions of a condition."""
        predictions, groups = found
        self.metrics[condition], self.outcomes[condition] = metrics.evaluate(predictions, names, groups)
        self.modality_weights[condition] = modality_weights(predictions)
        self.keep_groups(condition, found, self.outcomes[condition])

    def keep_groups(self, condition: str, found: Grouped, outcomes: Mapping[str, Outcomes]) -> None:
        """The groups of the labelled examples, unless those of another condition are the same examples."""
        known = {examples for groups in self.groups.values() for examples in groups.labelled}
        if not known.issuperset(of.examples for of in outcomes.values()):
            groups = groups_of(found, outcomes)
            self.groups |= {} if groups is None else {condition: groups}

    def add_answers(self, condition: str, found: Grouped, answering: Answering) -> None:
        """Add to an evaluated condition what its answers are worth with the thresholds from validation."""
        for task, estimates in evaluate_answers(found[0], answering, groups=found[1]).items():
            self.metrics[condition][task] |= estimates


def groups_of(found: Grouped, outcomes: Mapping[str, Outcomes]) -> Groups | None:
    """What a record keeps of the groups; None where every row is a group of its own."""
    predictions, names = found
    if len(set(names)) == len(names):
        return None
    return Groups.of(names, {one.examples: predictions.labels[task] != IGNORE for task, one in outcomes.items()})


def modality_weights(predictions: Predictions) -> dict[str, tuple[float, float]]:
    """Task -> mean weight of (text, image) over its labelled examples; empty for a model without weights."""
    means = {}
    for task, weights in (predictions.modality_weights or {}).items():
        known = predictions.labels[task] != IGNORE
        text, image = weights[known].astype(np.float64).mean(0) if known.any() else (np.nan, np.nan)
        means[task] = (float(text), float(image))
    return means


def validated(predictions: Predictions, answering: Answering, groups: Sequence[str]) -> Validation:
    """What validation predictions say for the choice of a model; of the tasks that have a label there."""
    labelled = [task for task, labels in predictions.labels.items() if (labels != IGNORE).any()]
    if not labelled:
        return Validation(metrics={}, outcomes={})
    of_these = Predictions(
        ids=predictions.ids,
        labels={task: predictions.labels[task] for task in labelled},
        probabilities={task: predictions.probabilities[task] for task in labelled},
    )
    found, outcomes = metrics.evaluate(of_these, ("accuracy", "macro_f1"), groups)
    answers = evaluate_answers(of_these, answering, ("answered_at_90_precision",), groups)
    return Validation(metrics={task: found[task] | answers[task] for task in found}, outcomes=outcomes)


def training_splits(splits: Splits, protocol: Protocol) -> tuple[Examples, Examples]:
    """(training, validation) examples as the protocol has them."""
    return as_trained(splits.train, protocol), as_trained(splits.val, protocol)


def as_trained(examples: Examples, protocol: Protocol) -> Examples:
    """Examples as the protocol has them in training."""
    return examples if protocol.train is None else Perturbed(examples, protocol.train)


def of_clean(clean: Predictions, splits: Splits) -> Iterator[tuple[str, Grouped]]:
    """The clean condition and what follows from its predictions: subsets of the rows, groups counted as one."""
    groups = splits.test.groups()
    yield CLEAN, (clean, groups)
    for name, chosen in splits.subsets.items():
        rows = np.flatnonzero(chosen)
        yield name, (_rows(clean, rows), tuple(groups[row] for row in rows))
    if splits.per_group is not None:
        units = splits.test_units()
        found, group_of = by_group(clean, units), dict(zip(units, groups, strict=True))
        yield splits.per_group, (found, tuple(group_of[unit] for unit in found.ids))


def perturbed(classifier: Classifier, splits: Splits, protocol: Protocol) -> Iterator[tuple[str, Grouped]]:
    """Predictions under every condition of the protocol."""
    groups = splits.test.groups()
    for condition in protocol.conditions:
        yield condition.name, (classifier.predict(Perturbed(splits.test, condition)), groups)


def by_group(predictions: Predictions, groups: tuple[str, ...]) -> Predictions:
    """One row a group: the mean of its examples' probabilities and weights, and the label they share.

    That they share it `Splits` has checked; a missing label hides no other.
    """
    names, place = np.unique(np.array(groups), return_inverse=True)
    counts = np.bincount(place)

    def mean(values: Array) -> Array:
        sums = np.zeros((len(names), values.shape[1]), dtype=np.float64)
        np.add.at(sums, place, values)
        return (sums / counts[:, None]).astype(np.float32)

    return Predictions(
        ids=tuple(map(str, names)),
        labels={task: _shared(labels, place, len(names)) for task, labels in predictions.labels.items()},
        probabilities={task: mean(values) for task, values in predictions.probabilities.items()},
        modality_weights=_each(predictions.modality_weights, mean),
    )


def _each(values: Mapping[str, Array] | None, of: Callable[[Array], Array]) -> dict[str, Array] | None:
    return None if values is None else {task: of(array) for task, array in values.items()}


def _shared(labels: Array, place: Array, groups: int) -> Array:
    shared = np.full(groups, IGNORE, dtype=np.int64)
    known = labels != IGNORE
    shared[place[known]] = labels[known]
    return shared


def _rows(predictions: Predictions, rows: Array) -> Predictions:
    def picked(array: Array) -> Array:
        return array[rows]

    return Predictions(
        ids=tuple(predictions.ids[row] for row in rows),
        labels={task: labels[rows] for task, labels in predictions.labels.items()},
        probabilities={task: values[rows] for task, values in predictions.probabilities.items()},
        modality_weights=_each(predictions.modality_weights, picked),
    )
