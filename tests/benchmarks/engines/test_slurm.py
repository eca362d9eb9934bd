"""The script for SLURM as far as it goes without one: two stand-ins run here what SLURM would run elsewhere."""

import os
import subprocess
from pathlib import Path

import pytest

from benchmarks.records.store import load_records
from tests.cma_clip.test_contrastive_processes import free_port
from tests.installed_command import COMMAND, DATA

SCRIPT = Path(__file__).parents[3] / "examples" / "cluster" / "slurm.sh"
STAND_INS = {
    "srun": 'while [[ $1 == --* ]]; do shift; done; exec "$@"',  # its options say where: here
    "scontrol": """echo "${3//,/$'\\n'}" """,  # show hostnames LIST
}


@pytest.fixture
def allocation(tmp_path):
    """The environment of a job on one machine with one core."""
    for name, body in STAND_INS.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{body}\n")
        (tmp_path / name).chmod(0o755)
    path = os.pathsep.join([str(tmp_path), str(COMMAND.parent), os.environ["PATH"]])
    job = {"SLURM_JOB_NODELIST": "here", "SLURM_JOB_NUM_NODES": "1", "SLURM_CPUS_ON_NODE": "1", "SLURM_JOB_ID": "7"}
    return {**os.environ, **job, "PATH": path, "RAY_PORT": str(free_port())}


def test_a_suite_runs_in_an_allocation(tmp_path, allocation):
    asked = ["suite", "--suite", "smoke", "--models", "majority", "--tracking", "off", *DATA]
    done = subprocess.run(
        ["bash", SCRIPT, *asked], cwd=tmp_path, env=allocation, capture_output=True, text=True, check=False, timeout=200
    )
    assert done.returncode == 0, done.stderr + (tmp_path / "ray-7.log").read_text()
    assert "1 node; 1 at a time, one a core" in done.stdout
    assert len(load_records(tmp_path / "results" / "smoke")) == 1


def test_the_head_is_the_first_of_the_machines_and_offers_what_was_allocated(allocation):
    job = {**allocation, "SLURM_JOB_NODELIST": "one,two", "SLURM_CPUS_ON_NODE": "12", "SLURM_GPUS_ON_NODE": "2"}
    asked = ["bash", "-c", f"source {SCRIPT}; first_machine; offer"]
    shown = subprocess.check_output(asked, env=job, text=True)
    assert shown.splitlines() == ["one", "--num-cpus=12 --num-gpus=2 --disable-usage-stats"]
