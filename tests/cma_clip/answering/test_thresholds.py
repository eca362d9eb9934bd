"""Thresholds against the exact binomial test, worked cases and properties."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from cma_clip.answering.thresholds import Point, choose, one_per_group, points

targets = st.floats(0.01, 0.99)


@st.composite
def answers(draw, most=300):
    """(confidence, right) with ties, so that precision rises or falls with confidence, or does not care."""
    rows, levels = draw(st.integers(1, most)), draw(st.integers(1, 50))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    confidence = generator.integers(1, levels + 1, size=rows) / levels
    low, high = draw(st.floats(0, 1)), draw(st.floats(0, 1))
    return confidence, generator.random(rows) < low + (high - low) * confidence


@given(answers())
def test_points_count_what_lies_at_or_above_them(case):
    confidence, right = case
    found = points(confidence, right)
    for point in found:
        above = confidence >= point.threshold
        assert (point.answered, point.right) == (above.sum(), right[above].sum())
    assert found[-1].answered == len(confidence)
    assert sorted({p.threshold for p in found}, reverse=True) == [p.threshold for p in found]
    assert len(found) <= 41


@given(answers(), st.integers(0, 1000))
def test_thresholds_know_neither_labels_nor_the_order_of_rows(case, seed):
    confidence, right = case
    order = np.random.default_rng(seed).permutation(len(right))
    assert points(confidence[order], right[order]) == points(confidence, right)
    assert [p.threshold for p in points(confidence, ~right)] == [p.threshold for p in points(confidence, right)]


@given(answers(), targets, st.sampled_from([0.8, 0.9, 0.95]))
def test_the_chosen_threshold_passes_the_exact_test_and_so_do_all_stricter_that_could(case, target, level):
    tested = points(*case)
    chosen = choose(tested, target, level)
    if chosen is None:
        return
    error = 1 - level
    for point in tested[: tested.index(chosen) + 1]:
        passes = binomtest(point.right, point.answered, target, alternative="greater").pvalue <= error
        assert passes or (point.right == point.answered and target**point.answered > error)
    assert binomtest(chosen.right, chosen.answered, target, alternative="greater").pvalue <= error


@given(answers(), targets, targets)
def test_a_higher_target_never_gets_a_lower_threshold(case, one, other):
    low, high = sorted((one, other))
    tested = points(*case)
    strict, loose = choose(tested, high, 0.9), choose(tested, low, 0.9)
    assert strict is None or (loose is not None and loose.threshold <= strict.threshold)


def test_how_many_right_answers_are_enough():
    for rows, enough in ((21, False), (22, True)):  # 0.9 ** 22 = 0.098
        chosen = choose(points(np.full(rows, 0.8), np.full(rows, True)), 0.9, 0.9)
        assert (chosen == Point(0.8, rows, rows)) if enough else (chosen is None)


def test_none_rather_than_a_bad_one():
    generator = np.random.default_rng(0)
    assert choose(points(generator.random(1000), generator.random(1000) < 0.85), 0.9, 0.9) is None
    assert choose((), 0.9, 0.9) is None


@pytest.mark.parametrize("target", [0.0, 1.0, 90.0, -0.1, float("nan")])
def test_a_target_is_a_share(target):
    with pytest.raises(ValueError, match="above 0 and below 1"):
        choose((), target, 0.9)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=30), st.integers(0, 1000))
def test_one_row_of_each_group_whatever_the_order(groups, seed):
    ids, names = [f"id-{row}" for row in range(len(groups))], list(map(str, groups))
    drawn = one_per_group(ids, names)
    assert sorted(names[row] for row in drawn) == sorted(set(names))
    order = np.random.default_rng(seed).permutation(len(groups))
    again = one_per_group([ids[row] for row in order], [names[row] for row in order])
    assert {ids[order[row]] for row in again} == {ids[row] for row in drawn}


def test_no_rows_no_groups():
    assert one_per_group([], []).tolist() == []
