"""Which few models a figure shows that has no room for all."""

from __future__ import annotations

from math import isnan

from benchmarks.records.record import CLEAN, MEAN
from benchmarks.reporting.statistics.aggregate import Models, score

CMA_CLIP = "cma_clip"
FLOOR = "majority"
"""Answers every row alike: its confidence tells nothing apart."""
FEW = 4


def ranked(models: Models, condition: str = CLEAN) -> dict[str, float]:
    """Row -> mean accuracy over tasks and seeds, the best first; rows without a defined one are left out."""
    scores = {row: score(records, MEAN, "accuracy", condition) for row, records in models.items()}
    known = {row: found.value for row, found in scores.items() if found is not None and not isnan(found.value)}
    return dict(sorted(known.items(), key=lambda item: -item[1]))


def leading(models: Models) -> list[str]:
    """CMA-CLIP, where it was measured, then the most accurate others, FEW in all; never the largest class."""
    rows = [row for row in ranked(models) if row != FLOOR]
    return sorted(rows, key=lambda row: row != CMA_CLIP)[:FEW]
