"""What an answer takes: measured without a cache, and of everything that is needed."""

import pytest

from benchmarks import datasets, models
from benchmarks.datasets.loading.splits import Source
from benchmarks.running.cost import ROWS, cost_of
from cma_clip.classifier import Workspace

OPTIONS = {"num_train": 80, "num_val": 24, "num_test": 32, "image_size": 32}


@pytest.fixture
def splits(tmp_path):
    return datasets.load("catalog", Source(None, tmp_path / "cache"), OPTIONS)


def fitted(name, splits, tmp_path, **hparams):
    classifier = models.create(name, hparams, splits.tasks, 0, Workspace(cache=tmp_path / "cache"))
    classifier.fit(splits.train, splits.val)
    models.save(name, classifier, tmp_path / "model")
    return classifier


def contents(folder):
    return {path for path in folder.rglob("*") if path.is_file()}


def test_nothing_is_read_from_a_cache_or_kept_in_it(splits, tmp_path, tiny, monkeypatch):
    classifier = fitted("linear_probe", splits, tmp_path, backbone=tiny)
    before, decoded = contents(tmp_path / "cache"), []
    image = classifier.processor.image
    monkeypatch.setattr(classifier.processor, "image", lambda given: decoded.append(1) or image(given))
    cost = cost_of(classifier, tmp_path / "model", splits.train)
    assert contents(tmp_path / "cache") == before
    assert len(decoded) == 1 + 3 * (1 + ROWS)
    assert 0 < cost.seconds < 1
    assert cost.reads == ("image", "text")


def test_megabytes_are_of_the_saved_model_and_its_backbone(splits, tmp_path, tiny):
    classifier = fitted("linear_probe", splits, tmp_path, backbone=tiny)
    saved = sum(path.stat().st_size for path in contents(tmp_path / "model"))
    weights = sum(value.nbytes for value in classifier.backbone.clip.state_dict().values())
    cost = cost_of(classifier, tmp_path / "model", splits.train)
    assert cost.megabytes == pytest.approx((saved + weights) / 1e6, abs=1e-3)


def test_a_model_without_a_backbone_is_its_folder(splits, tmp_path):
    cost = cost_of(fitted("tfidf_logistic", splits, tmp_path), tmp_path / "model", splits.train)
    saved = sum(path.stat().st_size for path in contents(tmp_path / "model"))
    assert cost.megabytes == pytest.approx(saved / 1e6, abs=1e-3)
    assert cost.reads == ("text",)


def test_fewer_rows_than_are_measured_do(splits, tmp_path):
    classifier = fitted("majority", splits, tmp_path)
    cost = cost_of(classifier, tmp_path / "model", splits.val)
    assert cost.seconds >= 0
    assert cost.reads == ()


@pytest.mark.parametrize("name", ["late_fusion", "zero_shot", "cma_clip"])
def test_every_kind_of_model_knows_its_backbone(name, splits, tmp_path, tiny):
    few = {"width": 24, "heads": 2, "depth": 1, "max_epochs": 1} if name != "zero_shot" else {}
    classifier = models.create(name, {"backbone": tiny, **few}, splits.tasks, 0, Workspace())
    assert classifier.backbone_bytes() > 0
