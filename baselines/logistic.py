"""Multinomial logistic regression per task (scikit-learn's), kept as plain arrays."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from cma_clip.classifier import JSON, Arrays
from cma_clip.types import IGNORE, Examples, Task

UNSEEN = -30.0
"""Bias of a class without a training example: its probability is practically, not exactly, zero."""


def fit_logistic(
    features: Any,  # noqa: ANN401 - dense or sparse
    train: Examples,
    tasks: Sequence[Task],
    c: float,
    max_iter: int,
) -> tuple[Arrays, list[JSON]]:
    """Rows of `features` (N x D) are those of `train`.

    Returns per task weights C x D and biases C, and the names of the tasks that had not converged after `max_iter`.
    """
    arrays: Arrays = {}
    unconverged: list[JSON] = []
    for task in tasks:
        labels = train.labels(task.name)
        known = np.flatnonzero(labels != IGNORE)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # it becomes a fact of the record
            fitted = LogisticRegression(C=c, max_iter=max_iter).fit(features[known], labels[known])
        if fitted.n_iter_.max() >= max_iter:
            unconverged.append(task.name)
        weight = np.zeros((len(task.classes), features.shape[1]), dtype=np.float32)
        bias = np.full(len(task.classes), UNSEEN, dtype=np.float32)
        if len(fitted.classes_) == 2:  # scikit-learn keeps one row for two classes: sigmoid(z) = softmax(0, z)
            weight[fitted.classes_[1]] = fitted.coef_[0]
            bias[fitted.classes_] = 0.0, fitted.intercept_[0]
        else:
            weight[fitted.classes_] = fitted.coef_
            bias[fitted.classes_] = fitted.intercept_
        arrays[f"{task.name}.weight"], arrays[f"{task.name}.bias"] = weight, bias
    return arrays, unconverged


def predict_logistic(features: Any, arrays: Mapping[str, Any], tasks: Sequence[Task]) -> Arrays:  # noqa: ANN401
    """Per task probabilities Float[N C]."""
    probabilities = {}
    for task in tasks:
        logits = np.asarray(features @ arrays[f"{task.name}.weight"].T) + arrays[f"{task.name}.bias"]
        probabilities[task.name] = softmax(logits.astype(np.float64), axis=1).astype(np.float32)
    return probabilities


def check_saved(arrays: Arrays, tasks: Sequence[Task], width: int, vectors: Mapping[str, int]) -> None:
    """Whether saved arrays are those of `fit_logistic` on D = `width` features, and `vectors` have their length.

    Raises:
        ValueError: an array is missing or has another shape; names it.
    """
    shapes: dict[str, tuple[int, ...]] = {name: (length,) for name, length in vectors.items()}
    for task in tasks:
        shapes |= {f"{task.name}.weight": (len(task.classes), width), f"{task.name}.bias": (len(task.classes),)}
    for name, shape in shapes.items():
        if name not in arrays:
            raise ValueError(f"array {name!r} is missing")
        if arrays[name].shape != shape:
            raise ValueError(f"array {name!r} has shape {arrays[name].shape}, not {shape}")
