"""Which configuration is tried next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState

from benchmarks.seeding import seed_of


class NumberedTPE(BaseSampler):
    """TPE whose random numbers depend on the study's name and the trial's number only.

    Optuna neither restores a sampler's generator when a study is resumed nor keeps those of several workers apart;
    numbers of trials are never used twice, so no two trials draw alike.
    """

    def __init__(self, startup_trials: int):
        self._startup_trials = startup_trials
        self._tpe = TPESampler(n_startup_trials=startup_trials)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """A sampler for this trial alone; running trials count as bad ones (constant liar, Optuna's default)."""
        seed = seed_of("sampler", study.study_name, trial.number)
        self._tpe = TPESampler(n_startup_trials=self._startup_trials, seed=seed)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """TPE's."""
        return self._tpe.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """TPE's."""
        return self._tpe.sample_relative(study, trial, search_space)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:  # noqa: ANN401 - Optuna's own
        """TPE's."""
        return self._tpe.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        """TPE's."""
        self._tpe.after_trial(study, trial, state, values)
