"""The command as a user calls it, on little data and small networks."""

import multiprocessing
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.cli import main
from benchmarks.processes import fresh_processes

COMMAND = Path(sys.executable).with_name("cma-bench")
DATA = ["--option", "num_train=64", "num_val=24", "num_test=32", "image_size=32"]


def hparams(tiny, **more):
    values = {"backbone": tiny, "width": 24, "heads": 2, "depth": 1, "batch_size": 16, **more}
    return ["--hparam", *(f"{name}={value}" for name, value in values.items())]


def installed(*arguments, cwd):
    """The installed program in an interpreter of its own, which takes seconds to import everything."""
    return subprocess.run([COMMAND, *arguments], cwd=cwd, capture_output=True, text=True, check=False)


def nothing():
    pass


def cma_bench(*arguments, cwd, first=nothing):
    """The same in a process of its own, forked like its workers from one that has imported everything.

    It calls `first` before the command.
    """
    with TemporaryDirectory() as folder:
        streams = Path(folder, "stdout"), Path(folder, "stderr")
        process = begun(*arguments, cwd=cwd, streams=streams, first=first)
        process.join()
        return subprocess.CompletedProcess(arguments, process.exitcode, *(path.read_text("utf-8") for path in streams))


def begun(*arguments, cwd, streams=(os.devnull, os.devnull), first=nothing):
    """The process of `cma_bench`, which nobody has waited for."""
    server = fresh_processes("benchmarks.running.parallel")
    process = server.Process(target=_command, args=(arguments, cwd, streams, first))
    process.start()
    return process


def _command(arguments, folder, streams, first):
    for number, path in enumerate(streams, start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
    os.chdir(folder)
    sys.argv = [str(COMMAND), *map(str, arguments)]
    fork = multiprocessing.get_context("fork")
    multiprocessing.get_context = lambda method=None: fork
    first()
    main()


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
