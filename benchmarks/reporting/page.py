"""One HTML page that holds a whole suite: opens offline, loads nothing, can be mailed."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib.figure import Figure

from benchmarks.records.record import Record
from benchmarks.reporting.figure_style import to_svg
from benchmarks.reporting.table import TIED, Table

VOLATILE = {"timestamp"}
"""Facts that differ between any two records of one machine."""


def render(  # noqa: PLR0913, PLR0917 - the parts of a page
    suite: str,
    tables: Mapping[str, Table],
    figures: Mapping[str, Figure],
    records: Sequence[Record],
    reproduce: str,
    cards: Mapping[str, Mapping[str, str]] | None = None,
    agreement: str = "",
) -> str:
    """The page.

    Args:
        suite: its name.
        tables: in the order of the page.
        figures: drawn inline, as SVG; their labels are the captions.
        records: everything the tables are made of; their environments and data reports are shown.
        reproduce: the commands that compute the suite again.
        cards: data set -> field -> text of its data card.
        agreement: how the suite agrees with its reference.
    """
    environment = Environment(
        loader=PackageLoader("benchmarks.reporting", ""), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("page.html.j2").render(
        suite=suite,
        tables=tables,
        notes=_numbered(tables.values()),
        figures={name: (_data_uri(figure), figure.get_label()) for name, figure in figures.items()},
        agreement=agreement,
        count=len(records),
        reproduce=reproduce,
        cards=cards or {},
        reports=_data_reports(records),
        environments=_environments(records),
        tied=TIED,
    )


def _numbered(tables: Iterable[Table]) -> dict[str, int]:
    """Footnote -> its number on the page; one that several tables share is printed once."""
    notes = dict.fromkeys(note for table in tables for note in table.footnotes)
    return {note: number for number, note in enumerate(notes, start=1)}


def _data_uri(figure: Figure) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(to_svg(figure)).decode()


def _data_reports(records: Iterable[Record]) -> dict[str, dict[str, Any]]:
    """Data set -> sizes and what was left out; the first record's, since all see the same data."""
    empty: dict[str, Any] = {"rows": None, "bad_samples": [], "dropped_classes": {}, "notes": []}
    reports: dict[str, dict[str, Any]] = {}
    for record in sorted(records, key=lambda record: (record.experiment.label(), record.key)):
        reports.setdefault(record.experiment.dataset, {"sizes": record.sizes, **empty, **record.data_report})
    return reports


def _environments(records: Iterable[Record]) -> list[tuple[int, dict[str, Any]]]:
    """(number of records, facts) for every different environment, the most frequent first."""
    counts: dict[str, tuple[int, dict[str, Any]]] = {}
    for record in records:
        facts = {name: _readable(fact) for name, fact in sorted(record.environment.items()) if name not in VOLATILE}
        count, _ = counts.get(repr(facts), (0, facts))
        counts[repr(facts)] = (count + 1, facts)
    return [counts[name] for name in sorted(counts, key=lambda name: (-counts[name][0], name))]


def _readable(fact: object) -> str:
    if isinstance(fact, Mapping):
        return ", ".join(f"{name} {value}" for name, value in sorted(fact.items()))
    if isinstance(fact, list | tuple):
        return ", ".join(map(str, fact)) or "none"
    return "unknown" if fact is None else str(fact)
