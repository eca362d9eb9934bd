"""What an answer of a trained model takes: seconds and megabytes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.records.record import Cost
from cma_clip.classifier import Classifier
from cma_clip.types import Example, Examples

ROWS = 64
"""Products that are measured, our choice."""

REPEATS = 3


class _First(Examples):
    """The first rows of some examples. Without a fingerprint: nothing is read from a cache or kept in it.

    Columns are in memory, as those of a table are; a photo is decoded when its row is read.
    """

    def __init__(self, examples: Examples, count: int):
        self._examples = examples
        self._ids, self._texts = examples.ids()[:count], examples.texts()[:count]
        self._present, self._labels = examples.image_present()[:count], examples.label_rows()[:count]

    def __len__(self) -> int:
        return len(self._ids)

    def __getitem__(self, index: int) -> Example:
        if not 0 <= index < len(self):
            raise IndexError(index)
        return self._examples[index]

    def ids(self) -> tuple[str, ...]:
        return self._ids

    def texts(self) -> list[str | None]:
        return self._texts

    def image_present(self) -> npt.NDArray[np.bool_]:
        return self._present

    def label_rows(self) -> list[Mapping[str, int]]:
        return self._labels


def cost_of(classifier: Classifier, folder: Path, examples: Examples) -> Cost:
    """Measured on the first ROWS examples, at least 2, of a model that is saved in `folder`.

    What a call takes however many rows it gets, as the prompts of zero-shot models, is taken off: one product or a
    hundred thousand, it is the same.
    """
    one, all_rows = _First(examples, 1), _First(examples, ROWS)
    classifier.predict(one)  # what is built at the first use belongs to no product
    per_row = (_seconds(classifier, all_rows) - _seconds(classifier, one)) / (len(all_rows) - 1)
    saved = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return Cost(
        seconds=max(0.0, round(per_row, 6)),
        megabytes=round((saved + classifier.backbone_bytes()) / 1e6, 3),
        reads=tuple(sorted(classifier.modalities)),
    )


def _seconds(classifier: Classifier, examples: Examples) -> float:
    """The fastest of REPEATS: what else a machine does only ever makes it slower."""
    return min(_predict(classifier, examples) for _ in range(REPEATS))


def _predict(classifier: Classifier, examples: Examples) -> float:
    start = time.perf_counter()
    classifier.predict(examples)
    return time.perf_counter() - start
