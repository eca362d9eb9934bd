"""Which task began when and where: Ray tries tasks again without a word."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

import ray

from benchmarks.engines.task import Tell

STATUS = 60.0
"""Seconds between lines on what each node runs."""


class Board:
    """An actor beside the driver to which tasks say that they begin; without a core of its own."""

    def __init__(self) -> None:
        self._begun: list[tuple[int, str]] = []

    def begin(self, number: int, node: str) -> None:
        """A task begins on a node, for the first time or again."""
        self._begun.append((number, node))

    def since(self, count: int) -> list[tuple[int, str]]:
        """What began after so many others, in order."""
        return self._begun[count:]


class Watch:
    """Reads the board, and tells what is tried again and why, and from time to time what runs where."""

    def __init__(self, board: Any, tell: Tell, most: int):  # noqa: ANN401 - Ray's own
        self._board, self._tell, self._most = board, tell, most
        self._seen, self._last_status = 0, time.monotonic()
        self._names: dict[str, str] = {}
        self._alive: set[str] = set()
        self._nodes: dict[int, str] = {}
        self._attempts = Counter[int]()

    def look(self, running: Mapping[int, tuple[str, Any]]) -> None:
        """Take in what began since the last look.

        Args:
            running: number -> label and reference of what has not ended.
        """
        begun = ray.get(self._board.since.remote(self._seen))
        self._seen += len(begun)
        self._look_at_nodes()
        for number, node in begun:
            before = self._nodes.get(number)
            self._nodes[number] = node
            self._attempts[number] += 1
            label, reference = running.get(number, ("", None))
            if label and before is not None:
                self._tell(f"{label}: it was killed on {self._name(before)}; it is tried again on {self._name(node)}")
            if reference is not None and self._attempts[number] > self._most:
                ray.cancel(reference, force=True)  # where memory runs out, Ray tries for ever
        self._tell_status(running)

    def _look_at_nodes(self) -> None:
        listed = ray.nodes()
        self._names |= {node["NodeID"]: f"{node['NodeManagerHostname']} ({node['NodeID'][:4]})" for node in listed}
        alive = {node["NodeID"] for node in listed if node["Alive"]}
        for node in self._alive - alive:
            self._tell(f"{self._name(node)} is lost; what ran there is tried again elsewhere")
        for node in alive - self._alive if self._alive else ():
            self._tell(f"{self._name(node)} has joined")
        self._alive = alive

    def node(self, number: int) -> str:
        """Where a task began last."""
        return self._name(self._nodes.get(number, ""))

    def attempts(self, number: int) -> int:
        """How often it began."""
        return self._attempts[number]

    def _name(self, node: str) -> str:
        return self._names.get(node, "")

    def _tell_status(self, running: Mapping[int, tuple[str, Any]]) -> None:
        if time.monotonic() - self._last_status < STATUS:
            return
        self._last_status = time.monotonic()
        labels: dict[str, list[str]] = {}
        for number, (label, _) in running.items():
            if number in self._nodes:
                labels.setdefault(self.node(number), []).append(label)
        for name, of_node in sorted(labels.items()):
            self._tell(f"{name} runs {', '.join(of_node)}")
