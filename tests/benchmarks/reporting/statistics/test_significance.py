"""Holm's correction against the library that has it, and intervals over seeds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from benchmarks.records.record import MEAN, Outcomes
from benchmarks.reporting.statistics.significance import holm, interval, tied_with
from tests.benchmarks.made_records import record, with_accuracy


def all_but(n, wrong):
    right = np.ones(n, dtype=bool)
    right[:wrong] = False
    return [{"color": Outcomes.of([str(row) for row in range(n)], right)}]


@pytest.mark.parametrize("count", [1, 2, 5, 15])
def test_holm_is_that_of_statsmodels(count):
    p_values = np.random.default_rng(count).beta(0.3, 2, size=count).round(2)  # with ties
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_corrected_p_values_are_no_smaller_and_in_the_same_order(p_values):
    corrected = holm(p_values)
    assert (corrected >= p_values).all()
    assert (corrected <= 1).all()
    assert (np.diff(corrected[np.argsort(p_values)]) >= 0).all()


def test_nothing_to_correct_is_no_error():
    assert holm([]).shape == (0,)


def test_the_more_rivals_the_weaker_the_evidence():
    best, rival = all_but(1000, 0), all_but(1000, 5)  # p alone about 0.01
    assert tied_with("best", {"best": best, "rival": rival}, ["color"]) == set()
    rivals = {f"rival {i}": rival for i in range(15)}
    assert tied_with("best", {"best": best, **rivals}, ["color"]) == set(rivals)


def test_what_cannot_be_paired_neither_ties_nor_counts_as_a_rival():
    others = {f"other data {i}": all_but(999, 0) for i in range(15)}
    outcomes = {"best": all_but(1000, 0), "rival": all_but(1000, 5), **others}
    assert tied_with("best", outcomes, ["color"]) == set()


def test_an_interval_is_the_mean_over_the_seeds_that_have_one():
    one, two = with_accuracy(record(), mean=0.5), with_accuracy(record(seed=1), mean=0.7)
    undefined = with_accuracy(record(seed=2), mean=float("nan"))
    assert interval([one, two, undefined], MEAN, "accuracy") == pytest.approx((0.58, 0.62))
    assert interval([undefined], MEAN, "accuracy") is None
    assert interval([], MEAN, "accuracy") is None
