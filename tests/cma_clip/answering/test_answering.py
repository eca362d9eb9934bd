"""What is saved with a model, and whether its promises hold on new rows."""

import json

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.stats import binom

from cma_clip.answering import Answering
from cma_clip.types import IGNORE, Predictions
from tests.cma_clip.answering.promises import POPULATIONS, TASK, miscalibrated, rows_of, share_broken


@pytest.fixture(scope="module")
def predictions():
    made, _ = miscalibrated(2000, np.random.default_rng(0))
    return made


@pytest.mark.parametrize("name", POPULATIONS)
def test_a_promise_is_broken_no_more_often_than_stated(name):
    broken, answered, _ = share_broken(POPULATIONS[name], 500, 0.9, 60, rows=20_000)
    assert broken <= binom.ppf(0.999, 60, 0.1) / 60
    assert answered > 0.3


def test_json_brings_the_same_answers_back(predictions):
    answering = Answering.of(predictions)
    again = Answering.model_validate_json(answering.model_dump_json())
    assert again == answering
    assert len(answering.model_dump_json()) < 2000
    for target in (0.5, 0.9, 0.95):
        one, other = answering.decide(predictions, target)[TASK], again.decide(predictions, target)[TASK]
        np.testing.assert_array_equal(one.answered, other.answered)


def test_validation_rows_are_decided_as_they_were_counted(predictions):
    answering = Answering.of(predictions)
    promise, answers = answering.promise(TASK, 0.9), answering.decide(predictions, 0.9)[TASK]
    assert answers.answered.sum() == promise.answered
    right = answers.suggestion == predictions.labels[TASK]
    assert right[answers.answered].sum() == promise.right
    np.testing.assert_array_equal(answers.suggestion, predictions.probabilities[TASK].argmax(1))
    assert answers.confidence[answers.answered].min() == promise.threshold


def test_rows_without_a_label_teach_nothing(predictions):
    ids = tuple(f"new-{row}" for row in range(2000))
    more = Predictions(
        predictions.ids + ids,
        {TASK: np.append(predictions.labels[TASK], np.full(2000, IGNORE))},
        {TASK: np.concatenate([predictions.probabilities[TASK], predictions.probabilities[TASK]])},
    )
    assert Answering.of(more) == Answering.of(predictions)


def test_groups_count_once(predictions):
    answering = Answering.of(predictions, [str(row // 4) for row in range(2000)])
    assert (answering.tasks[TASK].labelled, answering.tasks[TASK].rows) == (2000, 500)
    with pytest.raises(ValueError, match="2000 rows, but 3 groups"):
        Answering.of(predictions, ["a", "b", "c"])


@pytest.mark.parametrize("rows", [0, 1, 5])
def test_a_tiny_validation_split_promises_nothing(predictions, rows):
    answering = Answering.of(rows_of(predictions, np.arange(rows)))
    assert answering.promise(TASK, 0.9) is None
    assert not answering.decide(predictions, 0.9)[TASK].answered.any()


def test_an_unknown_task_is_named(predictions):
    with pytest.raises(ValueError, match="no threshold was learned for task 'size'; there are"):
        Answering.of(predictions).promise("size", 0.9)


@pytest.mark.parametrize(
    ("points", "error"),
    [
        ([[0.5, 10, 11]], "impossible counts"),
        ([[1.5, 10, 9]], "impossible counts"),
        ([[0.9, 200, 9]], "impossible counts"),
        ([[0.5, 10, 9], [0.6, 20, 18]], "thresholds must fall"),
        ([[0.6, 10, 9], [0.5, 20, 20]], "thresholds must fall"),
    ],
)
def test_a_damaged_file_is_refused(points, error):
    saved = {"confidence_level": 0.9, "tasks": {TASK: {"temperature": 1.0, "labelled": 100, "points": points}}}
    with pytest.raises(ValidationError, match=error):
        Answering.model_validate_json(json.dumps(saved))
