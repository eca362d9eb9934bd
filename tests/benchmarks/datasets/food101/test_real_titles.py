import html
import json
import os
import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks.datasets.food101.partitions import FROZEN
from benchmarks.datasets.food101.titles import CLASSES, clean, read_titles

from .samples import TEXT_ONLY, ids_of


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """The official test titles, and MMBT's validation titles in the place of the training ones."""
    if "CMA_BENCH_DATA" not in os.environ:
        pytest.skip("CMA_BENCH_DATA does not name a folder with upmc-food101-titles/")
    given = Path(os.environ["CMA_BENCH_DATA"]) / "upmc-food101-titles"
    folder = tmp_path_factory.mktemp("real")
    (folder / "texts").mkdir()
    (folder / "texts" / "test_titles.csv").symlink_to(given / "test_titles.csv")
    (folder / "texts" / "train_titles.csv").symlink_to(given / "dev_titles.csv")
    return folder


def test_the_real_titles(real):
    test = read_titles(real / "texts" / "test_titles.csv", "test")
    dev = read_titles(real / "texts" / "train_titles.csv", "train")
    assert [len(test), len({p.file for p in test}), len(dev), len({p.file for p in dev})] == [22716, 22716, 5000, 5000]
    assert {page.label for page in test} == {page.label for page in dev} == set(CLASSES)
    assert not any(page.repairs for page in test + dev)
    assert sum(bool(re.search(r"\\x[0-9a-f]{2}", page.title)) for page in test) == 867
    assert sum(bool(re.fullmatch(r"[a-z_]+_\d+-\d+\.jpg", page.file)) for page in test) == 42
    assert sum(page.title.startswith("[[") for page in test) == 912
    assert sum(page.title.startswith(("b'", 'b"')) for page in test) == 0
    named = {
        wording: np.mean([page.label.replace("_", " ") in read(page.title).lower() for page in test])
        for wording, read in {"raw": str, "clean": clean}.items()
    }
    assert named == pytest.approx({"raw": 0.7321, "clean": 0.7327}, abs=5e-5)
    cleaned = [clean(page.title) for page in test]
    assert all(cleaned)
    assert not [title for title in cleaned if re.search(r"\\x|^\[\[|\]\]$", title) or html.unescape(title) != title]


def test_the_real_titles_load_as_the_frozen_split(real, load):
    splits = load(real, TEXT_ONLY)
    frozen = json.loads(FROZEN.read_text())
    assert ids_of(splits)["train"] | ids_of(splits)["val"] == {
        f"{c}_{n}.jpg" for c, numbers in frozen["dev_numbers"].items() for n in numbers.split()
    }
    assert len(splits.test) == 22716
    assert not any(note.startswith("Not the official test list") for note in splits.report.notes)
    assert splits.subsets["deduplicated"].sum() == 21106
