import pytest

from benchmarks import datasets
from benchmarks.datasets.loading.splits import Source

from ..samples import write_manifest

OPTIONS = {"labels": ["colour"], "split": "split"}


@pytest.fixture
def manifest(tmp_path):
    return write_manifest(tmp_path / "mine")


@pytest.fixture
def load(tmp_path):
    def load_manifest(root, options=OPTIONS, **source):
        return datasets.load("manifest", Source(root, tmp_path / "cache", **source), options)

    return load_manifest
