"""One full pass over the real photos and titles: check, decode, tokenise, features of the frozen backbone.

    CMA_BENCH_FASHION=DIR nox -s perf -- -k real

with the folder that holds styles.csv and images/. One thread; minutes, not seconds.
"""

import os
from pathlib import Path

import pytest
import torch

from benchmarks import datasets
from benchmarks.datasets.loading.splits import Source
from cma_clip.backbone.loading import load_backbone
from cma_clip.classifier import Workspace
from cma_clip.features.processing import Processor
from cma_clip.features.token_features import token_features

pytestmark = pytest.mark.skipif(
    "CMA_BENCH_FASHION" not in os.environ, reason="CMA_BENCH_FASHION does not name the folder of fashion-products"
)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    torch.set_num_threads(1)
    return Source(Path(os.environ["CMA_BENCH_FASHION"]), tmp_path_factory.mktemp("cache"))


def rows_of(splits):
    return sum(len(part) for part in splits.parts().values())


def once(benchmark, run, rows):
    benchmark.pedantic(run, rounds=1, iterations=1)
    benchmark.extra_info |= {"rows": rows, "rows_per_second": rows / benchmark.stats.stats.median}


def test_load_real_rows(benchmark, source):
    loaded = []
    benchmark.pedantic(lambda: loaded.append(datasets.load("fashion-products", source, {})), rounds=1, iterations=1)
    benchmark.extra_info["rows"] = rows_of(loaded[0])


def test_decode_and_tokenise_real_rows(benchmark, source):
    splits, workspace = datasets.load("fashion-products", source, {}), Workspace(source.cache)
    processor = Processor(load_backbone("tiny-product-clip"))
    once(benchmark, lambda: [processor.encode(part, workspace) for part in splits.parts().values()], rows_of(splits))


def test_features_of_real_rows(benchmark, source):
    splits, workspace = datasets.load("fashion-products", source, {}), Workspace(source.cache)
    backbone = load_backbone("tiny-product-clip")
    processor = Processor(backbone)
    for part in splits.parts().values():
        processor.encode(part, workspace)
    run = lambda: [token_features(backbone, processor, part, workspace) for part in splits.parts().values()]  # noqa: E731
    once(benchmark, run, rows_of(splits))
