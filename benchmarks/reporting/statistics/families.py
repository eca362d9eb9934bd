"""Conditions of a protocol by kind, and what a model's accuracy under them comes to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from benchmarks.perturbations import PERTURBATIONS
from benchmarks.records.record import CLEAN, MEAN, Record
from benchmarks.reporting.statistics.aggregate import COMPARED, Models, records_of

GROUPS = {"image": "damaged photos", "text": "damaged texts", "missing": "missing and wrong modalities", "": "presets"}


@dataclass(frozen=True)
class Family:
    """Conditions of one kind: level -> name of the condition, the weakest first; level 0 is the clean one."""

    name: str
    levels: Mapping[float, str]

    @property
    def group(self) -> str:
        """Key of GROUPS."""
        perturbation = PERTURBATIONS.get(self.name)
        if perturbation is None:
            return ""
        return perturbation.touches if perturbation.kind == "change" else "missing"


def families(models: Models) -> list[Family]:
    """All conditions of the records but those that tables of their own are about, by kind."""
    names = dict.fromkeys(name for record in records_of(models) for name in record.metrics if name not in COMPARED)
    found: dict[str, dict[float, str]] = {}
    for name in names:
        family, _, level = name.partition("@")
        found.setdefault(family, {0.0: CLEAN})[float(level.rstrip("%") or 1)] = name
    return [Family(name, dict(sorted(levels.items()))) for name, levels in found.items()]


def accuracy(record: Record, condition: str) -> float | None:
    """Mean over tasks; None without it."""
    found = record.metrics.get(condition, {}).get(MEAN, {}).get("accuracy")
    return None if found is None else found.value


def area(record: Record, family: Family) -> float | None:
    """Mean height of the curve of accuracy over the levels, clean included: the trapezoidal area over its width.

    1 for a model that is always right, and the clean accuracy for one that nothing disturbs.
    """
    heights = {name: accuracy(record, name) for name in family.levels.values()}
    known = {name: height for name, height in heights.items() if height is not None}
    return sum(share * known[name] for name, share in shares(family).items()) if len(known) == len(heights) else None


def shares(family: Family) -> dict[str, float]:
    """Condition -> its share of the trapezoidal area; they add up to 1."""
    found = dict.fromkeys(family.levels.values(), 0.0)
    for (a, one), (b, other) in pairwise(family.levels.items()):
        for name in (one, other):
            found[name] += (b - a) / 2 / max(family.levels)
    return found


def loss(record: Record, chosen: Sequence[Family]) -> float | None:
    """What is lost of the clean accuracy, mean over the families of their areas."""
    clean, areas = accuracy(record, CLEAN), [area(record, family) for family in chosen]
    known = [found for found in areas if found is not None]
    return clean - sum(known) / len(areas) if clean is not None and len(known) == len(areas) else None


def worst(record: Record, chosen: Sequence[Family]) -> float | None:
    """The lowest accuracy under any condition of these families."""
    values = [accuracy(record, name) for family in chosen for name in family.levels.values()]
    return None if None in values or not values else min(value for value in values if value is not None)


def drop(record: Record, chosen: Sequence[Family]) -> float | None:
    """Share of the clean accuracy that is lost on average at the strongest level of each family."""
    clean = accuracy(record, CLEAN)
    last = [accuracy(record, list(family.levels.values())[-1]) for family in chosen]
    if not clean or not last or None in last:
        return None
    return 1 - sum(value for value in last if value is not None) / len(last) / clean
