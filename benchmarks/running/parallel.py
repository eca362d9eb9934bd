"""Running many experiments: one process a core, finished ones reported as they come, failures collected."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass

from benchmarks.processes import THREADS, quiet
from benchmarks.records.record import CLEAN, Experiment, Record
from benchmarks.running.run import Place, run
from benchmarks.tracking import open_tracker


@dataclass(frozen=True)
class Job:
    """An experiment and where it runs; small, so that it travels between processes."""

    experiment: Experiment
    place: Place
    suite: str
    tracking: str


def run_all(jobs: Sequence[Job], workers: int, tell: Callable[[str], None]) -> list[str]:
    """Run all jobs; returns what failed, one sentence each. The order of the jobs changes no number.

    Processes are spawned, not forked: torch and Arrow keep threads that do not survive a fork.
    """
    os.environ.setdefault("OMP_NUM_THREADS", str(THREADS))  # read by the processes started below
    failures: list[str] = []
    start = time.perf_counter()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=min(workers, len(jobs)), mp_context=context) as pool:
        futures = {pool.submit(_run, job): job for job in jobs}
        for number, future in enumerate(as_completed(futures), start=1):
            label = futures[future].experiment.label()
            error = future.exception()
            if error is not None:
                failures.append(f"{label}: {type(error).__name__}: {error}")
            line = failures[-1] if error is not None else _summary(future.result())
            tell(f"[{number}/{len(jobs)}, {time.perf_counter() - start:.0f} s] {line}")
    return failures


def _run(job: Job) -> Record:
    quiet()
    tracker = open_tracker(job.tracking, job.suite, job.place.runs_dir)
    return run(job.experiment, job.place, tracker)


def _summary(record: Record) -> str:
    mean = record.metrics[CLEAN]["mean"]["accuracy"]
    seconds = record.seconds.get("fit", 0.0)
    return f"{record.experiment.label()}: mean accuracy {100 * mean.value:.1f} %, fitted in {seconds:.0f} s"
