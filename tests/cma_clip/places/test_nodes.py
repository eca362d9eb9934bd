"""Two nodes that want the same features, each with its own process, backbone and cache."""

import numpy as np

from benchmarks.processes import fresh_processes
from cma_clip.backbone.loading import load_backbone
from cma_clip.classifier import Workspace
from cma_clip.features.processing import Processor
from cma_clip.features.token_features import token_features
from cma_clip.places.urls import place
from tests.object_store import enter, environment
from tests.products import products


def want_features(environment, node, published, backbone_id, told):
    enter(environment | {"CMA_BENCH_CACHE": str(node / "copies")})
    published = place(published)
    backbone, examples = load_backbone(backbone_id), products(12, fingerprint="shop")
    table = token_features(backbone, Processor(backbone), examples, Workspace(node / "cache", published=published))
    told.put({name: np.array(values) for name, values in table.arrays.items()})


def test_they_are_computed_once(tiny, tmp_path, bucket):
    server = fresh_processes("cma_clip.features.token_features")
    told, nodes = server.Queue(), [tmp_path / "a", tmp_path / "b"]
    common = str(bucket / "cache"), tiny, told
    processes = [server.Process(target=want_features, args=(environment(), node, *common)) for node in nodes]
    for process in processes:
        process.start()
    here, there = told.get(timeout=120), told.get(timeout=120)
    for process in processes:
        process.join()
    assert here.keys() == there.keys()
    assert all(np.array_equal(here[name], there[name]) for name in here)
    # Who only fetched the features of photos has decoded none.
    assert sorted(len(list(node.glob("cache/images/*/arrays.json"))) for node in nodes) == [0, 1]
    assert len(list(bucket.glob("cache/features/*"))) == 2  # of photos and of texts, and no claim
