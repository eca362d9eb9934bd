"""Work that kills its process, as the kernel does when memory is short. A module: workers import it."""

import os
import signal
import threading
import time

from benchmarks.engines.local import Local
from benchmarks.running.parallel import run_all, run_job


def _kill_this_process():
    os.kill(os.getpid(), signal.SIGKILL)


def once_in_the_middle(job):
    """The first time, the only network of the suite is killed as soon as it has a checkpoint."""
    mark = job.place.runs_dir / "killed"

    def watch():
        while not list(job.place.runs_dir.glob("experiments/*/checkpoints/*.ckpt")):
            time.sleep(0.01)
        mark.touch()
        _kill_this_process()

    if job.experiment.model == "cma_clip" and not mark.exists():
        threading.Thread(target=watch, daemon=True).start()
    return run_job(job)


def always_seed_1(job):
    """Whatever has seed 1 dies."""
    if job.experiment.seed == 1:
        _kill_this_process()
    return run_job(job)


def forever(job):
    """Says where it runs, then has much to do."""
    (job.place.runs_dir / str(os.getpid())).touch()
    time.sleep(600)


def suite_that_hears_ctrl_c(jobs):
    """Two workers on work without end, also where the tests were started in the background, which ignores Ctrl-C."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    run_all(jobs, Local(2), print, forever)
