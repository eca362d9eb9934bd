import gzip
import json
import shutil

import pytest

from benchmarks import datasets
from benchmarks.datasets.abo import LISTINGS
from benchmarks.datasets.abo.listings import SHARDS
from benchmarks.datasets.loading.splits import Source
from benchmarks.twins import abo


@pytest.fixture(scope="package")
def clean(tmp_path_factory):
    folder = tmp_path_factory.mktemp("abo") / "clean"
    abo.make(folder, 120, seed=0)
    return folder


@pytest.fixture(scope="package")
def quirky(tmp_path_factory):
    folder = tmp_path_factory.mktemp("abo") / "quirky"
    abo.make(folder, 120, seed=0, quirks=True)
    return folder


@pytest.fixture
def load(tmp_path):
    def load_listings(root, options=(), **source):
        return datasets.load("abo", Source(root, tmp_path / "cache", **source), {"min_count": 1, **dict(options)})

    return load_listings


@pytest.fixture
def changed(clean, tmp_path):
    """The clean twin with fields of some listings changed, by their number; a field None is left out."""

    def change(fields_of):
        folder = tmp_path / "mine"
        shutil.copytree(clean, folder)
        for number, fields in fields_of.items():
            shard = folder / LISTINGS / SHARDS[number % 16]
            lines = gzip.decompress(shard.read_bytes()).decode().splitlines()
            record = {**json.loads(lines[number // 16]), **fields}
            lines[number // 16] = json.dumps({name: value for name, value in record.items() if value is not None})
            shard.write_bytes(gzip.compress("\n".join(lines).encode()))
        return folder

    return change
