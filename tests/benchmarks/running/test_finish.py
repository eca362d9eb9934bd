"""A chosen model trained once more on all rows: on a small catalogue and on a manifest, killed and gone on."""

import os
import signal

import numpy as np
import pytest
import torch

from benchmarks import datasets, models
from benchmarks.processes import fresh_processes
from benchmarks.records.record import Experiment
from benchmarks.running.finish import FinishError, finish
from benchmarks.running.place import Place
from benchmarks.running.run import run
from benchmarks.tracking import OFF, open_tracker
from cma_clip.classifier import Workspace
from cma_clip.learner import Learner
from cma_clip.types import Joined
from tests.benchmarks.datasets.samples import write_manifest

OPTIONS = {"num_train": 48, "num_val": 24, "num_test": 24, "image_size": 32}
NETWORK = {"width": 24, "heads": 2, "depth": 1, "max_epochs": 4, "batch_size": 16, "learning_rate": 3e-3}


def measured(place, model="majority", dataset="catalog", options=OPTIONS, protocol="clean", **hparams):
    asked = Experiment(
        dataset=dataset, model=model, seed=0, dataset_options=options, hparams=hparams, protocol=protocol
    )
    return run(asked, place, open_tracker(OFF, "single", place.runs_dir))


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path / "results" / "mine", tmp_path / "runs")


def everything(place, record):
    asked = record.experiment
    return Joined(
        list(datasets.load(asked.dataset, place.source(asked.dataset), asked.dataset_options).parts().values())
    )


def files(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("model", ["tfidf_logistic", "cma_clip", "late_fusion"])
def test_it_is_the_measured_model_on_all_rows(place, tiny, tmp_path, model):
    hparams = {} if model == "tfidf_logistic" else {**NETWORK, "backbone": tiny}
    record = measured(place, model, **hparams)
    before = place.runs_dir / "experiments" / record.key / "model"
    finished = finish(record, "mine", place, tmp_path / "out")
    assert finished.rows == {"train": 48, "val": 24, "test": 24}
    assert (finished.key, finished.suite) == (record.key, "mine")
    assert record.versions.items() >= finished.versions.items() > {}.items()
    expected = models.load(before, Workspace())
    rows = everything(place, record)
    expected.refit(rows)
    found = models.load(tmp_path / "out")
    assert found.facts() == expected.facts() == finished.facts
    ours, theirs = found.predict(rows).probabilities, expected.predict(rows).probabilities
    assert all(np.array_equal(ours[task], theirs[task]) for task in theirs)
    measured_before = models.load(before).predict(rows).probabilities
    assert not all(np.array_equal(ours[task], measured_before[task]) for task in theirs)
    for name in (models.ANSWERING_FILE, models.RECORD_FILE):
        assert (tmp_path / "out" / name).read_bytes() == (before / name).read_bytes()
    assert models.load_finished(tmp_path / "out") == finished
    text = (tmp_path / "out" / models.CARD_FILE).read_text()
    assert "trained once more on all 96 rows (train 48, val 24, test 24)" in text
    assert "hold for this one only as far as it is no less accurate" in text
    assert not (place.runs_dir / "experiments" / record.key / "finish").exists()


def test_what_is_there_is_left_and_what_another_record_made_is_replaced(place, tmp_path):
    first, other = measured(place), measured(place, "tfidf_logistic")
    finish(first, "mine", place, tmp_path / "out")
    stamps = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()}
    finish(first, "mine", place, tmp_path / "out")
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()} == stamps
    finish(other, "mine", place, tmp_path / "out")
    assert models.describe(tmp_path / "out").name == "tfidf_logistic"
    assert not (tmp_path / "out" / "majority.json").exists()


def test_features_of_the_rows_are_not_computed_again(place, tiny, tmp_path):
    record = measured(place, "linear_probe", backbone=tiny)
    cached = {path: path.stat().st_mtime_ns for path in (place.runs_dir / "cache").rglob("*.npy")}
    finish(record, "mine", place, tmp_path / "out")
    assert {path: path.stat().st_mtime_ns for path in (place.runs_dir / "cache").rglob("*.npy")} == cached


def test_rows_are_as_the_protocol_has_them_in_training(place, tmp_path):
    record = measured(place, "tfidf_logistic", protocol="missing-70")
    finish(record, "mine", place, tmp_path / "out")
    whole = measured(place, "tfidf_logistic")
    finish(whole, "mine", place, tmp_path / "whole")
    words, more = (len(models.load(tmp_path / name).vectoriser.vocabulary_) for name in ("out", "whole"))
    assert words < more


def test_a_manifest_whose_rows_have_changed_is_refused(place, tmp_path):
    table = write_manifest(tmp_path / "mine")
    place = Place(place.suite_dir, place.runs_dir, {"manifest": table})
    options = {"labels": ["colour"], "split": "split"}
    record = measured(place, "tfidf_logistic", "manifest", options)
    finish(record, "mine", place, tmp_path / "out")
    assert models.load_finished(tmp_path / "out").rows == record.sizes
    table.write_text(table.read_text().replace("title 3", "another title"))
    with pytest.raises(
        FinishError, match=r"the data of manifest are not those .*run `cma-bench suite --suite mine` again"
    ):
        finish(record, "mine", place, tmp_path / "changed")
    assert not (tmp_path / "changed").exists()


def test_other_code_is_refused(place, tmp_path):
    record = measured(place)
    older = record.model_copy(update={"versions": {**record.versions, "majority": 7}})
    with pytest.raises(FinishError, match=r"majority is version 1 now, was 7; run `cma-bench suite"):
        finish(older, "mine", place, tmp_path / "out")


def test_a_model_that_is_gone_is_named_with_the_way_out(place, tmp_path):
    record = measured(place)
    (place.runs_dir / "experiments").rename(tmp_path / "elsewhere")
    with pytest.raises(FinishError, match=rf"{record.key}.model is gone.*Delete .*json and run `cma-bench suite"):
        finish(record, "mine", place, tmp_path / "out")


def test_a_folder_of_something_else_is_left_alone(place, tmp_path):
    record = measured(place)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "photo.png").touch()
    with pytest.raises(FinishError, match="out exists and holds no finished model; choose another --out"):
        finish(record, "mine", place, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["photo.png"]


def killed_in_epoch(epoch, place, record, folder):
    def die(learner):
        start(learner)
        if learner.current_epoch == epoch:
            os.kill(os.getpid(), signal.SIGKILL)

    start, Learner.on_train_epoch_start = Learner.on_train_epoch_start, die
    torch.set_num_threads(1)
    finish(record, "mine", place, folder)


def test_killed_by_the_system_it_goes_on_to_the_same_model(place, tiny, tmp_path):
    record = measured(place, "cma_clip", **NETWORK, backbone=tiny, freeze="none")
    straight = Place(place.suite_dir, tmp_path / "other runs")
    measured(Place(tmp_path / "other results", straight.runs_dir), "cma_clip", **NETWORK, backbone=tiny, freeze="none")
    finish(record, "mine", straight, tmp_path / "straight")
    epochs = models.load_finished(tmp_path / "straight").facts["refit"]["epochs"]
    assert epochs > 1
    server = fresh_processes("benchmarks.running.parallel")
    process = server.Process(target=killed_in_epoch, args=(epochs - 1, place, record, tmp_path / "out"))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert not (tmp_path / "out").exists()
    checkpoints = list((place.runs_dir / "experiments" / record.key / "finish").rglob("*.ckpt"))
    assert len(checkpoints) == 1
    finish(record, "mine", place, tmp_path / "out")
    same = [files(tmp_path / name) for name in ("straight", "out")]
    for name in ("network.safetensors", "classifier.json", "answering.json"):
        assert len({next(data for path, data in each.items() if path.name == name) for each in same}) == 1, name


def test_killed_while_it_is_saved_there_is_no_half_model(place, tmp_path, monkeypatch):
    record = measured(place)

    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(models, "save_finished", die)
        with pytest.raises(KeyboardInterrupt):
            finish(record, "mine", place, tmp_path / "finished" / "out")
    assert list((tmp_path / "finished").iterdir()) == []
    assert finish(record, "mine", place, tmp_path / "finished" / "out").rows == record.sizes
