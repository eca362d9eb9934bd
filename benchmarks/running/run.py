"""run(experiment) -> Record: the one place that knows the order of things."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic_core import to_jsonable_python

from benchmarks import datasets, models, versions
from benchmarks.answers import answer_curves, answering_of
from benchmarks.datasets.loading.masking import as_is
from benchmarks.datasets.loading.splits import Splits
from benchmarks.perturbations import protocol
from benchmarks.processes import THREADS
from benchmarks.records import store
from benchmarks.records.record import CLEAN, VALIDATION, Experiment, Record, key_of
from benchmarks.reporting.card import card
from benchmarks.running.cost import cost_of
from benchmarks.running.details import details_of
from benchmarks.running.environment import environment
from benchmarks.running.evaluation import PERTURBED_METRICS, Measured, of_clean, perturbed, training_splits, validated
from benchmarks.running.place import Place
from benchmarks.seeding import seed_of
from benchmarks.tracking import Tracker
from cma_clip.backbone.provenance import trained_rows
from cma_clip.classifier import Classifier
from cma_clip.places.claims import claim
from cma_clip.places.folders import is_there, new_folder, tidy
from cma_clip.places.patience import patiently, wait_for
from cma_clip.places.urls import on_node
from cma_clip.version import Version


def run(experiment: Experiment, place: Place, tracker: Tracker) -> Record:
    """The record of an experiment: the one on disk if it is there, else train, predict, evaluate and save.

    A training that was killed continues from its last epoch and ends as if it had not been. Of several processes that
    run the same experiment one does, and the others wait for its record.
    """
    torch.set_num_threads(THREADS)
    models.resolve(experiment.model, experiment.hparams)  # before any data are read
    protocol(experiment.protocol)
    place.prepare()
    return patiently(lambda: _run(experiment, place, tracker), place.folders())


def take_part(experiment: Experiment, place: Place) -> None:
    """The training of `run` in the process of a further device; the first process records what comes of it."""
    torch.set_num_threads(THREADS)
    splits, classifier, identity = _prepared(experiment, place)
    if store.find_record(place.suite_dir, experiment, identity.key) is None:
        classifier.keep_checkpoints(_checkpoints(place, identity.key))
        classifier.fit(*training_splits(splits, protocol(experiment.protocol)))


def _run(experiment: Experiment, place: Place, tracker: Tracker) -> Record:
    splits, classifier, identity = _prepared(experiment, place)
    found = store.find_record(place.suite_dir, experiment, identity.key)
    if found is None:
        with claim(place.run_dir(identity.key)):
            found = store.find_record(place.suite_dir, experiment, identity.key)
            if found is None:
                return _train_and_record(experiment, splits, classifier, identity, place, tracker)
    _mirror(found, splits, place, tracker)
    return found


def _mirror(record: Record, splits: Splits, place: Place, tracker: Tracker) -> None:
    """Tell the tracker of a record made while it was off or dead; one that it knows is left as it is."""
    model = place.run_dir(record.key) / "model"
    with tracker.run(record.experiment, record.key) as tracked:
        tracked.log_data(splits, record.experiment.dataset_options)
        tracked.log_record(record)
        if is_there(model):
            tracked.log_model(model)


@dataclass(frozen=True)
class _Identity:
    key: str
    fingerprints: dict[str, str | None]
    versions: dict[str, Version]
    seconds: dict[str, float]


def _prepared(experiment: Experiment, place: Place) -> tuple[Splits, Classifier, _Identity]:
    seconds: dict[str, float] = {}
    with _timed(seconds, "load"):
        splits = datasets.load(experiment.dataset, place.source(experiment.dataset), experiment.dataset_options)
    seed = seed_of("model", experiment.dataset, experiment.model, experiment.seed)
    classifier = models.create(experiment.model, experiment.hparams, splits.tasks, seed, place.workspace())
    fingerprints = {"data": splits.fingerprint, "weights": classifier.weights_fingerprint()}
    taking_part = versions.of_experiment(experiment)
    key = key_of(experiment, fingerprints, taking_part)
    return splits, classifier, _Identity(key, fingerprints, taking_part, seconds)


def _checkpoints(place: Place, key: str) -> Path:
    return on_node(place.run_dir(key)) / "checkpoints"


def _train_and_record(
    experiment: Experiment,
    splits: Splits,
    classifier: Classifier,
    identity: _Identity,
    place: Place,
    tracker: Tracker,
) -> Record:
    run_dir = place.run_dir(identity.key)
    checkpoints = _checkpoints(place, identity.key)
    classifier.keep_checkpoints(checkpoints)
    seconds = identity.seconds
    asked = protocol(experiment.protocol)
    with tracker.run(experiment, identity.key) as tracked:
        tracked.log_data(splits, experiment.dataset_options)
        train, val = training_splits(splits, asked)
        with _timed(seconds, "fit"):
            classifier.fit(train, val, tracked.log_epoch)
        with _timed(seconds, "thresholds"):
            validation = classifier.predict(val)
            answering = answering_of(validation, val.groups())
        with _timed(seconds, "predict"):
            predictions = classifier.predict(splits.test)
        measured = Measured()
        with _timed(seconds, "evaluate"):
            for condition, found in of_clean(predictions, splits):
                measured.add(condition, found)
            measured.add_answers(CLEAN, (predictions, splits.test.groups()), answering)
            on_validation = validated(validation, answering, val.groups())
            measured.keep_groups(VALIDATION, (validation, val.groups()), on_validation.outcomes)
        with _timed(seconds, "perturbed"):
            for condition, found in perturbed(classifier, splits, asked):
                measured.add(condition, found, PERTURBED_METRICS)
        wait_for(place.folders())
        for left_over in (run_dir / "model", run_dir / "predictions"):
            tidy(left_over)
        with new_folder(run_dir / "model") as model:
            models.save(experiment.model, classifier, model, answering)
            with _timed(seconds, "cost"):
                cost = cost_of(classifier, model, splits.train)
            record = Record(
                experiment=experiment,
                key=identity.key,
                metrics=measured.metrics,
                outcomes=measured.outcomes,
                modality_weights=measured.modality_weights,
                relevance={task: (r["text"], r["image"]) for task, r in (splits.relevance or {}).items()},
                sizes=_sizes(splits),
                config=classifier.config.model_dump(mode="json"),
                facts={**classifier.facts(), **_cut_texts(classifier, splits), "evidence": _evidence(splits)},
                fingerprints=identity.fingerprints,
                versions={name: int(version) for name, version in identity.versions.items()},
                data_report=to_jsonable_python(splits.report),
                trained_rows=_trained_rows(classifier, splits),
                seconds={stage: round(value, 3) for stage, value in seconds.items()},
                environment=environment(),
                validation=on_validation,
                cost=cost,
                answer_curve=answer_curves(predictions, answering),
                groups=measured.groups,
                details=details_of(predictions, splits, experiment.seed),
            )
            models.save_record(model, record)
            store.write_text(model / models.CARD_FILE, card(models.describe(model)))
        store.save_predictions(run_dir / "predictions", predictions)
        store.save_record(place.suite_dir, record)
        tracked.log_record(record)
        tracked.log_model(run_dir / "model")
    shutil.rmtree(checkpoints, ignore_errors=True)
    return record


def _trained_rows(classifier: Classifier, splits: Splits) -> int | None:
    backbone = getattr(classifier.config, "backbone", None)
    return None if backbone is None else trained_rows(backbone, as_is(splits.test).texts())


def _cut_texts(classifier: Classifier, splits: Splits) -> dict[str, Any]:
    """The most tokens that the model reads of a text, and the share of longer texts by split."""
    most, shares = None, {}
    for name, examples in splits.parts().items():
        if (told := classifier.cut_texts(examples)) is not None:
            most, cut = told
            there = sum(bool(text and text.strip()) for text in examples.texts())
            shares[name] = float(cut.sum() / max(1, there))
    return {} if most is None else {"text_tokens": most, "cut_texts": shares}


def _evidence(splits: Splits) -> dict[str, dict[str, float]]:
    """Split -> the share of its examples that have a text, and a photo."""
    return {
        name: {
            "text": sum(bool(text and text.strip()) for text in examples.texts()) / len(examples),
            "image": float(examples.image_present().mean()),
        }
        for name, examples in splits.parts().items()
    }


def _sizes(splits: Splits) -> dict[str, int]:
    return {name: len(examples) for name, examples in splits.parts().items()}


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    seconds[stage] = time.perf_counter() - start
