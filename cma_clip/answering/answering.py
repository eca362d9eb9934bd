"""What is saved with a model so that its answers can be trusted, learned from its validation predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, model_validator

from cma_clip.answering import calibration, thresholds
from cma_clip.answering.thresholds import Point
from cma_clip.types import IGNORE, Predictions

CONFIDENCE_LEVEL = 0.9
"""Our choice, as in most examples of Angelopoulos et al. 2021: one promise in ten may be broken."""

DECIMALS = 6
"""Of a confidence, so that the last bit of a processor's logarithm does not part equal rows."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TaskAnswering(_Frozen):
    """What validation says about the answers to one task.

    Attributes:
        temperature: divides log-probabilities.
        labelled: validation rows with a label, which the temperature is from.
        points: thresholds on the calibrated confidence, strictest first; the last counts all independent rows. They
            are all it takes to choose a threshold for any target.
    """

    temperature: Annotated[float, Field(ge=calibration.COOLEST, le=calibration.HOTTEST)]
    labelled: Annotated[int, Field(ge=0)]
    points: tuple[Point, ...]

    @model_validator(mode="after")
    def _counts_agree(self) -> Self:
        for point in self.points:
            if not (0 <= point.threshold <= 1 and 0 <= point.right <= point.answered <= self.labelled):
                raise ValueError(f"impossible counts of {self.labelled} labelled rows: {point}")
        for strict, loose in pairwise(self.points):
            newly_answered, newly_right = loose.answered - strict.answered, loose.right - strict.right
            if not (loose.threshold < strict.threshold and 0 <= newly_right <= newly_answered and newly_answered):
                raise ValueError(f"thresholds must fall and counts rise: {strict}, then {loose}")
        return self

    @property
    def rows(self) -> int:
        """Independent validation rows: one a group of those labelled."""
        return self.points[-1].answered if self.points else 0

    def confidence(self, probabilities: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        """Of rows Float[N C]: Float[N], the calibrated probability of the top-1 class."""
        return np.asarray(calibration.calibrated(probabilities, self.temperature).max(axis=1).round(DECIMALS))


@dataclass(frozen=True)
class Answers:
    """The answers to one task.

    Attributes:
        suggestion: Int[N], the most probable class.
        confidence: Float[N], its calibrated probability.
        answered: Bool[N], whether the confidence reaches the threshold; never where there is none.
    """

    suggestion: npt.NDArray[np.int64]
    confidence: npt.NDArray[np.float64]
    answered: npt.NDArray[np.bool_]


class Answering(_Frozen):
    """Calibration and thresholds of a trained model; JSON by pydantic's `model_dump_json` and `model_validate_json`.

    For each task and target by itself: with a probability of `confidence_level` over validation splits, at least the
    target's share of answers to new rows from the same source is right.
    """

    confidence_level: Annotated[float, Field(gt=0, lt=1)]
    tasks: dict[str, TaskAnswering]

    @classmethod
    def of(
        cls, validation: Predictions, groups: Sequence[str] | None = None, confidence_level: float = CONFIDENCE_LEVEL
    ) -> Self:
        """Learned from predictions for rows that the model was not trained on.

        `groups` names the group of each row where rows depend on each other; without it they count as independent.
        The temperature is from the same rows as the thresholds: one number, with which the promise held in
        experiments (benchmarks/perf), while a half for each would cost answers.

        Raises:
            ValueError: not as many groups as rows.
        """
        names = validation.ids if groups is None else groups
        if len(names) != len(validation.ids):
            raise ValueError(f"{len(validation.ids)} rows, but {len(names)} groups")
        learned = {
            task: _learn(validation.probabilities[task], labels, validation.ids, names)
            for task, labels in validation.labels.items()
        }
        return cls(confidence_level=confidence_level, tasks=learned)

    def promise(self, task: str, target: float) -> Point | None:
        """The threshold for a precision target, with its validation counts; None where none can promise it.

        Raises:
            ValueError: an unknown task, or a target that is not above 0 and below 1.
        """
        return thresholds.choose(self._of(task).points, target, self.confidence_level)

    def decide(self, predictions: Predictions, target: float) -> dict[str, Answers]:
        """Task -> the answers to its rows at a precision target.

        Raises:
            ValueError: as `promise`.
        """
        return {task: self.answer(task, values, target) for task, values in predictions.probabilities.items()}

    def answer(self, task: str, probabilities: npt.NDArray[np.floating], target: float) -> Answers:
        """The answers to rows Float[N C] of one task.

        Raises:
            ValueError: as `promise`.
        """
        promise, confidence = self.promise(task, target), self._of(task).confidence(probabilities)
        answered = confidence >= (np.inf if promise is None else promise.threshold)
        return Answers(probabilities.argmax(axis=1), confidence, answered)

    def _of(self, task: str) -> TaskAnswering:
        if task not in self.tasks:
            raise ValueError(f"no threshold was learned for task {task!r}; there are {sorted(self.tasks)}")
        return self.tasks[task]


def _learn(
    probabilities: npt.NDArray[np.floating],
    labels: npt.NDArray[np.int64],
    ids: Sequence[str],
    groups: Sequence[str],
) -> TaskAnswering:
    known = [int(row) for row in np.flatnonzero(labels != IGNORE)]
    found = calibration.temperature(probabilities, labels)
    learned = TaskAnswering(temperature=found, labelled=len(known), points=())
    drawn = np.array(known, dtype=np.int64)[
        thresholds.one_per_group([ids[row] for row in known], [groups[row] for row in known])
    ]
    right = probabilities[drawn].argmax(axis=1) == labels[drawn]
    points = thresholds.points(learned.confidence(probabilities[drawn]), right)
    return TaskAnswering(temperature=found, labelled=len(known), points=points)
