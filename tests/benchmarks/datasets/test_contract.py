"""What every data set keeps, whatever it reads."""

import subprocess
import sys
from dataclasses import asdict
from functools import partial
from itertools import combinations

import numpy as np
import pytest

from benchmarks import datasets
from benchmarks.datasets import DATASETS
from benchmarks.datasets.hub import SPECS
from benchmarks.datasets.loading.splits import DataError, Source
from benchmarks.twins import abo, fashion_gen, food101, mrwpa
from cma_clip.examples import ExampleList
from cma_clip.types import IGNORE

from .hub_copies import write_saved
from .samples import photo, product, write_manifest, write_products

OPTIONS = {
    "abo": {"min_count": 1},
    "catalog": {"num_train": 40, "num_val": 20, "num_test": 30, "image_size": 32},
    "fashion-gen": {},
    "fashion-products": {"min_count": 1},
    "food101": {},
    "manifest": {"labels": ["colour"], "split": "split"},
    "mrwpa": {},
    **{name: {"min_count": 1} for name in SPECS},
}
ROOTS = {
    "abo": lambda folder: _drawn_once(abo.make, folder.parents[1] / "abo"),
    "catalog": lambda folder: None,
    "fashion-gen": lambda folder: _drawn_once(fashion_gen.make, folder.parents[1] / "fashion-gen"),
    "fashion-products": lambda folder: write_products(folder, [product(number) for number in range(60)]),
    "food101": lambda folder: _drawn_once(food101.make, folder.parents[1] / "food101"),
    "manifest": lambda folder: write_manifest(folder).parent,
    "mrwpa": lambda folder: _drawn_once(mrwpa.make, folder.parents[1] / "mrwpa"),
    **{name: partial(write_saved, name) for name in SPECS},
}
A_PHOTO = {"fashion-products": "images/1000.jpg", "manifest": "0.png"}


def _drawn_once(make, folder):
    """A twin that all tests of the session only read."""
    if not folder.exists():
        make(folder, 60, seed=0)
    return folder


@pytest.fixture(params=DATASETS)
def name(request):
    return request.param


@pytest.fixture
def source(name, tmp_path):
    return Source(ROOTS[name](tmp_path / "data"), tmp_path / "cache")


@pytest.fixture
def splits(name, source):
    return datasets.load(name, source, OPTIONS[name])


def _tables(source):
    return {path: path.stat().st_mtime_ns for path in source.cache.rglob("*.arrow")}


def test_the_card_is_filled_in(name, splits):
    assert splits.card == DATASETS[name].card
    assert all(value for field, value in asdict(splits.card).items() if field not in ("notes", "photos_may_be_copied"))
    assert splits.name == name


def test_groups_have_one_row_each_where_the_registry_says_so(name, splits):
    if not DATASETS[name].shares_groups:
        for examples in splits.parts().values():
            assert len(set(examples.groups())) == len(examples)


def test_labels_are_class_indices(splits):
    for examples in splits.parts().values():
        for task in splits.tasks:
            labels = examples.labels(task.name)
            assert labels.dtype == np.int64
            assert set(labels.tolist()) <= {IGNORE, *range(len(task.classes))}


def test_no_group_is_in_two_splits(splits):
    for one, other in combinations(splits.parts().values(), 2):
        assert not set(one.groups()) & set(other.groups())
        assert not set(one.ids()) & set(other.ids())


def test_columns_say_what_the_examples_say(splits):
    stored, seen = splits.val, ExampleList(splits.val)
    assert stored.ids() == seen.ids()
    assert stored.texts() == seen.texts()
    assert stored.label_rows() == seen.label_rows()
    assert stored.image_present().tolist() == seen.image_present().tolist()
    assert all(example.image is None or example.image.mode == "RGB" for example in seen)


def test_the_second_load_opens_what_the_first_has_built(name, source, splits):
    built = _tables(source)
    again = datasets.load(name, source, OPTIONS[name])
    assert len(built) == 3
    assert _tables(source) == built
    assert (again.fingerprint, again.tasks, again.report) == (splits.fingerprint, splits.tasks, splits.report)


def test_another_cache_gives_the_same_data(name, source, splits, tmp_path):
    again = datasets.load(name, Source(source.root, tmp_path / "other"), OPTIONS[name])
    assert again.fingerprint == splits.fingerprint
    assert {part: examples.fingerprint for part, examples in again.parts().items()} == {
        part: examples.fingerprint for part, examples in splits.parts().items()
    }


@pytest.mark.parametrize("name", A_PHOTO)
def test_a_changed_photo_is_noticed(name, source, splits):
    kind = "JPEG" if A_PHOTO[name].endswith("jpg") else "PNG"
    (source.root / A_PHOTO[name]).write_bytes(photo(999, kind))
    assert datasets.load(name, source, OPTIONS[name]).fingerprint != splits.fingerprint


@pytest.mark.parametrize("name", A_PHOTO)
def test_a_changed_table_is_noticed(name, source, splits):
    (table,) = source.root.glob("*.csv")
    table.write_text(table.read_text().replace("itle 2", "itle 1002").replace("Brand 2 ", "Brand 1002 "))
    assert datasets.load(name, source, OPTIONS[name]).fingerprint != splits.fingerprint


def test_an_unknown_option_is_named(name, source):
    with pytest.raises(DataError, match=rf"unknown option of {name} 'nonsense'.*Valid: "):
        datasets.load(name, source, {**OPTIONS[name], "nonsense": 1})


@pytest.mark.parametrize("name", [name for name, dataset in DATASETS.items() if dataset.needs_root])
def test_a_missing_root_is_asked_for(name):
    with pytest.raises(DataError, match=f"--data {name}="):
        datasets.load(name, Source(None), OPTIONS[name])


def test_an_unknown_data_set_is_named():
    with pytest.raises(DataError, match=r"unknown data set 'catalogue'; did you mean 'catalog'\? Valid: abo, catalog"):
        datasets.load("catalogue", Source(), {})


def test_importing_the_registry_is_cheap():
    code = "import sys, benchmarks.datasets; print([m for m in ('torch', 'datasets', 'pandas') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
