import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.reviewing.selection import Selection, plain
from tests.benchmarks.reviewing.filled_tables import COLOR, SEASON, TASKS, THRESHOLD, UNKNOWN, filled_table


def selected(table, most, starts=(0,)):
    selection = Selection(TASKS, most)
    for start, end in zip(starts, [*starts[1:], len(table)], strict=True):
        selection.add(table.iloc[start:end])
    return selection


def expected(table, task, most):
    """Section -> the numbers of its rows, looked for row by row."""
    cells = list(
        zip(
            table.index,
            table[task.cell],
            table[task.suggested],
            table[task.confidence],
            table[task.decision],
            strict=True,
        )
    )
    known = {name.lower() for name in task.classes}
    suspects = [
        (cell.strip().lower() not in known, -confidence, row)
        for row, cell, suggested, confidence, decision in cells
        if decision == "kept" and isinstance(suggested, str) and cell.strip().lower() != suggested.lower()
    ]
    above = [(confidence, row) for row, _, _, confidence, decision in cells if decision == "filled"]
    below = [(-confidence, row) for row, _, _, confidence, decision in cells if decision == "review"]
    most_above = 0 if task is SEASON else (most + 1) // 2
    found = {"suspects": (suspects, most), "above": (above, most_above), "below": (below, most - most_above)}
    return {section: ([key[-1] for key in sorted(keys)[:n]], len(keys)) for section, (keys, n) in found.items()}


@settings(max_examples=50)
@given(st.integers(0, 10_000), st.integers(1, 150), st.integers(1, 30), st.data())
def test_in_chunks_and_whole_the_same_rows_are_found_as_row_by_row(seed, rows, most, data):
    table = filled_table(rows, seed)
    cuts = sorted(data.draw(st.sets(st.integers(1, rows - 1), max_size=6))) if rows > 1 else []
    chunked, whole = selected(table, most, (0, *cuts)), selected(table, most)
    for task in TASKS:
        for section, found in whole.found[task.name].items():
            pd.testing.assert_frame_equal(chunked.found[task.name][section].rows, found.rows)
            assert chunked.found[task.name][section].count == found.count
            assert list(found.rows.index) == list(found.ranks.index)
        for section, (numbers, count) in expected(table, task, most).items():
            found = whole.found[task.name][section]
            assert (list(found.rows.index), found.count) == (numbers, count)
    assert chunked.decisions == whole.decisions
    assert chunked.rows == rows


def test_decisions_are_counted():
    table = filled_table(500)
    selection = selected(table, 5)
    assert sum(selection.decisions["color"].values()) == 500
    assert selection.decisions["season"]["filled"] == 0
    assert selection.decisions["color"]["no evidence"] == (table["color_decision"] == "no evidence").sum()


def test_the_sides_of_the_threshold():
    found = selected(filled_table(500), 7).found["color"]
    assert list(found["above"].rows["color_confidence"]) == [THRESHOLD] * 4
    assert list(found["below"].rows["color_confidence"]) == [0.5] * 3


def test_a_value_that_the_model_cannot_say_comes_last():
    found = selected(filled_table(500), 500).found["color"]["suspects"].rows
    unknown = (found["color"] == UNKNOWN).to_numpy()
    assert unknown.any()
    assert (np.diff(unknown.astype(int)) >= 0).all()


def test_the_sample_is_of_the_filled_and_stays_the_same_whatever_the_answers_are():
    table = filled_table(1000)
    first = selected(table, 40).found["color"]["sample"]
    assert (first.rows["color_decision"] == "filled").all()
    assert first.count == (table["color_decision"] == "filled").sum()
    table["color_suggested"], table["color_confidence"] = "Red", 0.99
    assert list(selected(table, 40).found["color"]["sample"].rows.index) == list(first.rows.index)
    assert list(selected(table, 12).found["color"]["sample"].rows.index) == list(first.rows.index[:12])


def test_the_sample_is_uniform():
    """Of 4,000 filled rows 1,000 are drawn; by chance the mean of their numbers has a standard error of 32."""
    table = filled_table(4000)
    table["color_decision"] = "filled"
    drawn = selected(table, 1000).found["color"]["sample"].rows.index
    assert abs(drawn.to_numpy().mean() - table.index.to_numpy().mean()) < 3 * 32
    assert np.unique(drawn % 4, return_counts=True)[1].min() > 200


def test_memory_does_not_grow_with_the_table():
    selection = Selection((COLOR, SEASON), 10)
    table = filled_table(200)
    for chunk in range(20):
        selection.add(table.set_index(table.index + 200 * chunk))
    assert selection.rows == 4000
    assert max(len(found.rows) for sections in selection.found.values() for found in sections.values()) == 10


def test_at_least_one_cell_is_shown():
    with pytest.raises(ValueError, match="at least 1 cell, not 0"):
        Selection(TASKS, 0)


def test_a_decimal_comma_is_another_spelling_of_a_point():
    assert plain("2,50") == plain("2.5") != plain("25")
