"""The versions that take part in an experiment, and why experiments done before are computed again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from benchmarks.datasets import DATASETS
from benchmarks.datasets.loading.build import LOADING
from benchmarks.datasets.loading.masking import MASKING
from benchmarks.metrics import EVALUATION, GROUP_INTERVALS, METRICS
from benchmarks.models import MODELS
from benchmarks.perturbations import PERTURBATIONS, protocol
from benchmarks.records.record import CLEAN, Experiment, Record
from cma_clip.version import Version

Versions = dict[str, Version]
"""Name -> version; a test holds the names of models, data sets, perturbations, protocols, metrics and parts apart."""


def of_experiment(experiment: Experiment) -> Versions:
    """Everything whose version decides a record."""
    return (
        of_training(experiment.dataset, experiment.dataset_options, experiment.model)
        | of_protocol(experiment.protocol)
        | EVALUATION
        | (GROUP_INTERVALS if DATASETS[experiment.dataset].shares_groups else {})
        | {name: metric.version for name, metric in METRICS.items()}
    )


def of_training(dataset: str, options: Mapping[str, Any], model: str) -> Versions:
    """A model on the training and validation splits of a data set."""
    return {model: MODELS[model].version, **MODELS[model].parts} | of_data(dataset, options)


def of_data(dataset: str, options: Mapping[str, Any]) -> Versions:
    """A data set with these options."""
    masking = MASKING if options.get("titles") == "masked" else {}
    return {dataset: DATASETS[dataset].card.version} | LOADING | masking


def of_protocol(name: str) -> Versions:
    """A protocol and the perturbations that it is made of; nothing where nothing is changed."""
    if name == CLEAN:
        return {}
    found = protocol(name)
    conditions = [*found.conditions, *([] if found.train is None else [found.train])]
    used = {step.perturbation for condition in conditions for step in condition.steps}
    own = {} if "@" in name else {name: found.version}  # blur@2 is no more than blur
    return own | {perturbation: PERTURBATIONS[perturbation].version for perturbation in sorted(used)}


def changes(outdated: Iterable[Record]) -> list[str]:
    """One sentence for every reason why these records are outdated: what, why, and how much is done again.

    That is everything whose version is not theirs, and where all versions are, what records did not hold before.
    """
    affected = Counter(sentence for record in outdated for sentence in _reasons(record))
    return [
        f"{sentence}; {count} {'experiment is' if count == 1 else 'experiments are'} computed again"
        for sentence, count in affected.items()
    ]


NO_CHOICE = "records made before `cma-bench pick` hold no validation results and no costs"


def _reasons(record: Record) -> list[str]:
    found = list(_differences(of_experiment(record.experiment), record.versions))
    return found or ([] if record.can_be_chosen else [NO_CHOICE])


def _differences(now: Versions, before: Mapping[str, int]) -> Iterable[str]:
    if not before:
        yield "records made by a release without versions cannot be compared"
        return
    for name, version in now.items():
        if name not in before:
            yield f"{name} is new (version {version})"
        elif version != before[name]:
            reason = version.since(before[name]) or "an older release wrote over a newer one's results"
            yield f"{name} is version {version} now, was {before[name]}: {reason}"
    for name in before.keys() - now.keys():
        yield f"{name} takes no part any more"
