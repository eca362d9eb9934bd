"""The cores and GPUs of this machine: one process for each task that runs at a time.

A process that dies costs no other task: each worker is a pool of one process, so that the task that died with it is
known, and is replaced. (pebble's pool fails as a whole where a worker dies before its first task.)
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import platform
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.engines.sharing import per_gpu, per_machine, smallest_gpu
from benchmarks.engines.task import Ended, Engine, EngineError, KilledError, Needs, Node, T, Task, Tell
from benchmarks.processes import THREADS, end_with_parent, fresh_processes

if TYPE_CHECKING:
    from benchmarks.engines import EngineOptions

PRELOADED = "benchmarks.running.parallel"
"""Imported once for all workers, which are forked: an experiment's libraries take ten seconds."""

DRIVERS = ("nvidiactl", "dxg", "kfd")
"""Without the device of one of these, NVIDIA's, that of WSL or AMD's, no process has a GPU."""

Running = dict[Future[Any], tuple[Task[Any], ProcessPoolExecutor, str]]


@contextmanager
def opened(address: str, options: EngineOptions) -> Iterator[Engine]:
    """This machine, shared out by its cores, or by its GPUs if it has any.

    Raises:
        EngineError: an address, which this machine has not.
    """
    if address:
        raise EngineError(f"--engine local://{address}: `local` is this machine and has no address; say --engine local")
    gpus = visible_gpus()[: options.gpus]
    node = _this_machine(len(gpus))
    needs = Needs(gpus=options.gpus_per_experiment if gpus else 0.0)
    if gpus:
        number, why = per_gpu(options.gpus_per_experiment, smallest_gpu())
        devices = gpus * number
    else:
        number, why = per_machine(needs, node.cores, node.memory)
        devices = [""] * number
    if options.workers is not None:
        devices, why = list(itertools.islice(itertools.cycle(devices), options.workers)), "as --workers says"
    yield Local(len(devices), devices, needs, (f"{node}; {len(devices)} at a time, {why}",))


def visible_gpus() -> list[str]:
    """The GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    if sys.platform == "linux" and not any(Path("/dev", driver).exists() for driver in DRIVERS):
        return []
    import torch  # takes seconds

    said = os.environ.get("CUDA_VISIBLE_DEVICES")
    count = torch.cuda.device_count()
    return said.split(",")[:count] if said else [str(number) for number in range(count)]


def _this_machine(gpus: int) -> Node:
    import psutil

    return Node(platform.node(), os.cpu_count() or 1, gpus, psutil.virtual_memory().total)


class Local:
    """So many processes of this machine; each keeps to one of `devices`, '' for the CPU."""

    def __init__(
        self,
        at_once: int,
        devices: Sequence[str] = ("",),
        needs: Needs = Needs(),  # noqa: B008 - frozen
        lines: Sequence[str] = (),
    ):
        self.at_once, self.needs = at_once, needs
        self._devices, self._lines = devices, lines
        self._node = platform.node()

    def told(self) -> Sequence[str]:
        """See `Engine`."""
        return self._lines

    def run(self, tasks: Iterable[Task[T]], tell: Tell) -> Iterator[Ended[T]]:
        """See `Engine`; a task whose process dies is tried again after the others, with nothing beside it."""
        os.environ.setdefault("OMP_NUM_THREADS", str(THREADS))  # read by the processes started below
        lost: list[Task[T]] = []
        for task, future in self._outcomes(tasks, self.at_once):
            if _died(future):
                lost.append(task)
                tell(f"{task.label}: its process was killed; it is tried again alone, after the others")
            else:
                yield self._ended(task, future)
        for task, future in self._outcomes(lost, 1):
            yield self._ended(task, future)

    def _ended(self, task: Task[T], future: Future[T]) -> Ended[T]:
        if _died(future):
            killed = KilledError("its process was killed twice, the second time with nothing beside it")
            return Ended(task, error=killed, node=self._node)
        error = future.exception()
        return Ended(task, None if error else future.result(), error, self._node)

    def _outcomes(self, tasks: Iterable[Task[T]], workers: int) -> Iterator[tuple[Task[T], Future[T]]]:
        """Every task with its future when that is done."""
        waiting, running = iter(tasks), Running()
        try:
            for device in itertools.islice(itertools.cycle(self._devices), workers):
                _begin_next(waiting, running, device)
            while running:
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    task, worker, device = running.pop(future)
                    _begin_next(waiting, running, device, None if _died(future) else worker)
                    yield task, future
        finally:
            if running:
                # Not asked to end, for a training would do so at its leisure; results are whole or absent at any time.
                for process in multiprocessing.active_children():
                    process.kill()


def _begin_next(
    waiting: Iterator[Task[Any]], running: Running, device: str, worker: ProcessPoolExecutor | None = None
) -> None:
    """Hand the next task to a worker that has done its last one, or to a new one; without a task it ends."""
    task = next(waiting, None)
    if task is not None:
        worker = worker or _worker(task, device)
        running[worker.submit(task.call, *task.arguments)] = task, worker, device
    elif worker is not None:
        worker.shutdown()


def _worker(task: Task[Any], device: str) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, fresh_processes(PRELOADED, task.call.__module__), _begin, (device, dict(os.environ)))


def _begin(device: str, environment: dict[str, str]) -> None:
    """Before CUDA is asked for anything in this process, which has the environment of the one it is forked from."""
    os.environ.update(environment, CUDA_VISIBLE_DEVICES=device)
    end_with_parent()


def _died(future: Future[Any]) -> bool:
    return isinstance(future.exception(), BrokenProcessPool)
