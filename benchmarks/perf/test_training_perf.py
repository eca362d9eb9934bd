"""Samples per second of the hot paths: a training epoch over cached tokens, features, image decoding, metrics.

Run with `nox -s perf`. One thread; compare only runs of one machine.
"""

import numpy as np
import pytest
import torch

from benchmarks.datasets.catalog import CatalogOptions, load
from benchmarks.datasets.loading.splits import Source
from benchmarks.metrics import evaluate
from cma_clip.backbone.loading import load_backbone
from cma_clip.classifier import Workspace
from cma_clip.features.processing import Processor
from cma_clip.features.token_features import token_features
from cma_clip.model import CMAClip, CMAClipConfig
from cma_clip.types import Predictions

ROWS = 1000


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    torch.set_num_threads(1)
    return Workspace(cache=tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def splits(workspace):
    return load(Source(cache=workspace.cache), CatalogOptions(num_train=ROWS, num_val=50, num_test=50))


@pytest.mark.parametrize("depth", [1, 2])
def test_epoch_over_cached_tokens(benchmark, splits, workspace, depth):
    config = CMAClipConfig(max_epochs=1, depth=depth)
    CMAClip(splits.tasks, config, 0, workspace).fit(splits.train, splits.val)  # fills the caches

    benchmark.pedantic(
        lambda: CMAClip(splits.tasks, config, 0, workspace).fit(splits.train, splits.val), rounds=3, iterations=1
    )
    benchmark.extra_info["samples_per_second"] = ROWS / benchmark.stats.stats.median


def test_features_of_a_frozen_backbone(benchmark, splits):
    backbone = load_backbone("tiny-product-clip")
    images = Processor(backbone).encode_images(splits.train, Workspace())
    texts = Processor(backbone).encode_texts(splits.train, Workspace())

    class Once(Processor):
        def encode_images(self, examples, workspace):
            return images

        def encode_texts(self, examples, workspace):
            return texts

    once = Once(backbone)
    benchmark.pedantic(lambda: token_features(backbone, once, splits.train, Workspace()), rounds=3, iterations=1)
    benchmark.extra_info["samples_per_second"] = ROWS / benchmark.stats.stats.median


def test_decode_resize_tokenise(benchmark, splits):
    processor = Processor(load_backbone("tiny-product-clip"))

    benchmark.pedantic(lambda: processor.encode(splits.train, Workspace()), rounds=3, iterations=1)
    benchmark.extra_info["samples_per_second"] = ROWS / benchmark.stats.stats.median


def test_evaluate_with_intervals(benchmark):
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(40), 6000).astype(np.float32)
    ids = tuple(map(str, range(6000)))
    predictions = Predictions(ids, {"task": rng.integers(0, 40, 6000)}, {"task": probabilities})

    benchmark.pedantic(lambda: evaluate(predictions), rounds=3, iterations=1)
