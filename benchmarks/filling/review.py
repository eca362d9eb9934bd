"""What a person should look at of a filled table; the pages that show it are made of this."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.filling.answers import roles_of
from benchmarks.filling.run import Filled
from benchmarks.serving.answers import FILLED, KEPT, REVIEW


@dataclass(frozen=True)
class Looked:
    """One cell.

    Attributes:
        row: from 0 in the table.
        origin: where the row stands.
        task: of the cell.
        value: what the cell held; None where it was empty.
        suggested: what the model says.
        confidence: calibrated, in [0, 1].
        text, image: the row's cells that the model reads, as they were read; None without.
    """

    row: int
    origin: str
    task: str
    value: str | None
    suggested: str
    confidence: float
    text: str | None
    image: str | bytes | None


@dataclass(frozen=True)
class Review:
    """Cells of one task.

    Attributes:
        suspect: kept cells that the model contradicts, most confident first.
        close: cells to review, the nearest to the threshold first.
        sample: of the filled ones, drawn by a hash of the row.
    """

    suspect: tuple[Looked, ...]
    close: tuple[Looked, ...]
    sample: tuple[Looked, ...]


def to_review(filled: Filled, most: int) -> dict[str, Review]:
    """Task -> at most so many cells of each kind. One look at every part; memory does not grow with the table."""
    kept: dict[str, dict[str, list[Any]]] = {}
    for key, kind, cell in _candidates(filled):
        heap = kept.setdefault(cell.task, {}).setdefault(kind, [])
        item = (*key, -cell.row, cell)
        (heapq.heappush if len(heap) < most else heapq.heappushpop)(heap, item)
    return {
        task: Review(*(tuple(item[-1] for item in sorted(kinds.get(kind, ()), reverse=True)) for kind in KINDS))
        for task, kinds in kept.items()
    }


KINDS = ("suspect", "close", "sample")


def _candidates(filled: Filled) -> Iterator[tuple[tuple[float | str], str, Looked]]:
    """(What ranks it, highest first, kind, cell)."""
    classes = {task.name: set(task.classes) for task in filled.saved.classifier.tasks}
    for cell, decision in _cells(filled):
        if decision == KEPT and cell.suggested != cell.value and cell.value in classes[cell.task]:
            yield (cell.confidence,), "suspect", cell
        elif decision == REVIEW:
            yield (cell.confidence,), "close", cell
        elif decision == FILLED:
            yield (hashlib.sha256(f"{cell.task} {cell.row}".encode()).hexdigest(),), "sample", cell


def _cells(filled: Filled) -> Iterator[tuple[Looked, str]]:
    """Every cell that the model has an answer to, and what was decided."""
    start = 0
    for cells, part in filled.blocks():
        nothing = [None] * part.num_rows
        text, image = (
            nothing if name is None else cells[name].to_pylist() for name in (filled.asked.text, filled.asked.image)
        )
        for task in roles_of(part).tasks:
            values = nothing if task.own else cells[task.task].to_pylist()
            columns = (part[name].to_pylist() for name in (task.suggested, task.confidence, task.decision))
            for n, (suggested, confidence, decision) in enumerate(zip(*columns, strict=True)):
                if suggested is not None:
                    row = start + n
                    value = values[n] if decision == KEPT else None
                    origin = filled.source.raw.origins[row]
                    yield Looked(row, origin, task.task, value, suggested, confidence, text[n], image[n]), decision
        start += part.num_rows
