"""Where work is done: on the cores of this machine, or on the nodes of a Ray cluster."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from benchmarks.engines import local, ray
from benchmarks.engines.task import Engine
from benchmarks.names import choose

Open = Callable[[str, "EngineOptions"], AbstractContextManager[Engine]]

ENGINES: dict[str, Open] = {"local": local.opened, "ray": ray.opened}


@dataclass(frozen=True)
class EngineOptions:
    """Where the work is done.

    Attributes:
        engine: `local`: this machine. `ray://HOST:PORT`: the cluster of this head, as `ray start` names it, of which
            this machine is a node. `ray`: the cluster that RAY_ADDRESS names, else this machine under Ray.
        workers: experiments at a time; by default as many as the cores, the memory and the GPUs hold, or one where a
            single process does it all by itself, as it tunes and fills on this machine.
        gpus: of each machine at most so many; 0 forces the CPU.
        gpus_per_experiment: 0.25 for heads on cached features, where four experiments share a GPU.
    """

    engine: str = "local"
    workers: int | None = None
    gpus: int | None = None
    gpus_per_experiment: float = 1.0

    def open(self) -> AbstractContextManager[Engine]:
        """The engine, connected until the block ends.

        Raises:
            UnknownName: there is no such engine.
            EngineError: it is not installed, or does not answer.
            ValueError: an option out of its range.
        """
        if not 0 < self.gpus_per_experiment <= 1:
            raise ValueError(f"--gpus-per-experiment {self.gpus_per_experiment:g} is not between 0 and 1")
        if self.workers is not None and self.workers < 1:
            raise ValueError(f"--workers {self.workers}: it takes one at least")
        name, _, address = self.engine.partition("://")
        return ENGINES[choose(name, ENGINES, "engine")](address, self)

    def open_if_several(self) -> AbstractContextManager[Engine | None]:
        """The engine, or None where this process does the work itself: here, unless several workers are asked for."""
        return nullcontext() if self.engine == "local" and (self.workers or 1) == 1 else self.open()


__all__ = ["ENGINES", "EngineOptions"]
