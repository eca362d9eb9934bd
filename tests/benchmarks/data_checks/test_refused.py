"""What a run would refuse is a finding, and the rest is looked at."""

import csv
import json

import pytest

from benchmarks import data_checks
from benchmarks.data_checks.page import to_html, to_json
from benchmarks.datasets.loading.splits import DataError, Source
from tests.benchmarks.datasets.samples import half_a_photo, photo

BASE = {"labels": ["colour"]}


def rows(count=60):
    return [
        {
            "image": f"{number}.png",
            "text": f"thing number {number}",
            "colour": ("red", "blue")[number % 2],
            "split": ("train", "train", "val", "test")[number % 4],
        }
        for number in range(count)
    ]


@pytest.fixture
def checked(tmp_path):
    def check(made, options=BASE, photos=True):
        for number in range(len(made) if photos else 0):
            path = tmp_path / f"{number}.png"
            if not path.exists():
                path.write_bytes(photo(number))
        with (tmp_path / "p.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, made[0])
            writer.writeheader()
            writer.writerows(made)
        return data_checks.check("manifest", Source(tmp_path / "p.csv", tmp_path / "cache"), options)

    return check


def said(report, check="refused"):
    return " ".join(finding.sentence for finding in report.findings if finding.check == check)


def test_a_rare_class_does_not_stop_it(checked):
    made = rows()
    made[3]["colour"] = "mauve"
    options = {**BASE, "split": "split", "min_count": 1}
    assert "'mauve'" in said(checked(made, options))
    assert "mauve 1" in said(checked(made), "rare-classes")


def test_leaks_across_a_split_are_all_found(checked):
    made = rows()
    made[3]["text"], made[7]["text"] = made[0]["text"], made[4]["text"]
    report = checked(made, {**BASE, "split": "split"})
    assert "the test split leaks" in said(report)
    (found,) = (finding for finding in report.findings if finding.check == "identical-texts-across-splits")
    assert found.count == 4


def test_lists_in_cells_do_not_stop_it(checked):
    made = [
        {**row, "colour": f"{row['colour']}|{('mug', 'plate')[number // 2 % 2]}"} for number, row in enumerate(rows())
    ]
    assert "several labels a cell" in said(checked(made))


def test_a_missing_validation_split_is_a_note(checked):
    made = [{**row, "split": row["split"].replace("val", "train")} for row in rows()]
    assert "has no validation rows" in said(checked(made, {**BASE, "split": "split"}), "loader-note")


def test_photos_that_are_all_missing_do_not_stop_it(checked):
    report = checked(rows(), photos=False)
    assert "60 of 60 photos do not exist" in said(report)
    assert sum(part.examples for part in report.parts) == 60


@pytest.mark.parametrize("lost", [12, 40])
def test_every_unusable_row_is_in_json_and_html(checked, lost, tmp_path):
    made = rows()
    for number in range(lost):
        made[number]["image"] = f"lost{number}.png"
    (tmp_path / "59.png").write_bytes(half_a_photo("PNG"))
    report = checked(made)
    page, saved = to_html(report), json.loads(to_json(report))
    (found,) = (finding for finding in saved["findings"] if finding["check"] == "unreadable")
    assert len(found["rows"]) == found["count"] == lost + 1
    assert all(f"lost{number}.png" in page for number in range(lost))


def test_what_nothing_helps_against_is_raised(checked):
    with pytest.raises(DataError, match="unknown column 'color'"):
        checked(rows(), {"labels": ["color"]})
