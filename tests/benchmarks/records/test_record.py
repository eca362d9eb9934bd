import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from benchmarks.records.record import Estimate, Experiment, Outcomes, key_of
from tests.benchmarks.made_records import record

EXPERIMENT = Experiment(dataset="catalog", model="cma_clip", seed=0)
FINGERPRINTS = {"data": "d", "weights": "w"}
VERSIONS = {"cma_clip": 1, "catalog": 1}


def key(experiment=EXPERIMENT, fingerprints=FINGERPRINTS, versions=VERSIONS):
    return key_of(experiment, fingerprints, versions)


def test_an_unknown_field_is_refused():
    with pytest.raises(ValidationError, match="sede"):
        Experiment(dataset="catalog", model="cma_clip", seed=0, sede=1)
    with pytest.raises(ValidationError, match="accuracy"):
        type(record()).model_validate({**record().model_dump(), "accuracy": 1})


@pytest.mark.parametrize("changed", FINGERPRINTS)
def test_other_data_or_weights_is_another_key(changed):
    assert key(fingerprints={**FINGERPRINTS, changed: "x"}) != key()


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
    assert key(EXPERIMENT.model_copy(update=change)) != key()


@pytest.mark.parametrize("versions", [{"cma_clip": 2, "catalog": 1}, {"cma_clip": 1}, {**VERSIONS, "blur": 1}])
def test_other_versions_are_another_key(versions):
    assert key(versions=versions) != key()


def test_a_field_that_comes_with_a_default_changes_no_key():
    class Later(Experiment):
        augmentation: str = "none"

    asked = {"dataset": "catalog", "model": "cma_clip", "seed": 0}
    assert key(Later(**asked)) == key()
    assert key(Later(**asked, augmentation="mirror")) != key()


def test_the_order_of_options_is_no_part_of_the_key():
    ab, ba = (EXPERIMENT.model_copy(update={"hparams": h}) for h in ({"a": 1, "b": 2}, {"b": 2, "a": 1}))
    assert key(ab) == key(ba, dict(reversed(FINGERPRINTS.items())), dict(reversed(VERSIONS.items())))


def test_keys_do_not_change_between_versions_of_this_project():
    assert key() == "330aa88235fb4d58"


def test_no_weights_are_not_weights_called_none():
    assert key(fingerprints={**FINGERPRINTS, "weights": None}) != key(fingerprints={**FINGERPRINTS, "weights": "None"})


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
