"""Texts, class names, labels and products."""

import re

import numpy as np
import pytest

from benchmarks.datasets.fashion_gen import selection
from benchmarks.datasets.fashion_gen.layout import PRODUCT
from benchmarks.datasets.fashion_gen.pixels import row_of
from benchmarks.datasets.loading.splits import DataError
from benchmarks.twins import fashion_gen as twin
from tests.benchmarks.datasets.fashion_gen.files import (
    TRAIN,
    TRAIN_ROWS,
    VALIDATION,
    VALIDATION_ROWS,
    column,
    load,
    replace_column,
)


def test_texts_are_latin_1(splits):
    texts = [text for text in splits.train.texts() if text]
    assert any(text.endswith("Appliqué at chest.") for text in texts)
    assert not any(text.endswith("Appliqué at chest.".encode().decode("latin-1")) for text in texts)


def test_an_empty_description_is_a_missing_text(made, splits):
    empty = {f"product-{p}" for p in column(made, TRAIN, PRODUCT)[column(made, TRAIN, "input_description") == b""]}
    texts = zip(splits.train.groups(), splits.train.texts(), strict=True)
    assert empty
    assert all((text is None) == (group in empty) for group, text in texts)


def test_the_name_stands_before_the_description(made, tmp_path, splits):
    named = load(made, tmp_path, text="title+description")
    names = column(made, TRAIN, "input_name")[:, 0]
    for identity, text, description in zip(named.train.ids(), named.train.texts(), splits.train.texts(), strict=True):
        name = names[row_of(identity)].decode("latin-1")
        assert text == (f"{name}. {description}" if description else name)


def test_class_names_are_normalised(made, splits):
    assert b"JACKETS\t&\tCOATS\t" in column(made, TRAIN, "input_category")
    assert b"Shirts" in column(made, TRAIN, "input_category")
    category, subcategory = splits.tasks
    assert set(category.classes) <= {kind.category.lower() for kind in twin.KINDS}
    assert set(subcategory.classes) <= {kind.subcategory.lower() for kind in twin.KINDS}


def test_labels_are_those_of_the_row(made, splits):
    wanted = [" ".join(label.decode().lower().split()) for label in column(made, TRAIN, "input_category")[:, 0]]
    category = splits.tasks[0]
    labels = zip(splits.train.ids(), splits.train.labels("category"), strict=True)
    assert all(category.classes[label] == wanted[row_of(identity)] for identity, label in labels)


def test_a_class_unseen_in_training_is_missing_and_reported_with_its_weight(made, splits):
    unseen = column(made, VALIDATION, "input_subcategory")[:, 0] == b"LONG SKIRTS"
    assert unseen.any()
    assert "long skirts" not in splits.tasks[1].classes
    assert splits.report.dropped_classes["subcategory"]["long skirts"] == unseen.sum()
    assert ((splits.test.labels("subcategory") < 0) >= unseen).all()
    assert (splits.test.labels("category") >= 0).all()
    (note,) = (note for note in splits.report.notes if "labels in test count as missing" in note)
    assert "'long skirts'" in note
    count, points = int(note.split()[1]), float(re.search(r"at most ([\d.]+) points", note)[1])
    assert points == pytest.approx(100 * count / VALIDATION_ROWS, abs=0.005)


def test_data_that_are_not_the_published_ones_say_so(splits):
    notes = " ".join(splits.report.notes)
    assert f"{TRAIN} has {TRAIN_ROWS} rows, not 260,490" in notes
    assert f"subcategory: {len(splits.tasks[1].classes)} classes in training; the published tables have 121" in notes


def test_one_task_may_be_chosen_and_unknown_ones_are_named(made, tmp_path):
    assert [task.name for task in load(made, tmp_path, tasks="category").tasks] == ["category"]
    with pytest.raises(DataError, match=r"unknown task 'categories'; did you mean 'category'"):
        load(made, tmp_path, tasks=["categories"])


# Splits


def test_the_validation_file_is_the_test_split_and_products_stay_together(made, splits):
    products = column(made, VALIDATION, PRODUCT)[:, 0]
    assert splits.test.groups() == tuple(f"product-{product}" for product in products)
    assert splits.per_group == "product-level"
    assert not set(splits.train.groups()) & set(splits.val.groups())
    total = len(np.unique(column(made, TRAIN, PRODUCT)))
    assert len(set(splits.val.groups())) == round(0.1 * total)
    assert len(splits.train) + len(splits.val) == TRAIN_ROWS


def test_a_training_product_that_is_in_the_validation_file_is_left_out_and_named(root, tmp_path):
    own, other = column(root, TRAIN, PRODUCT), column(root, VALIDATION, PRODUCT)
    leaking, elsewhere = int(own[0, 0]), other[0, 0]
    replace_column(root, VALIDATION, PRODUCT, np.where(other == elsewhere, leaking, other))
    loaded = load(root, tmp_path)
    assert f"product-{leaking}" in loaded.test.groups()
    assert f"product-{leaking}" not in {*loaded.train.groups(), *loaded.val.groups()}
    assert any(note.startswith("1 products") and note.endswith(f"too: {leaking}.") for note in loaded.report.notes)


def test_thinning_touches_the_training_split_alone():
    train, validation = np.repeat(np.arange(500), 4), np.repeat(np.arange(500, 600), 3)
    whole = selection.select(train, validation, "all", None).parts
    first = selection.select(train, validation, "first", None).parts
    some, fewer = (selection.select(train, validation, "all", rows).parts for rows in (400, 90))
    assert len(first["train"]) == 450
    assert set(first["train"] % 4) == {0}
    assert set(fewer["train"]) < set(some["train"]) < set(whole["train"])
    assert (len(fewer["train"]), len(some["train"])) == (90, 400)
    assert len(set(train[fewer["train"]])) == 23  # product by product
    for part in ("val", "test"):
        assert all(np.array_equal(other[part], whole[part]) for other in (first, some, fewer))
