"""Trials of workers that were killed: found, failed, and queued again with the same hyper-parameters."""

from __future__ import annotations

from datetime import datetime

import optuna
from optuna.trial import FrozenTrial, TrialState

from benchmarks.processes import is_gone, this_process

WORKER = "worker"
RETRY_OF = "retry_of"

CLAIMING = 60.0
"""Seconds after which a running trial without a worker has none: it is named in the same breath as the trial begins."""


def requeue_lost(study: optuna.Study, one_machine: bool) -> list[int]:
    """Queue the trials again whose workers are gone; returns their numbers.

    Args:
        study: asked for by a worker between two trials, so that none of its own can be running.
        one_machine: no worker runs elsewhere, as under a journal: another machine's name is one of the past.
    """
    lost = []
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        if _is_lost(trial, one_machine) and _fail(study, trial):
            requeue(study, trial)
            lost.append(trial.number)
    return lost


def requeue(study: optuna.Study, trial: FrozenTrial) -> None:
    """Queue a failed trial again: the same hyper-parameters and, through `original_number`, the same seed."""
    params = {**trial.system_attrs.get("fixed_params", {}), **trial.params}
    study.enqueue_trial(params, user_attrs={RETRY_OF: original_number(trial)})


def original_number(trial: FrozenTrial | optuna.Trial) -> int:
    """The number under which a trial was begun for the first time."""
    return int(trial.user_attrs.get(RETRY_OF, trial.number))


def _is_lost(trial: FrozenTrial, one_machine: bool) -> bool:
    worker = trial.user_attrs.get(WORKER)
    if worker is None:
        assert trial.datetime_start is not None
        return (datetime.now() - trial.datetime_start).total_seconds() > CLAIMING
    me = this_process()
    elsewhere = worker.split(" ")[0] != me.split(" ")[0]
    return worker == me or is_gone(worker) or (one_machine and elsewhere)


def _fail(study: optuna.Study, trial: FrozenTrial) -> bool:
    """False if another worker was faster."""
    try:
        study.tell(trial.number, state=TrialState.FAIL)
    except (ValueError, optuna.exceptions.UpdateFinishedTrialError):
        return False
    return True
