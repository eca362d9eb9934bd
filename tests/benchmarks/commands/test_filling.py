"""Which model `cma-bench fill` takes."""

from pathlib import Path

import pytest

from benchmarks.commands.filling import model_folder
from benchmarks.commands.finishing import chosen
from benchmarks.records import store
from tests.benchmarks.made_records import suite


def test_a_suite_is_the_model_that_is_picked_of_it(tmp_path):
    results, runs = tmp_path / "results", tmp_path / "runs"
    for record in suite(("majority", "tfidf_logistic", "cma_clip")):
        store.save_record(results / "mine", record)
    with pytest.raises(ValueError, match=r"the model to take, is gone; see `cma-bench pick mine`"):
        model_folder(Path("mine"), results, runs)
    folder = runs / "experiments" / chosen("mine", results, None, None, {}).key / "model"
    folder.mkdir(parents=True)
    assert model_folder(Path("mine"), results, runs) == folder
    assert model_folder(folder, results, runs) == folder


def test_what_is_neither_a_folder_nor_a_suite_is_refused(tmp_path):
    with pytest.raises(ValueError, match="neither a folder nor a suite"):
        model_folder(tmp_path / "nothing", tmp_path, tmp_path)


def test_of_several_picks_the_way_out_is_one_that_fill_has(tmp_path):
    for dataset in ("catalog", "abo"):
        for record in suite(("majority", "tfidf_logistic"), dataset=dataset):
            store.save_record(tmp_path / "mine", record)
    with pytest.raises(ValueError, match="give --model the folder of one, as `cma-bench pick mine` names it"):
        model_folder(Path("mine"), tmp_path, tmp_path)
