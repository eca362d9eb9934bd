"""No learning from words: the class whose name stands in the text. A yardstick of how far labels leak into titles."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from baselines.majority import Majority
from cma_clip.class_names import words_of
from cma_clip.types import Examples, Modality, Predictions, Task
from cma_clip.version import Version

CONFIDENCE = 0.99
"""Probability of a class whose name was found; the rest is spread over the classes by their shares (our choice)."""


class ClassNameMatch(Majority):
    """Case, plural and punctuation are ignored; of several names found the longest wins, then the first in the text.

    Where no name is found the prediction is that of `Majority`.
    """

    version = Version(1)

    @property
    def modalities(self) -> frozenset[Modality]:
        """Texts."""
        return frozenset(("text",))

    def predict(self, examples: Examples) -> Predictions:
        """Look every class name up in every text."""
        texts = examples.texts()
        floor = super().predict(examples)
        probabilities = {
            task.name: _match(texts, task, np.array(floor.probabilities[task.name])) for task in self.tasks
        }
        return replace(floor, probabilities=probabilities)


def normalise(text: str) -> str:
    """Lower-case singular words without punctuation, single spaces, a space at both ends."""
    return f" {' '.join(words_of(text))} "


def _match(texts: list[str | None], task: Task, probabilities: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    names = [normalise(name) for name in task.classes]
    for row, text in enumerate(texts):
        found = _find(normalise(text), names) if text else None
        if found is not None:
            probabilities[row] *= 1 - CONFIDENCE
            probabilities[row, found] += CONFIDENCE
    return probabilities


def _find(text: str, names: list[str]) -> int | None:
    """Index of the longest name in the text; of equally long ones the one that comes first in it."""
    hits = [(-len(name), text.index(name), index) for index, name in enumerate(names) if name.strip() and name in text]
    return min(hits)[2] if hits else None
