"""Masked titles: the words that state an example's own label are taken out, so that the label has to be seen.

A condition of training, validation and test alike, for every data set (`titles=masked`). Whole labels only, plural
and case variants included (`cma_clip.class_names`): "Navy" alone does not state "Navy Blue". Our choice, and little
depends on it: on fashion-products TF-IDF scores at most 1.3 points less where every word of a label goes. A title of
which nothing is left is missing, as an empty title is for every loader. Subsets such as `deduplicated` are those of the
titles as they were.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from benchmarks.datasets.loading.splits import Splits
from cma_clip.class_names import without
from cma_clip.types import Example, Examples, Task
from cma_clip.version import Version

MASKING = {"masking": Version(1)}


class Masked(Examples):
    """`base` with other texts. Everything else is the base's, images included."""

    def __init__(self, base: Examples, tasks: Sequence[Task]):
        self.base = base
        classes = {task.name: task.classes for task in tasks}
        self.stated: Counter[str] = Counter()  # titles that state the label of a task, by task
        self._texts: list[str | None] = []
        for text, labels in zip(base.texts(), base.label_rows(), strict=True):
            names = {task: classes[task][label] for task, label in labels.items()}
            self.stated.update(task for task, name in names.items() if text and without(text, [name]) != text)
            self._texts.append(without(text, list(names.values())) or None if text else None)
        self.emptied = self._texts.count(None) - base.texts().count(None)
        self.fingerprint = None if base.fingerprint is None else _hash([base.fingerprint, *self._texts])

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


def as_is(examples: Examples) -> Examples:
    """With the titles that the source has: what tells whether a backbone was trained on them."""
    return examples.base if isinstance(examples, Masked) else examples


def mask(splits: Splits) -> Splits:
    """The same splits with masked titles, a note of what they stated, without the relevance known of whole titles."""
    parts = train, val, test = [Masked(part, splits.tasks) for part in splits.parts().values()]
    stated = sum((part.stated for part in parts), Counter[str]())
    lost = sum(part.emptied for part in parts)
    counts = ", ".join(f"{task.name} {stated[task.name]:,}" for task in splits.tasks)
    note = (
        f"Titles are masked: words that state the example's own label are taken out. Of "
        f"{sum(map(len, parts)):,} titles so many did: {counts}; nothing is left of {lost:,}."
    )
    return replace(
        splits,
        train=train,
        val=val,
        test=test,
        fingerprint=_hash([splits.fingerprint, *(part.fingerprint for part in parts)]),
        report=replace(splits.report, notes=(*splits.report.notes, note)),
        relevance=None,
    )


def _hash(parts: Iterable[str | None]) -> str:
    return hashlib.sha256(repr(list(parts)).encode()).hexdigest()[:24]
