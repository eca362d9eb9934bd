"""Metrics against scikit-learn, torchmetrics, brute force and cases worked by hand."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import bootstrap
from sklearn.metrics import accuracy_score, f1_score, log_loss
from torchmetrics.functional.classification import multiclass_calibration_error

from benchmarks.metrics import METRICS, evaluate
from benchmarks.running.evaluation import modality_weights
from cma_clip.types import IGNORE, Predictions


@st.composite
def scored(draw, max_examples=25):
    """(probabilities, labels) with few distinct values, so that confidences tie."""
    n, classes = draw(st.integers(1, max_examples)), draw(st.integers(2, 4))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shares = generator.integers(0, 4, size=(n, classes)) + np.eye(classes)[generator.integers(classes, size=n)]
    return shares / shares.sum(1, keepdims=True), generator.integers(classes, size=n)


def random_predictions(n=200, seed=0, missing=0.2, tasks=("color", "style")):
    generator = np.random.default_rng(seed)
    labels, probabilities = {}, {}
    for task in tasks:
        logits = generator.normal(size=(n, 4))
        truth = generator.integers(4, size=n)
        logits[np.arange(n), truth] += 1.5
        probabilities[task] = (np.exp(logits) / np.exp(logits).sum(1, keepdims=True)).astype(np.float32)
        labels[task] = np.where(generator.random(n) < missing, IGNORE, truth)
    return Predictions(tuple(f"id-{row}" for row in range(n)), labels, probabilities)


def best_recall(scores, correct, total, percent):
    """Every threshold in turn, in exact arithmetic."""
    best = Fraction(0)
    for threshold in np.unique(scores):
        answered, right = int((scores >= threshold).sum()), int(correct[scores >= threshold].sum())
        if Fraction(right, answered) >= Fraction(percent, 100):
            best = max(best, Fraction(right, total))
    return float(best)


@given(scored())
def test_accuracy_macro_f1_and_log_loss_are_those_of_scikit_learn(case):
    probabilities, labels = case
    predicted, classes = probabilities.argmax(1), range(probabilities.shape[1])
    assert METRICS["accuracy"](probabilities, labels) == pytest.approx(accuracy_score(labels, predicted))
    assert METRICS["macro_f1"](probabilities, labels) == pytest.approx(f1_score(labels, predicted, average="macro"))
    clipped = np.clip(probabilities, np.finfo(np.float32).eps, 1)
    own = log_loss(labels, clipped / clipped.sum(1, keepdims=True), labels=list(classes))
    assert METRICS["log_loss"](probabilities, labels) == pytest.approx(own, abs=1e-5)


@given(st.integers(0, 2**32 - 1))
def test_ece_is_that_of_torchmetrics(seed):
    generator = np.random.default_rng(seed)
    probabilities = generator.dirichlet([0.5] * 5, size=80)
    labels = generator.integers(5, size=80)
    reference = multiclass_calibration_error(torch.tensor(probabilities), torch.tensor(labels), 5, n_bins=15)
    assert METRICS["ece"](probabilities, labels) == pytest.approx(float(reference), abs=1e-5)


@given(scored(), st.sampled_from([90, 95]))
def test_recall_at_precision_is_the_best_of_all_thresholds(case, percent):
    probabilities, labels = case
    correct = probabilities.argmax(1) == labels
    micro = best_recall(probabilities.max(1), correct, len(labels), percent)
    assert METRICS[f"recall_at_{percent}_precision"](probabilities, labels) == pytest.approx(micro)
    recalls = [
        best_recall(probabilities[:, c], labels == c, int((labels == c).sum()), percent) for c in np.unique(labels)
    ]
    macro = METRICS[f"recall_at_{percent}_precision_macro"](probabilities, labels)
    assert macro == pytest.approx(np.mean(recalls))


def test_recall_at_90_precision_by_hand():
    confidence = np.linspace(0.99, 0.6, 14)
    probabilities = np.stack([confidence, 1 - confidence], axis=1)
    labels = np.zeros(14, dtype=np.int64)
    labels[[9, 11, 12]] = 1  # 9 of the first 10 are right, then 10 of 11, then precision stays below 90 %
    assert METRICS["recall_at_90_precision"](probabilities, labels) == pytest.approx(10 / 14)
    assert METRICS["recall_at_95_precision"](probabilities, labels) == pytest.approx(9 / 14)


def test_equal_confidences_are_answered_together():
    probabilities = np.array([[0.8, 0.2]] * 10)
    labels = np.array([0] * 8 + [1] * 2)
    assert METRICS["recall_at_90_precision"](probabilities, labels) == 0.0
    assert METRICS["recall_at_90_precision"](probabilities, np.array([0] * 9 + [1])) == pytest.approx(0.9)


def test_ece_by_hand():
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.3, 0.7]])
    labels = np.array([0, 1, 0, 1])
    assert METRICS["ece"](probabilities, labels) == pytest.approx((2 * abs(0.9 - 0.5) + (1 - 0.6) + (1 - 0.7)) / 4)


@pytest.mark.parametrize("name", METRICS)
@given(case=scored(max_examples=12), seed=st.integers(0, 1000))
@settings(max_examples=30)
def test_weights_count_as_repeated_examples(name, case, seed):
    probabilities, labels = case
    counts = np.random.default_rng(seed).integers(0, 4, size=(2, len(labels)))
    counts[:, 0] += 1
    weighted = METRICS[name].prepare(probabilities, labels)(counts.astype(float))
    repeated = [METRICS[name](np.repeat(probabilities, row, axis=0), np.repeat(labels, row)) for row in counts]
    np.testing.assert_allclose(weighted, repeated, atol=1e-12)


@pytest.mark.parametrize("name", METRICS)
def test_a_perfect_model_has_the_best_value(name):
    labels = np.array([0, 1, 2, 1])
    assert METRICS[name](np.eye(3)[labels], labels) == float(METRICS[name].higher_is_better)


@pytest.mark.parametrize("name", METRICS)
def test_unlabelled_examples_do_not_count(name):
    predictions = random_predictions()
    probabilities, labels = predictions.probabilities["color"], predictions.labels["color"]
    known = labels != IGNORE
    assert METRICS[name](probabilities, labels) == METRICS[name](probabilities[known], labels[known])
    assert np.isnan(METRICS[name](probabilities, np.full(len(labels), IGNORE)))


def test_estimates_lie_in_their_intervals_and_repeat_exactly():
    predictions = random_predictions()
    estimates, outcomes = evaluate(predictions)
    assert set(estimates) == {"color", "style", "mean"}
    for metrics in estimates.values():
        assert list(metrics) == list(METRICS)
        for name, estimate in metrics.items():
            assert 0 <= estimate.low <= estimate.value <= estimate.high
            assert estimate.high <= 1 or not METRICS[name].percent
    assert evaluate(predictions) == (estimates, outcomes)


def test_intervals_are_those_of_a_plain_bootstrap():
    predictions = random_predictions(n=500, missing=0.0)
    correct = predictions.probabilities["color"].argmax(1) == predictions.labels["color"]
    plain = bootstrap((correct.astype(float),), np.mean, method="percentile", n_resamples=2000, rng=0)
    estimate = evaluate(predictions)[0]["color"]["accuracy"]
    assert estimate.value == correct.mean()
    assert estimate.low == pytest.approx(plain.confidence_interval.low, abs=0.008)
    assert estimate.high == pytest.approx(plain.confidence_interval.high, abs=0.008)


def clustered(simulations, clusters=80, seed=0):
    """(true accuracy, groups, Bool[simulations N]): rows of a cluster are mostly right or mostly wrong together."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 6, clusters)
    skill = rng.beta(1.4, 0.6, size=(simulations, clusters))
    right = rng.random((simulations, sizes.sum())) < np.repeat(skill, sizes, axis=1)
    return 0.7, np.repeat([f"product {number}" for number in range(clusters)], sizes).tolist(), right


def test_intervals_over_groups_hold_the_truth_as_often_as_they_say():
    """Each simulation is a task of one evaluation, so that all share the resamples."""
    truth, names, right = clustered(300)
    labels = {f"{number}": np.zeros(len(names), dtype=np.int64) for number in range(len(right))}
    probabilities = {f"{number}": np.where(row[:, None], [1.0, 0.0], [0.0, 1.0]) for number, row in enumerate(right)}
    predictions = Predictions(tuple(map(str, range(len(names)))), labels, probabilities)
    covered = {}
    for what, groups in (("groups", names), ("rows", None)):
        estimates, _ = evaluate(predictions, ("accuracy",), groups)
        found = [estimates[task]["accuracy"] for task in labels]
        covered[what] = np.mean([one.low <= truth <= one.high for one in found])
    assert 0.93 <= covered["groups"] <= 0.97
    assert covered["rows"] < 0.9


def test_where_every_group_is_one_row_intervals_do_not_change():
    predictions = random_predictions()
    assert evaluate(predictions, groups=[f"group of {name}" for name in predictions.ids]) == evaluate(predictions)


def test_the_mean_over_tasks_knows_that_tasks_share_examples():
    one = random_predictions(n=300, missing=0.0, tasks=("color",))
    twice = Predictions(
        one.ids,
        {task: one.labels["color"] for task in ("a", "b")},
        {task: one.probabilities["color"] for task in ("a", "b")},
    )
    estimates, _ = evaluate(twice)
    assert estimates["mean"] == estimates["a"]


def test_a_task_without_labels_is_undefined_and_so_is_the_mean():
    predictions = random_predictions()
    labels = {**predictions.labels, "style": np.full(len(predictions.ids), IGNORE)}
    estimates, outcomes = evaluate(Predictions(predictions.ids, labels, predictions.probabilities))
    for task in ("style", "mean"):
        assert all(np.isnan([e.value, e.low, e.high]).all() for e in estimates[task].values())
    assert estimates["style"]["accuracy"].n == outcomes["style"].n == 0
    assert estimates["color"]["accuracy"].n == int((labels["color"] != IGNORE).sum())


def test_one_labelled_example_is_enough():
    predictions = random_predictions(n=40)
    labels = {"color": np.full(40, IGNORE), "style": predictions.labels["style"]}
    labels["color"][7] = predictions.probabilities["color"][7].argmax()
    estimates, _ = evaluate(Predictions(predictions.ids, labels, predictions.probabilities))
    accuracy = estimates["color"]["accuracy"]
    assert (accuracy.value, accuracy.low, accuracy.high, accuracy.n) == (1, 1, 1, 1)


def test_outcomes_tell_which_labelled_examples_were_right():
    predictions = random_predictions()
    _, outcomes = evaluate(predictions)
    for task, labels in predictions.labels.items():
        known = labels != IGNORE
        right = predictions.probabilities[task].argmax(1) == labels
        np.testing.assert_array_equal(outcomes[task].bits(), right[known])


def test_no_task_may_be_called_mean():
    with pytest.raises(ValueError, match="no task may be called 'mean'"):
        evaluate(random_predictions(tasks=("mean",)))


def test_modality_weights_are_means_over_labelled_examples():
    predictions = random_predictions(n=4, tasks=("color",))
    weights = np.array([[1, 0], [0.5, 0.5], [0, 1], [0.25, 0.75]], dtype=np.float32)
    labels = {"color": np.array([0, IGNORE, 1, IGNORE])}
    assert modality_weights(predictions) == {}
    weighted = Predictions(predictions.ids, labels, predictions.probabilities, {"color": weights})
    assert modality_weights(weighted) == {"color": (0.5, 0.5)}
