"""Metrics of promised answers, counted by hand."""

import numpy as np
import pytest
import torch
from torchmetrics.functional.classification import multiclass_calibration_error

from benchmarks.answers import ANSWER_METRICS, SHARES, answer_curves, answering_of, evaluate_answers
from cma_clip.types import IGNORE, Predictions
from tests.cma_clip.answering.promises import TASK, miscalibrated, rows_of


@pytest.fixture(scope="module")
def split():
    made, _ = miscalibrated(3000, np.random.default_rng(1))
    labels = np.where(np.arange(3000) % 5 == 0, IGNORE, made.labels[TASK])
    made = Predictions(made.ids, {TASK: labels}, made.probabilities)
    return rows_of(made, np.arange(1500)), rows_of(made, np.arange(1500, 3000))


def test_shares_are_those_of_the_labelled_test_rows(split):
    validation, test = split
    answering = answering_of(validation)
    estimates = evaluate_answers(test, answering)
    assert estimates[TASK] == estimates["mean"]
    assert list(estimates[TASK]) == list(ANSWER_METRICS)
    labels = test.labels[TASK]
    for percent in (90, 95):
        answered = answering.decide(test, percent / 100)[TASK].answered & (labels != IGNORE)
        right = test.probabilities[TASK].argmax(1) == labels
        assert answered.any()
        share = estimates[TASK][f"answered_at_{percent}_precision"]
        reached = estimates[TASK][f"precision_reached_at_{percent}"]
        assert share.value == pytest.approx(answered.sum() / (labels != IGNORE).sum())
        assert reached.value == pytest.approx(right[answered].mean())
        assert share.n == reached.n == (labels != IGNORE).sum()
        assert 0 <= reached.low <= reached.value <= reached.high <= 1


def test_ece_after_calibration_is_that_of_torchmetrics_on_calibrated_probabilities(split):
    validation, test = split
    answering = answering_of(validation)
    known = test.labels[TASK] != IGNORE
    heated = np.log(test.probabilities[TASK][known].astype(np.float64).clip(1.2e-7)) / answering.tasks[TASK].temperature
    reference = multiclass_calibration_error(
        torch.softmax(torch.tensor(heated), 1), torch.tensor(test.labels[TASK][known]), 8, n_bins=15
    )
    assert evaluate_answers(test, answering)[TASK]["ece_calibrated"].value == pytest.approx(float(reference), abs=1e-4)


def test_without_a_promise_nothing_is_answered_and_no_precision_is_known(split):
    validation, test = split
    estimates = evaluate_answers(test, answering_of(rows_of(validation, np.arange(10))))
    assert estimates[TASK]["answered_at_90_precision"].value == 0
    assert np.isnan(estimates[TASK]["precision_reached_at_90"].value)


def test_a_task_that_validation_did_not_have_is_named(split):
    validation, test = split
    other = Predictions(test.ids, {"size": test.labels[TASK]}, {"size": test.probabilities[TASK]})
    with pytest.raises(ValueError, match="no threshold was learned for task 'size'"):
        evaluate_answers(other, answering_of(validation))


def test_a_curve_is_the_precision_of_the_most_confident(split):
    validation, test = split
    answering = answering_of(validation)
    (curve,) = answer_curves(test, answering).values()
    known = test.labels[TASK] != IGNORE
    probabilities, labels = test.probabilities[TASK][known], test.labels[TASK][known]
    order = np.argsort(-answering.tasks[TASK].confidence(probabilities), kind="stable")
    right = (probabilities.argmax(1) == labels)[order]
    for share, precision in zip(SHARES, curve, strict=True):
        rows = share * len(right)
        assert precision == pytest.approx(right[: round(rows)].mean(), abs=2 / rows)
    assert curve[-1] == pytest.approx(right.mean(), abs=1e-6)


def test_rows_of_equal_confidence_are_answered_in_random_order():
    probabilities = np.tile(np.float32([[0.7, 0.3]]), (40, 1))
    labels = np.array([0] * 30 + [1] * 10)
    flat = Predictions(tuple(map(str, range(40))), {TASK: labels}, {TASK: probabilities})
    assert answer_curves(flat, answering_of(flat)) == {TASK: (0.75,) * len(SHARES)}


def test_a_task_without_labels_has_no_curve():
    nothing = Predictions(("a",), {TASK: np.array([IGNORE])}, {TASK: np.float32([[0.7, 0.3]])})
    assert answer_curves(nothing, answering_of(nothing)) == {}
