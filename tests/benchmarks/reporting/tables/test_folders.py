import pytest

from benchmarks.records.record import CLEAN, Experiment
from benchmarks.reporting.statistics.paired import difference
from benchmarks.reporting.tables.folders import folder_tables
from tests.benchmarks.made_records import TASKS, record, suite

ORDER = ("text_only", "cma_clip")


def test_rows_are_the_second_minus_the_first_as_the_paired_bootstrap_has_them():
    one = suite(ORDER)
    better = [record("cma_clip", seed, outcomes=record("cma_clip", seed + 7).outcomes) for seed in (0, 1)]
    (table,) = folder_tables(one, better, ORDER)
    assert table.header == ("model", *TASKS, "mean", "p")
    ((name, *cells),) = table.rows
    assert name.text == "cma_clip"
    ours = [found.outcomes[CLEAN] for found in one if found.experiment.model == "cma_clip"]
    expected = difference([found.outcomes[CLEAN] for found in better], ours, TASKS)
    assert cells[3].value == pytest.approx(100 * expected.value)
    assert cells[3].interval == pytest.approx((100 * expected.low, 100 * expected.high))
    assert cells[4].value == expected.p  # of a single row


def test_what_is_not_compared_and_what_differs_is_said():
    deeper = Experiment(dataset="catalog", model="cma_clip", seed=0, hparams={"depth": 3})
    (table,) = folder_tables(suite(ORDER, (0,)), [record(experiment=deeper), record("text_only", n=30)], ORDER)
    told = " ".join(table.footnotes)
    assert "Not the same test rows, or no answers kept: text_only." in told
    assert "Other hyper-parameters or data options: cma_clip." in told


def test_nothing_in_common_is_refused():
    with pytest.raises(ValueError, match="no data set and model in common"):
        folder_tables(suite(ORDER), suite(ORDER, dataset="manifest"), ORDER)
