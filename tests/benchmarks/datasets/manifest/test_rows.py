import csv
import io
import json

import openpyxl
import pyarrow as pa
import pytest
from pyarrow import parquet

from benchmarks.datasets.loading.splits import DataError
from benchmarks.datasets.manifest import SPLITS

from ..samples import PARTS, half_a_photo, photo, write_csv, write_manifest
from .conftest import OPTIONS


def _rows(manifest):
    return list(csv.DictReader(io.StringIO(manifest.read_text())))


def _edit(manifest, number, **cells):
    rows = _rows(manifest)
    rows[number] |= cells
    write_csv(manifest, rows)


def test_rows_become_examples(manifest, load):
    splits = load(manifest)
    assert {part: len(examples) for part, examples in splits.parts().items()} == {"train": 12, "val": 6, "test": 6}
    assert splits.tasks[0].classes == ("blue", "red")
    first = splits.train[1]
    assert (first.id, first.text, first.labels) == ("row-1", "title 1", {"colour": 0})
    assert first.image.getpixel((0, 0)) == (1, 0, 90)


def test_the_folder_of_a_manifest_stands_for_it(manifest, load):
    assert load(manifest.parent).fingerprint == load(manifest).fingerprint


def test_all_three_formats_give_the_same_data(manifest, load):
    rows = _rows(manifest)
    others = [manifest.with_suffix(suffix) for suffix in (".jsonl", ".parquet")]
    others[0].write_text("\n".join(json.dumps(row) for row in rows))
    parquet.write_table(pa.Table.from_pylist(rows), others[1])
    assert {load(other).fingerprint for other in others} == {load(manifest).fingerprint}


def test_numbers_are_class_names_and_nothing_is_missing(tmp_path, load):
    cells = [1, None, 2.5, True, float("nan"), "  1 ", "null", ""]
    rows = [{"text": f"t{n}", "kind": cells[n % 8], "split": PARTS[n // 8 % 8]} for n in range(64)]
    path = tmp_path / "items.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows))
    splits = load(path, {"labels": ["kind"], "split": "split", "image": None})
    assert splits.tasks[0].classes == ("1", "2.5", "true")
    assert splits.train.labels("kind")[:8].tolist() == [0, -100, 1, 2, -100, 0, -100, -100]


def test_whole_numbers_beside_missing_ones_stay_whole(tmp_path, load):
    rows = [{"text": f"t{n}", "kind": [1, 2, None][n % 3], "split": PARTS[n % 8]} for n in range(24)]
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "items.parquet")
    splits = load(tmp_path, {"labels": ["kind"], "split": "split", "image": None})
    assert splits.tasks[0].classes == ("1", "2")


def test_a_missing_modality_is_counted(manifest, load):
    _edit(manifest, 0, image="")
    _edit(manifest, 1, text=" ")
    splits = load(manifest)
    assert (splits.train[0].image, splits.train[1].text) == (None, None)
    assert splits.report.notes[:2] == ("1 of 24 rows have no text.", "1 of 24 rows have no image.")


def test_without_a_split_column_groups_are_split_by_hash(tmp_path, load):
    rows = [{"text": f"Title {n // 2}", "colour": ("red", "blue")[n % 2], "view": n} for n in range(400)]
    rows[1]["text"] = "title  0 "
    manifest = write_csv(tmp_path / "items.csv", rows)
    splits = load(manifest, {"labels": ["colour"], "image": None})
    sizes = [len(examples) for examples in splits.parts().values()]
    assert sum(sizes) == 400
    assert 240 < sizes[0] < 320
    assert len(set().union(*(examples.groups() for examples in splits.parts().values()))) == 200
    write_csv(manifest, rows[:200])
    fewer = load(manifest, {"labels": ["colour"], "image": None})
    assert set(fewer.test.ids()) == {name for name in splits.test.ids() if int(name.split("-")[1]) < 200}


def test_rows_of_one_group_cell_or_photo_stay_together(tmp_path, load):
    manifest = write_manifest(tmp_path / "many", 60)
    rows = [{**row, "product": str(n // 3)} for n, row in enumerate(_rows(manifest))]
    rows[5]["image"] = "./0.png"
    write_csv(manifest, rows)
    splits = load(manifest, {"labels": ["colour"], "group": "product", "min_count": 2})
    groups = {name: g for e in splits.parts().values() for name, g in zip(e.ids(), e.groups(), strict=True)}
    assert {groups[f"row-{n}"] for n in range(6)} == {"group:0"}
    assert len(set(groups.values())) == 19


def test_a_text_in_two_splits_is_a_leak(manifest, load):
    _edit(manifest, 7, text="TITLE 0")
    with pytest.raises(
        DataError, match=r"items.csv, row 9: it is in test, but items.csv, row 2 of .*rows that share a title, a photo"
    ):
        load(manifest)


def test_the_leak_says_how_rows_may_share_what_they_share(manifest, load):
    _edit(manifest, 7, text="TITLE 0")
    with pytest.raises(DataError, match=r"--option 'ties=\[\]'"):
        load(manifest)
    assert len(load(manifest, {**OPTIONS, "ties": []}).test) == 6


def test_what_no_longer_ties_is_counted_and_scored_apart(manifest, load):
    rows = _rows(manifest)
    tests = [number for number, row in enumerate(rows) if SPLITS[row["split"]] == "test"]
    learnt = [number for number, row in enumerate(rows) if SPLITS[row["split"]] == "train"]
    rows[tests[0]]["text"] = rows[learnt[0]]["text"].upper()
    rows[tests[1]]["image"] = f"./{rows[learnt[1]]['image']}"
    write_csv(manifest, rows)
    splits = load(manifest, {**OPTIONS, "ties": []})
    kept = [name for name, new in zip(splits.test.ids(), splits.subsets["deduplicated"], strict=True) if new]
    assert kept == [f"row-{number}" for number in tests[2:]]
    assert "4 of 6 test rows share neither text nor image file with another split (`deduplicated`)." in (
        splits.report.notes
    )


def test_rows_may_be_tied_by_one_thing_alone(manifest, load):
    rows = _rows(manifest)
    for row in rows:
        row["text"] = "T-shirt"
    rows[1]["image"] = rows[0]["image"]
    write_csv(manifest, rows)
    splits = load(manifest, {"labels": ["colour"], "ties": "image", "min_count": 2})
    groups = {name: g for e in splits.parts().values() for name, g in zip(e.ids(), e.groups(), strict=True)}
    assert groups["row-0"] == groups["row-1"]
    assert len(set(groups.values())) == len(rows) - 1


def test_rows_that_share_nothing_need_no_subset(manifest, load):
    assert not load(manifest).subsets


@pytest.mark.parametrize("name", SPLITS)
def test_names_of_splits(manifest, load, name):
    _edit(manifest, 9, split=name.title())
    assert "row-9" in load(manifest).parts()[SPLITS[name]].ids()


def test_a_manifest_may_move(manifest, load):
    before = load(manifest).fingerprint
    moved = manifest.parent.rename(manifest.parent.with_name("moved"))
    assert load(moved / "items.csv").fingerprint == before


@pytest.mark.parametrize(
    ("cells", "options", "message"),
    [
        ({"split": "tset"}, {}, "row 9: split 'tset'; valid are train, training, val"),
        ({"split": ""}, {}, "row 9: split None; valid are train"),
        ({"image": "gone.png"}, {}, r"row 9: image file .*gone.png cannot be read: No such file"),
        ({"image": "../7.png"}, {}, r"row 9: image path '../7.png' leaves the manifest's folder"),
        ({"image": "/etc/passwd"}, {}, "row 9: image path '/etc/passwd' leaves the manifest's folder"),
        ({"image": "a/../../7.png"}, {}, "row 9: .* leaves the manifest's folder"),
        ({"image": "many words " * 30}, {}, "row 9: image file .* cannot be read: File name too long"),
        ({"image": "."}, {}, "row 9: image file .* cannot be read: Is a directory"),
        (
            {"colour": "rde"},
            {"min_count": 1},
            r"row 9: unknown label of task 'colour' 'rde'; did you mean 'red'\?.*min_count=2",
        ),
        ({"text": "", "image": ""}, {}, "row 9: id 'row-7' has neither an image nor a text"),
        ({"text": "title 6"}, {"id": "text"}, "row 9: id 'title 6' was used before, in items.csv, row 8"),
        ({"text": ""}, {"id": "text"}, "row 9: column 'text' is empty; every row needs an id"),
        ({}, {"labels": ["color"]}, "option labels: unknown column 'color'; did you mean 'colour'.*Valid: image, text"),
        ({}, {"image": "photo"}, r"option image \(null for none\): unknown column 'photo'"),
    ],
)
def test_a_mistake_is_named(manifest, load, cells, options, message):
    _edit(manifest, 7, **cells)
    with pytest.raises(DataError, match=r"items.csv.*" + message):
        load(manifest, {**OPTIONS, **options})


def test_a_link_out_of_the_folder_is_refused(manifest, load, tmp_path):
    (tmp_path / "secret.png").write_bytes(photo(200))
    (manifest.parent / "link.png").symlink_to(tmp_path / "secret.png")
    _edit(manifest, 0, image="link.png")
    with pytest.raises(DataError, match=r"row 2: image path 'link.png' leaves"):
        load(manifest)
    with pytest.raises(DataError, match=r"row 2: image path 'link.png' leaves"):
        load(manifest, on_bad_sample="skip")


def test_skipped_samples_are_listed(manifest, load):
    (manifest.parent / "0.png").write_bytes(half_a_photo())
    (manifest.parent / "9.png").unlink()
    report = load(manifest, on_bad_sample="skip").report
    assert report.rows == 24
    assert len(report.bad_samples) == 2
    assert "row 2: image" in report.bad_samples[0]
    assert "row 11: image file" in report.bad_samples[1]


def test_one_class_only(manifest, load):
    write_csv(manifest, [{**row, "colour": "red"} for row in _rows(manifest)])
    with pytest.raises(DataError, match="'colour' has 1 class"):
        load(manifest)


def test_all_labels_missing(manifest, load):
    write_csv(manifest, [{**row, "colour": "NaN"} for row in _rows(manifest)])
    with pytest.raises(DataError, match="'colour': all labels are missing in the training split"):
        load(manifest)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "option labels is missing.* has the columns image, text, colour, split; proposed: cma-bench suite"),
        ({"labels": []}, r"manifest: labels=\[\]: .*at least 1"),
        ({"labels": ["a", "a"]}, "manifest: labels=.*'a' is named twice"),
        ({"labels": ["text"]}, "column 'text' is an input and a label"),
        ({"labels": ["a"], "text": None, "image": None}, "image and text are both null"),
        ({"labels": ["a"], "prompts": ["a photo"]}, "prompt 'a photo' has no {}"),
        ({"labels": ["a"], "min_count": 0}, "min_count=0: .*greater than or equal to 1"),
        ({"labels": ["a"], "ties": ["title"]}, r"ties.*should be 'text' or 'image'"),
        ({"labels": ["a"], "lables": "b"}, "unknown option of manifest 'lables'; did you mean 'labels'"),
    ],
)
def test_a_wrong_option_is_one_readable_line(manifest, load, options, message):
    with pytest.raises(DataError, match=message) as caught:
        load(manifest, options)
    assert "\n" not in str(caught.value)


def test_a_single_label_may_stand_alone(manifest, load):
    assert load(manifest, {**OPTIONS, "labels": "colour"}).fingerprint == load(manifest).fingerprint


def test_there_must_be_a_table(tmp_path, load):
    with pytest.raises(DataError, match="manifest needs a table: --data manifest=FILE"):
        load(None)
    with pytest.raises(DataError, match="gone"):
        load(tmp_path / "gone")


def test_a_column_of_another_sheet_is_an_error_that_names_the_sheets(tmp_path, load):
    book = openpyxl.Workbook()
    book.active.append(["note"])
    book.active.append(["read me"])
    book.create_sheet("products").append(["text", "colour"])
    path = tmp_path / "shop.xlsx"
    book.save(path)
    with pytest.raises(DataError, match=r"unknown column 'colour'.*Valid: note .*'products' \(sheet=NAME\)"):
        load(path, {"labels": ["colour"], "image": None})
