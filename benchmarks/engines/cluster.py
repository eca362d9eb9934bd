"""Tasks on the nodes of a Ray cluster. Ray places them, and tries those again whose process or node is lost."""

from __future__ import annotations

import itertools
import os
import pickle
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ray
from ray.exceptions import RayError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from benchmarks.engines.board import Board, Watch
from benchmarks.engines.ray import require_answer
from benchmarks.engines.sharing import per_gpu, smallest_gpu
from benchmarks.engines.task import Ended, EngineError, KilledError, Needs, Node, T, Task, Tell

if TYPE_CHECKING:
    from benchmarks.engines import EngineOptions

RETRIES = 2
"""Of a task whose process or node is lost."""

TICK = 1.0
"""Seconds between looks at what began meanwhile."""

PATIENCE = 15.0
"""Seconds without an answer after which the head counts as lost."""

CARRIED = ("CMA_BENCH_", "HF_", "MLFLOW_", "OMP_", "DO_NOT_TRACK", "AWS_")
"""Variables of the environment, by how they begin, that a task finds as they are here."""


class Cluster:
    """The nodes that are alive; they see the same files under the same names, and have the same environment."""

    def __init__(self, needs: Needs, lines: Sequence[str], at_once: int, limit: int | None):
        self.needs, self.at_once = needs, at_once
        self._lines, self._limit = lines, limit

    @classmethod
    def connected(cls, options: EngineOptions) -> Cluster:
        """The cluster that this process has joined.

        Raises:
            EngineError: no node has what an experiment needs.
        """
        nodes = alive()
        share, why = 0.0, "one a core"
        if options.gpus != 0 and any(node.gpus for node in nodes.values()):
            number, why = per_gpu(options.gpus_per_experiment, _smallest_of_all(nodes))
            share = 1 / number
        needs = Needs(gpus=share)
        at_once = sum(_holds(node, needs) for node in nodes.values())
        if options.gpus is not None and share:
            at_once = min(at_once, sum(int(min(node.gpus, options.gpus) / share) for node in nodes.values()))
        if not at_once:
            raise EngineError(
                f"no node of the cluster has {needs.cores} core, {needs.memory / 1e9:.1f} GB and {share:g} GPU for an "
                f"experiment: {'; '.join(map(str, nodes.values()))}"
            )
        if options.workers is not None:
            at_once, why = min(at_once, options.workers), "as --workers says"
        limited = options.workers is not None or (options.gpus is not None and share > 0)
        lines = [
            *map(str, nodes.values()),
            f"{len(nodes)} node{'s' if len(nodes) > 1 else ''}; {at_once} at a time, {why}",
        ]
        return cls(needs, lines, at_once, at_once if limited else None)

    def told(self) -> Sequence[str]:
        """See `Engine`."""
        return self._lines

    def run(self, tasks: Iterable[Task[T]], tell: Tell) -> Iterator[Ended[T]]:
        """See `Engine`.

        Raises:
            EngineError: the head of the cluster is lost.
        """
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        board = ray.remote(num_cpus=0, scheduling_strategy=here)(Board).remote()
        watch, head = Watch(board, tell, RETRIES + 1), _Head()
        waiting, running = enumerate(tasks), dict[Any, tuple[int, Task[T]]]()
        most = self._limit or 2 * self.at_once  # what is queued in vain costs the memory of its arguments
        try:
            while True:
                for number, task in itertools.islice(waiting, most - len(running)):
                    running[_submitted(number, task, board)] = number, task
                if not running:
                    return
                done, _ = ray.wait(list(running), timeout=TICK)
                _look(head, watch, {number: (task.label, ref) for ref, (number, task) in running.items()})
                for reference in done:
                    number, task = running.pop(reference)
                    yield _ended(task, reference, watch, number)
        finally:
            if ray.is_initialized() and head.there:  # else these calls would start a Ray of their own, or wait for it
                for reference in running:
                    ray.cancel(reference, force=True)
                ray.kill(board)


def _look(head: _Head, watch: Watch, running: Mapping[int, tuple[str, Any]]) -> None:
    """What runs where, as long as the head is there."""
    try:
        if head.answers():
            watch.look(running)
    except RayError as error:  # all of the cluster was stopped, the head only just
        raise head.lost() from error


def alive() -> dict[str, Node]:
    """Id -> node, of those that answer."""
    return {
        node["NodeID"]: Node(
            f"{node['NodeManagerHostname']} ({node['NodeID'][:4]})",
            int(node["Resources"].get("CPU", 0)),
            node["Resources"].get("GPU", 0.0),
            int(node["Resources"].get("memory", 0)),
        )
        for node in ray.nodes()
        if node["Alive"]
    }


def _holds(node: Node, needs: Needs) -> int:
    """How many tasks of these needs run on a node at a time."""
    shares = [node.cores // needs.cores, node.memory // needs.memory]
    return min([*shares, int(node.gpus / needs.gpus + 1e-9)] if needs.gpus else shares)


def _smallest_of_all(nodes: Mapping[str, Node]) -> int | None:
    """Bytes of the smallest GPU; None where no node can tell."""
    ask = ray.remote(num_cpus=0)(smallest_gpu)
    asked = [
        ask.options(scheduling_strategy=NodeAffinitySchedulingStrategy(id, soft=True)).remote()
        for id, node in nodes.items()
        if node.gpus
    ]
    return min((size for size in ray.get(asked) if size is not None), default=None)


def _submitted(number: int, task: Task[Any], board: Any) -> Any:  # noqa: ANN401 - Ray's own
    environment = {name: value for name, value in os.environ.items() if name.startswith(CARRIED)}
    call = pickle.dumps((task.call, task.arguments))
    needs = task.needs
    work = ray.remote(_work).options(
        name=task.label,
        num_cpus=needs.cores,
        num_gpus=needs.gpus,
        memory=needs.memory,
        max_retries=RETRIES,
        scheduling_strategy="SPREAD",
    )
    return work.remote(number, call, str(Path.cwd()), environment, needs.gpus > 0, board)


def _work(number: int, call: bytes, folder: str, environment: dict[str, str], gpu: bool, board: Any) -> Any:  # noqa: ANN401
    """What a node does with a task. Nothing heavy is imported before the environment is that of the driver."""
    ray.get(board.begin.remote(number, ray.get_runtime_context().get_node_id()))  # known before anything can happen
    os.environ.update(environment)
    if not gpu:
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    os.chdir(folder)
    function, arguments = pickle.loads(call)
    return function(*arguments)


def _ended(task: Task[T], reference: Any, watch: Watch, number: int) -> Ended[T]:  # noqa: ANN401 - Ray's own
    node = watch.node(number)
    try:
        return Ended(task, ray.get(reference), node=node)
    except RayTaskError as error:
        return Ended(task, error=error.cause, node=node)
    except RayError as error:
        tried, reason = watch.attempts(number), str(error).strip().partition("\n")[0].partition(". ")[0]
        killed = KilledError(f"its process was killed {tried} times, the last time on {node} ({reason})")
        return Ended(task, error=killed, node=node)


class _Head:
    """Looks whether the head of the cluster is there: what asks it when it is not waits for a minute and then dies.

    Attributes:
        there: whether it answered the last time.
    """

    def __init__(self) -> None:
        self._address = ray.get_runtime_context().gcs_address
        self._answered, self.there = time.monotonic(), True

    def answers(self) -> bool:
        """Ask it.

        Raises:
            EngineError: it has been silent for too long.
        """
        try:
            require_answer(self._address)
        except EngineError as error:
            self.there = False
            if time.monotonic() - self._answered > PATIENCE:
                raise self.lost() from error
        else:
            self._answered, self.there = time.monotonic(), True
        return self.there

    def lost(self) -> EngineError:
        """From now on it is not asked any more."""
        self.there = False
        return EngineError(
            f"the head of the cluster, {self._address}, is lost; finished results are kept: start the cluster again, "
            "the same command goes on with the rest"
        )
