"""What a run would refuse is a finding, and the rest is looked at."""

import base64
import csv
import io
import json
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from benchmarks import data_checks
from benchmarks.data_checks.page import to_html, to_json, to_text
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


def found(report, check="unreadable"):
    (one,) = (finding for finding in report.findings if finding.check == check)
    return one


def test_photos_that_are_all_missing_are_all_listed(checked, tmp_path):
    report = checked(rows(), photos=False)
    assert found(report).rows == tuple(
        f"p.csv, row {number + 2}: image file {tmp_path / f'{number}.png'} cannot be read: No such file or directory"
        for number in range(60)
    )
    assert "and 55 more (--html and --json list all)" in found(report).sentence
    assert to_html(report).count('<span class="blank">image file') == 60


def test_photos_that_are_all_missing_beside_no_text_are_all_listed(checked):
    report = checked(rows(), {**BASE, "text": None}, photos=False)
    assert len(found(report).rows) == 60
    assert sum(part.examples for part in report.parts) == 0
    assert report.failed(strict=False)
    assert to_text(report).splitlines()[0] == to_text(report).splitlines()[-1]


@pytest.mark.parametrize("count", [1, 5])
def test_too_few_groups_are_a_finding(checked, count):
    report = checked(rows(count))
    assert said(report).startswith(f"{count} usable rows in {count} group(s)")
    assert [part.examples for part in report.parts] == [count, 0, 0]
    assert report.failed(strict=False)


def test_few_photos_of_many_rows_are_looked_at_unsplit(checked):
    """A split made up for the check would only find leaks of its own making."""
    made = [{**row, "image": f"{number % 3}.png"} for number, row in enumerate(rows())]
    report = checked(made)
    assert "60 usable rows in 3 group(s)" in said(report)
    assert found(report, "identical-images").count == 60
    assert not any("across-splits" in finding.check for finding in report.findings)


def test_tasks_that_cannot_be_learnt_are_dropped_one_by_one(checked):
    made = [{**row, "brand": "acme", "serial": f"s{n}", "none": "", "mean": "x"} for n, row in enumerate(rows())]
    report = checked(made, {"labels": ["brand", "colour", "serial", "none", "mean"]})
    refused = [finding for finding in report.findings if finding.check == "refused"]
    assert len(refused) == 4
    for task in ("brand", "serial", "none", "mean"):
        assert sum(f"'{task}'" in finding.sentence for finding in refused) == 1
    assert "A run stops here" in refused[0].advice
    assert [task.name for task in report.tasks] == ["colour"]
    assert "acme" in said(checked(made, {"labels": ["brand"]}))


def test_a_class_limit_that_one_task_misses_stays_for_the_others(checked):
    made = [{**row, "brand": f"b{n % 20}"} for n, row in enumerate(rows())]
    report = checked(made, {"labels": ["brand", "colour"], "min_count": 5})
    assert "task 'brand' has 0 class(es) with at least 5" in said(report)
    assert [task.name for task in report.tasks] == ["colour"]


def test_one_address_among_file_names_costs_no_other_photo(checked):
    made = rows()
    made[7]["image"] = "https://shop.example/7.png"
    report = checked(made)
    assert "is a URL" in said(report)
    assert "shop.example/7.png" in found(report).rows[0]
    assert (len(found(report).rows), sum(part.images for part in report.parts)) == (1, 59)


def test_the_page_shows_what_is_left_of_damaged_photos(checked, tmp_path):
    made = rows()
    (tmp_path / "3.png").write_bytes(half_a_photo("JPEG"))
    (tmp_path / "4.png").write_bytes(b"")
    made[5]["image"] = "lost.png"
    report = checked(made)
    half, empty, lost = found(report).remains
    assert (empty, lost) == (None, None)
    page = to_html(report)
    assert page.count(half) == 1
    for reason in ("4.png is empty", "lost.png cannot be read: No such file or directory"):
        assert re.search(rf'<span class="blank">[^<]*{reason}</span>', page)
    image = Image.open(io.BytesIO(base64.b64decode(half.removeprefix("data:image/jpeg;base64,"))))
    assert max(image.size) <= 96
    assert "without a thumbnail" not in page
    assert half not in to_json(report)


def test_damaged_photos_in_a_table_are_shown(tmp_path):
    """Their bytes stand in no file of their own."""
    photos = [half_a_photo("JPEG") if number in {2, 3} else photo(number) for number in range(60)]
    table = {"image": photos, "text": [f"thing {n}" for n in range(60)], "colour": ["red", "blue"] * 30}
    pq.write_table(pa.table(table), tmp_path / "p.parquet")
    for _ in range(2):  # the second time from the cache
        report = data_checks.check("manifest", Source(tmp_path / "p.parquet", tmp_path / "cache"), BASE)
        assert len(found(report).rows) == 2
        assert all(remains.startswith("data:image/jpeg") for remains in found(report).remains)


def test_a_page_of_many_unusable_rows_stays_small_and_says_how_many_it_only_lists(checked, tmp_path):
    made = rows(620)
    for number in range(310):
        (tmp_path / f"{number}.png").write_bytes(half_a_photo("JPEG"))
    report = checked(made)
    page = to_html(report)
    assert "110 more are listed below without a thumbnail." in page
    assert len(re.findall(r"<li>p.csv, row \d+: image", page)) == 310
    assert len(page) < 3_000_000


def test_near_equal_class_names_and_missing_words_are_told_as_loading_does(checked):
    made = [{**row, "colour": ("red", "Red", "blue", "N/A")[n % 4]} for n, row in enumerate(rows())]
    notes = said(checked(made), "loader-note")
    assert "differ in case or blanks only: `Red` 15, `red` 15" in notes
    assert "Taken as missing in column 'colour': 'N/A' 15" in notes
    assert "p.csv: utf-8, separator ',', 60 rows" in notes
