"""A cluster of three nodes with one core each, on this machine: real Ray, real experiments."""

import os
import signal
import threading
import time

import psutil
import pytest

from benchmarks import filling
from benchmarks.engines import EngineOptions
from benchmarks.engines.local import PRELOADED, Local
from benchmarks.engines.ray import DEFAULTS
from benchmarks.engines.task import Task
from benchmarks.processes import fresh_processes
from benchmarks.records.store import load_records
from benchmarks.running.features import compute_features
from benchmarks.running.parallel import Job, run_all
from benchmarks.running.place import Place
from benchmarks.suites import experiments, select
from benchmarks.tracking import OFF
from benchmarks.tuning.workers import tune
from tests.benchmarks.engines import lossy
from tests.benchmarks.filling.test_fill import table, trained
from tests.benchmarks.running.test_parallel import PATIENCE, found, jobs_in
from tests.benchmarks.tuning.plans import assert_exactly, make_plan, study_of

ray = pytest.importorskip("ray")

HEAD = {
    "include_dashboard": False,
    "_system_config": {"health_check_period_ms": 500, "health_check_failure_threshold": 2},
}
"""A node that is lost is missed after a second, not after twenty."""

NETWORK = {"width": 24, "heads": 2, "depth": 1, "max_epochs": 2, "batch_size": 16}


@pytest.fixture(scope="module")
def cluster():
    from ray.cluster_utils import Cluster

    os.environ.update(DEFAULTS)
    node = {"num_cpus": 1, "memory": 4_000_000_000}
    cluster = Cluster(initialize_head=True, head_node_args={**node, **HEAD})
    for _ in range(2):
        cluster.add_node(**node)
    ray.init(cluster.address, logging_level="error", log_to_driver=False)
    yield cluster
    ray.shutdown()
    cluster.shutdown()


@pytest.fixture(scope="module")
def engine(cluster):
    with EngineOptions(f"ray://{cluster.address}").open() as opened:
        yield opened


def test_nodes_are_told_and_everything_ends_in_a_value_or_a_sentence(engine):
    assert engine.at_once == 3
    *nodes, why = engine.told()
    assert [line.partition(": ")[2] for line in nodes] == ["1 core, 4 GB"] * 3
    assert why == "3 nodes; 3 at a time, one a core"
    told = []
    tasks = [Task("good", lossy.fine, (7,)), Task("bad", lossy.failing, ("no",)), Task("greedy", lossy.greedy, (50,))]
    ended = {one.task.label: one for one in engine.run(tasks, told.append)}
    assert ended["good"].value == 7
    assert repr(ended["bad"].error) == "ValueError('no')"
    assert str(ended["greedy"].error).startswith("its process was killed 3 times, the last time on ")
    assert [line.split(" on ")[0] for line in told] == ["greedy: it was killed"] * 2


def test_ctrl_c_leaves_no_task_behind(cluster, tmp_path):
    program = fresh_processes(PRELOADED).Process(target=lossy.driven, args=(cluster.address, str(tmp_path)))
    program.start()
    deadline = time.monotonic() + 120
    while len(pids := [int(path.name) for path in tmp_path.iterdir()]) < 3 and time.monotonic() < deadline:
        time.sleep(0.1)
    os.kill(program.pid, signal.SIGINT)
    program.join(60)
    assert program.exitcode not in (0, None)
    while any(map(psutil.pid_exists, pids)):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_table_is_filled_as_by_one_process(engine, tmp_path, monkeypatch):
    monkeypatch.setattr(filling.run, "TEXT_ROWS", 4)
    model = trained(tmp_path / "model", "tfidf_logistic")
    table(tmp_path / "table.csv")
    for out, on in (("here.csv", None), ("there.csv", engine)):
        filling.fill(tmp_path / "table.csv", model, tmp_path / out, filling.Question(0.5), engine=on)
    assert (tmp_path / "there.csv").read_bytes() == (tmp_path / "here.csv").read_bytes()


def test_workers_of_a_study_spend_its_budget_exactly(engine, tmp_path):
    (tmp_path / "cache").mkdir()
    database = f"sqlite:///{tmp_path / 'studies.db'}"
    plan = make_plan(tmp_path, tmp_path / "cache", ("tfidf_logistic",), {}, storage=database, trials=5)
    tune(plan, engine)
    assert_exactly(study_of(plan), 5)


def test_two_suites_on_one_folder_with_a_node_lost_have_the_records_of_one_machine(engine, tmp_path, tiny):
    models = {"cma_clip": {"backbone": tiny, **NETWORK}, "majority": {}, "tfidf_logistic": {}}
    calm = jobs_in(tmp_path / "calm", models, seeds=(0, 1))
    assert run_all(calm, Local(2), print) == []
    jobs = jobs_in(tmp_path / "lost", models, seeds=(0, 1))
    (tmp_path / "lost" / "runs" / "head").write_text(ray.get_runtime_context().get_node_id())
    lines, failures = [], []
    suites = [
        threading.Thread(
            target=lambda: failures.extend(run_all(jobs, engine, lines.append, lossy.with_a_node_lost)), daemon=True
        )
        for _ in range(2)
    ]
    for suite in suites:
        suite.start()
    for suite in suites:
        suite.join(PATIENCE)
    assert not any(suite.is_alive() for suite in suites)
    assert failures == []
    assert (tmp_path / "lost" / "runs" / "lost").exists()
    assert any(": it was killed on " in line and "; it is tried again on " in line for line in lines)
    assert found(tmp_path / "lost") == found(tmp_path / "calm")
    assert len(load_records(tmp_path / "lost" / "results")) == len(jobs)


@pytest.mark.skipif("CMA_BENCH_LARGE" not in os.environ, reason="takes minutes; with CMA_BENCH_LARGE=1 -k default")
def test_default_with_a_node_lost_at_a_third_has_the_records_of_one_machine(cluster, engine, tmp_path):
    suite = select("default", ("tfidf_logistic", "linear_probe", "cma_clip"), (0, 1, 2), {}, {"max_epochs": 3})
    folders = tmp_path / "here", tmp_path / "there"
    places = [Place(folder / "results", folder / "runs") for folder in folders]
    jobs = [[Job(experiment, place, "default", OFF) for experiment in experiments(suite)] for place in places]
    ended = []

    def tell(line):
        print(line, flush=True)
        ended.append(line.startswith("["))
        if sum(ended) == 3 and ended[-1]:
            cluster.remove_node(next(iter(cluster.worker_nodes)), allow_graceful=False)

    compute_features(experiments(suite), places[1], engine, print)
    assert run_all(jobs[1], engine, tell) == []
    assert run_all(jobs[0], Local(2), print) == []
    assert len(load_records(places[1].suite_dir)) == 9
    assert found(folders[1]) == found(folders[0])
