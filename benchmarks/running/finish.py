"""A chosen model trained once more on the rows of all three splits, to be used rather than to be measured."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import torch

from benchmarks import datasets, models, versions
from benchmarks.datasets.loading.splits import Splits
from benchmarks.perturbations import protocol
from benchmarks.processes import THREADS
from benchmarks.records import store
from benchmarks.records.record import Finished, Record
from benchmarks.reporting.card import card
from benchmarks.running.environment import environment
from benchmarks.running.evaluation import as_trained
from benchmarks.running.place import Place
from cma_clip.classifier import Classifier
from cma_clip.places.copies import local_folder
from cma_clip.places.folders import is_there, new_folder
from cma_clip.places.urls import is_url, on_node
from cma_clip.types import Joined
from cma_clip.version import Version


class FinishError(ValueError):
    """A model that cannot be finished here and now; the message says what to do."""


def finish(record: Record, suite: str, place: Place, folder: Path) -> Finished:
    """Train the model of `record` once more on all rows and save it in `folder`.

    What validation chose stays: hyper-parameters, epochs, temperatures and thresholds. A training that was killed goes
    on; a model that is there already is left as it is, that of another record is replaced.

    Raises:
        FinishError: `folder` holds something else; the model of the record is gone; data or code have changed since.
    """
    there = models.load_finished(local_folder(folder))
    if there is not None and there.key == record.key:
        return there
    if there is None and _holds_something(folder):
        raise FinishError(f"{folder} exists and holds no finished model; choose another --out, or delete it first")
    torch.set_num_threads(THREADS)
    run_dir = place.run_dir(record.key)
    classifier = _measured(record, suite, run_dir / "model", place)
    splits = _same_data(record, suite, place)
    checkpoints = on_node(run_dir) / "finish"
    classifier.keep_checkpoints(checkpoints)
    asked = protocol(record.experiment.protocol)
    start = time.perf_counter()
    classifier.refit(Joined([as_trained(part, asked) for part in splits.parts().values()]))
    finished = Finished(
        key=record.key,
        suite=suite,
        rows={name: len(part) for name, part in splits.parts().items()},
        facts=classifier.facts(),
        seconds=round(time.perf_counter() - start, 3),
        versions={name: int(version) for name, version in _taking_part(record).items()},
        environment=environment(),
    )
    answering = models.load_answering(local_folder(run_dir / "model"))
    with new_folder(folder) as into:
        models.save(record.experiment.model, classifier, into, answering)
        models.save_record(into, record)
        models.save_finished(into, finished)
        store.write_text(into / models.CARD_FILE, card(models.describe(into)))
    shutil.rmtree(checkpoints, ignore_errors=True)
    return finished


def _holds_something(folder: Path) -> bool:
    if is_url(folder):
        return is_there(folder)
    return folder.exists() and (not folder.is_dir() or any(folder.iterdir()))


def _measured(record: Record, suite: str, folder: Path, place: Place) -> Classifier:
    """The model as it was measured, which knows what validation chose."""
    if not is_there(folder):
        path = store.record_path(place.suite_dir, record.experiment, record.key)
        raise FinishError(
            f"{folder} is gone, the model that {record.experiment.label()} has measured. Delete {path} and run "
            f"`cma-bench suite --suite {suite}` with the options of then: it trains the model again"
        )
    return models.load(local_folder(folder), place.workspace())


def _same_data(record: Record, suite: str, place: Place) -> Splits:
    asked, again = record.experiment, f"run `cma-bench suite --suite {suite}` again and choose by what it measures"
    changed = [
        f"{name} is version {version} now, was {record.versions.get(name, 'not there')}"
        for name, version in _taking_part(record).items()
        if record.versions.get(name) != version
    ]
    if changed:
        raise FinishError(f"{asked.label()} was trained by other code: {'; '.join(changed)}; {again}")
    splits = datasets.load(asked.dataset, place.source(asked.dataset), asked.dataset_options)
    if splits.fingerprint != record.fingerprints["data"]:
        raise FinishError(
            f"the data of {asked.dataset} are not those that {asked.label()} was chosen on: their fingerprint is "
            f"{splits.fingerprint}, that of the record {record.fingerprints['data']}. Give the data of then (--data "
            f"{asked.dataset}=..., and the same --on-bad-sample), or {again}"
        )
    return splits


def _taking_part(record: Record) -> dict[str, Version]:
    asked = record.experiment
    training = versions.of_training(asked.dataset, asked.dataset_options, asked.model)
    return training | versions.of_protocol(asked.protocol)
