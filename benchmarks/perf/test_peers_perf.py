"""Our fit beside the same network written plainly over `transformers`; see `benchmarks/perf/peers`.

    nox -s perf -- -k peer

Once all cases are measured, results/performance/ is written: peers.json and README.md.
"""

from importlib.metadata import version
from pathlib import Path

import pytest
import torch

from benchmarks.perf.peers.measuring import CASES, GEMM_SIZE, measure
from benchmarks.perf.peers.page import Measurements, page
from benchmarks.running.environment import environment

RESULTS = Path(__file__).parents[2] / "results" / "performance"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    torch.set_num_threads(1)
    return tmp_path_factory.mktemp("peers")


@pytest.fixture(scope="module")
def measured():
    return {}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.name}, {case.shape}")
def test_case(benchmark, folder, measured, case):
    found = measured[case.name, case.shape] = benchmark.pedantic(measure, (case, folder), rounds=1)
    benchmark.extra_info |= found.model_dump()


def test_write_the_page(measured):
    if len(measured) < len(CASES):
        pytest.skip("not all cases were measured")
    found = Measurements(
        environment=environment(),
        transformers=version("transformers"),
        gemm_size=GEMM_SIZE,
        cases=list(measured.values()),
    )
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "peers.json").write_text(found.model_dump_json(indent=1) + "\n", encoding="utf-8")
    (RESULTS / "README.md").write_text(page(found), encoding="utf-8")
