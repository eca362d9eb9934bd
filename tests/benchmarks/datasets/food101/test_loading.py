import csv
import shutil

import numpy as np
import pytest
from PIL import Image

from benchmarks.datasets.food101.titles import read_titles
from benchmarks.datasets.loading.splits import DataError
from benchmarks.twins.food101 import DISHES

from ..samples import photo
from .samples import TEXT_ONLY, ids_of, some, texts_of, write_texts


def test_photo_title_and_class_belong_together(plain, load):
    splits = load(plain)
    (task,) = splits.tasks
    assert len(task.classes) == 101
    rows = {f.file: f for part in ("train", "test") for f in read_titles(plain / f"texts/{part}_titles.csv", part)}
    for example in splits.test:
        page = rows[example.id]
        assert example.text == page.title
        assert task.classes[example.labels["dish"]] == page.label.replace("_", " ")
        with Image.open(plain / "images" / "test" / page.label / page.file) as image:
            assert np.array_equal(np.asarray(example.image), np.asarray(image))


def test_titles_alone_need_no_images(tmp_path, load):
    folder = write_texts(tmp_path / "food", some(60), some(9, first=60))
    assert not load(folder, TEXT_ONLY).test.image_present().any()
    with pytest.raises(DataError, match="has no images/train and no images/test; it needs images/"):
        load(folder)


def test_a_changed_photo_is_noticed(plain, tmp_path, load):
    shutil.copytree(plain, tmp_path / "food")
    before = load(tmp_path / "food").fingerprint
    next((tmp_path / "food" / "images" / "train" / "pizza").iterdir()).write_bytes(photo(1, "JPEG"))
    assert load(tmp_path / "food").fingerprint != before


def test_a_nested_folder_is_named_not_guessed(plain, load):
    with pytest.raises(DataError, match=rf"has no texts/train_titles.csv.*did you mean --data food101={plain}\?"):
        load(plain.parent)


def test_missing_photos_stop_or_are_counted(odd, load):
    with pytest.raises(DataError, match=r"train_titles.csv, row 41: image file .* cannot be read: No such file"):
        load(odd)
    splits = load(odd, on_bad_sample="skip")
    assert splits.report.rows == 60
    assert [bad.split(":")[0] for bad in splits.report.bad_samples] == [
        "train_titles.csv, row 41",
        "test_titles.csv, row 15",
    ]
    assert sum(map(len, ids_of(splits).values())) == 58


def test_an_open_quote_swallows_no_row(odd):
    path = odd / "texts" / "train_titles.csv"
    pages = read_titles(path, "train")
    with path.open(encoding="utf-8", newline="") as file:
        assert len(list(csv.reader(file))) < len(pages) == 45
    (burrito,) = (page for page in pages if page.file == "breakfast_burrito_730.jpg")
    assert burrito.title == "Sunday Breakfast Burrito, the Best"
    assert burrito.label == "breakfast_burrito"
    assert [page.file for page in pages if "not quoted as CSV" in page.repairs] == [burrito.file]


def test_odd_file_names(odd, load):
    splits = load(odd, on_bad_sample="skip")
    ids = set().union(*ids_of(splits).values())
    assert "donuts_717-10.jpg" in ids
    assert ".txt," in (odd / "texts" / "test_titles.csv").read_text()
    assert all(name.endswith(".jpg") for name in ids)
    assert {"1 rows repaired: .txt for .jpg.", "1 rows repaired: not quoted as CSV."} <= set(splits.report.notes)


def test_an_empty_title_is_a_missing_text(odd, load):
    splits = load(odd, on_bad_sample="skip")
    assert [name for name, text in texts_of(splits).items() if text is None] == ["hot_dog_6.jpg"]
    assert "1 of 58 rows have no text." in splits.report.notes


def test_raw_titles_stay_as_they_are_and_clean_ones_are_readable(odd, load):
    raw = texts_of(load(odd, on_bad_sample="skip"))
    clean_ones = texts_of(load(odd, {"wording": "clean"}, on_bad_sample="skip"))
    assert raw["breakfast_burrito_0.jpg"] == r"Caf\xc3\xa9 Style Breakfast Burrito \xc2\xae"
    assert {clean_ones[f"{label}_{row}.jpg"] for row, label in enumerate(DISHES[:6])} == {
        "Café Style Breakfast Burrito ®",
        "Sally's Cup Cakes » My Kitchen & Garden",
        "Deviled Eggs to Remember",
        "Nan's Donuts",
        "French Fries of the Week",
        "Hamburger | AL.com",
    }
