"""Work that loses its process or its node. A module: workers import it."""

import os
import signal
import time
from pathlib import Path


def _first(mark):
    """Whether nobody has been here."""
    try:
        Path(mark).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def with_a_node_lost(job):
    """The first network to have a checkpoint outside of the head's node takes its node with it."""
    import ray

    from benchmarks.running.parallel import run_job  # takes seconds; the other work needs nothing of it

    head = (job.place.runs_dir / "head").read_text()
    if job.experiment.model != "cma_clip" or ray.get_runtime_context().get_node_id() == head:
        return run_job(job)
    if _first(job.place.runs_dir / "lost"):
        for process in (os.getppid(), os.getpid()):  # the node's raylet, and its only worker
            os.kill(process, signal.SIGKILL)
    return run_job(job)


def greedy(megabytes):
    """Takes more memory than it may have, piece by piece, until it is killed as the kernel would."""
    taken = []
    while len(taken) < megabytes:
        taken.append(bytearray(2**20))
    os.kill(os.getpid(), signal.SIGKILL)


def failing(reason):
    """An error of the work's own."""
    raise ValueError(reason)


def fine(value):
    return value


def visible():
    """The GPUs that a process may use; a moment later, so that all processes get to do something."""
    time.sleep(0.3)
    return os.environ["CUDA_VISIBLE_DEVICES"]


def slow(folder):
    """Says that it runs, then has much to do."""
    Path(folder, str(os.getpid())).touch()
    time.sleep(600)


def driven(address, folder):
    """A program with three tasks that do not end; hears Ctrl-C also where tests were started in the background."""
    from benchmarks.engines import EngineOptions
    from benchmarks.engines.task import Task

    signal.signal(signal.SIGINT, signal.default_int_handler)
    with EngineOptions(f"ray://{address}").open() as engine:
        list(engine.run([Task(f"slow {n}", slow, (folder,)) for n in range(3)], print))
