from itertools import combinations

import numpy as np
import pytest
from PIL import Image, ImageFilter

from benchmarks.data_checks.duplicates import _near, near_duplicates, same
from benchmarks.data_checks.photos import scan
from benchmarks.datasets.catalog import CatalogOptions, product
from cma_clip.examples import ExampleList


def photos(images):
    return scan([ExampleList.of(images, [str(number) for number in range(len(images))])], progress=False)


@pytest.fixture(scope="module")
def drawn():
    return [product(index, CatalogOptions(image_size=96)).image for index in range(12)]


@pytest.mark.parametrize("distance", [0, 1, 2, 4, 7])
def test_bands_find_exactly_the_pairs_within_the_distance(distance):
    rng = np.random.default_rng(distance)
    hashes = rng.integers(0, 2**63, 40, dtype=np.uint64)
    for row in range(1, 40, 2):  # a neighbour of the row before, some bits away
        for bit in rng.choice(64, rng.integers(0, 10), replace=False):
            hashes[row] = hashes[row - 1] ^ (np.uint64(1) << np.uint64(bit))
    brute = [(a, b) for a, b in combinations(range(40), 2) if (hashes[a] ^ hashes[b]).bit_count() <= distance]
    assert [tuple(pair) for pair in _near(hashes, distance).tolist()] == brute
    assert brute or distance == 0


def test_keys_group_the_rows_that_share_them():
    assert same([0, 1, 2, 3, 5], ["a", "b", "a", "c", "a"]) == [[0, 2, 5]]


def test_equal_pixels_have_equal_digests(drawn):
    seen = photos([drawn[0], drawn[1], drawn[0].copy()])
    assert seen.digests[0] == seen.digests[2] != seen.digests[1]
    assert seen.decoded.all()
    assert seen.sizes.tolist() == [[96, 96]] * 3


def test_another_size_or_sharpness_is_a_near_duplicate(drawn):
    small, soft = drawn[3].resize((80, 80)), drawn[5].filter(ImageFilter.GaussianBlur(0.6))
    assert near_duplicates(photos([*drawn, small, soft])) == [[3, 12], [5, 13]]


def test_another_colour_is_none(drawn):
    red, green, blue = drawn[3].split()
    assert near_duplicates(photos([drawn[3], Image.merge("RGB", (blue, green, red))])) == []


def test_equal_images_are_no_near_duplicates(drawn):
    assert near_duplicates(photos([drawn[0], drawn[0], drawn[1]])) == []


def test_grey_is_seen_in_the_pixels(drawn):
    seen = photos([drawn[0], drawn[0].convert("L").convert("RGB"), None])
    assert seen.grey.tolist() == [False, True, False]
    assert seen.decoded.tolist() == [True, True, False]
