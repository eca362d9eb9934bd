"""What stood behind the numbers: data, machines, libraries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from benchmarks.records.record import Record

VOLATILE = {"timestamp"}
"""Facts that differ between any two records of one machine."""


def data_reports(records: Iterable[Record]) -> dict[str, dict[str, Any]]:
    """Data set -> sizes and what was left out; the first record's, since all see the same data."""
    empty: dict[str, Any] = {"rows": None, "bad_samples": [], "blanked": [], "dropped_classes": {}, "notes": []}
    reports: dict[str, dict[str, Any]] = {}
    for record in sorted(records, key=lambda record: (record.experiment.label(), record.key)):
        reports.setdefault(record.experiment.dataset, {"sizes": record.sizes, **empty, **record.data_report})
    return reports


def environments(records: Iterable[Record]) -> list[tuple[int, dict[str, Any]]]:
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
