"""`cma-bench finish` and `card` as a user calls them."""

import sys
from pathlib import Path

import pytest

from benchmarks import cli, models
from benchmarks.commands.finishing import chosen
from benchmarks.records import store
from benchmarks.records.record import Cost, Experiment, Validation, key_of
from tests.benchmarks.made_records import record

SIZES = ["num_train=160", "num_val=80", "num_test=80", "image_size=32"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("shop")


@pytest.fixture
def cma_bench(monkeypatch, capsys, folder):
    """What a command printed in the shop's folder, or what it exited with."""
    monkeypatch.chdir(folder)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["cma-bench", *map(str, arguments)])
        try:
            cli.main()
        except SystemExit as exit:
            return str(exit.code)
        return capsys.readouterr().out

    return call


@pytest.fixture
def suite_done(cma_bench, folder):
    if not (folder / "results").exists():
        asked = ["--suite", "smoke", "--models", "majority,tfidf_logistic", "--seeds", "0,1", "--option", *SIZES]
        assert "records" in cma_bench("suite", *asked, "--workers", "1", "--tracking", "off")
    return folder


def test_the_pick_is_finished_and_its_card_is_printed(suite_done, cma_bench):
    told = cma_bench("finish", "smoke")
    model = Path("runs/finished/smoke-catalog/model")
    assert "trained once more on all rows (train 160, val 80, test 80)" in told
    assert f"Next: cma-bench fill TABLE --model {model} --out FILE" in told
    assert f"{model} holds the model" in told
    assert models.load_record(model).experiment.model == "tfidf_logistic"
    assert models.load_record(model).experiment.seed == 0
    printed = cma_bench("card", model)
    assert printed == (model / models.CARD_FILE).read_text()
    assert "trained once more on all 320 rows" in printed
    before = Path("runs/experiments") / models.load_record(model).key / "model"
    assert cma_bench("card", before) == (before / models.CARD_FILE).read_text()


def test_a_named_row_is_finished_where_it_is_asked_for(suite_done, cma_bench):
    cma_bench("finish", "smoke", "--model", "majority", "--out", "mine")
    assert models.describe(suite_done / "mine").name == "majority"
    refused = cma_bench("finish", "smoke", "--model", "mmbt")
    assert refused == "cma-bench: unknown row 'mmbt'. Valid: majority, tfidf_logistic"


@pytest.mark.parametrize("command", ["finish nonsense", "finish smoke --dataset abo", "card results", "card nowhere"])
def test_what_is_not_there_is_one_clear_error(suite_done, cma_bench, command):
    refused = cma_bench(*command.split())
    assert refused.startswith("cma-bench: ")
    assert "\n" not in refused


def picked(model="mmbt", dataset="catalog", **options):
    made = record(model, dataset=dataset)
    clean = made.metrics["clean"]
    answered = {task: {**found, "answered_at_90_precision": found["accuracy"]} for task, found in clean.items()}
    asked = Experiment(dataset=dataset, model=model, seed=0, dataset_options=options)
    return made.model_copy(
        update={
            "experiment": asked,
            "key": key_of(asked, made.fingerprints, made.versions),
            "validation": Validation(metrics=answered, outcomes=made.outcomes["clean"]),
            "cost": Cost(seconds=0.001, megabytes=1, reads=("text",)),
        }
    )


def test_of_several_choices_none_is_made_silently(tmp_path):
    some, others = picked(labels="color"), picked(labels="style")
    abo = picked(dataset="abo")
    for one in (some, others, abo):
        store.save_record(tmp_path / "mine", one)
    refusal = r"mine has a choice for each of abo; catalog .*color.*; catalog .*style.*--option"
    with pytest.raises(ValueError, match=refusal):
        chosen("mine", tmp_path, None, None, {})
    assert chosen("mine", tmp_path, "abo", None, {}) == abo
    assert chosen("mine", tmp_path, "catalog", None, {"labels": "style"}) == others
    assert chosen("mine", tmp_path, None, "mmbt", {"labels": "color"}) == some
    with pytest.raises(ValueError, match="no record of mine can be chosen by"):
        chosen("mine", tmp_path, None, None, {"labels": "size"})


def test_where_nothing_beats_the_largest_class_a_row_has_to_be_named(tmp_path):
    for model in ("majority", "class_name_match"):
        same = picked("majority").validation
        store.save_record(tmp_path / "mine", picked(model).model_copy(update={"validation": same}))
    with pytest.raises(ValueError, match="no model of catalog is better than always the largest class"):
        chosen("mine", tmp_path, None, None, {})
    assert chosen("mine", tmp_path, None, "majority", {}).experiment.model == "majority"
