import pytest

from benchmarks import datasets
from benchmarks.datasets.loading.splits import Source
from benchmarks.twins import food101 as twin


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    folder = tmp_path_factory.mktemp("twins") / "plain"
    twin.make(folder, 60, seed=1)
    return folder


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    folder = tmp_path_factory.mktemp("twins") / "odd"
    twin.make(folder, 60, seed=1, quirks=True)
    return folder


@pytest.fixture
def load(tmp_path):
    def load_food(root, options=None, on_bad_sample="error"):
        return datasets.load("food101", Source(root, tmp_path / "cache", on_bad_sample), options or {})

    return load_food
