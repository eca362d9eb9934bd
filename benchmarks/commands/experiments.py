"""`cma-bench run`, `suite` and `suites`: train, evaluate, and write what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import arg

from benchmarks.commands.options import CommonOptions, Names, Numbers, Pairs, PlaceOption, pairs
from benchmarks.engines import EngineOptions
from benchmarks.processes import is_first_device, quiet

if TYPE_CHECKING:
    from benchmarks.engines.task import Engine
    from benchmarks.records.record import Experiment, Record
    from benchmarks.reporting.advice import Advice
    from benchmarks.running.place import Place
    from benchmarks.suites import Suite
    from benchmarks.tracking import Tracker

Folder = Annotated[tuple[PlaceOption, ...] | None, arg(metavar="[DIR]")]


class SuiteError(ValueError):
    """Some experiments of a suite failed; the others' records are on disk."""


def run(  # noqa: PLR0913, PLR0917 - one parameter an option of the command
    dataset: str,
    model: str,
    common: CommonOptions,
    seed: int = 0,
    protocol: str = "clean",
    option: Pairs = (),
    hparam: Pairs = (),
    devices: int = 1,
    num_nodes: int = 1,
) -> None:
    """Run one experiment and print its metrics.

    Args:
        dataset: see `cma-bench data list`.
        model: see `cma-bench models`.
        common: folders and tracking.
        seed: drives the model, never the data.
        protocol: what the test split goes through: clean, plain, qmf-like, pdf-salt, missing-70, robustness ...
        option: options of the data set, e.g. train_rows=12000 or labels=color,style; names with a comma as JSON.
        hparam: hyper-parameters of the model, e.g. depth=3.
        devices: GPUs of each machine that train the network together; without a GPU, processes.
        num_nodes: machines that do; torchrun or SLURM starts this command on each, and they share the folders.
    """
    from benchmarks import datasets
    from benchmarks.names import choose
    from benchmarks.perturbations import protocol as named_protocol
    from benchmarks.records.record import Experiment
    from benchmarks.suites import MODEL_ORDER

    options, hparams = pairs(option), pairs(hparam)
    datasets.check_names(dataset, options)
    choose(model, MODEL_ORDER, "model")
    named_protocol(protocol)
    experiment = Experiment(
        dataset=dataset, model=model, seed=seed, protocol=protocol, dataset_options=options, hparams=hparams
    )
    print(run_one(experiment, common, devices, num_nodes), end="")


def run_one(experiment: Experiment, common: CommonOptions, devices: int = 1, num_nodes: int = 1) -> str:
    """Run one experiment; returns its metrics, but nothing in the process of a further device."""
    suite = "single"
    place = common.place(suite)  # refuses unknown names before torch is imported
    from benchmarks.running.run import run, take_part
    from benchmarks.tracking import open_tracker

    quiet()
    place = replace(place, devices=devices, num_nodes=num_nodes)
    if devices * num_nodes > 1 and not is_first_device():
        take_part(experiment, replace(place, progress=False))
        return ""
    return _metrics(run(experiment, place, open_tracker(common.tracking_uri(), suite, common.work)))


def _metrics(record: Record) -> str:
    from benchmarks.records.record import CLEAN, MEAN
    from benchmarks.reporting.notes import cut_texts

    lines = [f"{record.experiment.label()} ({record.key})"]
    for task, metrics in record.metrics[CLEAN].items():
        cells = ", ".join(f"{name} {e.value:.3f} [{e.low:.3f}, {e.high:.3f}]" for name, e in metrics.items())
        lines.append(f"  {task}: {cells}")
    others = {name: tasks[MEAN]["accuracy"] for name, tasks in record.metrics.items() if name != CLEAN}
    lines += [f"  {name}: mean accuracy {e.value:.3f} [{e.low:.3f}, {e.high:.3f}]" for name, e in others.items()]
    return "\n".join([*lines, *cut_texts({record.experiment.row: [record]}), ""])


def suite(  # noqa: PLR0913, PLR0917 - one parameter an option of the command
    common: CommonOptions,
    engine: EngineOptions,
    suite: str = "default",
    models: Names = (),
    seeds: Numbers = (),
    option: Pairs = (),
    hparam: Pairs = (),
    tuned: Folder = None,
) -> None:
    """Run all missing experiments of a suite, then write its tables, figures and report.

    Args:
        common: folders and tracking.
        engine: where experiments run, and how many at a time.
        suite: see `cma-bench suites`.
        models: only these; all by default.
        seeds: instead of the suite's own.
        option: options of its data sets, e.g. train_rows=12000 or labels=color,style (names with a comma as JSON:
            labels='["a,b"]'), or of one of them: abo.min_count=2.
        hparam: hyper-parameters that every network gets, e.g. max_epochs=3.
        tuned: use what `cma-bench tune` has chosen, from a folder, or from the suite's own or committed one.
    """
    from benchmarks.suites import select, with_data
    from benchmarks.tuning.chosen import with_tuned

    selected = select(suite, models, seeds, pairs(option), pairs(hparam))
    if tuned is not None:
        selected, told = with_tuned(selected, suite, next(iter(tuned), None), common.results)
        print(told)
    roots = {**_twins(selected, common.work), **common.roots()}
    available = with_data(selected, given=roots)
    for dataset in sorted(selected.datasets.keys() - available.datasets.keys()):
        print(f"{dataset} is left out: it needs --data {dataset}=DIR", flush=True)
    with engine.open() as opened:
        print(run_suite(available, suite, roots, opened, common))


def run_suite(selected: Suite, name: str, roots: Mapping[str, Path], engine: Engine, common: CommonOptions) -> str:
    """Run what is missing of a suite, then write its outputs and compare them with the reference.

    Raises:
        SuiteError: experiments that failed; everything else is done first.
    """
    unreadable = _load_all(selected, roots, common)  # what is wrong with them is said before torch is imported
    from benchmarks.models import resolve
    from benchmarks.records.store import load_records
    from benchmarks.reporting import outputs
    from benchmarks.running.features import compute_features
    from benchmarks.running.parallel import Job, run_all
    from benchmarks.suites import experiments
    from benchmarks.tracking import open_tracker

    quiet()
    place = replace(common.place(name), roots=roots)
    wanted = experiments(selected)
    for experiment in wanted:
        resolve(experiment.model, experiment.hparams)  # every name is checked before the first one trains
    readable = [experiment for experiment in wanted if experiment.dataset not in unreadable]
    tell = partial(print, flush=True)
    for line in filter(None, [*_changes(readable, place), common.tracking_note(), *engine.told()]):
        tell(line)
    tracker = open_tracker(common.tracking_uri(), name, common.work)
    quiet_place = replace(place, progress=False)  # the bars of several processes would overwrite each other
    jobs = [Job(experiment, quiet_place, name, tracker.uri) for experiment in readable]
    earlier = load_records(place.suite_dir)
    done = [record.experiment for record in earlier]
    compute_features([one for one in readable if one not in done], quiet_place, engine, tell)
    failures = run_all(jobs, engine, tell, earlier=earlier)
    failures += [f"{dataset} cannot be loaded: {reason}" for dataset, reason in unreadable.items()]
    # Records of the same folder with other options or hyper-parameters belong to another question.
    records = [record for record in load_records(place.suite_dir) if record.experiment in wanted]
    advised = outputs.advised(records, name, common.runs)
    written = outputs.write(place.suite_dir, records, name, advised)
    advice = "\n\n".join(map(str, advised))
    tracker.log_outputs(place.suite_dir, outputs.headline(records), f"{advice}\n\n{written}")
    _register(tracker, name, advised)
    missing = len(wanted) - len(records)
    if missing > 0 and not failures:
        failures = [f"their records are not in {place.suite_dir}: all nodes have to share it, or it has to be at a URL"]
    if failures:
        raise SuiteError("\n".join([f"{missing} of {len(wanted)} experiments failed:", *failures]))
    compared = outputs.compare(records, common.results / "reference" / name)
    told = [written, *outputs.cut_texts(records), *filter(None, [compared])]
    return "\n".join([*told, "", advice])


def _register(tracker: Tracker, suite: str, advised: Sequence[Advice]) -> None:
    """The picks that are good enough, in MLflow's registry of models."""
    for advice in advised:
        if advice.pick is not None and advice.folder is not None:
            tracker.register(advice.pick.record.key, suite, advice.pick.dataset, "\n".join(advice.sentences))


def _changes(wanted: Sequence[Experiment], place: Place) -> list[str]:
    """Why experiments that have a record are computed again; a record of these very versions may be an older file."""
    from benchmarks import versions
    from benchmarks.records.record import key_of
    from benchmarks.records.store import find_record, load_records

    outdated = []
    for record in load_records(place.suite_dir):
        if record.experiment in wanted:
            key = key_of(record.experiment, record.fingerprints, versions.of_experiment(record.experiment))
            if find_record(place.suite_dir, record.experiment, key) is None:
                outdated.append(record)
    return versions.changes(outdated)


def _load_all(selected: Suite, roots: Mapping[str, Path], common: CommonOptions) -> dict[str, str]:
    """Builds every table once, with a progress bar; returns why some data sets of several cannot be loaded.

    Raises:
        ValueError: not one can be loaded, or the only one cannot.
    """
    from benchmarks import datasets

    reasons: dict[str, str] = {}
    for dataset, options in product(selected.datasets, [options for options, _ in selected.curve] or [{}]):
        try:
            datasets.load(dataset, common.source(dataset, roots), {**selected.datasets[dataset], **options})
        except (OSError, ValueError) as error:
            reasons[dataset] = str(error)
            if len(reasons) == len(selected.datasets):
                raise
    return reasons


def _twins(selected: Suite, runs: Path) -> Mapping[str, Path]:
    """The twin of every data set of a suite that asks for twins, written once."""
    from benchmarks.twins import make_twin
    from cma_clip.places.claims import claim

    if not selected.twin_rows:
        return {}
    roots = {dataset: runs / "twins" / f"{dataset}-{selected.twin_rows}" for dataset in selected.datasets}
    for dataset, root in roots.items():
        with claim(root):
            if not root.exists():
                make_twin(dataset, root, selected.twin_rows, seed=0, quirks=False)
    return roots


def suites() -> None:
    """List suites and the questions they answer."""
    from benchmarks.suites import SUITES

    for name, listed in SUITES.items():
        print(f"{name:20} {', '.join(listed.datasets)}; {len(listed.models)} models; {listed.question}")
