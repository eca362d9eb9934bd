"""Masked titles: the words that state an example's own label are taken out, so that the label has to be seen.

A condition of training, validation and test alike, for every data set (`titles=masked`). Whole labels only, plural
and case variants included (`cma_clip.wording`); our choice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from benchmarks.datasets.splits import Splits
from cma_clip.types import Example, Examples, Task
from cma_clip.wording import without

RULE = "masked/v1"


class Masked(Examples):
    """`base` with other texts. Everything else is the base's, images included."""

    def __init__(self, base: Examples, tasks: Sequence[Task]):
        self.base = base
        classes = {task.name: task.classes for task in tasks}
        before = base.texts()
        self._texts = [
            None if text is None else without(text, [classes[task][label] for task, label in labels.items()])
            for text, labels in zip(before, base.label_rows(), strict=True)
        ]
        self.changed = sum(old != new for old, new in zip(before, self._texts, strict=True))
        self.fingerprint = None if base.fingerprint is None else _derived(base.fingerprint, tasks)

    @property
    def image_source(self) -> Examples:
        """No image is touched."""
        return self.base.image_source

    def __len__(self) -> int:
        return len(self.base)

    def __getitem__(self, index: int) -> Example:
        return replace(self.base[index], text=self._texts[index])

    def ids(self) -> tuple[str, ...]:
        """Those of the base."""
        return self.base.ids()

    def groups(self) -> tuple[str, ...]:
        """Those of the base."""
        return self.base.groups()

    def texts(self) -> list[str | None]:
        """Without the words that state a label."""
        return list(self._texts)

    def image_present(self) -> npt.NDArray[np.bool_]:
        """That of the base."""
        return self.base.image_present()

    def label_rows(self) -> list[Mapping[str, int]]:
        """Those of the base."""
        return self.base.label_rows()

    def labels(self, task: str) -> npt.NDArray[np.int64]:
        """Those of the base."""
        return self.base.labels(task)


def mask(splits: Splits) -> Splits:
    """The same splits with masked titles, and a note of how many titles changed."""
    train, val, test = (Masked(part, splits.tasks) for part in (splits.train, splits.val, splits.test))
    rows = sum(map(len, (train, val, test)))
    changed = sum(part.changed for part in (train, val, test))
    note = (
        f"Titles are masked (rule {RULE}): words that state the example's own label are taken out; "
        f"{changed:,} of {rows:,} titles changed."
    )
    return replace(
        splits,
        train=train,
        val=val,
        test=test,
        fingerprint=_derived(splits.fingerprint, splits.tasks),
        report=replace(splits.report, notes=(*splits.report.notes, note)),
    )


def _derived(fingerprint: str, tasks: Sequence[Task]) -> str:
    named = [(task.name, task.classes) for task in tasks]
    return hashlib.sha256(f"{fingerprint} {RULE} {named}".encode()).hexdigest()[:24]
