"""Whether a suite just run gives the numbers of its reference, cell by cell."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from benchmarks.records.record import Record
from benchmarks.reporting.statistics.aggregate import Models, by_dataset, estimates, score, versions_of

METRICS_COMPARED = ("accuracy",)

MOST_TOLD = 10
"""Cells outside that are told one by one; the others are counted."""


class CellName(NamedTuple):
    """A cell of a table; `task` may be the mean over tasks."""

    dataset: str
    model: str
    condition: str
    task: str
    metric: str


@dataclass(frozen=True)
class Deviation:
    """A cell whose new mean lies outside the reference's interval."""

    cell: CellName
    value: float
    low: float
    high: float

    def __str__(self) -> str:
        cell = self.cell
        interval = f"{self.value:.3f} not in [{self.low:.3f}, {self.high:.3f}]"
        return f"{cell.dataset}/{cell.model}/{cell.task} {cell.metric} ({cell.condition}) {interval}"


@dataclass(frozen=True)
class Comparison:
    """Every cell that one side or both have.

    Attributes:
        inside: cells whose new mean lies in the reference's interval.
        outside: the others that both sides have.
        not_run: cells of the reference without a new result.
        not_in_reference: new cells that the reference does not have.
        other_data: data sets whose fingerprint is not the reference's, so that none of their cells is compared.
        other: what else differs of what decides a number: pretrained weights, hyper-parameters (tuned or not), and
            versions, as "version of blur (2, not 1)".
    """

    inside: tuple[CellName, ...]
    outside: tuple[Deviation, ...]
    not_run: tuple[CellName, ...]
    not_in_reference: tuple[CellName, ...]
    other_data: tuple[str, ...]
    other: tuple[str, ...] = ()

    def summary(self, reference: str = "the reference") -> str:
        """One line of counts, then one for each thing that is not as expected; one only where all data are others."""
        compared = len(self.inside) + len(self.outside)
        if self.other_data and not compared:
            return f"Not compared with {reference}: {self._other_data()}"
        lines = [f"{len(self.inside)} of {compared} cells fall inside the interval of {reference}"]
        lines += [f"  outside: {deviation}" for deviation in self.outside[:MOST_TOLD]]
        if len(self.outside) > MOST_TOLD:
            lines.append(f"  outside: {len(self.outside) - MOST_TOLD} more")
        if self.not_run:
            lines.append(f"  {len(self.not_run)} cells of {reference} were not run: {_models(self.not_run)}")
        if self.not_in_reference:
            lines.append(f"  {len(self.not_in_reference)} cells have no reference: {_models(self.not_in_reference)}")
        if self.other_data:
            lines.append(f"  not compared: {self._other_data()}")
        if self.other:
            lines.append(f"  computed with other {' and other '.join(self.other)} than {reference}")
        return "\n".join(lines)

    def _other_data(self) -> str:
        return f"other data (other options or another version): {_joined(self.other_data)}"


def against_reference(
    records: Sequence[Record], reference: Sequence[Record], metrics: Sequence[str] = METRICS_COMPARED
) -> Comparison:
    """Compare the means over seeds with the reference, for every task and the mean over tasks.

    The interval of a reference cell goes from the lowest low to the highest high of its seeds' 95 % intervals:
    wide enough for another seed or machine, too narrow for another method. Undefined agrees with undefined only.
    """
    other_data = _other_data(records, reference)
    new, old = (
        {cell: found for cell, found in _cells(listed, metrics).items() if cell.dataset not in other_data}
        for listed in (records, reference)
    )
    both = [cell for cell in old if cell in new]
    inside = [cell for cell in both if _agrees(new[cell].value, old[cell])]
    outside = [Deviation(cell, new[cell].value, old[cell].low, old[cell].high) for cell in both if cell not in inside]
    return Comparison(
        inside=tuple(inside),
        outside=tuple(outside),
        not_run=tuple(cell for cell in old if cell not in new),
        not_in_reference=tuple(cell for cell in new if cell not in old),
        other_data=tuple(other_data),
        other=(
            *(["pretrained weights"] if not _weights(records) <= _weights(reference) else []),
            *(["hyper-parameters"] if not _hparams(records) <= _hparams(reference) else []),
            *_other_versions(records, reference),
        ),
    )


class _Range(NamedTuple):
    value: float
    low: float
    high: float


def _cells(records: Iterable[Record], metrics: Sequence[str]) -> dict[CellName, _Range]:
    records = list(records)
    cells: dict[CellName, _Range] = {}
    for condition in sorted({condition for record in records for condition in record.metrics}):
        for dataset, models in by_dataset(records, (), condition).items():
            for model, task in _rows(models, condition):
                for metric in metrics:
                    cell = CellName(dataset, model, condition, task, metric)
                    mean = score(models[model], task, metric, condition)
                    found = estimates(models[model], task, metric, condition)
                    if mean is not None:
                        cells[cell] = _Range(mean.value, min(e.low for e in found), max(e.high for e in found))
    return cells


def _rows(models: Models, condition: str) -> list[tuple[str, str]]:
    """(model, task), the mean over tasks included."""
    tasks = {(model, task): None for model, found in models.items() for r in found for task in r.metrics[condition]}
    return list(tasks)


def _agrees(value: float, reference: _Range) -> bool:
    if math.isnan(value) or math.isnan(reference.value):
        return math.isnan(value) and math.isnan(reference.value)
    return reference.low <= value <= reference.high


def _other_data(records: Sequence[Record], reference: Sequence[Record]) -> list[str]:
    new, old = _data_fingerprints(records), _data_fingerprints(reference)
    return sorted(dataset for dataset in new.keys() & old.keys() if new[dataset] != old[dataset])


def _data_fingerprints(records: Sequence[Record]) -> Mapping[str, set[str | None]]:
    prints: dict[str, set[str | None]] = {}
    for record in records:
        prints.setdefault(record.experiment.dataset, set()).add(record.fingerprints.get("data"))
    return prints


def _weights(records: Sequence[Record]) -> set[str | None]:
    return {record.fingerprints.get("weights") for record in records} - {None}


def _other_versions(records: Sequence[Record], reference: Sequence[Record]) -> list[str]:
    """Of what took part on both sides; what one side alone has is told by its cells."""
    new, old = versions_of(records), versions_of(reference)
    return [
        f"version of {name} ({_listed(new[name])}, not {_listed(old[name])})"
        for name in sorted(new.keys() & old.keys())
        if not new[name] <= old[name]
    ]


def _listed(versions: set[int]) -> str:
    return _joined(map(str, sorted(versions)))


def _hparams(records: Sequence[Record]) -> set[tuple[str, str, str]]:
    experiments = [record.experiment for record in records]
    return {(found.dataset, found.row, json.dumps(found.hparams, sort_keys=True)) for found in experiments}


def _models(cells: Iterable[CellName]) -> str:
    return _joined(dict.fromkeys(f"{cell.dataset}/{cell.model}" for cell in cells))


def _joined(names: Iterable[str]) -> str:
    return ", ".join(names)
