"""Where trials are kept, and what becomes of those whose worker was killed: failed, and queued again as they were."""

from __future__ import annotations

import warnings
from datetime import datetime
from pathlib import Path

import optuna
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from benchmarks.processes import is_gone, this_process
from cma_clip.places.claims import Claim

WORKER = "worker"
RETRY_OF = "retry_of"

CLAIMING = 60.0
"""Seconds after which a running trial without a worker has none: it is named in the same breath as the trial begins."""

HEARTBEAT = 30
"""Seconds between signs of life in a database; after four times as many a worker of another machine is taken for
dead. A journal knows none: it is for the workers of one machine."""


class _JournalLock(JournalFileOpenLock):
    """Taken at once from a holder that was killed; Optuna's own locks keep everybody waiting for 30 seconds then.

    Takes nothing from the class above it, which is there because Optuna does not export the common base of its locks.
    """

    def __init__(self, journal: str):
        self._lock = Claim(Path(journal))

    def acquire(self) -> bool:
        self._lock.acquire()
        return True

    def release(self) -> None:
        self._lock.release()


def open_storage(where: str) -> BaseStorage:
    """A journal file, or the database at an url.

    Raises:
        ValueError: a database that cannot be reached; names its driver, never a password.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    if not is_database(where):
        Path(where).parent.mkdir(parents=True, exist_ok=True)
        return JournalStorage(JournalFileBackend(where, _JournalLock(where)))
    try:
        # Workers that write at once wait for each other instead of failing with "database is locked".
        waiting = {"connect_args": {"timeout": 60}} if make_url(where).get_backend_name() == "sqlite" else {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return RDBStorage(
                where,
                engine_kwargs={"poolclass": NullPool, **waiting},  # no connection outlives what it is opened for
                heartbeat_interval=HEARTBEAT,
                grace_period=4 * HEARTBEAT,
                heartbeat_stale_trial_callback=requeue,
            )
    except (ImportError, ValueError, SQLAlchemyError) as error:
        # The name of the driver only: the rest may hold a password.
        raise ValueError(f"--storage {where.partition('://')[0]}://...: {str(error).splitlines()[0]}") from error


def is_database(where: str) -> bool:
    """An url, not the path of a journal."""
    return "://" in where


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
