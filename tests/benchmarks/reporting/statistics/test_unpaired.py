"""Differences of metrics that are no means over rows, against scipy's z-test and a simulation."""

import math

import numpy as np
import pytest
from scipy.stats import norm

from benchmarks.records.record import Estimate
from benchmarks.reporting.statistics.unpaired import unpaired

Z = norm.ppf(0.975)


def estimates(values, error):
    return [Estimate(value=v, low=v - Z * error, high=v + Z * error, n=100) for v in values]


def test_is_the_z_test_of_two_means():
    found = unpaired(estimates([0.5], 0.03), estimates([0.4], 0.04))
    assert found.value == pytest.approx(0.1)
    assert (found.high - found.low) / 2 == pytest.approx(Z * 0.05)
    assert found.p == pytest.approx(2 * norm.sf(0.1 / 0.05))


def test_seeds_narrow_their_own_error_and_not_that_of_the_rows():
    values = [0.5, 0.6, 0.4]
    found = unpaired(estimates(values, 0.03), estimates([0.4], 0.0))
    expected = math.sqrt(0.03**2 + np.var(values, ddof=1) / 3)
    assert (found.high - found.low) / 2 == pytest.approx(Z * expected)


def test_covers_the_true_difference_as_often_as_it_says():
    generator = np.random.default_rng(0)
    hits = 0
    for _ in range(2000):
        one, other = generator.normal([0.5, 0.4], [0.03, 0.02])
        found = unpaired(estimates([one], 0.03), estimates([other], 0.02))
        hits += found.low <= 0.1 <= found.high
    assert 0.935 < hits / 2000 < 0.965


def test_undefined_values_are_left_out():
    nothing = [Estimate(value=math.nan, low=math.nan, high=math.nan, n=0)]
    assert unpaired(nothing, estimates([0.4], 0.02)) is None
    assert unpaired([*nothing, *estimates([0.5], 0.03)], estimates([0.4], 0.04)).value == pytest.approx(0.1)


def test_without_any_error_only_equal_models_are_equal():
    assert unpaired(estimates([0.5], 0), estimates([0.5], 0)).p == 1
    assert unpaired(estimates([0.5], 0), estimates([0.4], 0)).p == 0
