"""What the page shows of one data set, and where its figures and tables go."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.reporting.advice import Advice
from benchmarks.reporting.notes import dataset_title, footnotes
from benchmarks.reporting.page.by_task import TaskView, view
from benchmarks.reporting.page.overview import Overview, overview
from benchmarks.reporting.page.verdict import Verdict, verdict
from benchmarks.reporting.statistics.aggregate import Models, records_of, tasks_of
from benchmarks.reporting.statistics.leading import leading
from benchmarks.suites import Suite

CAUTION = "Caution"
"""How notes begin that question the numbers."""

TOPICS = {
    "Cost against accuracy": "accuracy_by_cost",
    "What damage costs": r"robustness(_\w+)?(?<!_weights)",
    "Can confidences be believed?": "reliability",
    "More training rows": "learning.*",
    "What it listens to": ".*_weights",
}
"""Heading -> pattern of the names of its figures, without the data set's, in this order."""


@dataclass(frozen=True)
class TaskPart:
    """A task: its curve of precision against the share answered, and how the shown models answered it."""

    name: str
    figure: str | None
    views: tuple[TaskView, ...]


@dataclass(frozen=True)
class Part:
    """One data set.

    Attributes:
        name: of the data set; `title` in words.
        cautions: what questions the numbers.
        notes: shared by all tables, other than cautions.
        figure: the name of the one that the page begins with; None without it.
        advice: what to take, with its reasons; None where the records cannot tell.
        topics: heading -> names of figures.
        others: names of figures without a heading of their own.
        tables: names.
        is_older: whether the records were made before answers were kept by class.
    """

    name: str
    title: str
    verdict: Verdict
    cautions: tuple[str, ...]
    notes: tuple[str, ...]
    figure: str | None
    overview: Overview
    advice: Advice | None
    tasks: tuple[TaskPart, ...]
    topics: dict[str, list[str]]
    others: list[str]
    tables: list[str]
    is_older: bool


def part_of(
    dataset: str,
    models: Models,
    tables: list[str],
    figures: list[str],
    advised: Sequence[Advice],
    suite: Suite | None,
) -> Part:
    """Of the records of one data set; `tables` and `figures` are the names of its own."""
    keys = {record.key for record in records_of(models)}
    advice = next((one for one in advised if one.pick is not None and one.pick.record.key in keys), None)
    notes = footnotes(models)
    first = f"{dataset}-accuracy" if f"{dataset}-accuracy" in figures else None
    curves = {task: f"{dataset}-answered-{task}" for task in tasks_of(models)}
    topics = {
        heading: [name for name in figures if re.fullmatch(pattern, name.removeprefix(f"{dataset}-"))]
        for heading, pattern in TOPICS.items()
    }
    placed = {first, *curves.values(), *(name for names in topics.values() for name in names)}
    shown = _shown(models, advice)
    return Part(
        name=dataset,
        title=dataset_title(dataset, models),
        verdict=verdict(models, advice, suite is not None and suite.yes_or_no),
        cautions=tuple(note for note in notes if note.startswith(CAUTION)),
        notes=tuple(note for note in notes if not note.startswith(CAUTION)),
        figure=first,
        overview=overview(models),
        advice=advice,
        tasks=tuple(
            TaskPart(
                task,
                curve if curve in figures else None,
                tuple(found for row in shown if (found := view(row, models[row], task)) is not None),
            )
            for task, curve in curves.items()
        ),
        topics={heading: names for heading, names in topics.items() if names},
        others=[name for name in figures if name not in placed],
        tables=tables,
        is_older=not any(record.details for record in records_of(models)),
    )


def _shown(models: Models, advice: Advice | None) -> list[str]:
    """The models whose answers are shown one by one: CMA-CLIP or the best, and the one to take."""
    picked = [] if advice is None or advice.pick is None else [advice.pick.chosen.row]
    return [row for row in dict.fromkeys([*leading(models)[:1], *picked]) if row in models]
