"""The review page: one HTML file that opens anywhere, with the photos inside."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from scipy.stats import nbinom

from benchmarks.reviewing.selection import FilledTask, Found, Section, Selection
from benchmarks.reviewing.thumbnails import ReadPhoto, Thumbnail, thumbnails

DECISIONS = ("kept", "filled", "review", "no evidence")
GROUPS: dict[str, tuple[Section, ...]] = {"suspects": ("suspects",), "close": ("above", "below"), "sample": ("sample",)}
"""Section of the page -> what was selected for it."""
FORESEEN = 30
"""Up to so many wrong ones the page says how many cells have to be checked."""


@dataclass(frozen=True)
class About:
    """What the page says of a table beside its rows.

    Attributes:
        table: what it is called.
        model: what filled it.
        target: the precision that was asked for.
        confidence_level: with which it is promised.
        id, text: columns; None where there is none.
        problem: the column that says why a row has no evidence, or less than it could.
    """

    table: str
    model: str
    target: float
    confidence_level: float
    id: str | None
    text: str | None
    problem: str


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

    @classmethod
    def of(cls, row: int, values: Mapping[str, Any], task: FilledTask, about: About, drawn: int | None) -> Card:
        """From a row of the filled table."""
        cell = _text(values, task.cell) if values[task.decision] == "kept" else None
        return cls(
            row=row,
            id=_text(values, about.id),
            title=_text(values, about.text),
            cell=cell,
            known=cell is None or cell.casefold() in {name.casefold() for name in task.classes},
            suggested=str(values[task.suggested]),
            confidence=float(values[task.confidence]),
            decision=str(values[task.decision]),
            text_weight=_number(values, task.text_weight),
            photo_weight=_number(values, task.photo_weight),
            problem=_text(values, about.problem),
            drawn=drawn,
        )


def to_html(selection: Selection, about: About, photo: ReadPhoto) -> str:
    """The page; it opens offline, and its thumbnails are inside."""
    cards = {
        task.name: {group: _cards(selection.found[task.name], task, about, group) for group in GROUPS}
        for task in selection.tasks
    }
    rows = sorted({card.row for groups in cards.values() for listed in groups.values() for card in listed})
    environment = Environment(
        loader=PackageLoader("benchmarks.reviewing", ""), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("page.html.j2").render(
        about=about,
        tasks=selection.tasks,
        rows=selection.rows,
        decisions=DECISIONS,
        counted=selection.decisions,
        found=selection.found,
        cards=cards,
        shown=_photos(thumbnails(rows, photo)),
        needed=needed(about.target, about.confidence_level),
        identity=_identity(about, cards),
    )


def needed(target: float, confidence_level: float) -> list[int]:
    """How many cells have to be checked to show a precision, for 0, 1, 2 ... wrong ones among them.

    The exact binomial test of the thresholds: so few wrong ones of so many come by luck with a probability of at most
    1 - confidence level where the precision lies below the target.
    """
    return [wrong + 1 + int(nbinom.ppf(confidence_level, wrong + 1, 1 - target)) for wrong in range(FORESEEN)]


def _cards(found: Mapping[Section, Found], task: FilledTask, about: About, group: str) -> list[Card]:
    listed = []
    for section in GROUPS[group]:
        rows = found[section].rows
        for place, (row, values) in enumerate(() if rows is None else rows.iterrows()):
            listed.append(Card.of(int(str(row)), values, task, about, place if group == "sample" else None))
    return listed


def _photos(made: Mapping[int, Thumbnail]) -> tuple[dict[int, str], dict[int, str]]:
    """(Row -> data URI, row -> why there is none)."""
    return (
        {row: thumbnail.uri for row, thumbnail in made.items() if thumbnail.uri},
        {row: thumbnail.reason for row, thumbnail in made.items() if not thumbnail.uri},
    )


def _identity(about: About, cards: Mapping[str, Mapping[str, Sequence[Card]]]) -> str:
    """Equal for pages with the same cards: marks of another page are not this one's."""
    told = [
        asdict(about),
        [[name, asdict(card)] for name, groups in cards.items() for c in groups.values() for card in c],
    ]
    return sha256(json.dumps(told).encode()).hexdigest()[:16]


def _text(values: Mapping[str, Any], column: str | None) -> str | None:
    value = None if column is None else values[column]
    return None if pd.isna(value) or not str(value).strip() else str(value)


def _number(values: Mapping[str, Any], column: str | None) -> float | None:
    value = None if column is None else values[column]
    return None if value is None or pd.isna(value) else float(value)
