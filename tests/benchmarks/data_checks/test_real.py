"""Some of the real photos; the whole set takes minutes: `cma-bench data check fashion-products DIR`."""

import os
import tarfile
from pathlib import Path

import pytest

from benchmarks import data_checks
from benchmarks.datasets.loading.splits import Source

ARTICLES = ("Formal Shoes", "Bra", "Socks")
SHOE_WITH_THE_PHOTO_OF_A_BRA = "7217"


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """The real rows and photos of three articles."""
    if "CMA_BENCH_DATA" not in os.environ:
        pytest.skip("CMA_BENCH_DATA does not name a folder with fashion-products/")
    given, folder = Path(os.environ["CMA_BENCH_DATA"]) / "fashion-products", tmp_path_factory.mktemp("real")
    lines = (given / "styles.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [lines[0], *(line for line in lines if line.split(",")[4] in ARTICLES)]
    (folder / "styles.csv").write_text("".join(kept), encoding="utf-8")
    wanted = {f"{line.split(',', 1)[0]}.jpg" for line in kept if line != lines[0]}
    if (given / "images").is_dir():
        (folder / "images").mkdir()
        for name in wanted:
            (folder / "images" / name).symlink_to(given / "images" / name)
    else:
        with tarfile.open(given / "images.tar.gz") as archive:
            members = [member for member in archive if Path(member.name).name in wanted]
            archive.extractall(folder, members, filter="data")
    return folder


def test_the_wrong_photo_is_suspected_and_the_leaks_are_counted(sample, tmp_path):
    options = {"tasks": ["gender", "articleType", "baseColour", "season"], "min_count": 20}
    report = data_checks.check("fashion-products", Source(sample, tmp_path), options)
    assert not report.failed(strict=False)
    loose = {task.name: task.in_text_loose for task in report.tasks}
    assert loose["gender"] > 0.8
    assert loose["baseColour"] > 0.8
    assert loose["season"] < 0.01
    (found,) = (
        finding
        for finding in report.findings
        if finding.check == "photo-looks-like-another-class" and finding.sentence.startswith("articleType")
    )
    assert SHOE_WITH_THE_PHOTO_OF_A_BRA in found.ids[:5]
