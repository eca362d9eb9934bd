"""Loading what a run would refuse: each refusal becomes a finding, and the rest is looked at without its cause."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from benchmarks import datasets
from benchmarks.data_checks.findings import Finding
from benchmarks.datasets.loading.splits import DataError, Source, Splits

AROUND: tuple[tuple[str, object], ...] = (
    ("min_count", 2),
    ("list_cells", "as-is"),
    ("ties", ()),
    ("group", None),
    ("id", None),
    ("split", None),
    ("image", None),
)
"""Options that avoid a refusal, tried in this order: the first that changes the outcome is used."""


def load_anyway(name: str, source: Source, options: Mapping[str, Any]) -> tuple[Splits, list[Finding]]:
    """(The splits without samples that cannot be read, what a run with these options would refuse).

    Raises:
        DataError: nothing helps; the first refusal.
    """
    source = replace(source, on_bad_sample="skip")
    refused: list[Finding] = []
    given = dict(options)
    outcome = _outcome(name, source, given)
    while isinstance(outcome, DataError):
        for option, value, ways in _ways_around(name, source, given):
            changed = _outcome(name, ways, {**given, **({option: value} if option else {})})
            if isinstance(changed, DataError) and str(changed) == str(outcome):
                continue
            said = f"{option}={value}" if option else "--on-bad-sample blank"
            advice = f"A run stops here; everything else was looked at with {said}."
            refused.append(Finding(check="refused", severity="error", count=1, sentence=str(outcome), advice=advice))
            source = ways
            given |= {option: value} if option else {}
            outcome = changed
            break
        else:
            raise outcome
    return outcome, refused


def _ways_around(name: str, source: Source, given: Mapping[str, Any]) -> list[tuple[str, object, Source]]:
    """(Option or "", its value, source) of what is left to try."""
    unused = object()
    ways = [(option, value, source) for option, value in AROUND if given.get(option, unused) != value]
    blank = [("", None, replace(source, on_bad_sample="blank"))] if source.on_bad_sample == "skip" else []
    return [way for way in [*ways[:-1], *blank, *ways[-1:]] if not way[0] or _valid(name, {**given, way[0]: way[1]})]


def _valid(name: str, options: Mapping[str, Any]) -> bool:
    try:
        datasets.check_names(name, options)
        datasets.parse_options(name, datasets.DATASETS[name], options)
    except ValueError:
        return False
    return True


def _outcome(name: str, source: Source, options: Mapping[str, Any]) -> Splits | DataError:
    try:
        return datasets.load(name, source, options)
    except DataError as error:
        return error
