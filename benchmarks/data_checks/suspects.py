"""Photos that look like another class: none of the most similar photos has the label, nor one usually mixed up with it.

Similar means a high cosine of the backbone's image embeddings. How usual a class is among the neighbours of another
one is counted over the whole data set, so a jacket among coats is no suspect, but a shoe among shirts is. Neighbours
and threshold are our choice.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch
from tqdm import tqdm

from benchmarks.data_checks.findings import Finding
from benchmarks.data_checks.rows import Examined
from benchmarks.datasets.loading.splits import DataError
from cma_clip.features.processing import Processor
from cma_clip.types import IGNORE, Task

NEIGHBOURS = 10
UNUSUAL = 0.01
"""A class is unusual beside another one below this share of its neighbours."""
LEAST_LABELS = 50
"""Rarer classes have too few neighbours of their own to be judged."""
BATCH = 256
MOST_COMPARED = 50_000
"""Neighbours are looked for among at most so many rows, evenly spread over the data set."""


def check_suspects(examined: Examined) -> Iterator[Finding]:
    """One finding a task, the most unusual first."""
    rows = np.flatnonzero(examined.photos.decoded)
    if len(rows) <= NEIGHBOURS:
        return
    neighbours = rows[_neighbours(_embeddings(examined, rows))]
    for task in examined.splits.tasks:
        found = _suspects(rows, neighbours, examined.labels[task.name], len(task.classes))
        if found:
            yield examined.finding(
                "photo-looks-like-another-class",
                "warning",
                [(row,) for row, _ in found],
                f"{task.name}: {len(found):,} photos are surrounded by {NEIGHBOURS} similar ones of other classes that "
                f"are rarely mixed up with theirs ({_told(examined, task, found[:3])}).",
                "Look at them: a wrong photo, a wrong label, or an unusual view.",
            )


def _told(examined: Examined, task: Task, found: list[tuple[int, int]]) -> str:
    labels = examined.labels[task.name]
    return "; ".join(
        f"{examined.ids[row]}: {task.classes[labels[row]]} among {task.classes[label]}" for row, label in found
    )


def _embeddings(examined: Examined, rows: npt.NDArray[np.int64]) -> torch.Tensor:
    """Float[R, E], unit length."""
    processor, embedded = Processor(examined.backbone), []
    starts = range(0, len(rows), BATCH)
    for start in tqdm(starts, "embed images", disable=not examined.progress, delay=2, leave=False):
        pixels = [_pixels(examined, processor, row) for row in rows[start : start + BATCH].tolist()]
        with torch.no_grad():
            embedded.append(examined.backbone.encode_image(torch.from_numpy(np.stack(pixels)))[2])
    return torch.cat(embedded)


def _pixels(examined: Examined, processor: Processor, row: int) -> npt.NDArray[np.uint8]:
    image = examined.example(row).image
    if image is None:
        raise DataError(f"{examined.ids[row]}: the image is gone since it was looked at")
    return processor.image(image)


def _neighbours(embeddings: torch.Tensor) -> npt.NDArray[np.int64]:
    """Int[R, K]: the most similar rows of each row, never the row itself."""
    count = len(embeddings)
    compared = torch.from_numpy(np.unique(np.linspace(0, count - 1, min(count, MOST_COMPARED)).astype(np.int64)))
    found = []
    for start in range(0, count, BATCH):
        own = torch.arange(start, min(start + BATCH, count))
        cosine = embeddings[own] @ embeddings[compared].T
        cosine[own[:, None] == compared] = -2
        found.append(compared[cosine.topk(NEIGHBOURS).indices])
    return torch.cat(found).numpy()


def _suspects(
    rows: npt.NDArray[np.int64], neighbours: npt.NDArray[np.int64], labels: npt.NDArray[np.int64], classes: int
) -> list[tuple[int, int]]:
    """(row, the class that its neighbours have most often), the most unusual first."""
    around = labels[neighbours]
    known = (labels[rows] != IGNORE) & ((around != IGNORE).sum(axis=1) >= NEIGHBOURS // 2)
    rows, own, around = rows[known], labels[rows[known]], around[known]
    told = around != IGNORE
    beside = np.zeros((classes, classes))
    np.add.at(beside, (np.repeat(own, told.sum(axis=1)), around[told]), 1)
    beside /= np.maximum(beside.sum(axis=1, keepdims=True), 1)
    usual = np.where(told, beside[own[:, None], np.where(told, around, 0)], 0).max(axis=1)
    enough = np.bincount(labels[labels != IGNORE], minlength=classes)[own] >= LEAST_LABELS
    found = np.flatnonzero((around != own[:, None]).all(axis=1) & (usual < UNUSUAL) & enough)
    order = found[np.argsort(usual[found], kind="stable")]
    return [(int(rows[place]), int(np.bincount(around[place][told[place]]).argmax())) for place in order]
