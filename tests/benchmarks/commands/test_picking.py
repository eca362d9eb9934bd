"""`cma-bench pick`, and what a suite says at its end."""

import pytest

from benchmarks.records import store
from benchmarks.records.store import record_path
from tests.benchmarks.made_records import record, validation

FLOOR = record("majority", validation=validation({"color": 0.2}))
BEST = record("mmbt", validation=validation({"color": 0.8}))


@pytest.fixture
def records(tmp_path):
    other = BEST.model_copy(update={"experiment": BEST.experiment.model_copy(update={"dataset": "abo"})})
    for made in (FLOOR, BEST, other):
        store.save_record(tmp_path / "results" / "mine", made)


def test_the_answer_is_the_first_line_and_the_next_command_the_last(cma_bench, records, tmp_path):
    (tmp_path / "runs" / "experiments" / BEST.key / "model").mkdir(parents=True)
    printed, failure = cma_bench("pick", "mine", "--dataset", "catalog")
    assert failure is None
    lines = printed.splitlines()
    assert lines[0].startswith(
        "catalog: Take mmbt: 80.0 % [76, 84] accuracy on the validation split (400 rows) of color."
    )
    assert lines[-1] == f"  Next: cma-bench fill TABLE --model runs/experiments/{BEST.key}/model --out FILE"


def test_every_data_set_is_told(cma_bench, records):
    printed, _ = cma_bench("pick", "mine")
    assert printed.startswith("abo: Take mmbt")
    assert "\n\ncatalog: Take mmbt" in printed


def test_a_model_that_was_deleted_is_told_with_the_way_out(cma_bench, records, tmp_path):
    printed, _ = cma_bench("pick", "mine", "--dataset", "catalog", "--runs", "elsewhere")
    path = record_path(tmp_path / "results" / "mine", BEST.experiment, BEST.key).relative_to(tmp_path)
    folder = f"elsewhere/experiments/{BEST.key}/model"
    assert printed.endswith(f"{folder} is not there: delete {path}, and the suite trains that model again.\n")


def test_what_is_wrong_is_said_in_one_sentence(cma_bench, records):
    assert (
        "unknown data set of mine 'catalgo'; did you mean 'catalog'"
        in cma_bench("pick", "mine", "--dataset", "catalgo")[1]
    )
    assert "holds no records" in cma_bench("pick", "other")[1]


def test_records_made_before_say_what_to_do(cma_bench, tmp_path):
    store.save_record(tmp_path / "results" / "default", record("mmbt", validation=None, cost=None))
    printed, failure = cma_bench("pick", "default")
    assert failure is None
    assert "`cma-bench suite --suite default` computes them again" in printed


def test_a_suite_ends_with_it_and_its_report_begins_with_it(cma_bench, tmp_path):
    sizes = ["num_train=80", "num_val=60", "num_test=20", "image_size=32"]
    asked = ["suite", "--suite", "smoke", "--workers", "1", "--tracking", "off", "--models", "majority,tfidf_logistic"]
    printed, code = cma_bench(*asked, "--option", *sizes)
    assert code is None
    title = "catalog (image_size=32, num_test=20, num_train=80, num_val=60)"
    told = printed[printed.rindex(title) :]
    assert told == cma_bench("pick", "smoke")[0]
    page = (tmp_path / "results" / "smoke" / "report.html").read_text(encoding="utf-8")
    assert title in page[: page.index('id="tables"')]
