"""One HTML page that holds a whole suite: opens offline, loads nothing, can be mailed."""

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from shlex import quote
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from benchmarks.records.record import Experiment, Record
from benchmarks.reporting.advice import Advice
from benchmarks.reporting.table import TIED, Table
from benchmarks.suites import MODEL_ORDER, NETWORKS, SUITES, Suite, hparams_of

Drawing = tuple[bytes, str]
"""A figure as SVG, and its caption."""

VOLATILE = {"timestamp"}
"""Facts that differ between any two records of one machine."""


def render(  # noqa: PLR0913, PLR0917 - the parts of a page
    suite: str,
    tables: Mapping[str, Table],
    figures: Mapping[str, Drawing],
    records: Sequence[Record],
    reproduce: str,
    cards: Mapping[str, Mapping[str, str]] | None = None,
    agreement: str = "",
    advised: Sequence[Advice] = (),
) -> str:
    """The page.

    Args:
        suite: its name.
        tables: in the order of the page.
        figures: drawn inline.
        records: everything the tables are made of; their environments and data reports are shown.
        reproduce: the commands that compute the suite again.
        cards: data set -> field -> text of its data card.
        agreement: how the suite agrees with its reference.
        advised: which model to take, above everything else.
    """
    environment = Environment(
        loader=PackageLoader("benchmarks.reporting", ""), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("page.html.j2").render(
        suite=suite,
        tables=tables,
        notes=_numbered(tables.values()),
        figures={name: (_data_uri(svg), caption) for name, (svg, caption) in figures.items()},
        agreement=agreement,
        advised=advised,
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


def _data_uri(svg: bytes) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg).decode()


def _data_reports(records: Iterable[Record]) -> dict[str, dict[str, Any]]:
    """Data set -> sizes and what was left out; the first record's, since all see the same data."""
    empty: dict[str, Any] = {"rows": None, "bad_samples": [], "blanked": [], "dropped_classes": {}, "notes": []}
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


def reproduction(suite: str, experiments: Sequence[Experiment], needs_data: Sequence[str]) -> str:
    """The command that computes a suite again, with the models, seeds and options that are not the suite's defaults.

    Args:
        suite: its name; of a folder that is no suite, each experiment is a command of its own.
        experiments: all that have a record.
        needs_data: the data sets that the user must bring.
    """
    data = ["--data", *(f"{name}=DIR" for name in needs_data)] if needs_data else []
    if suite not in SUITES:
        return "\n".join(" ".join([*_run(experiment), *data]) for experiment in experiments)
    own = SUITES[suite]
    parts = ["nox -s benchmark -- --suite", suite, *data]
    models = {experiment.model for experiment in experiments}
    if models != set(own.models):
        parts += ["--models", *sorted(models, key=MODEL_ORDER.index)]
    seeds = sorted({experiment.seed for experiment in experiments})
    if seeds != sorted(own.seeds):
        parts += ["--seeds", *map(str, seeds)]
    parts += _pairs("--option", _options(own, experiments)) + _pairs("--hparam", _hparams(own, experiments))
    if any(experiment.tuned for experiment in experiments):
        parts += ["--tuned"]
    return " ".join(parts)


def _run(experiment: Experiment) -> list[str]:
    parts = ["cma-bench run --dataset", experiment.dataset, "--model", experiment.model, "--seed", str(experiment.seed)]
    if experiment.protocol != "clean":
        parts += ["--protocol", experiment.protocol]
    return [*parts, *_pairs("--option", experiment.dataset_options), *_pairs("--hparam", experiment.hparams)]


def _options(suite: Suite, experiments: Sequence[Experiment]) -> dict[str, Any]:
    """Those that are not the suite's own, with the data set's name before them where there are several."""
    found: dict[str, Any] = {}
    for experiment in experiments:
        own = suite.datasets.get(experiment.dataset, {})
        asked = _without(experiment.dataset_options, {name for options, _ in suite.curve for name in options})
        prefix = f"{experiment.dataset}." if len(suite.datasets) > 1 else ""
        found |= {prefix + name: value for name, value in _changed(asked, own).items()}
    return dict(sorted(found.items()))


def _hparams(suite: Suite, experiments: Sequence[Experiment]) -> dict[str, Any]:
    """Those that every network was given, and the suite does not give it."""
    networks = [e for e in experiments if e.model in NETWORKS and not e.variant and not e.tuned]
    of_curve = {name for _, budget in suite.curve for name in budget}
    changes = [
        _changed(_without(experiment.hparams, of_curve), hparams_of(suite, experiment.model)) for experiment in networks
    ]
    return {name: value for name, value in (changes[0] if changes else {}).items() if all(name in c for c in changes)}


def _without(values: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in names}


def _changed(values: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in own or own[name] != value}


def _pairs(flag: str, values: Mapping[str, Any]) -> list[str]:
    return [flag, *(quote(f"{name}={_text(value)}") for name, value in values.items())] if values else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
