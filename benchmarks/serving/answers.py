"""Answers beside the rows that they are for: which cells are filled, which stay, and what the columns are called."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.serving.inputs import is_missing

KEPT, FILLED, REVIEW, NO_EVIDENCE = "kept", "filled", "review", "no evidence"
"""What is decided of a cell."""

NOTHING = np.array(None, dtype=object)
"""In place of a class name."""


@dataclass(frozen=True)
class TaskAnswers:
    """What a model says of one task, for N rows.

    Attributes:
        suggested: N class names; None where the row has no evidence.
        confidence: Float[N] in [0, 1]; NaN likewise.
        answered: Bool[N], whether the confidence reaches the threshold.
        weights: Float[N 2], of (text, photo); None for a model without them.
    """

    suggested: npt.NDArray[np.object_]
    confidence: npt.NDArray[np.float64]
    answered: npt.NDArray[np.bool_]
    weights: npt.NDArray[np.float64] | None = None

    @classmethod
    def joined(cls, parts: Sequence[TaskAnswers]) -> TaskAnswers:
        """Of the parts of a table, the answers to all of it."""
        weights = [part.weights for part in parts if part.weights is not None]
        return cls(
            suggested=np.concatenate([part.suggested for part in parts]),
            confidence=np.concatenate([part.confidence for part in parts]),
            answered=np.concatenate([part.answered for part in parts]),
            weights=np.concatenate(weights) if weights else None,
        )


@dataclass(frozen=True)
class Answered:
    """The answers to N rows: task -> its answers, and per row what is wrong with it."""

    tasks: Mapping[str, TaskAnswers]
    problems: Sequence[str | None]

    @classmethod
    def joined(cls, parts: Sequence[Answered]) -> Answered:
        """Of the parts of a table, the answers to all of it."""
        tasks = {task: TaskAnswers.joined([part.tasks[task] for part in parts]) for task in parts[0].tasks}
        return cls(tasks, [problem for part in parts for problem in part.problems])

    def beside(
        self, frame: pd.DataFrame, missing: Collection[str], reserved: Collection[str], unpromised: str | None
    ) -> pd.DataFrame:
        """The table with its empty cells filled, and the columns of the answers after its own.

        Args:
            frame: the table of N rows.
            missing: words that stand for an empty cell.
            reserved: names that no new column may have.
            unpromised: why no row is filled, for the problems of the rows that are therefore to review.

        Raises:
            ValueError: several columns have the name of a task.
        """
        names = _FreeNames({*map(str, frame.columns), *self.tasks, *reserved})
        own: dict[str, pd.Series[Any]] = {}
        new: dict[str, npt.NDArray[Any]] = {}
        unfilled = np.zeros(len(frame), dtype=np.bool_)
        for task, answers in self.tasks.items():
            kept = _has_value(frame, task, missing)
            decision = _decide(kept, answers)
            filled = decision == FILLED
            unfilled |= decision == REVIEW
            if task in frame.columns:
                own[task] = _fill(frame[task], answers.suggested, filled)
            else:
                new[task] = np.where(filled, answers.suggested, NOTHING)
            new[names.free(f"{task}_suggested")] = answers.suggested
            new[names.free(f"{task}_confidence")] = answers.confidence
            new[names.free(f"{task}_decision")] = decision
            if answers.weights is not None:
                for side, name in enumerate(("text", "photo")):
                    new[names.free(f"{task}_{name}_weight")] = answers.weights[:, side]
        told = [
            "; ".join(filter(None, (problem, unpromised if review else None))) or None
            for problem, review in zip(self.problems, unfilled.tolist(), strict=True)
        ]
        new[names.free("problem")] = np.array(told, dtype=object)
        columns = pd.DataFrame({name: pd.Series(values, dtype=values.dtype) for name, values in new.items()})
        beside = pd.concat([frame.assign(**own), columns.set_axis(frame.index)], axis=1)
        beside.attrs = {**frame.attrs, "notes": names.notes}
        return beside


class _FreeNames:
    """Names of new columns, and sentences about those that were taken."""

    def __init__(self, taken: set[str]):
        self.taken, self.notes = taken, list[str]()

    def free(self, name: str) -> str:
        found, number = name, 1
        while found in self.taken:
            number += 1
            found = f"{name}_{number}"
        if found != name:
            self.notes.append(f"The name {name!r} is taken: the column is called {found!r}.")
        self.taken.add(found)
        return found


def _has_value(frame: pd.DataFrame, task: str, missing: Collection[str]) -> npt.NDArray[np.bool_]:
    if task not in frame.columns:
        return np.zeros(len(frame), dtype=np.bool_)
    if (count := list(frame.columns).count(task)) > 1:
        raise ValueError(f"{count} columns are called {task!r}; the labels of a task are in one")
    return np.array([not is_missing(cell, missing) for cell in frame[task].tolist()], dtype=np.bool_)


def _decide(kept: npt.NDArray[np.bool_], answers: TaskAnswers) -> npt.NDArray[np.object_]:
    without = np.array([name is None for name in answers.suggested.tolist()], dtype=np.bool_)
    decision = np.select([kept, without, answers.answered], [KEPT, NO_EVIDENCE, FILLED], REVIEW)
    return decision.astype(object)


def _fill(column: pd.Series[Any], values: npt.NDArray[np.object_], filled: npt.NDArray[np.bool_]) -> pd.Series[Any]:
    """The column with some cells replaced; one that holds no strings becomes one of objects if any is."""
    if not filled.any():
        return column
    cells = column if isinstance(column.dtype, pd.StringDtype) else column.astype(object)
    return cells.where(~filled, values)
