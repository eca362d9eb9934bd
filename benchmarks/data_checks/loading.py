"""Loading what a run would refuse: each refusal becomes a finding, and the rest is looked at without its cause."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from benchmarks import datasets
from benchmarks.data_checks.findings import Finding
from benchmarks.datasets.loading.splits import DataError, NotLearnableError, Source, Splits

AROUND: tuple[tuple[str, object], ...] = (
    ("min_count", 2),
    ("list_cells", "as-is"),
    ("ties", ()),
    ("group", None),
    ("id", None),
    ("split", None),
    ("photos", "first"),
    ("image", None),
)
"""Options that avoid a refusal, tried in this order, the last one after everything else: the first that changes the
outcome is used."""

ANYWAY = "without it"

Way = tuple[str, Source, Mapping[str, Any]]
"""What is said of it, and what is loaded."""


def load_anyway(name: str, source: Source, options: Mapping[str, Any]) -> tuple[Splits, list[Finding]]:
    """(The splits without samples that cannot be read, what a run with these options would refuse).

    Raises:
        DataError: nothing helps; the first refusal.
    """
    source = replace(source, on_bad_sample="skip")
    refused: list[Finding] = []
    outcome = _outcome(name, source, options)
    while isinstance(outcome, DataError):
        for said, way, changed in _ways_around(name, source, options, outcome):
            found = _outcome(name, way, changed)
            if isinstance(found, DataError) and _kind(found) == _kind(outcome):
                continue
            refused.append(_refusal(outcome, said))
            source, options, outcome = way, changed, found
            break
        else:
            raise outcome
    known = {finding.sentence for finding in refused}
    refused += [_refusal(sentence, ANYWAY) for sentence in outcome.refused if sentence not in known]
    return outcome, refused


def _refusal(sentence: object, said: str) -> Finding:
    advice = f"A run stops here; everything else was looked at {said}."
    return Finding(check="refused", severity="error", count=1, sentence=str(sentence), advice=advice)


def _kind(refusal: DataError) -> str:
    """The same for the same refusal of other rows."""
    return re.sub(r"\d[\d,]*", "#", str(refusal))


def _ways_around(name: str, source: Source, given: Mapping[str, Any], refusal: DataError) -> list[Way]:
    """What is left to try."""
    if isinstance(refusal, NotLearnableError):
        return [(ANYWAY, replace(source, look_only=True), given)]
    changes = [(f"with {option}={value}", source, {**given, option: value}) for option, value in AROUND]
    ways: list[Way] = [way for way in changes if way[2] != given and _valid(name, way[2])]
    more: list[Way] = []
    if source.on_bad_sample == "skip":
        more.append(("with --on-bad-sample blank", replace(source, on_bad_sample="blank"), given))
    if not source.look_only:
        more.append((ANYWAY, replace(source, on_bad_sample="blank", look_only=True), given))
    return [*ways[:-1], *more, *ways[-1:]]


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
