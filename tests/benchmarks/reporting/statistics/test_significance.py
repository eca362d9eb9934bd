"""The paired bootstrap, Holm's correction and intervals, against the libraries that have them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import bootstrap
from statsmodels.stats.multitest import multipletests

from benchmarks.records.record import MEAN, Outcomes
from benchmarks.reporting.statistics.significance import RESAMPLES, holm, interval, p_value, tied_with
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


def seeds(*answers, task="color"):
    return [{task: Outcomes.of([f"{row}" for row in range(len(right))], np.array(right, bool))} for right in answers]


def answers(n, accuracy, seed):
    return np.random.default_rng(seed).random(n) < accuracy


def test_a_large_difference_is_seen_and_a_small_one_is_not():
    best = answers(300, 0.9, 0)
    worse, alike = answers(300, 0.6, 1), best.copy()
    alike[:2] = ~alike[:2]
    assert p_value(seeds(best), seeds(worse), ["color"]) < 0.05
    assert p_value(seeds(worse), seeds(best), ["color"]) < 0.05
    assert p_value(seeds(best), seeds(alike), ["color"]) > 0.05
    assert p_value(seeds(best), seeds(best), ["color"]) > 0.05


def test_a_p_value_has_no_direction_and_its_ends_are_known():
    best, worse = seeds(answers(300, 0.9, 0)), seeds(answers(300, 0.6, 1))
    assert p_value(best, worse, ["color"]) == p_value(worse, best, ["color"]) == 2 / (RESAMPLES + 1)
    assert p_value(best, best, ["color"]) == 1.0


@pytest.mark.parametrize("lost", range(2, 12))
def test_the_verdict_is_that_of_scipy(lost):
    best, other = answers(200, 0.8, 3), answers(200, 0.8, 3)
    other[np.flatnonzero(best)[:lost]] = False
    other[np.flatnonzero(~best)[:2]] = True
    difference = best.astype(float) - other
    interval = bootstrap((difference,), np.mean, method="percentile", n_resamples=10_000, rng=1).confidence_interval
    assert (p_value(seeds(best), seeds(other), ["color"]) > 0.05) == (interval.low <= 0 <= interval.high)


def test_one_good_seed_of_three_is_no_evidence_and_three_good_ones_are():
    base = answers(3000, 0.7, 0)
    good, poor = base | answers(3000, 0.2, 1), base & answers(3000, 0.97, 2)
    other = seeds(base, base, base)
    assert p_value(seeds(good, good, good), other, ["color"]) < 0.05
    assert p_value(seeds(good, poor, poor), other, ["color"]) > 0.05
    assert p_value(seeds(np.concatenate([good[:1000], poor[1000:]])), seeds(base), ["color"]) < 0.05  # a single seed
    assert p_value(seeds(base, base, base), seeds(base), ["color"]) > 0.05


def test_the_mean_of_tasks_uses_all_of_them():
    best, worse = answers(300, 0.9, 0), answers(300, 0.7, 1)

    def of(color, style):
        return [{**seeds(color)[0], **seeds(style, task="style")[0]}]

    assert p_value(of(best, best), of(best, worse), ["color"]) > 0.05
    assert p_value(of(best, best), of(best, worse), ["color", "style"]) < 0.05
    shorter = worse[:250]  # the tasks label different examples
    assert p_value(of(best, best[:250]), of(best, shorter), ["color", "style"]) < 0.05


def test_tasks_of_the_same_examples_are_resampled_together():
    swing = answers(300, 0.5, 0)
    better = np.arange(300) < 10  # in both tasks; elsewhere what one task gains the other loses
    best = [{**seeds(swing | better)[0], **seeds(~swing | better, task="style")[0]}]
    other = [{**seeds(~swing & ~better)[0], **seeds(swing & ~better, task="style")[0]}]
    assert p_value(best, other, ["color", "style"]) < 0.05
    apart = [{**seed, "style": seed["style"].model_copy(update={"examples": "others"})} for seed in (*best, *other)]
    assert p_value(apart[:1], apart[1:], ["color", "style"]) > 0.05


@pytest.mark.parametrize(
    "other", [[], seeds([True] * 4), seeds([True] * 5, task="style"), seeds([])], ids=["none", "n", "task", "empty"]
)
def test_what_cannot_be_paired_gets_no_verdict(other):
    assert p_value(seeds([True] * 5), other, ["color"]) is None
