"""The paired bootstrap: against scipy's, and over groups of rows against a closed form."""

import numpy as np
import pytest
from scipy.stats import bootstrap

from benchmarks.records.groups import Groups
from benchmarks.records.record import Outcomes
from benchmarks.reporting.statistics.paired import RESAMPLES, difference


def p_value(one, other, tasks):
    found = difference(one, other, tasks)
    return None if found is None else found.p


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


def test_the_interval_holds_the_difference_and_is_that_of_scipy():
    best, other = answers(400, 0.8, 3), answers(400, 0.7, 4)
    found = difference(seeds(best), seeds(other), ["color"])
    plain = bootstrap((best.astype(float) - other,), np.mean, method="percentile", n_resamples=10_000, rng=1)
    assert found.value == pytest.approx(best.mean() - other.mean())
    assert (found.low, found.high) == pytest.approx(tuple(plain.confidence_interval), abs=0.005)
    back = difference(seeds(other), seeds(best), ["color"])
    assert (back.value, back.p) == pytest.approx((-found.value, found.p))


def grouped(sizes, seed, tasks=("color",)):
    """Names of groups, and per task answers of two models whose rows of one group are alike."""
    rng = np.random.default_rng(seed)
    names = np.repeat([f"product {number}" for number in range(len(sizes))], sizes)
    hard = np.repeat(rng.random(len(sizes)), sizes)
    made = {task: [hard + rng.normal(scale=0.1, size=len(hard)) < skill for skill in (0.8, 0.75)] for task in tasks}
    return names, made


def outcomes(made, model, rows=None):
    """`rows`: task -> which of them it labels; all of them by default."""
    some = {task: slice(None) if rows is None else rows[task] for task in made}
    ids = np.array([str(row) for row in range(10_000)])
    return [
        {
            task: Outcomes.of(ids[: len(found[model])][some[task]].tolist(), found[model][some[task]])
            for task, found in made.items()
        }
    ]


def standard_error(values, names):
    """Closed form for the mean of clustered values: from the sums of their deviations by cluster."""
    sums = [(values[names == name] - values.mean()).sum() for name in np.unique(names)]
    return np.sqrt(np.square(sums).sum()) / len(values)


def test_groups_are_resampled_whole_as_the_closed_form_says():
    names, made = grouped(np.random.default_rng(0).integers(1, 9, 300), 1)
    one, other = outcomes(made, 0), outcomes(made, 1)
    every = {one[0]["color"].examples: np.ones(len(names), dtype=bool)}
    by_group = difference(one, other, ["color"], [Groups.of(names.tolist(), every)])
    by_row = difference(one, other, ["color"])
    expected = standard_error(made["color"][0].astype(float) - made["color"][1], names)
    assert (by_group.high - by_group.low) / (2 * 1.96) == pytest.approx(expected, rel=0.05)
    assert by_group.value == by_row.value
    assert by_row.high - by_row.low < 0.9 * (by_group.high - by_group.low)


def test_where_every_group_is_one_row_nothing_changes():
    _, made = grouped(np.ones(500, dtype=int), 2)
    one, other = outcomes(made, 0), outcomes(made, 1)
    every = {one[0]["color"].examples: np.ones(500, dtype=bool)}
    alone = Groups.of([str(row) for row in range(500)], every)
    assert difference(one, other, ["color"], [alone]) == difference(one, other, ["color"])


def test_tasks_that_label_other_rows_are_resampled_together_where_their_groups_are_known():
    names, made = grouped(np.full(200, 2), 3, tasks=("color", "style"))
    made["style"] = [~found for found in made["color"]]  # what one task gains on a product the other loses
    rows = {"color": np.arange(400) % 2 == 0, "style": np.arange(400) % 2 == 1}
    made = {task: [np.repeat(found[::2], 2) for found in models] for task, models in made.items()}
    one, other = outcomes(made, 0, rows), outcomes(made, 1, rows)
    labelled = {one[0][task].examples: rows[task] for task in rows}
    together = difference(one, other, ["color", "style"], [Groups.of(names.tolist(), labelled)])
    apart = difference(one, other, ["color", "style"])
    assert together.value == pytest.approx(apart.value) == pytest.approx(0)
    assert together.high - together.low < 1e-9
    assert apart.high - apart.low > 0.02
