import pytest

from benchmarks.records.record import CLEAN, MEAN
from benchmarks.reporting.statistics.aggregate import by_dataset, score
from benchmarks.reporting.statistics.seeds import seeds_needed
from benchmarks.reporting.table import MISSING
from benchmarks.reporting.tables.differences import differences_table
from tests.benchmarks.made_records import TASKS, record, suite

MODELS = ("majority", "mmbt", "cma_clip")


def table(records, order=MODELS):
    [(dataset, models)] = by_dataset(records, order).items()
    return differences_table(dataset, models), models


def test_every_model_is_compared_with_cma_clip_task_by_task():
    made, models = table(suite(MODELS))
    assert made.header == ("model", *TASKS, MEAN, "p", "seeds for a point")
    assert [row[0].text for row in made.rows] == ["majority", "mmbt"]
    for row in made.rows:
        for task, cell in zip((*TASKS, MEAN), row[1:5], strict=True):
            ours, theirs = (100 * score(models[name], task, "accuracy").value for name in ("cma_clip", row[0].text))
            assert cell.value == pytest.approx(theirs - ours)
            assert cell.interval[0] <= cell.value <= cell.interval[1]
            assert cell.text.startswith(f"{cell.value:+.1f} (")
    majority, mmbt = (row[5] for row in made.rows)
    assert majority.text == "< 0.001"
    assert majority.value <= mmbt.value


def test_without_cma_clip_the_best_is_compared_with():
    made, _ = table(suite(("majority", "text_only", "mmbt")))
    assert "minus that of mmbt" in made.title
    assert [row[0].text for row in made.rows] == ["majority", "text_only"]


def test_without_a_rival_or_without_answers_there_is_no_table():
    assert table(suite(("cma_clip",)))[0] is None
    assert table([r.model_copy(update={"outcomes": {CLEAN: {}}}) for r in suite(MODELS)])[0] is None


def test_one_seed_says_nothing_about_how_many_are_needed():
    made, _ = table([record(model) for model in MODELS])
    assert {row[-1].text for row in made.rows} == {MISSING}


def test_seeds_are_those_of_the_textbook():
    """Two groups, 80 % power, a standard deviation as large as the difference: 16 each (Lehr 1992)."""
    assert seeds_needed(1.0, 1.0, 1.0) == 16
    assert seeds_needed(1.0, 1.0, 0.5) == 63
    assert seeds_needed(0.0, 0.0, 1.0) == 2
