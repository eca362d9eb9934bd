"""Which classes a task has, and what becomes of labels outside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.datasets.loading.rows import LABEL, PARTS, Part, codes
from benchmarks.datasets.loading.splits import DataError, NotLearnableError, Source
from benchmarks.names import UnknownName, choose
from benchmarks.records.record import MEAN
from cma_clip.types import Task


@dataclass(frozen=True)
class TaskSpec:
    """A task as a loader declares it.

    Attributes:
        classes: the class names in order; None takes those of the training split, sorted.
        min_count: if the classes are taken from the training split, those with fewer training labels than this
            become missing labels in all splits, counted in the report.
        refuse_unseen: a label outside declared `classes`, or with `min_count` 1 one that no training row has, is an
            error; else it is missing, too.
    """

    name: str
    classes: tuple[str, ...] | None = None
    min_count: int = 1
    prompts: tuple[str, ...] = ("a photo of {}.", "{}")
    refuse_unseen: bool = True

    def __post_init__(self) -> None:
        if self.classes is not None and self.min_count > 1:
            raise DataError(
                f"task {self.name!r} declares its classes, so that none can be too rare: min_count must be 1, "
                f"not {self.min_count}"
            )


def settle_tasks(
    columns: pa.Table, specs: Sequence[TaskSpec], source: Source
) -> tuple[list[Task], dict[str, dict[str, int]], list[str]]:
    """(The tasks; of each, dropped class -> number of labels that become missing; why others cannot be learnt).

    Raises:
        DataError: what `settle_task` refuses, with `look_only` only what is about a label.
    """
    tasks, dropped, refused = [], {}, []
    for spec in specs:
        try:
            task, outside = settle_task(columns, spec)
        except NotLearnableError as error:
            if not source.look_only:
                raise
            refused.append(str(error))
            continue
        tasks.append(task)
        if outside:
            dropped[spec.name] = outside
    return tasks, dropped, refused


def settle_task(columns: pa.Table, spec: TaskSpec) -> tuple[Task, dict[str, int]]:
    """The task with its final classes; dropped class -> number of labels that become missing.

    Raises:
        NotLearnableError: a split with rows, but without labels; one class in training; called as the mean over tasks.
        DataError: a label that cannot be learnt.
    """
    if spec.name == MEAN:
        raise NotLearnableError(f"no task may be called {MEAN!r}; tables use it for the mean over tasks")
    counts = _counts(columns, spec.name)
    if not counts["train"]:
        raise NotLearnableError(f"task {spec.name!r}: all labels are missing in the training split")
    classes = spec.classes or _frequent(counts["train"], spec)
    known = set(classes)
    outside = {c: n for c, n in sorted(sum(counts.values(), Counter[str]()).items()) if c not in known}
    if outside and spec.refuse_unseen and (spec.classes is not None or spec.min_count <= 1):
        _refuse(columns, spec, list(outside), classes)
    for part in np.unique(columns["part"].to_numpy()).tolist():
        _check_labels(spec.name, PARTS[part], known & counts[PARTS[part]].keys())
    return Task(spec.name, classes, spec.prompts), outside


def _check_labels(task: str, part: Part, found: set[str]) -> None:
    if not found:
        raise NotLearnableError(f"all labels of task {task!r} are missing in {part}")
    if part == "train" and len(found) < 2:
        raise NotLearnableError(f"task {task!r} has one class only in train: {min(found)!r}")


def _counts(columns: pa.Table, task: str) -> dict[Part, Counter[str]]:
    numbers, names = codes(columns[LABEL + task])
    parts, classes = columns["part"].to_numpy(), names.to_pylist()
    counts = [np.bincount(numbers[(parts == n) & (numbers >= 0)], minlength=len(classes)) for n in range(len(PARTS))]
    return {
        part: Counter({c: int(n) for c, n in zip(classes, count, strict=True) if n})
        for part, count in zip(PARTS, counts, strict=True)
    }


def _frequent(counts: Counter[str], spec: TaskSpec) -> tuple[str, ...]:
    kept = tuple(sorted(c for c, n in counts.items() if n >= spec.min_count))
    if len(kept) < 2:
        most = ", ".join(f"{c!r}: {n}" for c, n in counts.most_common(5))
        raise NotLearnableError(
            f"task {spec.name!r} has {len(kept)} class(es) with at least {spec.min_count} training label(s) "
            f"(most frequent: {most}); a task needs two"
        )
    return kept


def _refuse(columns: pa.Table, spec: TaskSpec, outside: Sequence[str], classes: Sequence[str]) -> None:
    labels = columns[LABEL + spec.name]
    row = int(np.flatnonzero(pc.is_in(labels, pa.array(outside, pa.string())).to_numpy())[0])
    why = (
        "the data set declares its classes"
        if spec.classes is not None
        else "no training row has it, so no model could predict it; with min_count=2 such labels count as missing"
    )
    try:
        choose(labels[row].as_py(), classes, f"label of task {spec.name!r}")
    except UnknownName as error:
        raise DataError(f"{columns['origin'][row]}: {error} ({why})") from error
