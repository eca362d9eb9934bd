"""Running many experiments on an engine: finished ones reported as they come, failures collected."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.engines.task import Ended, Engine, KilledError, Task, Tell
from benchmarks.processes import quiet
from benchmarks.records.record import CLEAN, Experiment, Record
from benchmarks.running.estimate import Estimate
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


def run_all(
    jobs: Sequence[Job], engine: Engine, tell: Tell, work: Work = run_job, earlier: Sequence[Record] = ()
) -> list[str]:
    """Run all jobs; returns what failed, one sentence each. Neither their order nor the engine changes a number.

    Args:
        jobs: a job whose process or node dies is tried again; it goes on from its checkpoint.
        engine: where they run.
        tell: hears a line for every job that ends.
        work: what is done with a job.
        earlier: records of other runs, by which the rest is estimated.
    """
    start, failures, estimate = time.perf_counter(), list[str](), Estimate(earlier)
    rest = {job.experiment.label(): job.experiment for job in jobs}
    tasks = [Task(job.experiment.label(), work, (job,), engine.needs) for job in jobs]
    for number, ended in enumerate(engine.run(tasks, tell), start=1):
        rest.pop(ended.task.label, None)
        if ended.value is None:
            failures.append(_failure(ended))
        else:
            estimate.add(ended.value)
        left = estimate.told(rest.values(), engine.at_once)
        line = failures[-1] if ended.value is None else _summary(ended.value, ended.node)
        tell(f"[{number}/{len(jobs)}, {time.perf_counter() - start:.0f} s{left}] {line}")
    return failures


def _failure(ended: Ended[Record]) -> str:
    if isinstance(ended.error, KilledError):
        return (
            f"{ended.task.label}: {ended.error}; most likely memory ran out: use `--workers 1` or a smaller batch "
            "(`batch_size`), the same command goes on"
        )
    return f"{ended.task.label}: {type(ended.error).__name__}: {ended.error}"


def _summary(record: Record, node: str) -> str:
    mean = record.metrics[CLEAN]["mean"]["accuracy"]
    seconds = record.seconds.get("fit", 0.0)
    return f"{record.experiment.label()}: mean accuracy {100 * mean.value:.1f} %, fitted in {seconds:.0f} s on {node}"
