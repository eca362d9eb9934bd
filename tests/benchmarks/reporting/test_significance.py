"""Corrections and ranks against the libraries that have them, and what they refuse."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import friedmanchisquare
from statsmodels.stats.multitest import multipletests

from benchmarks.records.outcomes import pack
from benchmarks.records.record import MEAN
from benchmarks.reporting.significance import RankingError, holm, interval, rank, tied_with
from tests.benchmarks.made_records import record, with_accuracy

BLOCKS = {f"block {i}": {"good": 0.9 + i / 100, "fair": 0.8 - i / 100, "bad": 0.1} for i in range(4)}


def answers(n, wrong):
    right = np.ones(n, dtype=bool)
    right[:wrong] = False
    return [{"color": pack([str(row) for row in range(n)], right)}]


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
    best, rival = answers(1000, 0), answers(1000, 5)  # p alone about 0.01
    assert tied_with("best", {"best": best, "rival": rival}, ["color"]) == set()
    rivals = {f"rival {i}": rival for i in range(15)}
    assert tied_with("best", {"best": best, **rivals}, ["color"]) == set(rivals)


def test_what_cannot_be_paired_neither_ties_nor_counts_as_a_rival():
    others = {f"other data {i}": answers(999, 0) for i in range(15)}
    outcomes = {"best": answers(1000, 0), "rival": answers(1000, 5), **others}
    assert tied_with("best", outcomes, ["color"]) == set()


def test_an_interval_is_the_mean_over_the_seeds_that_have_one():
    one, two = with_accuracy(record(), mean=0.5), with_accuracy(record(seed=1), mean=0.7)
    undefined = with_accuracy(record(seed=2), mean=float("nan"))
    assert interval([one, two, undefined], MEAN, "accuracy") == pytest.approx((0.58, 0.62))
    assert interval([undefined], MEAN, "accuracy") is None
    assert interval([], MEAN, "accuracy") is None


def test_the_best_has_rank_1_and_ties_share():
    found = rank({**BLOCKS, "tie": {"good": 0.5, "fair": 0.5, "bad": 0.1}})
    assert found.models == ("good", "fair", "bad")
    assert found.average == pytest.approx({"good": (4 + 1.5) / 5, "fair": (8 + 1.5) / 5, "bad": 3.0})


def test_lower_may_be_better():
    assert rank(BLOCKS, higher_is_better=False).models == ("bad", "fair", "good")


def test_friedman_and_nemenyi():
    found = rank(BLOCKS)
    assert found.friedman == pytest.approx(friedmanchisquare([1] * 4, [2] * 4, [3] * 4).pvalue)
    assert found.critical_difference == pytest.approx(2.343 * np.sqrt(3 * 4 / (6 * 4)), abs=1e-3)  # Demsar, table 5
    average, models = found.average, found.models
    for i, one in enumerate(models):
        for j, two in enumerate(models):
            apart = abs(average[one] - average[two]) > found.critical_difference
            assert (found.pairwise[i, j] < 0.05) == apart


def test_where_friedman_does_not_reject_no_pair_is_told_apart():
    turns = {"a": (1, 2, 3), "b": (2, 3, 1), "c": (3, 1, 2)}
    found = rank({block: dict(zip("xyz", scores, strict=True)) for block, scores in turns.items()})
    assert found.friedman == pytest.approx(1.0)
    assert (found.pairwise == 1).all()
    assert rank({block: dict.fromkeys("xyz", 0.5) for block in turns}).friedman == 1.0


@pytest.mark.parametrize(
    "scores",
    [{}, dict(list(BLOCKS.items())[:2]), {block: {"good": 1, "bad": 0} for block in BLOCKS}],
    ids=["nothing", "two blocks", "two models"],
)
def test_too_little_is_refused(scores):
    with pytest.raises(RankingError, match=rf"at least 3 blocks and 3 models .* found {len(scores)} blocks"):
        rank(scores)
