"""The programs in examples/ do what they say."""

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from scipy.stats import beta

from benchmarks import datasets
from benchmarks.datasets.loading.splits import Source

HIDDEN_CELLS = Path(__file__).parents[1] / "examples" / "hidden_cells.py"
COLORS, SEASONS = ("red", "blue", "green"), ("summer", "winter")
ROWS = 400
OPTIONS = ("labels=color,season", "image=null")


def hidden_cells(*arguments, cwd):
    """What the program prints, in an interpreter of its own, which takes seconds to import everything."""
    done = subprocess.run(
        [sys.executable, HIDDEN_CELLS, *arguments], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.fixture
def in_this_one(monkeypatch, capsys):
    """The same in this interpreter."""

    def call(*arguments, cwd):
        monkeypatch.chdir(cwd)
        monkeypatch.setattr(sys, "argv", [str(HIDDEN_CELLS), *arguments])
        runpy.run_path(str(HIDDEN_CELLS), run_name="__main__")
        told = capsys.readouterr()
        assert told.err == ""
        return told.out

    return call


@pytest.fixture(scope="module")
def hidden(tmp_path_factory):
    """(Folder, what was said): cells of products.csv are hidden in the folder `hidden`, and once more in `again`."""
    folder = tmp_path_factory.mktemp("hidden")
    rows = [
        {
            "text": f"product {row} of this shop",
            "color": COLORS[row % 3],
            "season": "" if row % 5 == 0 else SEASONS[row // 3 % 2],
            "note": f"00{row}",
        }
        for row in range(ROWS)
    ]
    pd.DataFrame(rows).to_csv(folder / "products.csv", index=False)
    said = [hidden_cells("hide", "products.csv", out, *OPTIONS, cwd=folder) for out in ("hidden", "again")]
    return folder, said[0]


def load(folder, table):
    options = {"labels": "color,season", "image": None}
    return datasets.load("manifest", Source(folder / table, cache=folder / "cache"), options)


def read(path):
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def test_only_known_cells_of_the_test_split_are_hidden_and_listed_with_their_values(hidden):
    folder, said = hidden
    whole, holes, listed = (
        read(folder / name) for name in ("products.csv", "hidden/products.csv", "hidden/hidden.csv")
    )
    splits = load(folder, "products.csv")
    tested = {id.removeprefix("row-") for id in splits.test.ids()}
    assert len(tested) == pytest.approx(ROWS / 5, abs=ROWS / 20)
    assert set(listed["row"]) <= tested
    cells = {(int(row), task): value for row, task, value in listed.itertuples(index=False)}
    assert "" not in cells.values()
    for task in ("color", "season"):
        emptied = whole[task] != holes[task]
        assert {row for row, name in cells if name == task} == set(whole.index[emptied])
        assert set(holes[task][emptied]) == {""}
        assert all(whole[task][row] == value for (row, name), value in cells.items() if name == task)
    assert holes[["text", "note"]].equals(whole[["text", "note"]])
    known = sum((whole[task][[int(row) for row in tested]] != "").sum() for task in ("color", "season"))
    assert len(cells) / known == pytest.approx(0.4, abs=0.15)
    assert said.startswith(f"{len(cells)} cells of {ROWS} rows are hidden; ")


def test_the_same_cells_are_hidden_each_time(hidden):
    folder, _ = hidden
    for name in ("products.csv", "hidden.csv"):
        assert (folder / "hidden" / name).read_bytes() == (folder / "again" / name).read_bytes()


def test_the_table_with_hidden_cells_is_split_as_the_whole_one(hidden):
    """Else a hidden cell's row could be trained on."""
    folder, _ = hidden
    whole, holes = (load(folder, name).parts() for name in ("products.csv", "hidden/products.csv"))
    for part in ("train", "val"):
        assert holes[part].ids() == whole[part].ids()
        assert holes[part].label_rows() == whole[part].label_rows()
    assert set(holes["test"].ids()) <= set(whole["test"].ids())


def test_rows_are_found_by_their_ids_where_the_table_has_some(hidden, in_this_one):
    folder, _ = hidden
    in_this_one("hide", "products.csv", "by-id", *OPTIONS, "id=note", cwd=folder)
    whole, holes, listed = (read(folder / name) for name in ("products.csv", "by-id/products.csv", "by-id/hidden.csv"))
    assert len(listed) > 20
    for row, task, value in listed.itertuples(index=False):
        assert (whole[task][int(row)], holes[task][int(row)]) == (value, "")


def test_what_cannot_be_used_is_said_without_a_traceback(hidden, in_this_one):
    folder, _ = hidden
    said = "products.csv: option labels: unknown column 'colour'; did you mean 'color'"
    with pytest.raises(SystemExit, match=f"^{re.escape(said)}"):  # Python prints it and exits with 1
        in_this_one("hide", "products.csv", "out", "labels=colour", "image=null", cwd=folder)
    assert not (folder / "out").exists()


def test_answers_are_compared_with_what_was_hidden():
    compare = runpy.run_path(str(HIDDEN_CELLS))["compare"]
    filled = pd.DataFrame(
        {
            "color": ["red", "blue", "", "green", "red"],
            "color_decision": ["filled", "filled", "review", "filled", "kept"],
            "season": ["", "winter", "", "", "summer"],
            "season_decision": ["review", "kept", "no evidence", "review", "kept"],
        }
    )
    answers = pd.DataFrame(
        [
            *((0, "color", "red"), (1, "color", "red"), (2, "color", "blue"), (3, "color", "green")),
            *((0, "season", "winter"), (2, "season", "summer")),
        ],
        columns=["row", "task", "value"],
    )
    color, season = compare(filled, answers).to_dict("records")
    low = beta.ppf(0.025, 2, 2)  # Clopper and Pearson: quantiles of beta(2, 2) and beta(3, 1) for 2 right of 3
    high = beta.ppf(0.975, 3, 1)
    measured = {"hidden": 4, "answered": 0.75, "precision reached": 2 / 3, "low": low, "high": high}
    assert color == pytest.approx({"task": "color", **measured})
    assert (season["task"], season["hidden"], season["answered"]) == ("season", 2, 0.0)
    assert pd.isna(season["precision reached"])
    assert (season["low"], season["high"]) == (0, 1)


def test_the_program_prints_the_comparison(tmp_path, in_this_one):
    pd.DataFrame({"color": ["001", "2"], "color_decision": ["filled", "filled"]}).to_csv(
        tmp_path / "f.csv", index=False
    )
    pd.DataFrame({"row": [0, 1], "task": "color", "value": ["001", "3"]}).to_csv(tmp_path / "h.csv", index=False)
    assert in_this_one("compare", "f.csv", "h.csv", cwd=tmp_path).split() == [
        *("task", "hidden", "answered", "precision", "reached", "low", "high"),
        *("color", "2", "1.000", "0.500", "0.013", "0.987"),
    ]
