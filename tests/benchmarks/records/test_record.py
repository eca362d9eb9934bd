import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from benchmarks.records.record import Estimate, Experiment, Outcomes, key_of
from tests.benchmarks.made_records import record

EXPERIMENT = Experiment(dataset="catalog", model="cma_clip", seed=0)
FINGERPRINTS = {"data": "d", "weights": "w", "code": "c"}


def test_an_unknown_field_is_refused():
    with pytest.raises(ValidationError, match="sede"):
        Experiment(dataset="catalog", model="cma_clip", seed=0, sede=1)
    with pytest.raises(ValidationError, match="accuracy"):
        type(record()).model_validate({**record().model_dump(), "accuracy": 1})


@pytest.mark.parametrize("changed", FINGERPRINTS)
def test_other_data_weights_or_code_is_another_key(changed):
    assert key_of(EXPERIMENT, {**FINGERPRINTS, changed: "x"}) != key_of(EXPERIMENT, FINGERPRINTS)


@pytest.mark.parametrize(
    "change",
    [
        {"dataset": "manifest"},
        {"model": "mmbt"},
        {"seed": 1},
        {"dataset_options": {"num_train": 9}},
        {"hparams": {"depth": 1}},
        {"protocol": "noisy"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_experiment_is_another_key(change):
    assert key_of(EXPERIMENT.model_copy(update=change), FINGERPRINTS) != key_of(EXPERIMENT, FINGERPRINTS)


def test_the_order_of_options_is_no_part_of_the_key():
    ab, ba = (EXPERIMENT.model_copy(update={"hparams": h}) for h in ({"a": 1, "b": 2}, {"b": 2, "a": 1}))
    assert key_of(ab, FINGERPRINTS) == key_of(ba, dict(reversed(FINGERPRINTS.items())))


def test_keys_do_not_change_between_versions_of_this_project():
    assert key_of(EXPERIMENT, FINGERPRINTS) == "ba23e8ec5f274352"


def test_no_weights_are_not_weights_called_none():
    assert key_of(EXPERIMENT, {**FINGERPRINTS, "weights": None}) != key_of(
        EXPERIMENT, {**FINGERPRINTS, "weights": "None"}
    )


def test_zero_is_a_seed():
    assert Experiment.model_validate({"dataset": "catalog", "model": "mmbt", "seed": 0}).seed == 0
    assert EXPERIMENT.label() == "catalog/cma_clip/seed-0"
    with pytest.raises(ValidationError, match="seed"):
        Experiment.model_validate({"dataset": "catalog", "model": "mmbt"})


def test_undefined_estimates_survive_json():
    nothing = Estimate(value=math.nan, low=-math.inf, high=math.inf, n=0)
    loaded = Estimate.model_validate_json(nothing.model_dump_json())
    assert math.isnan(loaded.value)
    assert (loaded.low, loaded.high, loaded.n) == (-math.inf, math.inf, 0)


@given(st.lists(st.booleans(), max_size=40))
def test_outcomes_keep_every_bit(right):
    ids = [f"{row}" for row in range(len(right))]
    assert Outcomes.of(ids, np.array(right, dtype=bool)).bits().tolist() == right


def test_the_first_example_is_the_most_significant_bit():
    assert Outcomes.of(["a", "b"], np.array([True, False])).correct == "gA=="  # 0x80
