"""Which split a row goes to: the user's column, a hash, or the hashes' order where rows are few."""

import pytest

from benchmarks.datasets.loading.grouping import part_of
from benchmarks.datasets.loading.splits import DataError

from ..samples import write_csv

TEXT = {"labels": ["colour"], "image": None}


def _rows(count, **cells):
    rows = [{"text": f"title {number}", "colour": ("red", "blue")[number % 2]} for number in range(count)]
    for column, value in cells.items():
        for number, row in enumerate(rows):
            row[column] = value(number)
    return rows


@pytest.fixture
def loaded(tmp_path, load):
    return lambda rows, **options: load(write_csv(tmp_path / "items.csv", rows), {**TEXT, **options})


def _sizes(splits):
    return [len(examples) for examples in splits.parts().values()]


@pytest.mark.parametrize("count", [10, 12, 24, 30, 47])
def test_few_rows_get_three_splits_and_a_warning(loaded, count):
    splits = loaded(_rows(count))
    train, val, test = _sizes(splits)
    assert train + val + test == count
    assert min(val, test) >= 1
    assert abs(test / count - 0.2) <= 0.1
    assert any(f"{test} test rows only: a 95 % interval of an accuracy reaches up to" in n for n in splits.report.notes)
    assert _sizes(loaded(_rows(count)[::-1])) == [train, val, test]


def test_the_stated_interval_is_wilsons_at_one_half(loaded):
    from scipy.stats import binomtest

    splits = loaded(
        _rows(50, set=lambda number: ("train", "val", "test")[(number >= 30) + (number >= 40)]), split="set"
    )
    interval = binomtest(5, 10).proportion_ci(method="wilson")
    assert f"up to {100 * (interval.high - interval.low) / 2:.0f} points" in " ".join(splits.report.notes)


def test_fewer_groups_than_the_least_are_an_error_that_says_the_number(loaded):
    with pytest.raises(DataError, match=r"9 usable rows in 9 group.* needs at least 10 groups"):
        loaded(_rows(9))
    with pytest.raises(DataError, match=r"40 usable rows in 4 group.* needs at least 10 groups"):
        loaded(_rows(40, sku=lambda number: f"s{number % 4}"), group="sku")


def test_many_rows_are_split_by_the_hash_alone(loaded):
    splits = loaded(_rows(2000))
    for part, examples in splits.parts().items():
        assert {part_of(f"text:title {name.removeprefix('row-')}", "manifest/v1") for name in examples.ids()} == {part}
    assert not any("hashes" in note for note in splits.report.notes)


@pytest.mark.parametrize(("train", "test"), [("train", "test"), ("Train", "TEST"), ("TRAINING", "Testing")])
def test_without_validation_a_tenth_of_the_training_groups_is_taken(loaded, train, test):
    rows = _rows(150, set=lambda number: train if number < 120 else test, sku=lambda number: f"s{number // 2}")
    splits = loaded(rows, split="set", group="sku")
    assert _sizes(splits) == [108, 12, 30]
    assert {f"row-{number}" for number in range(120, 150)} == set(splits.test.ids())
    assert not set(splits.train.groups()) & set(splits.val.groups())
    said = "Column 'set' has no validation rows: a tenth of the training groups by a hash of their name, 12 rows"
    assert any(said in note for note in splits.report.notes)


def test_without_test_rows_the_error_says_what_to_do(loaded):
    rows = _rows(60, set=lambda number: ("train", "val")[number % 5 == 0])
    with pytest.raises(DataError, match=r"test split is empty.*column 'set' names no test rows; .*leave the option"):
        loaded(rows, split="set")


def test_unknown_names_of_splits_are_listed(loaded):
    rows = _rows(60, set=lambda number: ("train", "0", "1", "")[number % 4])
    message = (
        r"row 3: split '0'; valid are train, .*column 'set' holds an empty cell \(15 rows\), '0' \(15 rows\), '1' "
    )
    with pytest.raises(DataError, match=message):
        loaded(rows, split="set")


def test_test_rows_without_any_label_cannot_be_scored(loaded):
    rows = _rows(60, set=lambda number: "test" if number >= 50 else "train")
    for row in rows[50:]:
        row["colour"] = ""
    with pytest.raises(
        DataError, match=r"none of the 10 test rows has a label, as in a competition.*cma-bench predict"
    ):
        loaded(rows, split="set")
    rows[55]["colour"] = "red"
    notes = loaded(rows, split="set").report.notes
    assert "9 of 10 test rows have no label and are not scored." in notes


def test_the_automatic_split_never_tears_what_is_equal(loaded):
    splits = loaded(_rows(400, text=lambda number: f"  Title {number % 150} "))
    titles = [{text.lower() for text in examples.texts()} for examples in splits.parts().values()]
    assert not titles[0] & titles[1]
    assert not (titles[0] | titles[1]) & titles[2]


@pytest.mark.parametrize("column", ["split", "Group"])
def test_a_column_called_as_an_option_and_not_named_by_it_is_reported(loaded, column):
    rows = _rows(
        60, **{column: lambda number: ("train", "test")[number % 3 == 0] if column == "split" else f"g{number}"}
    )
    said = f"Column {column!r} is not used for the splits: --option {column.casefold()}={column} uses it."
    assert said in loaded(rows).report.notes
    assert not any("is not used" in note for note in loaded(rows, **{column.casefold(): column}).report.notes)


@pytest.mark.parametrize(
    ("split", "colour", "message"),
    [
        ("test", "", "none of the 20 test rows has a label"),
        ("tset", "red", r"items.csv, row 42: split 'tset'; valid are train"),
        ("train", "red", "the test split is empty"),
    ],
)
def test_a_split_that_no_photo_could_mend_is_refused_before_any_is_opened(tmp_path, load, split, colour, message):
    rows = _rows(60, split=lambda number: "train" if number < 40 else split)
    for number, row in enumerate(rows):
        row["image"] = f"{number}.png"
        row["colour"] = row["colour"] if number < 40 else colour
        (tmp_path / row["image"]).write_bytes(b"no photo")
    with pytest.raises(DataError, match=message):
        load(write_csv(tmp_path / "items.csv", rows), {"labels": ["colour"], "split": "split"})
