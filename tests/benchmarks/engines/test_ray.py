"""A cluster of three nodes with one core each, on this machine: real Ray, real experiments."""

import os
import threading

import pytest

from benchmarks.engines import EngineOptions
from benchmarks.engines.local import Local
from benchmarks.engines.ray import DEFAULTS
from benchmarks.engines.task import Task
from benchmarks.records.store import load_records
from benchmarks.running.parallel import run_all
from tests.benchmarks.engines import lossy
from tests.benchmarks.running.test_parallel import found, jobs_in

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
    assert [line.split(" on ")[0] for line in told] == ["greedy: its process"] * 2


def test_two_suites_on_one_folder_with_a_node_lost_have_the_records_of_one_machine(engine, tmp_path, tiny):
    models = {"cma_clip": {"backbone": tiny, **NETWORK}, "majority": {}, "tfidf_logistic": {}}
    calm = jobs_in(tmp_path / "calm", models, seeds=(0, 1))
    assert run_all(calm, Local(2), print) == []
    jobs = jobs_in(tmp_path / "lost", models, seeds=(0, 1))
    (tmp_path / "lost" / "runs" / "head").write_text(ray.get_runtime_context().get_node_id())
    lines, failures = [], []
    suites = [
        threading.Thread(target=lambda: failures.extend(run_all(jobs, engine, lines.append, lossy.with_a_node_lost)))
        for _ in range(2)
    ]
    for suite in suites:
        suite.start()
    for suite in suites:
        suite.join()
    assert failures == []
    assert (tmp_path / "lost" / "runs" / "lost").exists()
    assert any(": its node " in line and "was lost; it is tried again on" in line for line in lines)
    assert found(tmp_path / "lost") == found(tmp_path / "calm")
    assert len(load_records(tmp_path / "lost" / "results")) == len(jobs)
