"""From an answered frame to a part on disk, and which of its columns says what."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.serving.answers import FILLED

if TYPE_CHECKING:
    import pandas as pd

    from benchmarks.serving import Rows

ROLES = "cma-bench fill"
"""Under which a part's metadata has the roles of its columns."""


@dataclass(frozen=True)
class TaskColumns:
    """Names of the columns of one task; they differ from `<task>_suggested` and so on where that was taken.

    Attributes:
        own: the column with the task's values is new.
        weights: of text and photo, empty for models without them.
    """

    task: str
    own: bool
    suggested: str
    confidence: str
    decision: str
    weights: tuple[str, ...] = ()

    def names(self) -> dict[str, str]:
        """What a column is called where that name is free -> its name."""
        said = ("suggested", "confidence", "decision", "text_weight", "photo_weight")
        found = (self.suggested, self.confidence, self.decision, *self.weights)
        return dict(zip((f"{self.task}_{word}" for word in said), found, strict=False))


@dataclass(frozen=True)
class Roles:
    """What the columns of a part are, and how many of its rows have which evidence."""

    tasks: tuple[TaskColumns, ...]
    problem: str
    evidence: Mapping[str, int]


def part_of(answered: pd.DataFrame, rows: Rows, tasks: Sequence[str], commas: Collection[str]) -> pa.Table:
    """The new values of task columns, null where the cell stays, then the new columns by their names in the file.

    Values of the columns `commas` are written with a decimal comma where they are decimals.
    """
    old = set(rows.frame.columns)
    new = [str(name) for name in answered.columns if name not in old]
    roles = _roles(new, tasks, old, _evidence(rows))
    columns: dict[str, pa.Array] = {}
    for task in roles.tasks:
        if not task.own:
            filled = (answered[task.decision] == FILLED).to_numpy()
            values = pa.array(answered[task.task].where(filled), pa.string(), from_pandas=True)
            if task.task in commas:
                values = pc.replace_substring_regex(values, r"^(-?\d+)\.(\d+)$", r"\1,\2")
            columns[task.task] = values
    for name in new:
        kind = pa.float64() if answered[name].dtype.kind == "f" else pa.string()
        columns[name] = pa.array(answered[name], kind, from_pandas=True)
    return pa.table(columns).replace_schema_metadata({ROLES: json.dumps(asdict(roles))})


def roles_of(part: pa.Table) -> Roles:
    """What `part_of` noted."""
    noted: dict[str, Any] = json.loads(part.schema.metadata[ROLES.encode()])
    tasks = (TaskColumns(**{**task, "weights": tuple(task["weights"])}) for task in noted["tasks"])
    return Roles(tuple(tasks), noted["problem"], noted["evidence"])


def _roles(new: Sequence[str], tasks: Sequence[str], old: set[Any], evidence: Mapping[str, int]) -> Roles:
    """By the order in which `Answered.beside` has them."""
    waiting = list(new)
    has_weights = len(new) > sum(task not in old for task in tasks) + 3 * len(tasks) + 1
    found = []
    for task in tasks:
        own = task not in old
        if own:
            waiting.pop(0)
        suggested, confidence, decision, *waiting = waiting
        weights, waiting = (waiting[:2], waiting[2:]) if has_weights else ([], waiting)
        found.append(TaskColumns(task, own, suggested, confidence, decision, tuple(weights)))
    return Roles(tuple(found), waiting[0], evidence)


def _evidence(rows: Rows) -> dict[str, int]:
    """How many rows have a text, and a photo that can be used, as far as the model reads them."""
    texts = {row for row, text in zip(rows.row_of.tolist(), rows.texts(), strict=True) if text and text.strip()}
    return {"text": len(texts), "image": len(set(rows.row_of[rows.image_present()].tolist()))}


def values_of(part: pa.Table, cells: pa.Table, task: TaskColumns) -> pa.ChunkedArray:
    """The task's column after filling."""
    return part[task.task] if task.own else pc.coalesce(part[task.task], cells[task.task])
