"""What was asked for beside a suite's name, and the command that asks for it again: both from the records."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from shlex import quote
from typing import Any

from benchmarks.records.record import Experiment, Record
from benchmarks.suites import MODEL_ORDER, NETWORKS, SUITES, Suite, hparams_of

FEW = 6
"""Models that are listed by name."""


@dataclass(frozen=True)
class Override:
    """An option that was given: its name on the command line, and its values as they are written there.

    `short` says in words what takes too long to list.
    """

    flag: str
    values: tuple[str, ...]
    short: str = ""

    def __str__(self) -> str:
        """In words, `max_epochs=2 by --hparam`."""
        told = self.short or ", ".join(self.values)
        return f"{told} by {self.flag}" if told else self.flag

    def arguments(self) -> list[str]:
        """For a shell."""
        return [self.flag, *map(quote, self.values)]


def overrides(suite: str, records: Sequence[Record]) -> list[Override]:
    """What is not the suite's own; nothing for a folder that is no suite.

    Args:
        suite: its name.
        records: all of them.
    """
    if suite not in SUITES:
        return []
    own, experiments = SUITES[suite], [record.experiment for record in records]
    found = []
    models = {experiment.model for experiment in experiments}
    known = {*own.models, *(model for model, _, _ in own.variants)}
    if models != known:
        short = f"{len(models)} of {len(known)} models" if len(models) > FEW and models < known else ""
        found.append(Override("--models", tuple(sorted(models, key=MODEL_ORDER.index)), short))
    seeds = sorted({experiment.seed for experiment in experiments})
    if seeds != sorted(own.seeds):
        found.append(Override("--seeds", tuple(map(str, seeds))))
    for flag, values in (("--option", _options(own, experiments)), ("--hparam", _hparams(own, experiments))):
        if values:
            found.append(Override(flag, tuple(f"{name}={_text(value)}" for name, value in values.items())))
    if any(experiment.tuned for experiment in experiments):
        found.append(Override("--tuned", ()))
    return [*found, *_bad_samples(records)]


def reproduction(suite: str, records: Sequence[Record], needs_data: Sequence[str]) -> str:
    """The command that computes a suite again, with every option that was given and changes a number.

    Args:
        suite: its name; of a folder that is no suite, each experiment is a command of its own.
        records: all of them.
        needs_data: the data sets that the user must bring.
    """
    data = ["--data", *(f"{name}=DIR" for name in needs_data)] if needs_data else []
    if suite not in SUITES:
        commands = [[*_run(record.experiment), *data, *_arguments(_bad_samples([record]))] for record in records]
        return "\n".join(" ".join(command) for command in commands)
    return " ".join(["nox -s benchmark -- --suite", suite, *data, *_arguments(overrides(suite, records))])


def _arguments(found: Sequence[Override]) -> list[str]:
    return [argument for one in found for argument in one.arguments()]


def _bad_samples(records: Sequence[Record]) -> list[Override]:
    """`--on-bad-sample`, where samples were skipped or lost their photo."""
    reports = [record.data_report for record in records]
    if any(report.get("blanked") for report in reports):
        return [Override("--on-bad-sample", ("blank",))]
    return [Override("--on-bad-sample", ("skip",))] if any(report.get("bad_samples") for report in reports) else []


def _run(experiment: Experiment) -> list[str]:
    parts = ["cma-bench run --dataset", experiment.dataset, "--model", experiment.model, "--seed", str(experiment.seed)]
    if experiment.protocol != "clean":
        parts += ["--protocol", experiment.protocol]
    return [*parts, *_pairs("--option", experiment.dataset_options), *_pairs("--hparam", experiment.hparams)]


def _options(suite: Suite, experiments: Sequence[Experiment]) -> dict[str, Any]:
    """Those that are not the suite's own, with the data set's name before them where there are several."""
    found: dict[str, Any] = {}
    for experiment in experiments:
        own = suite.datasets.get(experiment.dataset, {})
        asked = _without(experiment.dataset_options, {name for options, _ in suite.curve for name in options})
        prefix = f"{experiment.dataset}." if len(suite.datasets) > 1 else ""
        found |= {prefix + name: value for name, value in _changed(asked, own).items()}
    return dict(sorted(found.items()))


def _hparams(suite: Suite, experiments: Sequence[Experiment]) -> dict[str, Any]:
    """Those that networks were given, and neither the suite nor tuning gives them.

    A variant's own are told by its name; what `--hparam` gives, all networks get.
    """
    of_curve = {name for _, budget in suite.curve for name in budget}
    variants = {(model, name): changes for model, name, changes in suite.variants}
    found: dict[str, Any] = {}
    for one in experiments:
        if not one.tuned:
            own = {**hparams_of(suite, one.model), **variants.get((one.model, one.variant), {})}
            given = _changed(_without(one.hparams, of_curve), own)
            found |= given if one.model in NETWORKS or not one.variant else {}
    return found


def _without(values: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in names}


def _changed(values: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in own or own[name] != value}


def _pairs(flag: str, values: Mapping[str, Any]) -> list[str]:
    return [flag, *(quote(f"{name}={_text(value)}") for name, value in values.items())] if values else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
