"""What an engine is given to do, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

T = TypeVar("T")

Tell = Callable[[str], None]


class EngineError(ValueError):
    """An engine that is not there, or does not answer any more; says what to do."""


class KilledError(Exception):
    """The process of a task, or its node, was killed each time the task was tried."""


@dataclass(frozen=True)
class Needs:
    """What a task takes as long as it runs.

    Attributes:
        cores: of one node.
        memory: bytes. Our choice: a worker that trains heads over a small backbone takes two thirds of it.
        gpus: share of one GPU; 0 keeps the task on the CPU.
    """

    cores: int = 1
    memory: int = 1_500_000_000
    gpus: float = 0.0


@dataclass(frozen=True)
class Task(Generic[T]):
    """A call that some process makes; function and arguments are pickled.

    Attributes:
        label: what it is called in messages.
    """

    label: str
    call: Callable[..., T]
    arguments: tuple[Any, ...]
    needs: Needs = Needs()


@dataclass(frozen=True)
class Ended(Generic[T]):
    """A task that was done, with what its call returned or raised.

    Attributes:
        node: where; empty if it never began.
    """

    task: Task[T]
    value: T | None = None
    error: BaseException | None = None
    node: str = ""


@dataclass(frozen=True)
class Node:
    """A machine, or the part of one that an engine may use.

    Attributes:
        memory: bytes.
    """

    name: str
    cores: int
    gpus: float
    memory: int

    def __str__(self) -> str:
        """One line for a reader."""
        gpus = f", {self.gpus:g} GPU{'s' if self.gpus != 1 else ''}" if self.gpus else ""
        return f"{self.name}: {self.cores} core{'s' if self.cores != 1 else ''}{gpus}, {self.memory / 1e9:.0f} GB"


class Engine(Protocol):
    """Where tasks run: each at most a few times, in no particular order.

    Attributes:
        needs: what an experiment, a trial or a part of a table takes here.
        at_once: tasks of these needs that run at a time.
    """

    needs: Needs

    @property
    def at_once(self) -> int: ...  # noqa: D102

    def told(self) -> Sequence[str]:
        """One line for each node, and why so many tasks run at a time."""
        ...

    def run(self, tasks: Iterable[Task[T]], tell: Tell) -> Iterator[Ended[T]]:
        """Every task as it ends; `tell` hears what is tried again and why.

        A task whose process or node is killed is tried again: what it calls has to go on from where it was. Whoever
        stops listening, as Ctrl-C does, ends what runs.
        """
        ...
