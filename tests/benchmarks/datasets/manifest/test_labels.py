"""Label cells: missing words, rare classes, lists."""

import json
import shlex

import pytest

from benchmarks.commands.data import show_data
from benchmarks.commands.options import CommonOptions
from benchmarks.datasets.loading.splits import DataError
from benchmarks.datasets.reading.values import MISSING_WORDS

from ..samples import write_csv

TEXT = {"image": None}


@pytest.fixture
def loaded(tmp_path, load):
    def load_labels(cells, **options):
        rows = [
            {"text": f"title {number}", "kind": cells[number % len(cells)], "other": "xy"[number % 2]}
            for number in range(240)
        ]
        return load(write_csv(tmp_path / "items.csv", rows), {**TEXT, "labels": ["kind"], **options})

    return load_labels


def _known(splits):
    return sum(int((examples.labels("kind") >= 0).sum()) for examples in splits.parts().values())


def test_missing_words_are_missing_and_counted_by_word(loaded):
    splits = loaded(["glass", "steel", "N/A", "None", "-"])
    assert splits.tasks[0].classes == ("glass", "steel")
    assert _known(splits) == 96
    assert "Taken as missing in column 'kind': '-' 48, 'N/A' 48, 'None' 48." in splits.report.notes


def test_the_missing_words_are_an_option(loaded):
    splits = loaded(["glass", "None", "nichts"], missing=["nichts"])
    assert splits.tasks[0].classes == ("None", "glass")
    assert _known(splits) == 160


def test_equal_numbers_are_one_class(loaded):
    assert loaded(["0", "0.0", "1", "1.0"]).tasks[0].classes == ("0", "1")


def test_names_that_differ_in_case_are_told_and_folded_on_request(loaded):
    cells = ["Red", "Red", "red", "blue"]
    splits = loaded(cells)
    assert splits.tasks[0].classes == ("Red", "blue", "red")
    assert any("`Red` 120, `red` 60" in note for note in splits.report.notes)
    assert loaded(cells, fold_case=True).tasks[0].classes == ("Red", "blue")


def _with_rare(tmp_path):
    rows = [{"text": f"t {n}", "kind": f"brand {n}" if n % 20 == 0 else ("acme", "globex")[n % 2]} for n in range(200)]
    return write_csv(tmp_path / "rare.csv", rows)


def test_rare_classes_are_missing_labels_counted_and_named(tmp_path, load):
    splits = load(_with_rare(tmp_path), {**TEXT, "labels": ["kind"]})
    assert splits.tasks[0].classes == ("acme", "globex")
    assert splits.report.dropped_classes == {"kind": {f"brand {number}": 1 for number in range(0, 200, 20)}}


def test_strictness_is_an_option(tmp_path, load):
    with pytest.raises(DataError, match=r"unknown label of task 'kind' 'brand \d+'.*min_count=2"):
        load(_with_rare(tmp_path), {**TEXT, "labels": ["kind"], "min_count": 1})


@pytest.mark.parametrize(
    ("cells", "separator"),
    [
        (["red|mug", "red|lamp", "blue|mug", "blue|lamp", "red"], "|"),
        (["red; mug", "red; lamp", "blue; mug", "blue"], ";"),
        (["red, tall, mug", "red, mug", "tall", "blue, tall", "blue, mug", "red, blue", "mug, tall"], ","),
        (['["red", "mug"]', '["red"]', '["mug"]'], "["),
        (['["red"]', *["green", "blue", "white"] * 10], "["),
        (["['red' 'mug']", *["green", "blue", "white"] * 10], "["),
        (["red; mug", "mug;red", "blue"], ";"),
    ],
)
def test_cells_with_several_labels_are_refused_with_the_way_out(loaded, cells, separator):
    with pytest.raises(DataError, match=r"items.csv, row 2: column 'kind' holds .*several labels a cell") as caught:
        loaded(cells)
    assert ("written as JSON" if separator == "[" else f"separated by {separator!r}") in str(caught.value)
    assert set(loaded(cells, list_cells="as-is").tasks[0].classes) == set(cells)


@pytest.mark.parametrize(
    "cells", [['["red"]', "red|blue", "a, b", "a"], ["red|mug", "red; lamp", "mug, red", "lamp"], ["a|b", "b;c", "d"]]
)
def test_lists_with_several_separators_are_refused(loaded, cells):
    with pytest.raises(DataError, match=r"separated by '.*, in \d+ of 240 cells \(`.*list_cells=as-is"):
        loaded(cells)


def test_a_few_cells_that_may_be_lists_are_told_with_examples(loaded):
    splits = loaded([*["red", "mug"] * 3, "red|mug", "red, mug"])
    (note,) = [note for note in splits.report.notes if "several labels" in note]
    assert "'|' and ',', in 60 of 240 cells (`red|mug` 30, `red, mug` 30)" in note
    assert "red|mug" in splits.tasks[0].classes


def test_slips_of_json_are_told(tmp_path, load):
    rows = [{"text": f"t {n}", "kind": '["red"]' if n < 3 else ("red", "blue")[n % 2]} for n in range(100)]
    notes = load(write_csv(tmp_path / "slips.csv", rows), {**TEXT, "labels": ["kind"]}).report.notes
    assert any('in 3 of 100 cells (`["red"]` 3)' in note for note in notes)
    rows[5]["kind"] = '["blue"]'
    with pytest.raises(DataError, match="4 of 100 cells"):
        load(write_csv(tmp_path / "slips.csv", rows), {**TEXT, "labels": ["kind"]})


def test_words_for_nothing_are_classes_and_the_note_has_the_option(loaded):
    splits = loaded(["red", "blue", "Unknown", "other/none", "?", "+", "N.A."])
    assert "Unknown" in splits.tasks[0].classes
    (note,) = [note for note in splits.report.notes if "nothing is known" in note]
    assert "'?' (34 rows), 'N.A.' (34 rows), 'Unknown' (34 rows), 'other/none' (34 rows)" in note
    option = shlex.split(note.removesuffix("."))[-1].removeprefix("missing=")
    assert json.loads(option) == [*MISSING_WORDS, "?", "N.A.", "Unknown", "other/none"]
    again = loaded(["red", "blue", "Unknown", "other/none", "?", "+", "N.A."], missing=json.loads(option))
    assert again.tasks[0].classes == ("+", "blue", "red")


def test_a_missing_word_that_the_user_made_a_class_is_no_doubt(loaded):
    notes = loaded(["red", "None"], missing=["nichts"]).report.notes
    assert not any("nothing is known" in note for note in notes)


def test_versions_can_be_kept_apart_and_the_note_says_how(loaded):
    cells = ["1.1", "1.10", "1.2"]
    splits = loaded(cells)
    assert splits.tasks[0].classes == ("1.1", "1.2")
    assert any("`1.1` 80, `1.10` 80 are `1.1` (numbers=as-is keeps them apart)" in note for note in splits.report.notes)
    assert loaded(cells, numbers="as-is").tasks[0].classes == ("1.1", "1.10", "1.2")


def test_codes_with_leading_zeros_are_not_numbers(loaded):
    assert loaded(["007", "7", "7.0"]).tasks[0].classes == ("007", "7", "7.0")


@pytest.mark.parametrize(
    "cells",
    [
        ["Hats, Caps", "Hats", "Caps", "Shoes"],
        ["Hats, Caps", "Home, garden", "Home, kitchen"],
        ["[sic]", "[new]"],
        ["Jackets, coats", "Shirts, tops", "Home, garden"],
        ["1,5", "2,5", "1,25", "2,25"],
        ["black|white", "plain", "striped", "dotted"],
        ["a;b", "c;d"],
    ],
)
def test_a_separator_in_names_is_no_list(loaded, cells):
    assert set(loaded(cells).tasks[0].classes) == set(cells)


@pytest.mark.parametrize("column", ["text", "html"])
def test_html_is_taken_out_of_texts(tmp_path, load, column):
    text = "<p>A &amp; B {}</p>" if column == "html" else "A & B {}"
    rows = [{"text": text.format(number), "kind": "xy"[number % 2]} for number in range(60)]
    splits = load(write_csv(tmp_path / f"{column}.csv", rows), {**TEXT, "labels": ["kind"]})
    assert all(text.startswith("A & B ") for text in splits.train.texts())
    assert any("HTML was taken out of 60 texts" in note for note in splits.report.notes) == (column == "html")


def test_class_names_that_hold_commas_are_told_apart(tmp_path):
    rows = [
        {"text": f"t {n}", "kind": ("Hats, Caps", "Shoes", 'a "b"', "rare, once")[n % 3 if n else 3]} for n in range(90)
    ]
    table = write_csv(tmp_path / "items.csv", rows)
    common = CommonOptions(data=(f"manifest={table}",), runs=tmp_path / "runs")
    said = show_data("manifest", {**TEXT, "labels": ["kind"]}, common)
    assert r'task kind: 3 classes: "Hats, Caps", Shoes, "a \"b\""' in said
    assert 'kind: 1 labels of 1 rare classes are missing: "rare, once" (1)' in said
