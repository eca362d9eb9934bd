"""What every twin keeps."""

import pytest
from PIL import Image

from benchmarks import datasets
from benchmarks.datasets import DATASETS
from benchmarks.datasets.fashion_products import read_styles
from benchmarks.datasets.loading.splits import DataError, Source
from benchmarks.names import UnknownName
from benchmarks.twins import TWINS, make_twin


def _bytes(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(params=TWINS)
def name(request):
    return request.param


def test_a_twin_is_of_a_data_set_that_needs_a_folder(name):
    assert DATASETS[name].needs_root


@pytest.fixture(scope="module")
def products(tmp_path_factory):
    folder = tmp_path_factory.mktemp("twins")
    make_twin("fashion-products", folder / "good", 80, seed=1)
    make_twin("fashion-products", folder / "quirks", 80, seed=1, quirks=True)
    return folder


def _mode(path):
    with Image.open(path) as image:
        return image.mode


def _load(folder, cache, **source):
    return datasets.load("fashion-products", Source(folder, cache, **source), {"min_count": 2})


def test_the_products_load_by_the_normal_loader(products, tmp_path):
    splits = _load(products / "good", tmp_path)
    assert sum(map(len, splits.parts().values())) == 80
    assert splits.report.bad_samples == ()
    assert all(example.image.size == (60, 80) and example.text for example in splits.test)


def test_products_without_a_photo_are_refused_or_skipped(products, tmp_path):
    with pytest.raises(DataError, match=r"styles.csv, row 13: image file .*1174.jpg cannot be read"):
        _load(products / "quirks", tmp_path)
    report = _load(products / "quirks", tmp_path, on_bad_sample="skip").report
    assert (report.rows, len(report.bad_samples)) == (80, 4)


def test_the_other_quirks_of_the_products_are_in_the_files(products):
    rows = read_styles(products / "quirks" / "styles.csv")
    titles, colours = ([row[column] for row in rows] for column in ("productDisplayName", "baseColour"))
    assert sum("," in title for title in titles) == titles.count("") == colours.count("nan") == 4
    assert titles[4] == titles[5]
    photos = [products / "quirks" / "images" / f"{row['id']}.jpg" for row in rows]
    assert photos[6].read_bytes() == photos[7].read_bytes()
    assert sum(_mode(photo) == "L" for photo in photos if photo.exists()) == 4


def test_the_same_seed_writes_the_same_bytes(tmp_path):
    for folder, seed in (("one", 3), ("same", 3), ("other", 4)):
        make_twin("fashion-products", tmp_path / folder, 60, seed)
    assert _bytes(tmp_path / "one") == _bytes(tmp_path / "same") != _bytes(tmp_path / "other")


def test_an_existing_folder_is_refused(tmp_path):
    (tmp_path / "mine").write_text("precious")
    with pytest.raises(ValueError, match=r"mine exists; name a new folder"):
        make_twin("fashion-products", tmp_path / "mine", 60, 0)
    assert (tmp_path / "mine").read_text() == "precious"


def test_too_few_rows_leave_nothing_behind(name, tmp_path):
    with pytest.raises(ValueError, match="twin needs at least"):
        make_twin(name, tmp_path / "twin", 5, 0)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_twin_is_named(tmp_path):
    with pytest.raises(UnknownName, match=r"unknown twin 'food-101'; did you mean 'food101'"):
        make_twin("food-101", tmp_path / "twin", 60, 0)
