"""One trial: hyper-parameters from the model's own search space, a training, its score on the validation split."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
from optuna.trial import TrialState

from benchmarks import models
from benchmarks.datasets.loading.splits import Splits
from benchmarks.processes import this_process
from benchmarks.records.record import Experiment
from benchmarks.seeding import seed_of
from benchmarks.tracking import TrackedRun, Tracker
from benchmarks.tuning.storage import WORKER, original_number
from benchmarks.tuning.studies import StudySpec
from cma_clip.classifier import Workspace
from cma_clip.types import IGNORE, Examples, Predictions, Task


class RepeatedError(Exception):
    """A trial drew what another one has; it fails and costs nothing."""


@dataclass(frozen=True)
class Visible:
    """What tuning may look at of a data set: everything but the test split."""

    train: Examples
    val: Examples
    tasks: tuple[Task, ...]

    @classmethod
    def of(cls, splits: Splits) -> Visible:
        """The view of some splits."""
        return cls(splits.train, splits.val, splits.tasks)


@dataclass(frozen=True)
class Objective:
    """What Optuna maximises: `validation_score` of a study's model.

    Attributes:
        claimed: called as soon as the trial is known to be this worker's and unlike all others.
    """

    spec: StudySpec
    visible: Visible
    workspace: Workspace
    tracker: Tracker
    claimed: Callable[[], None]

    def __call__(self, trial: optuna.Trial) -> float:
        """Train and score.

        Raises:
            RepeatedError: another trial has the same hyper-parameters.
            optuna.TrialPruned: the trial was bad from early on, or its training diverged.
        """
        trial.set_user_attr(WORKER, this_process())
        drawn = models.MODELS[self.spec.model].search_space(trial)
        _refuse_repetition(trial)
        self.claimed()
        number = original_number(trial)
        hparams = {**self.spec.fixed, **drawn}
        experiment = Experiment(
            dataset=self.spec.dataset,
            model=self.spec.model,
            seed=seed_of("trial", self.spec.name, number),
            dataset_options=dict(self.spec.dataset_options),
            hparams=hparams,
            variant=f"trial {number}",
        )
        with self.tracker.run(experiment, f"{self.spec.name}/{number}") as tracked:
            score = self._score(experiment, trial, tracked)
            tracked.log_trial("pruned" if score is None else "complete", score)
        if score is None:
            raise optuna.TrialPruned
        return score

    def _score(self, experiment: Experiment, trial: optuna.Trial, tracked: TrackedRun) -> float | None:
        """None for a pruned trial."""
        keep = trial.params == dict(self.spec.defaults)  # the floor of the study has to be known

        def report(epoch: int, values: Mapping[str, float]) -> None:
            tracked.log_epoch(epoch, values)
            trial.report(values["val/score"], epoch)
            if not keep and trial.should_prune():
                raise optuna.TrialPruned

        classifier = models.create(
            experiment.model, experiment.hparams, self.visible.tasks, experiment.seed, self.workspace
        )
        try:
            classifier.fit(self.visible.train, self.visible.val, report)
        except optuna.TrialPruned:
            return None
        except FloatingPointError as error:
            trial.set_user_attr("diverged", str(error))
            return None
        return validation_score(classifier.predict(self.visible.val))


def validation_score(predictions: Predictions) -> float:
    """Mean over tasks of the accuracy: by what networks select their epoch, for models that report no epochs too."""
    accuracies = []
    for task, probabilities in predictions.probabilities.items():
        labels = predictions.labels[task]
        accuracies.append((probabilities.argmax(axis=1) == labels)[labels != IGNORE].mean())
    return float(np.mean(accuracies))


def _refuse_repetition(trial: optuna.Trial) -> None:
    others: list[Any] = trial.study.get_trials(deepcopy=False)
    for other in others:
        if other.number != trial.number and other.state != TrialState.FAIL and other.params == trial.params:
            raise RepeatedError(f"trial {trial.number} repeats trial {other.number}")
