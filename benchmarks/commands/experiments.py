"""What the commands do; each returns the text to print."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import suites
from benchmarks.commands.options import needing_data, place_of, tracking_uri
from benchmarks.processes import quiet
from benchmarks.records.fingerprint import code_fingerprint
from benchmarks.records.store import load_records
from benchmarks.reporting import outputs

if TYPE_CHECKING:
    from benchmarks.commands.options import Pairing, Where
    from benchmarks.running.run import Place


class SuiteError(ValueError):
    """Some experiments of a suite failed; the others' records are on disk."""


def run_one(experiment: Mapping[str, Any], where: Where, suite: str = "single") -> str:
    """Run one experiment; returns its metrics."""
    from benchmarks.records.record import CLEAN, MEAN, Experiment
    from benchmarks.running.run import run
    from benchmarks.tracking import open_tracker

    quiet()
    place = place_of(where, suite)
    record = run(Experiment(**experiment), place, open_tracker(tracking_uri(where), suite, where.runs))
    lines = [f"{record.experiment.label()} ({record.key})"]
    for task, metrics in record.metrics[CLEAN].items():
        cells = ", ".join(
            f"{name} {value.value:.3f} [{value.low:.3f}, {value.high:.3f}]" for name, value in metrics.items()
        )
        lines.append(f"  {task}: {cells}")
    others = {name: found[MEAN]["accuracy"] for name, found in record.metrics.items() if name != CLEAN}
    lines += [f"  {name}: mean accuracy {e.value:.3f} [{e.low:.3f}, {e.high:.3f}]" for name, e in others.items()]
    return "\n".join(lines)


def run_suite(chosen: suites.Suite, name: str, workers: int | None, where: Where) -> str:
    """Run what is missing of a suite, then write its outputs and compare them with the reference.

    Raises:
        SuiteError: experiments that failed; everything else is done first.
    """
    from benchmarks.models import resolve
    from benchmarks.running.parallel import Job, run_all
    from benchmarks.tracking import open_tracker

    quiet()
    place, uri = place_of(where, name), tracking_uri(where)
    if chosen.twin_rows:
        place = replace(place, roots={**_twins(chosen, where), **place.roots})
    asked = set(chosen.datasets)
    chosen = suites.with_data(chosen, needed=needing_data(), given=place.roots)
    for dataset in sorted(asked - set(chosen.datasets)):
        print(f"{dataset} is left out: it needs --data {dataset}=DIR", flush=True)
    wanted = suites.experiments(chosen)
    for experiment in wanted:
        resolve(experiment.model, experiment.hparams)  # every name is checked before the first one trains
    unreadable = _load_all(chosen, place)
    wanted_here = [experiment for experiment in wanted if experiment.dataset not in unreadable]
    tracker = open_tracker(uri, name, where.runs)
    quiet_place = replace(place, progress=False)  # the bars of several processes would overwrite each other
    jobs = [Job(experiment, quiet_place, name, tracker.uri) for experiment in wanted_here]
    failures = run_all(jobs, workers or os.cpu_count() or 1, lambda line: print(line, flush=True))
    failures += [f"{dataset} cannot be loaded: {reason}" for dataset, reason in unreadable.items()]
    # Records of the same folder with other options or hyper-parameters belong to another question.
    records = [record for record in load_records(place.suite_dir) if record.experiment in wanted]
    written = outputs.write(place.suite_dir, records, name)
    tracker.log_outputs(place.suite_dir, outputs.headline(records))
    if failures:
        missing = len(wanted) - len(records)
        raise SuiteError("\n".join([f"{missing} of {len(wanted)} experiments failed:", *failures]))
    return "\n".join([written, outputs.compare(records, where.results / "reference" / name)])


def _load_all(chosen: suites.Suite, place: Place) -> dict[str, str]:
    """Builds every table once, with a progress bar; returns why some data sets of several cannot be loaded.

    Raises:
        ValueError: not one can be loaded, or the only one cannot.
    """
    from benchmarks import datasets

    reasons: dict[str, str] = {}
    for dataset, options in chosen.datasets.items():
        try:
            datasets.load(dataset, place.source(dataset), options)
        except (OSError, ValueError) as error:
            reasons[dataset] = str(error)
            if len(reasons) == len(chosen.datasets):
                raise
    return reasons


def _twins(chosen: suites.Suite, where: Where) -> dict[str, Path]:
    """The twin of every data set of the suite, written once."""
    from benchmarks.commands.data import make_twin

    roots = {}
    for dataset in chosen.datasets:
        roots[dataset] = where.runs / "twins" / f"{dataset}-{chosen.twin_rows}"
        if not roots[dataset].exists():
            make_twin(dataset, roots[dataset], chosen.twin_rows, seed=0, quirks=False)
    return roots


def rebuild_tables(suite_dir: Path, check: bool) -> str:
    """Write a suite's outputs from its records, or fail if they are not what the records say."""
    records = load_records(suite_dir)
    if not records:
        raise FileNotFoundError(f"{suite_dir / 'records'} holds no records; run `cma-bench suite` first")
    if check:
        return outputs.check(suite_dir, records)
    return outputs.write(suite_dir, records, suite_dir.name)


def list_models() -> str:
    """Every model with its hyper-parameters and their defaults."""
    from benchmarks.models import MODELS

    lines = []
    for name, model in MODELS.items():
        summary = (model.__doc__ or "").strip().splitlines()[0]
        defaults = ", ".join(
            f"{field}={info.get_default(call_default_factory=True)!r}"
            for field, info in model.Config.model_fields.items()
        )
        lines += [f"{name}: {summary}", f"    {defaults or 'nothing to set'}"]
    return "\n".join(lines)


def list_data() -> str:
    """Every data set with its options and their defaults."""
    from benchmarks.datasets import DATASETS

    lines = []
    for name, dataset in DATASETS.items():
        fields = dataset.options.model_fields.items()
        options = ", ".join(
            f"{option} (required)"
            if info.is_required()
            else f"{option}={info.get_default(call_default_factory=True)!r}"
            for option, info in fields
        )
        place = f"needs --data {name}=DIR" if dataset.needs_root else dataset.otherwise
        lines += [f"{name}: {dataset.card.title}; {place}", f"    {options}"]
    return "\n".join(lines)


def show_data(name: str, options: Mapping[str, Any], where: Where) -> str:
    """Load a data set; returns its card, sizes, classes and what was left out."""
    from dataclasses import asdict

    from benchmarks import datasets

    splits = datasets.load(name, place_of(where, "none").source(name), options)
    lines = [f"{key}: {value}" for key, value in asdict(splits.card).items() if value]
    lines += [f"{part}: {len(examples)} examples" for part, examples in splits.parts().items()]
    lines += [f"task {task.name}: {len(task.classes)} classes: {', '.join(task.classes)}" for task in splits.tasks]
    lines += [f"fingerprint: {splits.fingerprint}", f"rows found: {splits.report.rows}", *splits.report.notes]
    for task, dropped in splits.report.dropped_classes.items():
        lines.append(f"{task}: {sum(dropped.values())} labels of {len(dropped)} rare classes taken as missing")
    lines += [f"skipped: {reason}" for reason in splits.report.bad_samples]
    return "\n".join(lines)


def predict_one(folder: Path, image: Path | None, text: str | None) -> str:
    """The classes of one product, and how much each task listened to each modality."""
    import pandas as pd

    from benchmarks.models import load
    from benchmarks.tracking.pyfunc import Served

    quiet()
    classifier = load(folder)
    row = Served(classifier).predict(pd.DataFrame({"image": [str(image) if image else None], "text": [text]}))
    return "\n".join(
        f"{task.name}: {row[task.name][0]} ({row[f'{task.name}_probability'][0]:.3f})" for task in classifier.tasks
    )


def pretrain_clip(
    pairing: Pairing, options: Mapping[str, Any], hparams: Mapping[str, Any], out: Path, where: Where
) -> str:
    """Train and export a backbone, reporting every epoch to the terminal and to MLflow."""
    from benchmarks.pretraining.corpus import corpus
    from benchmarks.pretraining.pretrain import check_free, configure, export, pretrain
    from benchmarks.records.record import Experiment, key_of
    from benchmarks.tracking import open_tracker
    from benchmarks.tracking.connection import OFF
    from cma_clip.backbone.loading import load_backbone
    from cma_clip.classifier import Workspace

    quiet()
    config = configure(hparams)
    check_free(out)
    first = os.environ.get("LOCAL_RANK", "0") == "0"  # Lightning runs this program again for every further device
    source = place_of(where, "none").source(pairing.dataset)
    experiment = Experiment(
        dataset=pairing.dataset,
        model=pairing.start,
        seed=pairing.seed,
        dataset_options=dict(options),
        hparams={**config.model_dump(mode="json"), "catalog": pairing.catalog},
    )
    backbone = load_backbone(pairing.start)
    found = corpus(pairing.dataset, options, source, pairing.catalog, pairing.seed)
    fingerprints = {"data": found.splits.fingerprint, "weights": backbone.fingerprint, "code": code_fingerprint()}
    key = key_of(experiment, fingerprints)
    workspace = Workspace(source.cache, where.runs / "pretraining" / key, source.progress)
    tracker = open_tracker(tracking_uri(where) if first else OFF, "pretraining", where.runs)
    with tracker.run(experiment, key, experiment.hparams) as tracked:

        def tell(epoch: int, values: Mapping[str, float]) -> None:
            cells = ", ".join(f"{name} {value:.4f}" for name, value in values.items())
            if first:
                print(f"epoch {epoch}: {cells}", flush=True)
                tracked.log_epoch(epoch, values)

        pretrain(backbone, found, config, pairing.seed, workspace, tell)
    if first:
        export(backbone, found.texts(), out)
        shutil.rmtree(where.runs / "pretraining" / key, ignore_errors=True)
    return f"{out} holds the model; use it as backbone=local-dir:{out}" if first else ""


def list_backbones() -> str:
    """What is usable here, and why the rest is not."""
    from benchmarks.pretraining.score import usable

    quiet()
    return "\n".join(usable())


def score_backbone(backbone: str, dataset: str, options: Mapping[str, Any], out: Path | None, where: Where) -> str:
    """Zero-shot accuracy and retrieval of a backbone on the test split of a data set."""
    from benchmarks.pretraining.score import score_backbone
    from benchmarks.records.store import write_text

    quiet()
    scores = score_backbone(backbone, dataset, options, place_of(where, "none").source(dataset))
    if out is not None:
        write_text(out, scores.as_json())
    return "\n".join(scores.lines())
