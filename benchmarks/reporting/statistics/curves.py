"""Records of one data set with several numbers of training rows: a learning curve."""

from __future__ import annotations

from collections.abc import Iterable

from benchmarks.records.record import Record

By = dict[int, list[Record]]
"""Training rows -> records, the fewest first."""


def learning_curves(records: Iterable[Record]) -> dict[str, By]:
    """Data set -> its records by training rows, for those that were asked for with several numbers of them."""
    found: dict[str, By] = {}
    for record in records:
        rows = record.experiment.dataset_options.get("train_rows")
        if isinstance(rows, int):
            found.setdefault(record.experiment.dataset, {}).setdefault(rows, []).append(record)
    return {dataset: dict(sorted(by.items())) for dataset, by in found.items() if len(by) > 1}


def largest(records: Iterable[Record]) -> list[Record]:
    """Without the smaller sizes of a learning curve: what all tables but its own are about."""
    listed = list(records)
    most = {dataset: max(by) for dataset, by in learning_curves(listed).items()}
    return [record for record in listed if _is_largest(record, most.get(record.experiment.dataset))]


def _is_largest(record: Record, most: int | None) -> bool:
    return most is None or record.experiment.dataset_options.get("train_rows") == most
