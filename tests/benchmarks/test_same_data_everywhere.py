"""The same data on every processor: catalogue, twins and perturbed examples, down to the last byte."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from numpy._core._multiarray_umath import __cpu_dispatch__ as DISPATCHED
from numpy._core._multiarray_umath import __cpu_features__ as FEATURES

OPTIONAL = [name for name in DISPATCHED if FEATURES[name]]
AVX512 = [name for name in OPTIONAL if "512" in name or name == "X86_V4"]
ROOT = Path(__file__).parents[2]

# Named, for a machine may be set to another one than its processor's.
KERNEL = {"OPENBLAS_CORETYPE": "SkylakeX"} if FEATURES["AVX512F"] else {}

# OpenBLAS's kernel, NumPy's and torch's vector code, glibc's and libjpeg's, and the number of threads.
PROCESSORS = {
    "this one": KERNEL | {"OMP_NUM_THREADS": "1"},
    "without AVX512": {
        "OPENBLAS_CORETYPE": "Haswell",
        "NPY_DISABLE_CPU_FEATURES": " ".join(AVX512),
        "ATEN_CPU_CAPABILITY": "avx2",
        "OMP_NUM_THREADS": "2",
    },
    "without AVX2": {
        "OPENBLAS_CORETYPE": "Nehalem",
        "NPY_DISABLE_CPU_FEATURES": " ".join(OPTIONAL),
        "ATEN_CPU_CAPABILITY": "default",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
        "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-AVX512F",
        "JSIMD_FORCENONE": "1",
        "OMP_NUM_THREADS": "1",
    },
}


def _drawn(settings):
    """{what was drawn: digest} in a process with these settings."""
    command = [sys.executable, "-m", "tests.benchmarks.drawn_data"]
    # A NumPy of another version may not know a name: it says so in a warning and goes on, and so does this.
    environment = os.environ | settings
    return json.loads(subprocess.check_output(command, cwd=ROOT, env=environment, text=True, timeout=300))


@pytest.fixture(scope="module")
def drawn():
    with ThreadPoolExecutor(2) as side_by_side:
        return dict(zip(PROCESSORS, side_by_side.map(_drawn, PROCESSORS.values()), strict=True))


@pytest.mark.parametrize("processor", [name for name in PROCESSORS if name != "this one"])
def test_another_processor_draws_the_same_data(drawn, processor):
    here, there = drawn["this one"], drawn[processor]
    assert len(here) > 300
    assert {what: there.get(what) for what in here} == here
