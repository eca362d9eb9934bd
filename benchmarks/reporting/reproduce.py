"""The command that computes the records of a suite again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from shlex import quote
from typing import Any

from benchmarks.records.record import Experiment
from benchmarks.suites import MODEL_ORDER, NETWORKS, SUITES, Suite, hparams_of


def command(suite: str, experiments: Sequence[Experiment], needs_data: Sequence[str]) -> str:
    """With the models, seeds, options and hyper-parameters that are not the suite's own.

    Args:
        suite: its name; of a folder that is no suite, each experiment is a command of its own.
        experiments: all that have a record.
        needs_data: the data sets that the user must bring.
    """
    data = ["--data", *(f"{name}=DIR" for name in needs_data)] if needs_data else []
    if suite not in SUITES:
        return "\n".join(" ".join([*_run(experiment), *data]) for experiment in experiments)
    own = SUITES[suite]
    parts = ["nox -s benchmark -- --suite", suite, *data]
    models = {experiment.model for experiment in experiments}
    if models != set(own.models):
        parts += ["--models", *sorted(models, key=MODEL_ORDER.index)]
    seeds = sorted({experiment.seed for experiment in experiments})
    if seeds != sorted(own.seeds):
        parts += ["--seeds", *map(str, seeds)]
    parts += _pairs("--option", _options(own, experiments)) + _pairs("--hparam", _hparams(own, experiments))
    if any(experiment.tuned for experiment in experiments):
        parts += ["--tuned"]
    return " ".join(parts)


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
        prefix = f"{experiment.dataset}." if len(suite.datasets) > 1 else ""
        found |= {prefix + name: value for name, value in _changed(experiment.dataset_options, own).items()}
    return dict(sorted(found.items()))


def _hparams(suite: Suite, experiments: Sequence[Experiment]) -> dict[str, Any]:
    """Those that every network was given, and the suite does not give it."""
    networks = [e for e in experiments if e.model in NETWORKS and not e.variant and not e.tuned]
    changes = [_changed(experiment.hparams, hparams_of(suite, experiment.model)) for experiment in networks]
    return {name: value for name, value in (changes[0] if changes else {}).items() if all(name in c for c in changes)}


def _changed(values: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in own or own[name] != value}


def _pairs(flag: str, values: Mapping[str, Any]) -> list[str]:
    return [flag, *(quote(f"{name}={_text(value)}") for name, value in values.items())] if values else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
