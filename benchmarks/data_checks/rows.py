"""All examples of a data set side by side, as the checks look at them."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt
from PIL import Image

from benchmarks.data_checks.findings import Finding, Sample, Severity
from benchmarks.data_checks.photos import Photos, scan
from benchmarks.datasets.loading.splits import DataError, Splits
from cma_clip.backbone.backbone import Backbone
from cma_clip.types import IGNORE, Example, Examples

GROUPS, MEMBERS, IDS = 6, 4, 1000
"""Most groups of examples that a finding shows, examples of a group, and ids."""
THUMBNAIL = 96
"""Longest side of a thumbnail in pixels."""


@dataclass(frozen=True)
class Examined:
    """N rows: train, validation and test one after the other.

    Attributes:
        parts: N names of splits.
        texts: N texts, None where there is none.
        labels: task -> Int[N], IGNORE where there is none.
    """

    splits: Splits
    backbone: Backbone
    ids: tuple[str, ...]
    parts: tuple[str, ...]
    texts: tuple[str | None, ...]
    labels: dict[str, npt.NDArray[np.int64]]
    photos: Photos
    progress: bool

    def __len__(self) -> int:
        return len(self.ids)

    def example(self, row: int) -> Example:
        """With its image.

        Raises:
            DataError: the image cannot be decoded.
        """
        examples, index = locate(list(self.splits.parts().values()), row)
        return examples[index]

    def crosses(self, rows: Iterable[int]) -> bool:
        """Whether they lie in more than one split."""
        return len({self.parts[row] for row in rows}) > 1

    def disagreeing(self, rows: Sequence[int]) -> list[str]:
        """The tasks in which these rows have different labels."""
        known = {task: {int(labels[row]) for row in rows} - {IGNORE} for task, labels in self.labels.items()}
        return [task for task, found in known.items() if len(found) > 1]

    def finding(
        self,
        check: str,
        severity: Severity,
        groups: Sequence[Sequence[int]],
        sentence: str,
        advice: str = "",
        count: int | None = None,
    ) -> Finding:
        """About these rows, `count` of them or of whatever the sentence counts; the first ones are shown."""
        rows = list(dict.fromkeys(row for group in groups for row in group))
        return Finding(
            check=check,
            severity=severity,
            count=len(rows) if count is None else count,
            sentence=sentence,
            advice=advice,
            ids=tuple(self.ids[row] for row in rows[:IDS]),
            samples=tuple(tuple(map(self._sample, group[:MEMBERS])) for group in islice(groups, GROUPS)),
        )

    def _sample(self, row: int) -> Sample:
        classes = {task.name: task.classes for task in self.splits.tasks}
        labels = {task: classes[task][own[row]] for task, own in self.labels.items() if own[row] != IGNORE}
        thumbnail = self._thumbnail(row) if self.photos.decoded[row] else None
        return Sample(id=self.ids[row], part=self.parts[row], text=self.texts[row], labels=labels, thumbnail=thumbnail)

    def _thumbnail(self, row: int) -> str | None:
        try:
            image = self.example(row).image
        except DataError:  # whoever looked at all images has said so
            return None
        if image is None:
            return None
        return thumbnail(image)


def thumbnail(image: Image.Image) -> str:
    """A data URI; the image itself is made that small."""
    image.thumbnail((THUMBNAIL, THUMBNAIL))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def locate(parts: Sequence[Examples], row: int) -> tuple[Examples, int]:
    """The examples that hold a row of all parts together, and its index there."""
    for examples in parts:
        if row < len(examples):
            return examples, row
        row -= len(examples)
    raise IndexError(row)


def examine(splits: Splits, backbone: Backbone, progress: bool) -> Examined:
    """Read every column and look at every image."""
    parts = splits.parts()
    return Examined(
        splits=splits,
        backbone=backbone,
        ids=tuple(name for examples in parts.values() for name in examples.ids()),
        parts=tuple(part for part, examples in parts.items() for _ in range(len(examples))),
        texts=tuple(text for examples in parts.values() for text in examples.texts()),
        labels={
            task.name: np.concatenate([examples.labels(task.name) for examples in parts.values()])
            for task in splits.tasks
        },
        photos=scan(list(parts.values()), progress),
        progress=progress,
    )
