"""Twins of Fashion-Gen's files, with their quirks."""

import shutil

import pytest

from benchmarks import datasets
from benchmarks.datasets.loading.splits import Source
from benchmarks.twins import fashion_gen as twin
from tests.benchmarks.datasets.fashion_gen.files import ROWS, TRAIN, VALIDATION, change_pixels


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fashion-gen") / "quirks"
    twin.make(folder, ROWS, seed=7, quirks=True)
    return folder


@pytest.fixture(scope="session")
def smallest(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fashion-gen") / "smallest"
    twin.make(folder, twin.LEAST_ROWS, seed=2)
    return folder


@pytest.fixture
def root(made, tmp_path):
    """A twin of the test's own, free to be changed."""
    return shutil.copytree(made, tmp_path / "data")


@pytest.fixture(scope="session")
def swapped(made, tmp_path_factory):
    """The same twin with blue first."""
    folder = shutil.copytree(made, tmp_path_factory.mktemp("fashion-gen") / "bgr")
    for name in (TRAIN, VALIDATION):
        change_pixels(folder, name, lambda pixels: pixels[..., ::-1])
    return folder


@pytest.fixture(scope="session")
def splits(made, tmp_path_factory):
    return datasets.load("fashion-gen", Source(made, tmp_path_factory.mktemp("cache")), {})
