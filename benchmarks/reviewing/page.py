"""The review page: one HTML file that opens anywhere, with the photos inside."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from hashlib import sha256

from jinja2 import Environment, PackageLoader, StrictUndefined
from scipy.stats import nbinom

from benchmarks.reviewing.cards import Card, Group, RowColumns, cards_of, photo_cells
from benchmarks.reviewing.selection import Selection
from benchmarks.reviewing.thumbnails import thumbnails
from benchmarks.serving.answers import FILLED, KEPT, NO_EVIDENCE, REVIEW

FORESEEN = 30
"""For fewer wrong ones than these the page says how many cells have to be checked."""


@dataclass(frozen=True)
class About:
    """What the page says of a filled table beside its rows.

    Attributes:
        table: what it is called.
        model: what filled it.
        target: the precision that was asked for.
        confidence_level: with which it is promised.
    """

    table: str
    model: str
    target: float
    confidence_level: float


def to_html(selection: Selection, about: About, columns: RowColumns) -> str:
    """The page; it opens offline, and its thumbnails are inside."""
    cards = cards_of(selection, columns)
    small = thumbnails(photo_cells(selection, columns), columns.images, columns.missing)
    environment = Environment(
        loader=PackageLoader("benchmarks.reviewing", ""), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("page.html.j2").render(
        about=about,
        tasks=selection.tasks,
        rows=selection.rows,
        decisions=(KEPT, FILLED, REVIEW, NO_EVIDENCE),
        counted=selection.decisions,
        found=selection.found,
        cards=cards,
        thumbnails=small,
        photos={row: thumbnail.uri for row, thumbnail in small.items() if thumbnail.uri},
        needed=needed(about.target, about.confidence_level),
        identity=_identity(about, cards),
    )


def needed(target: float, confidence_level: float) -> list[int]:
    """How many cells have to be checked to show a precision, for 0, 1, 2 ... wrong ones among them.

    The exact binomial test of the thresholds: so few wrong ones of so many come by luck with a probability of at most
    1 - confidence level where the precision lies below the target.
    """
    return [wrong + 1 + int(nbinom.ppf(confidence_level, wrong + 1, 1 - target)) for wrong in range(FORESEEN)]


def _identity(about: About, cards: dict[str, dict[Group, list[Card]]]) -> str:
    """Equal for pages with the same cards: marks of another page are not this one's."""
    told = {task: [asdict(card) for listed in groups.values() for card in listed] for task, groups in cards.items()}
    return sha256(json.dumps([asdict(about), told]).encode()).hexdigest()[:16]
