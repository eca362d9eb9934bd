"""Running many experiments: one process a core, finished ones reported as they come, failures collected.

A process that dies costs no other experiment: each worker is a pool of one process, so that the experiment that died
with it is known, and is replaced. (pebble's pool fails as a whole where a worker dies before its first task.)
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

from benchmarks.processes import THREADS, end_with_parent, fresh_processes, quiet
from benchmarks.records.record import CLEAN, Experiment, Record
from benchmarks.running.place import Place
from benchmarks.running.run import run
from benchmarks.tracking import open_tracker


@dataclass(frozen=True)
class Job:
    """An experiment and where it runs; small, so that it travels between processes."""

    experiment: Experiment
    place: Place
    suite: str
    tracking: str


def run_job(job: Job) -> Record:
    """What a worker does with a job."""
    quiet()
    tracker = open_tracker(job.tracking, job.suite, job.place.work)
    return run(job.experiment, job.place, tracker)


Work = Callable[[Job], Record]


def run_all(jobs: Sequence[Job], workers: int, tell: Callable[[str], None], work: Work = run_job) -> list[str]:
    """Run all jobs; returns what failed, one sentence each. The order of the jobs changes no number.

    A job whose process dies is tried again after the others, with nothing beside it; it goes on from its checkpoint.
    """
    os.environ.setdefault("OMP_NUM_THREADS", str(THREADS))  # read by the processes started below
    start, failures, lost = time.perf_counter(), list[str](), list[Job]()

    def tell_end(line: str) -> None:
        number = next(numbers)
        tell(f"[{number}/{len(jobs)}, {time.perf_counter() - start:.0f} s] {line}")

    def take(job: Job, future: Future[Record]) -> None:
        error = future.exception()
        if error is not None:
            failures.append(_failure(job, error))
        tell_end(failures[-1] if error is not None else _summary(future.result()))

    numbers = itertools.count(1)
    for job, future in _outcomes(jobs, workers, work):
        if _died(future):
            lost.append(job)
            tell(f"{job.experiment.label()}: its process was killed; it is tried again alone, after the others")
        else:
            take(job, future)
    for job, future in _outcomes(lost, 1, work):
        take(job, future)
    return failures


def _outcomes(jobs: Sequence[Job], workers: int, work: Work) -> Iterator[tuple[Job, Future[Record]]]:
    """Every job with its future when that is done. Whoever stops listening, as Ctrl-C does, ends the workers."""
    waiting = deque(jobs)
    running: dict[Future[Record], tuple[Job, ProcessPoolExecutor]] = {}

    def begin(worker: ProcessPoolExecutor) -> None:
        job = waiting.popleft()
        running[worker.submit(work, job)] = job, worker

    try:
        for _ in range(min(workers, len(jobs))):
            begin(_worker())
        while running:
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                job, worker = running.pop(future)
                if waiting:
                    begin(_worker() if _died(future) else worker)
                else:
                    worker.shutdown()
                yield job, future
    finally:
        if running:
            # Not asked to end, for a training would do so at its leisure; results are whole or absent at any moment.
            for process in multiprocessing.active_children():
                process.kill()


def _worker() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, fresh_processes(__name__), end_with_parent)


def _died(future: Future[Record]) -> bool:
    return isinstance(future.exception(), BrokenProcessPool)


def _failure(job: Job, error: BaseException) -> str:
    if isinstance(error, BrokenProcessPool):
        return (
            f"{job.experiment.label()}: its process was killed twice, the second time with nothing beside it; most "
            "likely memory ran out: use `--workers 1` or a smaller batch (`batch_size`), the same command goes on"
        )
    return f"{job.experiment.label()}: {type(error).__name__}: {error}"


def _summary(record: Record) -> str:
    mean = record.metrics[CLEAN]["mean"]["accuracy"]
    seconds = record.seconds.get("fit", 0.0)
    return f"{record.experiment.label()}: mean accuracy {100 * mean.value:.1f} %, fitted in {seconds:.0f} s"
