"""Metrics of promised answers, counted by hand."""

import numpy as np
import pytest
import torch
from torchmetrics.functional.classification import multiclass_calibration_error

from benchmarks.answers import ANSWER_METRICS, answering_of, evaluate_answers
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
