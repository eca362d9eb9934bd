"""Which cells of a filled table a person looks at: chosen chunk by chunk, so that a table of any length will do.

For each task: labels that the model contradicts, answers close to the threshold on both sides, and a random sample of
the filled cells, the only section from which the precision can be estimated.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, Self

import pandas as pd
import pyarrow as pa

from benchmarks.datasets.loading.grouping import position
from benchmarks.datasets.reading.values import settle_labels
from benchmarks.serving.answers import FILLED, KEPT, REVIEW
from cma_clip.answering import Point

Section = Literal["suspects", "above", "below", "sample"]
SAMPLE_RULE = "review sample"
"""Hashed with a row's number; another text would draw another sample."""


@dataclass(frozen=True)
class FilledTask:
    """Where the answers to one task stand in a filled table.

    Attributes:
        cell: the column of the input.
        suggested, confidence, decision: columns of the answers; decisions are kept, filled, review, no evidence.
        text_weight, photo_weight: columns; None for a model without modality weights.
        classes: what the model can say.
        promise: the threshold with its counts in validation; None where no threshold promises the precision.
    """

    name: str
    cell: str
    suggested: str
    confidence: str
    decision: str
    classes: tuple[str, ...]
    promise: Point | None
    text_weight: str | None = None
    photo_weight: str | None = None


@dataclass(frozen=True)
class Found:
    """The first rows of a section, and how many belong to it.

    Attributes:
        ranks: Float[R], ascending; equal ranks stand in the order of the table.
        rows: the whole rows, in the same order; None before the first chunk.
    """

    count: int
    ranks: pd.Series[float]
    rows: pd.DataFrame | None = None

    @classmethod
    def nothing(cls) -> Self:
        """Before the first chunk."""
        return cls(0, pd.Series(dtype="float64"))

    def joined(self, chunk: pd.DataFrame, ranks: pd.Series[float], most: int) -> Found:
        """With the rows of a chunk that have a rank; at most `most` are held."""
        full = 0 < most == len(self.ranks)
        first = (ranks[ranks < self.ranks.iloc[-1]] if full else ranks).sort_values(kind="stable").head(most)
        if self.rows is None:
            return Found(len(ranks), first, chunk.loc[first.index])
        if first.empty:
            return Found(self.count + len(ranks), self.ranks, self.rows)
        kept = pd.concat([self.ranks, first]).sort_values(kind="stable").head(most)
        rows = pd.concat([self.rows, chunk.loc[first.index]]).loc[kept.index]
        return Found(self.count + len(ranks), kept, rows)


class Selection:
    """What the page shows of a table, and counts of all of it.

    Attributes:
        rows: of the table so far.
        decisions: task -> decision -> number of rows.
        found: task -> section -> its rows.
    """

    def __init__(self, tasks: Sequence[FilledTask], most: int):
        """At most `most` cells a section; those close to the threshold are half above and half below.

        Raises:
            ValueError: `most` is below 1.
        """
        if most < 1:
            raise ValueError(f"a section of the review page shows at least 1 cell, not {most}")
        self.tasks, self.most, self.rows = tuple(tasks), most, 0
        self.decisions: dict[str, Counter[str]] = {task.name: Counter() for task in tasks}
        self.found: dict[str, dict[Section, Found]] = {
            task.name: {section: Found.nothing() for section in RANKS} for task in tasks
        }

    def add(self, chunk: pd.DataFrame) -> None:
        """The next rows of the filled table; the index holds their numbers, each once in the whole table."""
        self.rows += len(chunk)
        for task in self.tasks:
            self.decisions[task.name].update(map(str, chunk[task.decision]))
            found = self.found[task.name]
            for section, rank in RANKS.items():
                found[section] = found[section].joined(chunk, rank(task, chunk), most_of(task, section, self.most))


def most_of(task: FilledTask, section: Section, most: int) -> int:
    """Half above the threshold, which has the odd cell, and half below; all below where there is no threshold."""
    above = 0 if task.promise is None else most - most // 2
    return {"above": above, "below": most - above}.get(section, most)


def contradicted(task: FilledTask, rows: pd.DataFrame) -> pd.Series[bool]:
    """Bool[N]: kept cells for which the model says another class.

    2011.0 is 2011 and 2,5 is 2.5; case and blanks do not count.
    """
    kept = (rows[task.decision] == KEPT) & rows[task.suggested].notna()
    cell, suggested = (rows.loc[kept, name].astype(str).map(plain) for name in (task.cell, task.suggested))
    return kept & (cell != suggested).reindex(rows.index, fill_value=False)


@lru_cache(maxsize=10_000)  # cells repeat
def plain(name: str) -> str:
    """Equal for spellings of one class, as in `settle_labels`; case does not count."""
    settled: str | None = settle_labels(pa.chunked_array([[name.strip()]]), (), decimal_comma=True).values[0].as_py()
    return (settled or "").casefold()


def _suspects(task: FilledTask, chunk: pd.DataFrame) -> pd.Series[float]:
    """The most confident first; after them cells with a value that the model cannot say, as it never agrees there."""
    rows = chunk[contradicted(task, chunk)]
    known = rows[task.cell].astype(str).map(plain).isin([plain(name) for name in task.classes])
    return (~known).astype("float64") * 2 - _confidence(task, rows)


def _above(task: FilledTask, chunk: pd.DataFrame) -> pd.Series[float]:
    return _confidence(task, chunk[chunk[task.decision] == FILLED])


def _below(task: FilledTask, chunk: pd.DataFrame) -> pd.Series[float]:
    """The most confident first: the closest to the threshold, or to any that might be set."""
    return -_confidence(task, chunk[chunk[task.decision] == REVIEW])


def _sample(task: FilledTask, chunk: pd.DataFrame) -> pd.Series[float]:
    """In the order of a hash: any number of first rows is a uniform draw, and the same one each time."""
    rows = chunk.index[chunk[task.decision] == FILLED]
    return pd.Series([position(str(row), SAMPLE_RULE) for row in rows], index=rows, dtype="float64")


def _confidence(task: FilledTask, rows: pd.DataFrame) -> pd.Series[float]:
    return rows[task.confidence].astype("float64")


RANKS: dict[Section, Callable[[FilledTask, pd.DataFrame], pd.Series[float]]] = {
    "suspects": _suspects,
    "above": _above,
    "below": _below,
    "sample": _sample,
}
"""For each section the ranks of the rows of a chunk that belong to it; low ones are shown."""
