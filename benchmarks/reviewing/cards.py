"""What the page says of one cell."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from benchmarks.datasets.manifest.folder import PhotoFolder
from benchmarks.reviewing.selection import FilledTask, Section, Selection, plain
from benchmarks.serving.answers import KEPT
from benchmarks.serving.inputs import is_missing

Group = Literal["suspects", "close", "sample"]
GROUPS: dict[Group, tuple[Section, ...]] = {
    "suspects": ("suspects",),
    "close": ("above", "below"),
    "sample": ("sample",),
}
"""Section of the page -> what was selected for it."""


@dataclass(frozen=True)
class RowColumns:
    """The columns of a filled table that show what a row is; None where there is none.

    Attributes:
        problem: why a row has no evidence, or less than it could.
        images: where the named photos are.
        missing: words that stand for an empty cell.
    """

    id: str | None
    text: str | None
    image: str | None
    problem: str
    images: PhotoFolder
    missing: Collection[str]


@dataclass(frozen=True)
class Card:
    """One cell to look at.

    Attributes:
        cell: what it holds, None where it was empty.
        known: whether the model can say what the cell holds.
        drawn: place in the sample, from 0; None elsewhere.
    """

    row: int
    id: str | None
    title: str | None
    cell: str | None
    known: bool
    suggested: str
    confidence: float
    decision: str
    text_weight: float | None
    photo_weight: float | None
    problem: str | None
    drawn: int | None


def cards_of(selection: Selection, columns: RowColumns) -> dict[str, dict[Group, list[Card]]]:
    """Task -> section of the page -> its cards in order."""
    return {
        task.name: {
            group: [
                _card(row, values, task, columns, place if group == "sample" else None)
                for section in sections
                for place, (row, values) in enumerate(_rows(selection, task, section))
            ]
            for group, sections in GROUPS.items()
        }
        for task in selection.tasks
    }


def photo_cells(selection: Selection, columns: RowColumns) -> dict[int, Any]:
    """Row -> what it has in the column of photos, for the rows with a card."""
    every = (_rows(selection, task, section) for task in selection.tasks for section in selection.found[task.name])
    return {row: None if columns.image is None else values[columns.image] for rows in every for row, values in rows}


def _rows(selection: Selection, task: FilledTask, section: Section) -> Iterator[tuple[int, pd.Series[Any]]]:
    rows = selection.found[task.name][section].rows
    return ((int(str(row)), values) for row, values in (() if rows is None else rows.iterrows()))


def _card(row: int, values: pd.Series[Any], task: FilledTask, columns: RowColumns, drawn: int | None) -> Card:
    cell = _text(values, task.cell) if values[task.decision] == KEPT else None
    return Card(
        row=row,
        id=_text(values, columns.id),
        title=_text(values, columns.text),
        cell=cell,
        known=cell is None or plain(cell) in map(plain, task.classes),
        suggested=str(values[task.suggested]),
        confidence=float(values[task.confidence]),
        decision=str(values[task.decision]),
        text_weight=_number(values, task.text_weight),
        photo_weight=_number(values, task.photo_weight),
        problem=_text(values, columns.problem),
        drawn=drawn,
    )


def _text(values: pd.Series[Any], column: str | None) -> str | None:
    """Stripped; None where there is none, or only blanks."""
    return None if column is None or is_missing(values[column], ()) else str(values[column]).strip()


def _number(values: pd.Series[Any], column: str | None) -> float | None:
    return None if column is None or is_missing(values[column], ()) else float(values[column])
