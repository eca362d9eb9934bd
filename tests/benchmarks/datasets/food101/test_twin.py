from collections import Counter

import numpy as np
import pytest

from benchmarks.datasets.food101.titles import CLASSES
from benchmarks.twins import food101 as twin
from benchmarks.twins.food101 import DISHES


def test_the_twin_is_the_same_for_the_same_seed(plain, tmp_path):
    twin.make(tmp_path / "again", 60, seed=1)
    files = {path.relative_to(plain): path.read_bytes() for path in plain.rglob("*") if path.is_file()}
    assert {p.relative_to(tmp_path / "again"): p.read_bytes() for p in (tmp_path / "again").rglob("*.*")} == files
    assert len([path for path in files if path.suffix == ".jpg"]) == 60


def test_the_twin_has_dishes_of_the_original_and_its_share_of_named_titles():
    assert set(DISHES) <= set(CLASSES)
    pages = [twin._page(number, 3000, 0) for number in range(3000)]
    named = [page.label.replace("_", " ") in page.title.lower() for page in pages]
    assert np.mean(named) == pytest.approx(0.735, abs=0.03)
    assert set(Counter(page.label for page in pages).values()) == {200}


def test_the_twin_leaves_other_files_alone(tmp_path):
    (tmp_path / "mine.txt").touch()
    with pytest.raises(ValueError, match="is not empty"):
        twin.make(tmp_path, 60, seed=0)
    with pytest.raises(ValueError, match="59 rows: a Food-101 twin needs at least 60"):
        twin.make(tmp_path / "new", 59, seed=0)
