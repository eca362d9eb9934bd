import hashlib
import io
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pydantic import ValidationError

from benchmarks.datasets.catalog import (
    CLASSES,
    TELLS,
    CatalogOptions,
    contact_sheet,
    load,
    pretraining_products,
    product,
    relevance,
    rows,
    told,
)
from benchmarks.datasets.catalog.attributes import PART_SIZE
from benchmarks.datasets.catalog.product import FIRST_INDEX, TYPES
from benchmarks.datasets.catalog.titles import NAMES, name_of
from benchmarks.datasets.loading.splits import Source

SMALL = CatalogOptions(num_train=40, num_val=20, num_test=30, image_size=32)

DIGEST = """
import hashlib
from benchmarks.datasets.catalog import CatalogOptions, product
made = product(17, CatalogOptions(seed=3, image_size=32))
print(hashlib.sha256(made.image.tobytes() + repr((made.title, made.labels, made.tells)).encode()).hexdigest())
"""


@pytest.fixture(scope="module")
def products():
    options = CatalogOptions(image_size=32, missing_image=0.1, missing_text=0.2, title_noise=0.3)
    return options, [product(index, options) for index in range(1500)]


def _same(a, b):
    images = (a.image is None) == (b.image is None) and (a.image is None or a.image.tobytes() == b.image.tobytes())
    return images and (a.title, a.labels, a.tells, a.type) == (b.title, b.labels, b.tells, b.type)


def test_a_product_does_not_depend_on_the_order():
    forwards = [product(index, SMALL) for index in range(5)]
    backwards = [product(index, SMALL) for index in reversed(range(5))]
    assert all(_same(a, b) for a, b in zip(forwards, reversed(backwards), strict=True))


def test_a_product_does_not_depend_on_the_process():
    made = product(17, CatalogOptions(seed=3, image_size=32))
    here = hashlib.sha256(made.image.tobytes() + repr((made.title, made.labels, made.tells)).encode())
    command, environment = [sys.executable, "-c", DIGEST], {**os.environ, "PYTHONHASHSEED": "1"}
    there = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert there.stdout.strip() == here.hexdigest()


def test_another_seed_is_another_catalogue():
    titles = [[product(i, SMALL.model_copy(update={"seed": seed})).title for i in range(9)] for seed in (0, 1)]
    assert not set(titles[0]) & set(titles[1])


@settings(max_examples=12, deadline=None)
@given(
    index=st.integers(0, NAMES - 1),
    size=st.integers(32, 256),
    noise=st.floats(0, 1),
    distractors=st.floats(0, 1),
)
def test_any_index_and_size_gives_a_square_photo_and_a_title(index, size, noise, distractors):
    made = product(index, CatalogOptions(image_size=size, title_noise=noise, distractors=distractors))
    assert (made.image.mode, made.image.size) == ("RGB", (size, size))
    assert name_of(index).lower() in made.title.lower()
    assert made.title == " ".join(made.title.split())
    assert all(name in CLASSES[task] for task, name in made.labels.items())


def test_a_dial_turns_only_what_it_is_about():
    quiet = [product(index, SMALL.model_copy(update={"title_noise": 0.0})) for index in range(30)]
    noisy = [product(index, SMALL.model_copy(update={"title_noise": 1.0})) for index in range(30)]
    assert all(a.image.tobytes() == b.image.tobytes() for a, b in zip(quiet, noisy, strict=True))
    assert all(a.labels == b.labels for a, b in zip(quiet, noisy, strict=True))
    assert all(a.title != b.title for a, b in zip(quiet, noisy, strict=True))


def test_the_size_of_a_photo_does_not_change_what_it_shows():
    small = [np.asarray(product(i, CatalogOptions(image_size=64)).image, dtype=float) for i in range(8)]
    large = [product(i, CatalogOptions(image_size=192)).image.reduce(3) for i in range(8)]
    errors = [np.abs(a - np.asarray(b)).mean() for a, b in zip(small, large, strict=True)]
    unrelated = np.abs(small[0] - small[1]).mean()
    assert max(errors) < 0.3 * unrelated


def test_distractors_show_in_titles_and_photos():
    without, always = (
        [product(i, SMALL.model_copy(update={"distractors": rate, "title_noise": 0.0})) for i in range(30)]
        for rate in (0.0, 1.0)
    )
    for plain, distracted in zip(without, always, strict=True):
        assert distracted.title.lower().startswith(f"{plain.title.lower()}, ")
        assert distracted.tells == plain.tells
    changed = [a.image.tobytes() != b.image.tobytes() for a, b in zip(without, always, strict=True)]
    assert np.mean(changed) > 0.9


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("num_train", 0),
        ("image_size", 31),
        ("image_size", 257),
        ("title_noise", 1.1),
        ("missing_labels", -0.1),
        ("distractors", 2),
        ("seed", -1),
        ("colour", 1),
    ],
)
def test_options_out_of_range_are_refused(field, value):
    with pytest.raises(ValidationError, match=field):
        CatalogOptions(**{field: value})


def test_a_product_may_not_lack_both_modalities():
    with pytest.raises(ValidationError, match=r"missing_image 0\.6 \+ missing_text 0\.5 is more than 1"):
        CatalogOptions(missing_image=0.6, missing_text=0.5)
    made = [product(index, CatalogOptions(image_size=32, missing_image=0.5, missing_text=0.5)) for index in range(60)]
    assert all((each.image is None) != (each.title is None) for each in made)
    assert {each.title is None for each in made} == {True, False}


@pytest.mark.parametrize("index", [-1, NAMES])
def test_an_index_without_a_name_is_refused(index):
    with pytest.raises(ValueError, match=f"index {index}"):
        product(index, SMALL)


def test_names_are_unique():
    assert len({name_of(index) for index in range(0, NAMES, 97)}) == len(range(0, NAMES, 97))


def test_labels_are_balanced_and_independent(products):
    _, made = products
    for task, classes in CLASSES.items():
        counts = np.array([sum(each.attributes[task] == name for each in made) for name in classes])
        # Five standard deviations of a binomial count.
        expected = len(made) / len(classes)
        assert np.abs(counts - expected).max() < 5 * np.sqrt(expected)
    pairs = {(each.attributes["pattern"], each.type) for each in made}
    assert len(pairs) == len(CLASSES["pattern"]) * len(TYPES)


def test_labels_go_missing_at_the_given_rate_in_every_split():
    options = CatalogOptions(image_size=32, missing_labels=0.25, missing_image=1.0)
    for first in (FIRST_INDEX["train"], FIRST_INDEX["val"], FIRST_INDEX["test"]):
        made = [product(index, options) for index in range(first, first + 600)]
        for task in CLASSES:
            assert np.mean([task not in each.labels for each in made]) == pytest.approx(0.25, abs=0.08)
        both = np.mean([not {"color", "style"} & set(each.labels) for each in made])
        assert both == pytest.approx(0.25**2, abs=0.05)


def test_evidence_comes_at_the_stated_probabilities(products):
    options, made = products
    for task, by_modality in told(options).items():
        for modality, probability in by_modality.items():
            rate = np.mean([each.tells[task][modality] for each in made])
            assert rate == pytest.approx(probability, abs=0.065), (task, modality)


def test_relevance_orders_the_tasks():
    shares = relevance(CatalogOptions())
    assert shares["pattern"]["text"] < 0.25
    assert shares["color"]["text"] == pytest.approx(0.5, abs=0.05)
    assert shares["style"]["text"] > 0.75
    assert all(share["text"] + share["image"] == pytest.approx(1) for share in shares.values())


def test_relevance_follows_the_options():
    clean = relevance(CatalogOptions(title_noise=0))
    assert clean["color"]["text"] == pytest.approx(0.8 / 1.55)
    assert all(relevance(CatalogOptions(title_noise=1))[task]["text"] < clean[task]["text"] for task in TELLS)
    assert relevance(CatalogOptions(missing_image=1))["pattern"] == {"text": 1, "image": 0}


def test_rows_are_complete_and_disjoint():
    found = list(rows(SMALL))
    assert [sum(row.part == part for row in found) for part in ("train", "val", "test")] == [40, 20, 30]
    for values in ([row.id for row in found], [row.group for row in found], [row.text for row in found]):
        assert len(set(values)) == 90
    assert Image.open(io.BytesIO(found[50].image)).tobytes() == product(FIRST_INDEX["val"] + 10, SMALL).image.tobytes()


def test_a_photo_is_stored_as_its_pixels():
    """A compressor's bytes depend on the processor, and so would the fingerprint of the data."""
    side = SMALL.image_size
    for row in rows(SMALL):
        if row.image is not None:
            photo = np.asarray(Image.open(io.BytesIO(row.image)))
            stored = np.frombuffer(row.image[-photo.size :], dtype=np.uint8).reshape(side, side, 3)
            np.testing.assert_array_equal(stored[::-1, :, ::-1], photo)  # BMP: bottom up, blue first


def test_pretraining_shares_no_product_with_any_split():
    indices = {each.index for each in pretraining_products(5, seed=0, image_size=32)}
    assert min(indices) >= FIRST_INDEX["test"] + PART_SIZE
    with pytest.raises(ValueError, match="choose 0 to"):
        pretraining_products(NAMES, seed=0)


def test_load_gives_checked_splits(tmp_path):
    splits = load(Source(cache=tmp_path), SMALL)
    assert [len(part) for part in splits.parts().values()] == [40, 20, 30]
    assert splits.relevance == relevance(SMALL)
    example, made = splits.test[7], product(FIRST_INDEX["test"] + 7, SMALL)
    assert example.text == made.title
    assert example.image.tobytes() == made.image.tobytes()
    assert {task: CLASSES[task][label] for task, label in example.labels.items()} == dict(made.labels)
    assert load(Source(cache=tmp_path), SMALL).fingerprint == splits.fingerprint


def test_the_contact_sheet_holds_the_photos():
    sheet = contact_sheet(SMALL, count=7, columns=4, zoom=1)
    assert sheet.size == (4 * 32, 2 * (32 + 14))
    assert sheet.crop((0, 0, 32, 32)).tobytes() == product(0, SMALL).image.tobytes()
