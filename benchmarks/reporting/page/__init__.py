"""One HTML page that holds a whole suite: opens offline, loads nothing, can be mailed."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict

from jinja2 import Environment, PackageLoader, StrictUndefined

from benchmarks.datasets import DATASETS
from benchmarks.records.record import Record
from benchmarks.reporting.advice import Advice
from benchmarks.reporting.page.about import data_reports, environments
from benchmarks.reporting.page.parts import part_of
from benchmarks.reporting.page.reproduce import overrides, reproduction
from benchmarks.reporting.statistics.aggregate import by_dataset
from benchmarks.reporting.statistics.curves import largest
from benchmarks.reporting.table import TIED, Table
from benchmarks.suites import SUITES

Drawing = tuple[bytes, str]
"""A figure as SVG, and its caption."""


def render(  # noqa: PLR0913, PLR0917 - what a page is made of
    suite: str,
    records: Sequence[Record],
    order: Sequence[str],
    tables: Mapping[str, Table],
    figures: Mapping[str, Drawing],
    agreement: str = "",
    advised: Sequence[Advice] = (),
) -> str:
    """The page.

    Args:
        suite: its name.
        records: everything on the page is made of them.
        order: of models.
        tables: in the order of the page, each named after its data set.
        figures: drawn inline; named as the tables.
        agreement: how the suite agrees with its reference.
        advised: which model to take for each data set.
    """
    found = by_dataset(largest(records), order)
    known = SUITES.get(suite)
    parts = [
        part_of(dataset, models, _owned(dataset, found, tables), _owned(dataset, found, figures), advised, known)
        for dataset, models in found.items()
    ]
    environment = Environment(
        loader=PackageLoader("benchmarks.reporting.page", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.j2").render(
        suite=suite,
        question=known.question if known else suite,
        parts=parts,
        unread=[one for one in advised if one.pick is None],
        tables=tables,
        figures={name: (_data_uri(svg), caption) for name, (svg, caption) in figures.items()},
        count=len(records),
        overrides=overrides(suite, records),
        reproduce=reproduction(suite, records, _needed(found)),
        agreement=agreement,
        cards={name: _card(name) for name in found},
        reports=data_reports(largest(records)),
        environments=environments(records),
        tied=TIED,
    )


def _owned(dataset: str, datasets: Iterable[str], named: Iterable[str]) -> list[str]:
    """The names that begin with this data set's, and with no longer one's."""
    others = [other for other in datasets if len(other) > len(dataset)]
    return [
        name
        for name in named
        if name.startswith(f"{dataset}-") and not any(name.startswith(f"{other}-") for other in others)
    ]


def _needed(datasets: Iterable[str]) -> list[str]:
    """What the user must bring."""
    return sorted(name for name in datasets if name in DATASETS and DATASETS[name].needs_root)


def _card(dataset: str) -> dict[str, str]:
    fields = asdict(DATASETS[dataset].card) if dataset in DATASETS else {}
    return {name.replace("_", " "): str(text) for name, text in fields.items() if text and not isinstance(text, bool)}


def _data_uri(svg: bytes) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg).decode()
