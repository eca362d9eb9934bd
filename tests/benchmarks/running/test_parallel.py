"""Suites whose workers are killed: real processes, real experiments."""

import multiprocessing
import os
import signal
import time

import psutil
import pytest

from benchmarks.engines.local import Local
from benchmarks.processes import fresh_processes
from benchmarks.records.record import Experiment
from benchmarks.records.store import load_records
from benchmarks.running.parallel import Job, run_all, run_job
from benchmarks.running.place import Place
from benchmarks.tracking import OFF
from tests.benchmarks.running import deadly

OPTIONS = {"num_train": 64, "num_val": 24, "num_test": 32, "image_size": 32}
PATIENCE = 240
"""Seconds; far more than it takes, far less than for ever."""


@pytest.fixture(autouse=True)
def in_time():
    def give_up(*_):
        raise TimeoutError(f"not done after {PATIENCE} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(PATIENCE)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
    assert multiprocessing.active_children() == []


def jobs_in(folder, models, seeds=(0,)):
    (folder / "runs").mkdir(parents=True)
    place = Place(folder / "results", folder / "runs")
    return [
        Job(
            Experiment(dataset="catalog", model=model, seed=seed, dataset_options=OPTIONS, hparams=hparams),
            place,
            "tiny",
            OFF,
        )
        for model, hparams in models.items()
        for seed in seeds
    ]


def found(folder):
    """What a record says, but when and how fast it was made."""
    return [
        record.model_dump_json(
            exclude={"seconds", "cost", "environment", "facts"}
        )  # as text: undefined numbers are equal
        for record in load_records(folder / "results")
    ]


def test_a_killed_worker_costs_no_result_and_changes_none(tmp_path, tiny):
    network = {"backbone": tiny, "width": 24, "heads": 2, "depth": 1, "max_epochs": 6, "batch_size": 16}
    models = {"cma_clip": network, "majority": {}, "tfidf_logistic": {}}
    for job in jobs_in(tmp_path / "calm", models):
        run_job(job)
    lines = []
    disturbed = jobs_in(tmp_path / "killed", models)
    assert run_all(disturbed, Local(2), lines.append, deadly.once_in_the_middle) == []
    assert (tmp_path / "killed" / "runs" / "killed").exists()
    again = [line for line in lines if "its process was killed; it is tried again alone" in line]
    assert [line.split(":")[0] for line in again] == [disturbed[0].experiment.label()]
    assert lines[-1].startswith("[3/3")
    assert found(tmp_path / "killed") == found(tmp_path / "calm")


def test_only_the_experiment_that_always_kills_its_process_fails(tmp_path):
    jobs = jobs_in(tmp_path, {"majority": {}}, seeds=(0, 1, 2))
    [failure] = run_all(jobs, Local(2), lambda _: None, deadly.always_seed_1)
    assert failure.startswith(f"{jobs[1].experiment.label()}: its process was killed twice")
    assert "memory ran out: use `--workers 1` or a smaller batch" in failure
    assert [record.experiment.seed for record in load_records(tmp_path / "results")] == [0, 2]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_workers_end_with_the_suite(tmp_path, how):
    jobs = jobs_in(tmp_path, {"majority": {}}, seeds=(0, 1, 2))
    server = fresh_processes("benchmarks.running.parallel")
    suite = server.Process(target=deadly.suite_that_hears_ctrl_c, args=(jobs,))
    suite.start()
    while len(pids := [int(path.name) for path in (tmp_path / "runs").iterdir() if path.name.isdecimal()]) < 2:
        time.sleep(0.05)
    os.kill(suite.pid, how)
    suite.join()
    while any(psutil.pid_exists(pid) for pid in pids):
        time.sleep(0.05)
    assert suite.exitcode not in (0, None)
