"""Workers that are killed, and workers that share a study."""

import os
import pickle
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import optuna
import pytest

from benchmarks import tuning
from benchmarks.engines.task import Ended, KilledError, Task
from benchmarks.processes import is_gone, this_process
from benchmarks.tuning.budget import Budget
from benchmarks.tuning.storage import RETRY_OF, WORKER, open_storage, original_number, requeue_lost
from benchmarks.tuning.workers import TuningError, require_finished, tune
from tests.benchmarks.tuning.plans import assert_exactly, finished, states, study_of

TRIAL = {"max_epochs": 20, "patience": 20}
"""Long enough to be killed in the middle."""

CODE = """
import pickle, sys
from benchmarks.engines.local import Local
from benchmarks.tuning.workers import tune
if __name__ == "__main__":
    tune(pickle.load(open(sys.argv[1], "rb")), Local(int(sys.argv[2])))
"""


@pytest.fixture
def start(tmp_path):
    """Tune in a process of its own; what is left of it is ended with the test."""
    started = []

    def begin(plan, workers):
        (tmp_path / "plan").write_bytes(pickle.dumps(plan))
        (tmp_path / "tune_plan.py").write_text(CODE)
        command = [sys.executable, str(tmp_path / "tune_plan.py"), str(tmp_path / "plan"), str(workers)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[3])}
        started.append(subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.wait()


def wait_for(plan, condition, seconds=120):
    """The study as soon as it is so."""
    deadline, study = time.monotonic() + seconds, study_of(plan)
    while time.monotonic() < deadline:
        if condition(study):
            return study
        time.sleep(0.1)
    raise AssertionError(f"nothing of the kind after {seconds} s: {states(study)}")


def running(study):
    trials = study.get_trials(states=(optuna.trial.TrialState.RUNNING,))
    return [trial for trial in trials if trial.intermediate_values]


def worker_of(trial):
    return trial.user_attrs[WORKER]


def retried(study):
    return [trial for trial in finished(study) if RETRY_OF in trial.user_attrs]


def test_whatever_is_killed_the_budget_is_spent_exactly(plan_of, tiny, start):
    plan = plan_of(("concat_fusion",), {**TRIAL, "backbone": tiny}, trials=500)
    process = start(plan, workers=2)
    study = wait_for(plan, lambda study: len({worker_of(trial) for trial in running(study)}) == 2)

    lost = running(study)[-1]
    os.kill(int(worker_of(lost).split(" ")[1]), signal.SIGKILL)
    study = wait_for(plan, retried)
    (again,) = retried(study)
    assert original_number(again) == lost.number
    assert again.params == study.trials[lost.number].params
    assert worker_of(again) != worker_of(lost)

    survivor = worker_of(running(wait_for(plan, running))[-1])
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    wait_for(plan, lambda _: is_gone(survivor), seconds=20)  # nobody waits for it any more

    plan = replace(plan, budget=Budget(trials=len(finished(study_of(plan))) + 2))
    tune(plan)
    study = study_of(plan)
    assert_exactly(study, plan.budget.trials)
    assert 1 <= states(study).count("FAIL") == len(retried(study)) <= 2


def claimed_by(plan, worker, age=0.0):
    """A study with a running trial of that worker."""
    study = study_of(plan)
    attributes = {} if worker is None else {WORKER: worker}
    spec = plan.studies[0]
    study.add_trial(
        optuna.create_trial(
            state=optuna.trial.TrialState.RUNNING,
            params={"C": 3.0, "ngrams": 1},
            distributions=dict(spec.space),
            user_attrs=attributes,
        )
    )
    return study


def gone():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return f"{socket.gethostname()} {process.pid} 1"


@pytest.mark.parametrize(
    ("worker", "one_machine", "lost"),
    [
        (gone, True, True),
        (gone, False, True),
        (this_process, False, True),  # asks for its next trial, so it has none
        (lambda: this_process().rpartition(" ")[0] + " 1", False, True),  # its number is used again
        (lambda: "elsewhere 1 1", False, False),  # nobody here knows: a database has heartbeats
        (lambda: "elsewhere 1 1", True, True),  # the machine had another name, as containers do
        (lambda: f"{socket.gethostname()} {os.getppid()} {_start(os.getppid())}", True, False),
    ],
)
def test_whose_trial_is_lost(worker, one_machine, lost, plan_of):
    study = claimed_by(plan_of(trials=1), worker())
    assert requeue_lost(study, one_machine) == ([0] if lost else [])
    assert requeue_lost(study, one_machine) == []
    assert states(study) == (["FAIL", "WAITING"] if lost else ["RUNNING"])


def _start(pid):
    import psutil

    return f"{psutil.Process(pid).create_time():.0f}"


def test_a_trial_without_a_worker_is_lost_after_a_minute(plan_of, monkeypatch):
    study = claimed_by(plan_of(trials=1), None)
    assert requeue_lost(study, one_machine=True) == []
    later = datetime.now() + timedelta(seconds=61)
    monkeypatch.setattr(tuning.storage, "datetime", type("Later", (), {"now": staticmethod(lambda: later)}))
    assert requeue_lost(study, one_machine=True) == [0]


def test_a_zombie_is_gone():
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    name = f"{socket.gethostname()} {process.pid} {_start(process.pid)}"
    assert not is_gone(name)
    os.kill(process.pid, signal.SIGKILL)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # dead, but not yet noticed
    assert is_gone(name)
    process.communicate()


def test_the_defaults_are_tried_again_if_they_failed(plan_of):
    plan = plan_of(trials=2)
    study = study_of(plan)
    study.enqueue_trial(dict(plan.studies[0].defaults))
    study.tell(study.ask(), state=optuna.trial.TrialState.FAIL)
    tune(plan)
    assert_exactly(study_of(plan), 2)
    assert plan.studies[0].defaults in [trial.params for trial in finished(study_of(plan))]


def ended(*errors):
    return [Ended(Task(f"worker {n}", print, ()), error=error) for n, error in enumerate(errors, start=1)]


@pytest.mark.parametrize(
    ("errors", "trials", "said"),
    [
        ((None, OSError("disk full")), 1, "worker 2: disk full; unfinished: nothing"),
        (
            (KilledError("it died"), KilledError("it died")),
            2,
            "worker 1: it died; worker 2: it died; unfinished: smoke/catalog/",
        ),
        ((None, None), 2, "no worker failed; unfinished: smoke/catalog/tfidf_logistic"),
    ],
    ids=str,
)
def test_workers_that_do_not_end_well_are_reported(errors, trials, said, plan_of):
    plan = plan_of(trials=1)
    tune(plan)
    plan = replace(plan, budget=Budget(trials=trials))
    with pytest.raises(TuningError, match=f"{said}.*; finished trials are kept"):
        require_finished(plan, open_storage(plan.storage), ended(*errors))


def test_a_killed_worker_does_not_matter_if_nothing_is_left(plan_of):
    plan = plan_of(trials=1)
    tune(plan)
    require_finished(plan, open_storage(plan.storage), ended(None, KilledError("it died")))
