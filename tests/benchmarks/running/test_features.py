"""Features that workers compute together before the experiments that read them."""

import numpy as np
import pytest

from benchmarks import datasets
from benchmarks.engines.local import Local
from benchmarks.records.record import Experiment
from benchmarks.running.features import compute_features, reads_of
from benchmarks.running.place import Place
from benchmarks.suites import SUITES
from benchmarks.suites import experiments as experiments_of
from cma_clip.backbone.loading import load_backbone
from cma_clip.classifier import Workspace
from cma_clip.features.processing import Processor
from cma_clip.features.token_features import token_features

OPTIONS = {"num_train": 300, "num_val": 24, "num_test": 32, "image_size": 32}


def experiments(tiny, *models):
    return [
        Experiment(dataset="catalog", model=model, seed=0, dataset_options=OPTIONS, hparams={"backbone": tiny})
        for model in models
    ]


def test_workers_compute_what_experiments_read(tmp_path, tiny):
    place, told = Place(tmp_path / "results", tmp_path / "runs"), []
    compute_features(experiments(tiny, "linear_probe", "cma_clip"), place, Local(2), told.append)
    assert told == [f"features of {tiny} on catalog: 2 workers compute them"]
    there = {path.parent for path in (tmp_path / "runs" / "cache" / "features").rglob("arrays.json")}
    assert len(there) == 9  # photos, first windows and further ones of three splits, and no shard
    splits, backbone = datasets.load("catalog", place.source("catalog"), OPTIONS), load_backbone(tiny)
    (read,) = reads_of(experiments(tiny, "linear_probe", "cma_clip"))
    processor = Processor(backbone, read.text_windows)
    found = token_features(backbone, processor, splits.train, place.workspace()).arrays
    expected = token_features(backbone, processor, splits.train, Workspace()).arrays
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)


def test_only_what_several_experiments_read_of_a_frozen_backbone_is_computed_first(tiny):
    assert reads_of(experiments(tiny, "linear_probe", "fine_tuned_clip")) == []
    (read,) = reads_of(experiments(tiny, "linear_probe", "cma_clip", "mmbt", "fine_tuned_clip"))
    assert (read.dataset, read.backbone) == ("catalog", tiny)


@pytest.mark.parametrize("suite", SUITES)
def test_what_a_suite_reads_is_known_whatever_its_models(suite):
    found = reads_of(experiments_of(SUITES[suite]))
    assert len(found) <= len(SUITES[suite].datasets) * max(1, len(SUITES[suite].curve))
