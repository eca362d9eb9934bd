"""Temperature scaling against scikit-learn, and on data that leave it little to learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import log_loss

from benchmarks.metrics import METRICS
from cma_clip.answering.calibration import COOLEST, HOTTEST, calibrated, temperature
from cma_clip.types import IGNORE

seeds = st.integers(0, 2**32 - 1)


def made(seed, rows=200, classes=4, sharpness=3.0):
    generator = np.random.default_rng(seed)
    labels = generator.integers(classes, size=rows)
    logits = sharpness * (generator.normal(size=(rows, classes)) + np.eye(classes)[labels])
    odds = np.exp(logits - logits.max(1, keepdims=True))
    return odds / odds.sum(1, keepdims=True), labels


class Given(ClassifierMixin, BaseEstimator):
    """Its features are its probabilities."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return X

    def predict(self, X):
        return self.classes_[X.argmax(1)]


@pytest.mark.parametrize("sharpness", [0.5, 1.0, 3.0])
def test_it_is_the_temperature_of_scikit_learn(sharpness):
    probabilities, labels = made(0, rows=500, sharpness=sharpness)
    frozen = FrozenEstimator(Given().fit(probabilities, labels))
    reference = CalibratedClassifierCV(frozen, method="temperature").fit(probabilities, labels)
    ours = calibrated(probabilities, temperature(probabilities, labels))
    np.testing.assert_allclose(ours, reference.predict_proba(probabilities), atol=1e-3)


@given(seeds, st.floats(0.2, 5), st.integers(1, 60))
def test_log_loss_never_rises_on_the_rows_it_is_from(seed, sharpness, rows):
    probabilities, labels = made(seed, rows=rows, sharpness=sharpness)
    after = calibrated(probabilities, temperature(probabilities, labels))
    losses = [log_loss(labels, values, labels=range(4)) for values in (calibrated(probabilities, 1.0), after)]
    assert losses[1] <= losses[0] + 1e-6


def test_ece_falls_on_new_rows():
    probabilities, labels = made(0, rows=4000, sharpness=4)
    found = temperature(probabilities[:2000], labels[:2000])
    before = METRICS["ece"](probabilities[2000:], labels[2000:])
    after = METRICS["ece"](calibrated(probabilities[2000:], found), labels[2000:])
    assert found > 1
    assert after < before / 3


@given(seeds, st.floats(COOLEST, HOTTEST))
def test_the_order_of_classes_stays_with_its_ties(seed, heat):
    generator = np.random.default_rng(seed)
    shares = generator.integers(0, 4, size=(20, 5)) + np.eye(5)[generator.integers(5, size=20)]
    probabilities = (shares / shares.sum(1, keepdims=True)).astype(np.float32)
    after = calibrated(probabilities, heat)
    np.testing.assert_array_equal(after.argmax(1), probabilities.argmax(1))
    np.testing.assert_array_equal(
        after == after.max(1, keepdims=True), probabilities == probabilities.max(1, keepdims=True)
    )
    np.testing.assert_allclose(after.sum(1), 1)


@given(seeds)
def test_the_order_of_rows_and_rows_without_labels_do_not_matter(seed):
    probabilities, labels = made(seed, rows=50)
    order = np.random.default_rng(seed).permutation(50)
    missing = np.concatenate([labels, np.full(50, IGNORE)])
    expected = temperature(probabilities, labels)
    assert temperature(probabilities[order], labels[order]) == pytest.approx(expected, abs=1e-4)
    assert temperature(np.concatenate([probabilities, probabilities[::-1]]), missing) == expected


def test_all_right_cools_and_all_wrong_heats_to_the_bound():
    probabilities = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1]])
    assert temperature(probabilities, np.array([0, 1])) == COOLEST
    assert temperature(probabilities, np.array([2, 2])) == HOTTEST  # class 0 or 1 alone never occurs here


@pytest.mark.parametrize("labels", [[0, 1, 1], [IGNORE] * 3])
def test_nothing_to_learn_leaves_probabilities_alone(labels):
    flat = np.full((3, 3), 1 / 3, dtype=np.float32)
    assert temperature(flat, np.array(labels)) == 1.0
    assert temperature(np.zeros((0, 3)), np.zeros(0, dtype=np.int64)) == 1.0


def test_one_certain_mistake_does_not_decide():
    probabilities, labels = made(1, rows=500)
    certain = np.concatenate([probabilities, np.eye(4)[:1]])
    found = temperature(certain, np.append(labels, 1))
    assert found == pytest.approx(temperature(probabilities, labels), rel=0.1)
