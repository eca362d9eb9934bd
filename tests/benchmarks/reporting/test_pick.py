"""Validation decides, then cost; the test split has no part in it."""

import pytest

from benchmarks.records.record import CLEAN, MEAN, Cost, Estimate
from benchmarks.reporting.pick import PRODUCTS, picks
from tests.benchmarks.made_records import ORDER, estimate, record, validation

FLOOR = record("majority", validation=validation({"color": 0.2, "style": 0.2}))


def made(model, color, style=None, *, seed=0, seconds=0.001, fit=1.0, reads=("text",), **changes):
    """A record whose validation accuracies and costs are these."""
    shares = {"color": color, "style": color if style is None else style}
    cost = Cost(seconds=seconds, megabytes=1.0, reads=reads)
    return record(model, seed, validation=validation(shares), cost=cost, seconds={"fit": fit}, **changes)


def for_all_tasks(records):
    (pick,) = [pick for pick in picks(records, ORDER) if pick.task == MEAN]
    return pick


def rows(candidates):
    return [one.row for one in candidates]


def test_validation_decides_where_the_test_split_says_the_opposite():
    worse, better = made("mmbt", 0.6), made("text_only", 0.8)
    assert worse.metrics[CLEAN][MEAN]["accuracy"].value > better.metrics[CLEAN][MEAN]["accuracy"].value
    assert for_all_tasks([FLOOR, worse, better]).record == better


def test_nothing_of_the_test_split_is_looked_at():
    records = [FLOOR, made("mmbt", 0.6), made("text_only", 0.8)]
    blind = [one.model_copy(update={"metrics": {CLEAN: {}}, "outcomes": {}, "answer_curve": {}}) for one in records]
    keys = [[pick.record.key for pick in picks(some, ORDER)] for some in (records, blind)]
    assert keys[0] == keys[1]


def test_of_those_that_do_not_differ_significantly_the_cheapest_is_taken():
    best, cheap = made("cma_clip", 0.8025, seconds=0.04), made("tfidf_logistic", 0.80)
    pick = for_all_tasks([FLOOR, best, cheap])
    assert (pick.chosen.row, pick.best.row, rows(pick.rivals)) == ("tfidf_logistic", "cma_clip", ["cma_clip"])
    assert rows(pick.candidates) == ["majority", "tfidf_logistic", "cma_clip"]
    assert pick.beats_floor is True


def test_a_cheaper_model_that_is_significantly_worse_is_not_taken():
    pick = for_all_tasks([FLOOR, made("cma_clip", 0.85, seconds=0.04), made("tfidf_logistic", 0.80)])
    assert (pick.chosen.row, pick.best.row, pick.rivals) == ("cma_clip", "cma_clip", ())


@pytest.mark.parametrize(("fit", "chosen"), [(1.0, "tfidf_logistic"), (1.0 + 0.002 * PRODUCTS, "linear_probe")])
def test_training_and_a_hundred_thousand_products_are_one_cost(fit, chosen):
    records = [FLOOR, made("tfidf_logistic", 0.8, fit=fit), made("linear_probe", 0.8, seconds=0.002)]
    pick = for_all_tasks(records)
    assert pick.chosen.row == chosen
    assert pick.chosen.seconds == pytest.approx(pick.chosen.training + PRODUCTS * pick.chosen.answering)


def test_of_equal_costs_the_first_of_the_table_is_taken():
    records = [FLOOR, made("mmbt", 0.8), made("text_only", 0.8)]
    assert for_all_tasks(records).chosen.row == for_all_tasks(records[::-1]).chosen.row == "text_only"


def test_the_first_seed_is_taken_and_not_the_luckiest():
    seeds = [made("mmbt", share, seed=seed) for seed, share in ((2, 0.9), (0, 0.7), (1, 0.8))]
    pick = for_all_tasks([FLOOR, *seeds])
    assert pick.record.experiment.seed == 0
    assert pick.chosen.accuracy(MEAN).value == pytest.approx(0.8, abs=0.003)


def test_the_seed_that_paid_for_features_does_not_decide():
    dear = [made("cma_clip", 0.8, seed=seed, fit=fit) for seed, fit in enumerate((900.0, 2.0, 2.0))]
    other = [made("mmbt", 0.8, seed=seed, fit=3.0) for seed in range(3)]
    assert for_all_tasks([FLOOR, *dear, *other]).chosen.row == "cma_clip"


def test_no_model_is_good_enough_where_none_beats_the_largest_class():
    pick = for_all_tasks([FLOOR, made("mmbt", 0.2025)])
    assert (pick.beats_floor, pick.best.row) == (False, "mmbt")


def test_what_does_not_beat_the_largest_class_is_not_taken_for_being_cheap():
    """With few rows a cheap model can be as good as the best and as bad as the floor."""
    few = [
        made(name, 0.5, seconds=seconds).model_copy(update={"validation": validation({"color": share}, n=40)})
        for name, share, seconds in (("majority", 0.4, 0), ("text_only", 0.45, 0.001), ("mmbt", 0.525, 0.01))
    ]
    pick = for_all_tasks(few)
    assert (pick.chosen.row, rows(pick.rivals), pick.beats_floor) == ("mmbt", ["text_only"], True)


def test_without_the_largest_class_nobody_knows():
    assert for_all_tasks([made("mmbt", 0.3)]).beats_floor is None


def test_each_task_has_a_choice_of_its_own():
    records = [FLOOR, made("text_only", 0.3, 0.9), made("image_only", 0.7, 0.3), made("mmbt", 0.7, 0.8)]
    assert {pick.task: pick.chosen.row for pick in picks(records, ORDER)} == {
        MEAN: "mmbt",
        "color": "image_only",
        "style": "text_only",
    }


def test_one_task_has_one_choice():
    records = [one.model_copy(update={"validation": validation({"color": 0.5})}) for one in (FLOOR, made("mmbt", 0.5))]
    assert [pick.task for pick in picks(records, ORDER)] == [MEAN]


def asked(original, **changes):
    return original.model_copy(update={"experiment": original.experiment.model_copy(update=changes)})


def test_data_sets_options_and_protocols_are_chosen_for_apart():
    one = made("mmbt", 0.8)
    records = [
        one,
        asked(one, dataset="abo"),
        asked(one, dataset_options={"titles": "masked"}),
        asked(one, dataset_options={"labels": ["a", "b"]}, protocol="blur@1"),
    ]
    assert [pick.title for pick in picks(records, ORDER) if pick.task == MEAN] == [
        "abo",
        'catalog (labels=["a", "b"], protocol blur@1)',
        "catalog (titles=masked)",
        "catalog",
    ]


def test_of_data_that_have_changed_only_the_newest_count():
    old = made("cma_clip", 0.9, environment={"timestamp": "2026-01-01"})
    new = made("mmbt", 0.7, environment={"timestamp": "2026-01-02"}, fingerprints={"data": "other", "weights": None})
    assert rows(for_all_tasks([old, new]).candidates) == ["mmbt"]


def test_records_without_validation_results_are_left_out():
    old = record("cma_clip", validation=None, cost=None)
    assert picks([old], ORDER) == []
    assert rows(for_all_tasks([old, made("mmbt", 0.7)]).candidates) == ["mmbt"]


def test_variants_and_tuned_rows_are_candidates():
    records = [
        made("mmbt", 0.7),
        asked(made("cma_clip", 0.9), variant="2 layers"),
        asked(made("text_only", 0.5), tuned="x"),
    ]
    assert rows(for_all_tasks(records).candidates) == ["text_only", "mmbt", "cma_clip, 2 layers"]
    assert for_all_tasks(records).chosen.row == "cma_clip, 2 layers"


def test_what_it_will_answer_is_that_of_the_record_that_is_taken():
    validated = validation({"color": 0.8, "style": 0.8}, answered=0.25)
    pick = for_all_tasks([record("mmbt", validation=validated)])
    assert pick.answered == {"color": estimate(0.25), "style": estimate(0.25)}
    assert isinstance(pick.answered["color"], Estimate)
