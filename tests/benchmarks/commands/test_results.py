"""The paper's tables, rankings, comparisons and attention figures from the command line."""

import numpy as np
import pytest
from PIL import Image

from benchmarks import models
from benchmarks.records import store
from cma_clip.model import CMAClip
from cma_clip.types import Task
from tests.benchmarks.made_records import record
from tests.benchmarks.made_records import suite as records_of

MADE = ("claims", "table_2", "table_3", "table_4", "table_6")
NAMES = {f"{name}.{kind}" for name in MADE for kind in ("md", "csv", "tex")}
MODELS = ("majority", "text_only", "cma_clip")


@pytest.fixture
def in_suites(cma_bench, tmp_path):
    """A command in a folder with two reference suites."""
    for name, dataset in (("default", "catalog"), ("manifest", "manifest")):
        for made in records_of(MODELS, dataset=dataset):
            store.save_record(tmp_path / "results" / "reference" / name, made)
    return cma_bench


def test_paper_tables_of_reference_suites_go_beside_them(in_suites, tmp_path):
    printed, failure = in_suites("tables", "--paper", "--suite", "reference/default")
    assert failure is None
    assert "ours on catalog: color" in printed
    assert {path.name for path in (tmp_path / "results/reference/paper").iterdir()} == NAMES


def test_without_names_all_suites_are_read_but_those_that_are_no_evidence(in_suites, tmp_path):
    store.save_record(tmp_path / "results" / "smoke", record("mmbt"))
    printed, failure = in_suites("tables", "--paper")
    assert failure is None
    assert printed.endswith("records of reference/default, reference/manifest\n")
    assert {path.name for path in (tmp_path / "results/paper").iterdir()} == NAMES


@pytest.mark.parametrize(("own", "taken"), [(MODELS, "default"), (MODELS[:1], "reference/default")], ids=["all", "few"])
def test_without_names_a_suite_with_own_and_committed_records_is_taken_once(in_suites, tmp_path, own, taken):
    for made in records_of(own):
        store.save_record(tmp_path / "results" / "default", made)
    printed, failure = in_suites("tables", "--paper")
    assert failure is None
    assert f"catalog: suite {taken}, mean ± std over 3 seeds, 400 test examples.\n" in printed
    assert printed.endswith(f"records of {taken}, reference/manifest\n")


def test_stale_paper_tables_are_told(in_suites, tmp_path):
    in_suites("tables", "--paper")
    assert "15 tables are what the records of" in in_suites("tables", "--paper", "--check")[0]
    (tmp_path / "results/paper/table_3.md").write_text("other")
    assert "stale tables: table_3.md; run" in in_suites("tables", "--paper", "--check")[1]


def test_two_folders_are_compared_answer_by_answer(in_suites, tmp_path):
    for made in records_of(("text_only", "mmbt")):
        store.save_record(tmp_path / "results" / "mine", made)
    printed, failure = in_suites("compare", "results/reference/default", "results/mine")
    assert failure is None
    assert "catalog, clean: accuracy of the second minus that of the first" in printed
    assert "In the first alone: majority, cma_clip." in printed
    assert "In the second alone: mmbt." in printed
    assert "| text_only | +0.0 (" in printed
    _, failure = in_suites("compare", "results/mine", "results/nothing")
    assert "results/nothing/records holds no records" in failure
    _, failure = in_suites("compare", "results/mine", "results/reference/manifest")
    assert "no data set and model in common" in failure


def test_a_ranking_of_several_suites(in_suites, tmp_path):
    printed, failure = in_suites("rank", "reference/default", "reference/manifest", "--out", "both")
    assert failure is None
    assert "Average rank of 3 models by accuracy over 6 tasks" in printed
    assert {path.name for path in (tmp_path / "results/both/tables").iterdir()} == {
        "ranks.md",
        "ranks.csv",
        "ranks.tex",
    }
    assert {path.name for path in (tmp_path / "results/both/figures").iterdir()} == {"ranks.svg", "ranks.png"}


WRONG = {
    "too few": (["rank", "reference/default", "--unit", "dataset"], "at least 3 blocks and 3 models"),
    "metric": (["rank", "reference/default", "--metric", "acuracy"], "unknown metric 'acuracy'; did you mean"),
    "suite": (["tables", "--paper", "--suite", "defalt"], "defalt/records holds no records"),
    "nothing to show": (["attention", "MODEL"], "name either examples of a data set"),
    "both": (["attention", "MODEL", "--dataset", "catalog", "--image", "a.png"], "name either examples of a data set"),
    "kind": (["attention", "MODEL", "--image", "a.png", "--out", "a.gif"], "unknown kind of figure '.gif'"),
    "no photo": (["attention", "MODEL", "--image", "nowhere.png", "--text", "red"], "nowhere.png"),
    "no text": (["attention", "MODEL", "--image", "a.png"], "'a.png' lacks a photo or a text"),
}


@pytest.fixture
def saved(tiny, tmp_path):
    """A folder with a saved model and a photo beside it."""
    tasks = (Task("color", ("red", "green")),)
    model = CMAClip(tasks, CMAClip.Config(backbone=tiny, width=24, heads=2))
    model.priors = {"color": np.full(2, 0.5, dtype=np.float32)}
    models.save("cma_clip", model, tmp_path / "model")
    Image.new("RGB", (30, 40), "red").save(tmp_path / "a.png")
    return tmp_path / "model"


@pytest.mark.parametrize(("arguments", "sentence"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said_in_one_sentence(in_suites, saved, arguments, sentence):
    _, failure = in_suites(*(saved if argument == "MODEL" else argument for argument in arguments))
    assert sentence in failure
    assert failure.startswith("cma-bench: ")


def test_attention_over_a_photo(in_suites, saved, tmp_path):
    printed, failure = in_suites("attention", saved, "--image", "a.png", "--text", "a red shirt", "--out", "b/a.svg")
    assert failure is None
    assert "in 'a red shirt'" in printed
    assert (tmp_path / "b/a.svg").read_bytes().startswith(b"<?xml")


def test_attention_over_examples_of_a_data_set(in_suites, saved, tmp_path):
    small = ["--dataset", "catalog", "--option", "num_train=160", "num_val=60", "num_test=80"]
    printed, failure = in_suites("attention", saved, *small)
    assert failure is None
    assert len(printed.splitlines()) == 4  # three examples and where the figure is
    assert (tmp_path / "attention.png").is_file()
    chosen = printed.partition(":")[0]
    assert in_suites("attention", saved, *small, "--ids", chosen)[0].splitlines()[0] == printed.splitlines()[0]
    assert "catalog has no examples nobody" in in_suites("attention", saved, *small, "--ids", "nobody")[1]
