"""What is tuned, and which configuration is tried next."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, distribution_to_json
from optuna.samplers import TPESampler
from optuna.storages import BaseStorage
from optuna.trial import FixedTrial, FrozenTrial, TrialState

from benchmarks import datasets, models, versions
from benchmarks.running.place import Place
from benchmarks.seeding import seed_of
from benchmarks.suites import Suite, hparams_of
from cma_clip.classifier import Workspace

STARTUP_TRIALS = 4
"""Drawn at random before TPE begins, and finished before any is pruned."""

PRUNER = optuna.pruners.MedianPruner(n_startup_trials=STARTUP_TRIALS, n_warmup_steps=2, n_min_trials=3)
"""From its third epoch on, a trial is stopped whose best epoch is below the median of what at least three finished
trials had in the same epoch. Optuna's default rule; the numbers are our choice."""


@dataclass(frozen=True)
class StudySpec:
    """One model on one data set.

    Attributes:
        fixed: hyper-parameters that are not tuned, where they differ from the model's defaults.
        defaults: what the first trial takes of all that is tuned: the suite's own choice, else the model's default.
        space: name -> distribution, as the model gives it.
        fingerprints: data and weights.
        versions: name -> version of the model, the data set and what they share with others.
    """

    suite: str
    dataset: str
    dataset_options: Mapping[str, Any]
    model: str
    fixed: Mapping[str, Any]
    defaults: Mapping[str, Any]
    space: Mapping[str, BaseDistribution]
    fingerprints: Mapping[str, str | None]
    versions: Mapping[str, int]

    @property
    def name(self) -> str:
        """<suite>/<data set>/<model>/<8 digits>: trials can be compared only where all that decides is the same."""
        identity = json.dumps(
            [self.dataset_options, self.fixed, self.space_as_json(), self.fingerprints, self.versions], sort_keys=True
        )
        return f"{self.label}/{hashlib.sha256(identity.encode()).hexdigest()[:8]}"

    @property
    def label(self) -> str:
        """How the study is called where a reader knows its data."""
        return f"{self.suite}/{self.dataset}/{self.model}"

    def space_as_json(self) -> dict[str, Any]:
        """Name -> distribution, as Optuna writes it."""
        return {name: json.loads(distribution_to_json(found)) for name, found in self.space.items()}


def specs(chosen: Suite, suite: str, place: Place) -> Iterator[StudySpec]:
    """The studies of a suite; models with nothing to tune have none.

    Raises:
        ValueError: a hyper-parameter is to be both fixed and tuned.
    """
    for dataset, options in chosen.datasets.items():
        splits = datasets.load(dataset, place.source(dataset), options)
        for model in chosen.models:
            given = hparams_of(chosen, model)
            first = first_trial(model, given)
            if not first.params:
                continue
            both = sorted(first.params.keys() & given.keys() - chosen.hparams.get(model, {}).keys())
            if both:
                raise ValueError(f"{model} tunes {', '.join(both)}: leave it out of --hparam and of the suite's budget")
            fixed = {name: value for name, value in given.items() if name not in first.params}
            fingerprints = {
                "data": splits.fingerprint,
                "weights": models.create(model, fixed, splits.tasks, 0, Workspace()).weights_fingerprint(),
            }
            yield StudySpec(
                suite,
                dataset,
                options,
                model,
                fixed,
                first.params,
                first.distributions,
                fingerprints,
                versions.of_training(dataset, options, model),
            )


def untunable(chosen: Suite) -> list[str]:
    """The models of a suite with nothing to tune."""
    return [model for model in chosen.models if not first_trial(model, hparams_of(chosen, model)).params]


def first_trial(model: str, fixed: Mapping[str, Any]) -> FixedTrial:
    """The model's defaults, or what the suite gives it, drawn from its own search space."""
    found, config = models.resolve(model, fixed)
    trial = FixedTrial(config.model_dump())
    found.search_space(trial)
    return trial


class NumberedTPE(TPESampler):
    """TPE whose random numbers depend on the study's name and the trial's number only.

    Optuna neither restores a sampler's generator when a study is resumed nor keeps those of several workers apart;
    numbers of trials are never used twice, so no two trials draw alike.
    """

    def __init__(self, seed: int = 0):
        super().__init__(n_startup_trials=STARTUP_TRIALS, seed=seed)

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """Begin anew for this trial; running trials count as bad ones (constant liar, Optuna's default)."""
        NumberedTPE.__init__(self, seed_of("sampler", study.study_name, trial.number))


def open_study(spec: StudySpec, storage: BaseStorage) -> optuna.Study:
    """The study, created if it is new."""
    return optuna.create_study(
        storage=storage,
        sampler=NumberedTPE(),
        pruner=PRUNER,
        study_name=spec.name,
        direction="maximize",
        load_if_exists=True,
    )


def begin_with_defaults(study: optuna.Study, spec: StudySpec) -> None:
    """Have the default configuration tried first, unless it is, or tried again if that has failed."""
    for trial in study.get_trials(deepcopy=False):
        asked = {**trial.system_attrs.get("fixed_params", {}), **trial.params}
        if trial.state != TrialState.FAIL and asked == dict(spec.defaults):
            return
    study.enqueue_trial(dict(spec.defaults))
