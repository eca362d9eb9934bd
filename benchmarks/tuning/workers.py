"""Processes that work through the studies of a plan together."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import optuna
import torch
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from benchmarks import datasets
from benchmarks.engines.task import Ended, Engine, KilledError, Task, Tell
from benchmarks.processes import THREADS, quiet
from benchmarks.running.place import Place
from benchmarks.tracking import Tracker, open_tracker
from benchmarks.tuning.budget import Budget, seconds_of
from benchmarks.tuning.objective import Objective, RepeatedError, Visible
from benchmarks.tuning.storage import is_database, open_storage, requeue_lost
from benchmarks.tuning.studies import StudySpec, begin_with_defaults, open_study
from cma_clip.places.claims import claim

REPETITIONS = 50
"""In a row, after which a search space counts as tried out."""

EXHAUSTED = "exhausted"
"""Attribute of a study whose search space is."""

GOES_ON = "finished trials are kept, the same command goes on from there"

POLL = 1.0
"""Seconds between looks at trials that other workers have yet to finish."""


class TuningError(ValueError):
    """Workers that did not end well; finished trials are kept."""


@dataclass(frozen=True)
class Plan:
    """Studies, what each of them may cost, and where they are kept; small, so that it travels between processes."""

    studies: Sequence[StudySpec]
    budget: Budget
    storage: str
    place: Place
    tracking: str


def tune(plan: Plan, engine: Engine | None = None, tell: Tell = print) -> None:
    """Spend the budget of every study that has some left.

    Without an engine this process does. On one there are as many workers as it runs at a time; one that is killed costs
    nothing but time: the others try its trial again.

    Raises:
        TuningError: workers failed or were stopped.
    """
    storage = open_storage(plan.storage)
    for spec in plan.studies:
        begin_with_defaults(open_study(spec, storage), spec)
    # A dead tracking server is asked here, and not again in every study.
    plan = replace(plan, tracking=_tracker(plan.studies[0], plan).uri)
    if engine is not None:
        workers = [Task(f"worker {n + 1}", work, (plan,), engine.needs) for n in range(engine.at_once)]
        require_finished(plan, storage, [_told(ended, tell) for ended in engine.run(workers, tell)])
        return
    try:
        work(plan)
    except SystemExit as stopped:  # what Lightning makes of SIGTERM and of Ctrl-C
        raise TuningError(f"stopped by a signal; {GOES_ON}") from stopped


def _told(ended: Ended[None], tell: Tell) -> Ended[None]:
    tell(f"{ended.task.label}{f' on {ended.node}' if ended.node else ''}: {ended.error or 'done'}")
    return ended


def require_finished(plan: Plan, storage: BaseStorage, workers: Sequence[Ended[None]]) -> None:
    """A worker that was killed does not matter if the others have done its work.

    Raises:
        TuningError: a worker failed, or a study has budget left.
    """
    unfinished = [spec.label for spec in plan.studies if not _is_done(open_study(spec, storage), plan.budget)]
    failed = [ended for ended in workers if ended.error is not None and not isinstance(ended.error, KilledError)]
    if unfinished or failed:
        said = "; ".join(f"{ended.task.label}: {ended.error}" for ended in workers if ended.error is not None)
        raise TuningError(f"{said or 'no worker failed'}; unfinished: {', '.join(unfinished) or 'nothing'}; {GOES_ON}")


def work(plan: Plan) -> None:
    """Begin trials as long as there are any to begin, then wait for those of other workers: one may be killed."""
    quiet()
    torch.set_num_threads(THREADS)
    storage = open_storage(plan.storage)
    studies = [(spec, open_study(spec, storage)) for spec in plan.studies]
    while unfinished := [(spec, study) for spec, study in studies if not _is_done(study, plan.budget)]:
        if not sum(_run_trials(spec, study, plan) for spec, study in unfinished):
            time.sleep(POLL)


def _run_trials(spec: StudySpec, study: optuna.Study, plan: Plan) -> int:
    """Run trials of a study until none is left to begin; returns how many."""
    lock = claim(plan.place.runs_dir / "tuning" / spec.name.replace("/", "-"))
    with lock:
        if not _has_room(study, plan):
            return 0
    objective = _objective(spec, plan, lock.release)
    ended: list[FrozenTrial] = []
    while not _is_exhausted(ended):
        # To count, to ask and to draw is one step: two workers that did so at once could begin a trial too many, or the
        # same. The objective ends it.
        with lock:
            if not _has_room(study, plan):
                return len(ended)
            study.optimize(objective, n_trials=1, catch=(RepeatedError,), callbacks=[lambda _, t: ended.append(t)])
        _tell(spec, study, ended[-1])
    study.set_user_attr(EXHAUSTED, True)
    return len(ended)


def _has_room(study: optuna.Study, plan: Plan) -> bool:
    """Whether another trial may begin; lost ones are queued first, so that one of them is what begins."""
    requeue_lost(study, not is_database(plan.storage))
    return plan.budget.is_open(study.get_trials(deepcopy=False))


def _objective(spec: StudySpec, plan: Plan, claimed: Callable[[], None]) -> Objective:
    splits = datasets.load(spec.dataset, plan.place.source(spec.dataset), spec.dataset_options)
    return Objective(spec, Visible.of(splits), plan.place.workspace(), _tracker(spec, plan), claimed)


def _tracker(spec: StudySpec, plan: Plan) -> Tracker:
    return open_tracker(plan.tracking, spec.name, plan.place.work, "study")


def _is_done(study: optuna.Study, budget: Budget) -> bool:
    return budget.is_spent(study.get_trials(deepcopy=False)) or EXHAUSTED in study.user_attrs


def _is_exhausted(ended: Sequence[FrozenTrial]) -> bool:
    last = ended[-REPETITIONS:]
    return len(last) == REPETITIONS and all(trial.state == TrialState.FAIL for trial in last)


def _tell(spec: StudySpec, study: optuna.Study, trial: FrozenTrial) -> None:
    if trial.state == TrialState.FAIL:
        return
    score = f"{100 * trial.value:.2f} %" if trial.value is not None else "-"
    state = "" if trial.state == TrialState.COMPLETE else ", pruned"
    print(f"{spec.label}, trial {trial.number}: {score}{state}, {seconds_of(trial):.0f} s", flush=True)
