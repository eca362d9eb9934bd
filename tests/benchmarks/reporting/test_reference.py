"""A new suite against its reference, cell by cell."""

import math

from benchmarks.records.record import CLEAN, Estimate
from benchmarks.reporting.reference import CellName, against_reference
from tests.benchmarks.made_records import TASKS, record, suite, with_accuracy

MODELS = ("text_only", "cma_clip")
CELL = CellName("catalog", "cma_clip", CLEAN, "color", "accuracy")


def test_a_suite_agrees_with_itself():
    records = suite(MODELS)
    comparison = against_reference(records, records[::-1])
    assert len(comparison.inside) == len(MODELS) * (len(TASKS) + 1)
    assert comparison.summary("results/reference/default") == (
        "8 of 8 cells fall inside the interval of results/reference/default"
    )


def test_a_mean_outside_all_intervals_is_listed():
    comparison = against_reference([with_accuracy(record(), color=0.123)], [record(), record(seed=1)])
    [deviation] = comparison.outside
    assert deviation.cell == CELL
    assert "3 of 4 cells" in comparison.summary()
    assert "outside: catalog/cma_clip/color accuracy (clean) 0.123 not in [0." in comparison.summary()


def test_the_interval_reaches_from_the_lowest_low_to_the_highest_high():
    reference = [with_accuracy(record(), color=0.70), with_accuracy(record(seed=1), color=0.80)]  # each ± 0.02
    for value, inside in ((0.68, True), (0.75, True), (0.82, True), (0.679, False), (0.821, False)):
        comparison = against_reference([with_accuracy(record(), color=value)], reference)
        assert (CELL in comparison.inside) is inside


def test_the_new_value_is_the_mean_over_seeds():
    new = [with_accuracy(record(), color=0.60), with_accuracy(record(seed=1), color=0.80)]
    assert CELL in against_reference(new, [with_accuracy(record(), color=0.70)]).inside


def test_cells_of_one_side_only_are_named():
    comparison = against_reference([record("mmbt")], [record("cma_clip")])
    assert comparison.inside == comparison.outside == ()
    assert {cell.model for cell in comparison.not_run} == {"cma_clip"}
    assert {cell.model for cell in comparison.not_in_reference} == {"mmbt"}
    summary = comparison.summary()
    assert "4 cells of the reference were not run: catalog/cma_clip" in summary
    assert "4 cells have no reference: catalog/mmbt" in summary


def test_undefined_agrees_with_undefined_only():
    undefined = with_accuracy(record(), color=math.nan)
    assert CELL in against_reference([undefined], [undefined]).inside
    assert CELL not in against_reference([record()], [undefined]).inside
    assert CELL not in against_reference([undefined], [record()]).inside


def test_other_data_are_said():
    other = record(fingerprints={"data": "other"})
    comparison = against_reference([other], [record()])
    assert comparison.other_data == ("catalog",)
    assert comparison.summary() == (
        "Not compared with the reference: other data (other options or another version): catalog"
    )
    assert against_reference([record()], [record()]).other_data == ()


def test_of_several_data_sets_those_with_other_data_are_left_out_of_the_count():
    same = record(dataset="food101")
    other = record(fingerprints={"data": "other"})
    summary = against_reference([other, same], [record(), same]).summary()
    assert summary.splitlines() == [
        "4 of 4 cells fall inside the interval of the reference",
        "  not compared: other data (other options or another version): catalog",
    ]


def test_of_many_cells_outside_the_first_are_told_and_the_others_counted():
    tasks = {task: 0.01 for task in (*TASKS, "mean")}
    models = ("majority", "mmbt", "text_only", "cma_clip")
    worse = [with_accuracy(record(model), **tasks) for model in models]
    lines = against_reference(worse, [record(model) for model in models]).summary().splitlines()
    assert len(lines) == 12
    assert lines[-1] == "  outside: 6 more"


def test_other_weights_and_versions_are_said():
    other = record(fingerprints={"data": "catalog", "weights": "new"})
    assert (
        "computed with other pretrained weights than the reference" in against_reference([other], [record()]).summary()
    )
    comparison = against_reference([record(versions={"cma_clip": 1, "training": 2, "blur": 3})], [record()])
    assert comparison.other == ("version of training (2, not 1)",)
    assert "computed with other version of training (2, not 1) than the reference" in comparison.summary()
    assert against_reference([record()], [record(), record("mmbt", fingerprints=other.fingerprints)]).other == ()


def test_other_metrics_and_conditions_are_cells_of_their_own():
    noisy = {"noisy": {"color": {"log_loss": Estimate(value=0.4, low=0.3, high=0.5, n=9)}}}
    both = record().model_copy(update={"metrics": {**record().metrics, **noisy}})
    comparison = against_reference([both], [both], metrics=["log_loss"])
    assert CellName("catalog", "cma_clip", "noisy", "color", "log_loss") in comparison.inside
    assert len(comparison.inside) == 1 + len(TASKS) + 1


def test_tuned_against_untuned_is_said():
    tuned = record(experiment=record().experiment.model_copy(update={"hparams": {"dropout": 0.2}}))
    assert against_reference([tuned], [record()]).other == ("hyper-parameters",)
