"""One experiment from question to record, with the real data set and real models, both tiny."""

import dataclasses

import numpy as np
import pytest

from benchmarks import datasets, versions
from benchmarks.models import MODELS, ModelError, load, load_answering
from benchmarks.records import store
from benchmarks.records.record import CLEAN, Experiment, key_of
from benchmarks.running.place import Place
from benchmarks.running.run import run
from benchmarks.tracking import OFF, TrackedRun, open_tracker
from cma_clip.types import Examples

OPTIONS = {"num_train": 64, "num_val": 24, "num_test": 32, "image_size": 32}
TASKS = {"color", "pattern", "style"}


def network(tiny, **hparams):
    return {"backbone": tiny, "width": 24, "heads": 2, "depth": 1, "max_epochs": 2, "batch_size": 16, **hparams}


def experiment(model="majority", **hparams):
    return Experiment(dataset="catalog", model=model, seed=0, dataset_options=OPTIONS, hparams=hparams)


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path / "results", tmp_path / "runs")


def done(asked, place):
    return run(asked, place, open_tracker(OFF, "single", place.runs_dir))


def files(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_a_record_says_what_was_asked_found_and_where(place, tiny):
    asked = experiment("cma_clip", **network(tiny))
    record = done(asked, place)
    assert record.experiment == asked
    assert record.key == key_of(asked, record.fingerprints, record.versions)
    splits = datasets.load("catalog", place.source("catalog"), OPTIONS)
    classifier = load(place.runs_dir / "experiments" / record.key / "model")
    assert record.fingerprints == {
        "data": splits.fingerprint,
        "weights": classifier.weights_fingerprint(),
    }
    assert record.versions == versions.of_experiment(asked)
    assert set(record.versions) >= {"cma_clip", "training", "features", "catalog", "loading", "evaluation", "ece"}
    assert record.sizes == {"train": 64, "val": 24, "test": 32}
    assert record.config == classifier.config.model_dump(mode="json")
    assert record.config["learning_rate"] == 1e-3  # a default, written down
    assert record.facts["epochs"] == 2
    assert record.facts["samples_seen"] == 128
    assert record.facts["trainable_parameters"] > 0
    assert record.facts["text_tokens"] == 2 + 4 * 14
    assert set(record.facts["cut_texts"]) == {"train", "val", "test"}
    assert record.data_report["rows"] == 120
    assert record.data_report["bad_samples"] == []
    assert set(record.seconds) == {"load", "fit", "thresholds", "predict", "evaluate", "perturbed", "cost"}
    assert record.environment["torch_threads"] == 1
    assert set(record.metrics[CLEAN]) == TASKS | {"mean"}
    assert set(record.outcomes[CLEAN]) == TASKS
    assert set(record.relevance) == set(record.modality_weights[CLEAN]) == TASKS
    for pair in [*record.relevance.values(), *record.modality_weights[CLEAN].values()]:
        assert sum(pair) == pytest.approx(1, abs=1e-5)
    for task in TASKS:
        labelled = int((splits.test.labels(task) >= 0).sum())
        assert record.metrics[CLEAN][task]["accuracy"].n == record.outcomes[CLEAN][task].n == labelled
    assert set(record.answer_curve) == TASKS
    assert record.cost.reads == ("image", "text")
    assert store.load_records(place.suite_dir) == [record]
    assert not list(place.runs_dir.glob("experiments/*/checkpoints"))


def test_the_validation_results_are_those_of_the_saved_model(place, tiny):
    record = done(experiment("cma_clip", **network(tiny)), place)
    folder = place.runs_dir / "experiments" / record.key / "model"
    val = datasets.load("catalog", place.source("catalog"), OPTIONS).val
    predictions, promised = load(folder).predict(val), load_answering(folder)
    for task in TASKS:
        labelled = val.labels(task) >= 0
        right = predictions.probabilities[task].argmax(axis=1) == val.labels(task)
        np.testing.assert_array_equal(record.validation.outcomes[task].bits(), right[labelled])
        found = record.validation.metrics[task]
        assert found["accuracy"].value == pytest.approx(right[labelled].mean())
        assert found["accuracy"].n == labelled.sum()
        answered = promised.answer(task, predictions.probabilities[task], 0.9).answered
        assert found["answered_at_90_precision"].value == pytest.approx(answered[labelled].mean())
    assert set(record.validation.metrics) == TASKS | {"mean"}
    assert set(record.validation.metrics["mean"]) == {"accuracy", "macro_f1", "answered_at_90_precision"}


def test_a_record_without_validation_results_is_computed_again(place):
    record = done(experiment("tfidf_logistic"), place)
    store.save_record(place.suite_dir, record.model_copy(update={"validation": None, "cost": None}))
    again = done(experiment("tfidf_logistic"), place)
    assert again.validation == record.validation
    assert again.key == record.key
    assert store.load_records(place.suite_dir) == [again]


def test_the_saved_model_says_what_the_saved_predictions_say(place, tiny):
    record = done(experiment("cma_clip", **network(tiny)), place)
    folder = place.runs_dir / "experiments" / record.key
    test = datasets.load("catalog", place.source("catalog"), OPTIONS).test
    saved, again = store.load_predictions(folder / "predictions"), load(folder / "model").predict(test)
    assert saved.ids == again.ids == test.ids()
    for task in TASKS:
        np.testing.assert_array_equal(saved.probabilities[task], again.probabilities[task])
        np.testing.assert_array_equal(saved.modality_weights[task], again.modality_weights[task])


def test_the_same_again_trains_nothing_and_trained_again_is_the_same(place, tiny, tmp_path):
    asked = experiment("cma_clip", **network(tiny))
    first = done(asked, place)
    before = files(tmp_path)
    assert done(asked, place) == first
    assert files(tmp_path) == before
    store.record_path(place.suite_dir, asked, first.key).unlink()
    second = done(asked, place)
    elsewhere = done(asked, Place(tmp_path / "other results", tmp_path / "other runs"))
    for other in (second, elsewhere):
        same = ("key", "metrics", "outcomes", "modality_weights", "facts", "fingerprints", "versions")
        assert {name: getattr(other, name) for name in same} == {name: getattr(first, name) for name in same}


def test_seeds_drive_the_model_and_never_the_data(place, tiny):
    asked = experiment("cma_clip", **network(tiny))
    records = [done(asked.model_copy(update={"seed": seed}), place) for seed in (0, 1)]
    assert records[0].fingerprints == records[1].fingerprints
    assert records[0].key != records[1].key
    assert records[0].modality_weights != records[1].modality_weights


class Sealed(Examples):
    """Examples that nobody may look at before they are opened."""

    def __init__(self, inner):
        self.inner, self.is_open = inner, False
        self.fingerprint = inner.fingerprint

    def _opened(self):
        if not self.is_open:
            raise AssertionError("the test split was read before the training had finished")
        return self.inner

    def __len__(self):
        return len(self.inner)

    def __getitem__(self, index):
        return self._opened()[index]

    def __getattribute__(self, name):
        if name in ("ids", "groups", "texts", "image_present", "label_rows", "labels", "image_sizes"):
            return getattr(self._opened(), name)
        return super().__getattribute__(name)


@pytest.mark.parametrize("model", MODELS)
def test_no_model_sees_the_test_split_before_it_has_learned(model, place, tiny, monkeypatch):
    splits = datasets.load("catalog", place.source("catalog"), OPTIONS)
    sealed = Sealed(splits.test)
    unsealed = dataclasses.replace(splits)
    object.__setattr__(unsealed, "test", sealed)  # replace() would look at it: splits check themselves
    monkeypatch.setattr(datasets, "load", lambda *_: unsealed)
    monkeypatch.setattr(MODELS[model], "fit", _opening(MODELS[model].fit, sealed))
    fields = MODELS[model].Config.model_fields
    hparams = {name: value for name, value in network(tiny, max_epochs=1).items() if name in fields}
    record = done(experiment(model, **hparams), place)
    assert sealed.is_open
    assert record.sizes["test"] == 32


def _opening(fit, sealed):
    def opening(self, *args):
        assert not sealed.is_open
        fit(self, *args)
        sealed.is_open = True

    return opening


def test_a_training_that_diverges_leaves_no_record(place, tiny):
    with pytest.raises(FloatingPointError, match=r"training loss is nan.* lower learning_rate"):
        done(experiment("cma_clip", **network(tiny, learning_rate=1e38)), place)
    assert store.load_records(place.suite_dir) == []
    assert not list(place.runs_dir.glob("experiments/*/model"))


def test_wrong_names_are_refused_before_any_data_are_read(place):
    with pytest.raises(ModelError, match="did you mean"):
        done(experiment("cma_clip", dept=1), place)
    assert not place.runs_dir.exists()


def test_bad_samples_are_in_the_record(tmp_path):
    rows = [f"{size} box {n},{n}.png,{size}" for n in range(30) for size in [("small", "large")[n % 2]]]
    (tmp_path / "products.csv").write_text("\n".join(["text,image,size", *rows]))
    (tmp_path / "3.png").write_bytes(b"not an image")
    for n in set(range(30)) - {3}:
        _png(tmp_path / f"{n}.png", n)
    asked = Experiment(dataset="manifest", model="majority", seed=0, dataset_options={"labels": ["size"]})
    place = Place(
        tmp_path / "results", tmp_path / "runs", {"manifest": tmp_path / "products.csv"}, on_bad_sample="skip"
    )
    record = done(asked, place)
    (reason,) = record.data_report["bad_samples"]
    assert "3.png" in reason
    assert sum(record.sizes.values()) == 29
    assert store.load_records(place.suite_dir) == [record]


def _png(path, seed):
    from PIL import Image

    pixels = np.random.default_rng(seed).integers(0, 255, (16, 16, 3), np.uint8)
    Image.fromarray(pixels).save(path)


def test_an_interrupted_training_goes_on_where_it_was(place, tiny, tmp_path, monkeypatch):
    asked = experiment("cma_clip", **network(tiny, max_epochs=4, patience=4))
    heard = []

    def interrupting(self, epoch, values):
        heard.append(epoch)
        if heard == [0, 1, 2]:
            raise KeyboardInterrupt

    monkeypatch.setattr(TrackedRun, "log_epoch", interrupting)
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        done(asked, place)
    assert store.load_records(place.suite_dir) == []
    resumed = done(asked, place)
    assert heard in ([0, 1, 2, 2, 3], [0, 1, 2, 3])
    straight = done(asked, Place(tmp_path / "other results", tmp_path / "other runs"))
    assert resumed.metrics == straight.metrics
    assert resumed.facts == straight.facts
