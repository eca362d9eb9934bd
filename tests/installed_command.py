"""The installed command, as a user calls it, on little data and small networks."""

import subprocess
import sys
from pathlib import Path

COMMAND = Path(sys.executable).with_name("cma-bench")
DATA = ["--option", "num_train=64", "num_val=24", "num_test=32", "image_size=32"]


def hparams(tiny, **more):
    values = {"backbone": tiny, "width": 24, "heads": 2, "depth": 1, "batch_size": 16, **more}
    return ["--hparam", *(f"{name}={value}" for name, value in values.items())]


def cma_bench(*arguments, cwd):
    return subprocess.run([COMMAND, *arguments], cwd=cwd, capture_output=True, text=True, check=False)


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
