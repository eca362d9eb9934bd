import numpy as np
import pytest

from benchmarks import datasets
from benchmarks.datasets.loading.splits import Source
from benchmarks.models import create
from benchmarks.perturbations import PROTOCOLS, at
from benchmarks.perturbations.view import Perturbed
from benchmarks.running import evaluation as conditions
from cma_clip.classifier import Workspace
from cma_clip.types import Predictions

OPTIONS = {"num_train": 60, "num_val": 20, "num_test": 30, "image_size": 32}


@pytest.fixture(scope="module")
def splits(tmp_path_factory):
    return datasets.load("catalog", Source(None, tmp_path_factory.mktemp("cache")), OPTIONS)


def predictions(labels=(0, 0, 1, 1, 1), **weights):
    right = np.eye(2, dtype=np.float32)[[0, 1, 1, 1, 0]]
    return Predictions(
        ids=tuple("abcde"),
        labels={"kind": np.array(labels)},
        probabilities={"kind": right * 0.8 + 0.1},
        modality_weights=weights or None,
    )


def test_a_group_counts_once_by_the_mean_of_its_probabilities():
    found = conditions.by_group(predictions(), ("x", "x", "y", "y", "y"))
    assert found.ids == ("x", "y")
    assert found.labels["kind"].tolist() == [0, 1]
    np.testing.assert_allclose(found.probabilities["kind"], [[0.5, 0.5], [11 / 30, 19 / 30]], rtol=1e-5)


def test_weights_are_averaged_too_and_a_missing_label_hides_no_other():
    weights = np.array([[1, 0], [0, 1], [1, 0], [1, 0], [0, 1]], dtype=np.float32)
    found = conditions.by_group(predictions((-100, 0, 1, -100, 1), kind=weights), ("x", "x", "y", "y", "z"))
    assert found.labels["kind"].tolist() == [0, 1, 1]
    assert found.modality_weights["kind"].tolist() == [[0.5, 0.5], [1.0, 0.0], [0.0, 1.0]]


def test_subsets_and_groups_follow_from_the_clean_predictions(splits):
    from dataclasses import replace

    model = create("majority", {}, splits.tasks, 0, Workspace())
    model.fit(splits.train, splits.val)
    clean = model.predict(splits.test)
    few = np.arange(30) < 12
    whole = replace(splits, subsets={"deduplicated": few}, per_group="product-level")
    found = dict(conditions.of_clean(clean, whole))
    assert list(found) == ["clean", "deduplicated", "product-level"]
    assert found["clean"] == (clean, splits.test.groups())
    assert found["deduplicated"][0].ids == clean.ids[:12]
    assert len(found["product-level"][0].ids) == 30  # every product of the catalogue is a group of its own


def test_a_model_meets_every_condition_of_the_protocol(splits, tiny):
    model = create("zero_shot", {"backbone": tiny}, splits.tasks, 0, Workspace())
    found = dict(conditions.perturbed(model, splits, PROTOCOLS["qmf-like"]))
    assert list(found) == ["qmf-like@5", "qmf-like@10"]
    by_hand = model.predict(Perturbed(splits.test, PROTOCOLS["qmf-like"].conditions[1]))
    assert np.array_equal(found["qmf-like@10"][0].probabilities["color"], by_hand.probabilities["color"])


def test_groups_are_kept_once_and_only_where_rows_share_one(splits):
    model = create("majority", {}, splits.tasks, 0, Workspace())
    model.fit(splits.train, splits.val)
    clean = model.predict(splits.test)
    alone, pairs = conditions.Measured(), conditions.Measured()
    alone.add("clean", (clean, splits.test.groups()))
    assert alone.groups == {}
    of_two = tuple(str(row // 2) for row in range(30))
    for condition in ("clean", "blur@1"):
        pairs.add(condition, (clean, of_two))
    assert list(pairs.groups) == ["clean"]
    assert pairs.groups["clean"].numbers().tolist() == [row // 2 for row in range(30)]
    assert pairs.metrics["clean"]["color"]["accuracy"].value == alone.metrics["clean"]["color"]["accuracy"].value
    assert pairs.metrics["clean"]["color"]["accuracy"] != alone.metrics["clean"]["color"]["accuracy"]


def test_missing_70_is_met_in_training_too(splits):
    train, val = conditions.training_splits(splits, PROTOCOLS["missing-70-text"])
    for examples in (train, val):
        assert np.mean([text is None for text in examples.texts()]) == pytest.approx(0.7, abs=0.25)
    assert conditions.training_splits(splits, PROTOCOLS["plain"]) == (splits.train, splits.val)


@pytest.mark.parametrize("severity", [1, 5])
def test_perturbed_features_are_cached_and_the_other_modality_is_not_computed_again(splits, tiny, tmp_path, severity):
    model = create("zero_shot", {"backbone": tiny}, splits.tasks, 0, Workspace(cache=tmp_path))
    model.predict(splits.test)
    before = set(tmp_path.rglob("*.npy"))
    model.predict(Perturbed(splits.test, at("token_drop", severity)))
    new = {path.name for path in set(tmp_path.rglob("*.npy")) - before}
    assert "text_tokens.npy" in new
    assert not new & {"pixels.npy", "image_tokens.npy"}
    kept = set(tmp_path.rglob("*.npy"))
    model.predict(Perturbed(splits.test, at("token_drop", severity)))
    assert set(tmp_path.rglob("*.npy")) == kept
