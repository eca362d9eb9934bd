"""What `data check` found: plain data, the same for the terminal, JSON and HTML."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

Severity = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""The worst first."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Sample(_Frozen):
    """An example as a report shows it.

    Attributes:
        labels: task -> class name; a missing label has no key.
        thumbnail: a data URI; not part of the JSON.
    """

    id: str
    part: str
    text: str | None
    labels: Mapping[str, str]
    thumbnail: str | None = Field(None, exclude=True, repr=False)


class Finding(_Frozen):
    """One thing worth knowing.

    Attributes:
        check: its name, which does not change between versions; CI may look for it.
        count: how many rows, labels or pairs it is about; `sentence` says of what.
        sentence: what was found.
        advice: what to do about it.
        ids: the examples it is about, at most 1,000.
        samples: a few of them; those in one tuple belong together.
        rows: all rows that cannot be used, where each stands and why; the terminal shows the first.
        remains: of the first of these rows what is left of their image, a data URI or None; not part of the JSON.
    """

    check: str
    severity: Severity
    count: int
    sentence: str
    advice: str = ""
    ids: tuple[str, ...] = ()
    samples: tuple[tuple[Sample, ...], ...] = ()
    rows: tuple[str, ...] = ()
    remains: tuple[str | None, ...] = Field((), exclude=True, repr=False)


class Part(_Frozen):
    """Sizes of one split: examples, and how many of them have an image and a text."""

    name: str
    examples: int
    images: int
    texts: int


class TaskFacts(_Frozen):
    """How the labels of one task are spread, and how many texts say them.

    Attributes:
        classes: class name -> labels in all splits, the most frequent first.
        missing: examples without a label.
        labelled_texts: examples with a label and a text.
        in_text_exact: share of the labelled texts that hold their label word by word, whatever the case.
        in_text_loose: likewise, also in singular or plural, hyphenated, or with other spaces; None without texts.
    """

    name: str
    classes: Mapping[str, int]
    missing: int
    labelled_texts: int
    in_text_exact: float | None
    in_text_loose: float | None

    @property
    def labelled(self) -> int:
        """Examples with a label."""
        return sum(self.classes.values())


class Findings(_Frozen):
    """A report: facts first, then findings, the worst first."""

    dataset: str
    title: str
    options: Mapping[str, object]
    fingerprint: str
    backbone: str
    parts: tuple[Part, ...]
    tasks: tuple[TaskFacts, ...]
    findings: tuple[Finding, ...]
    seconds: float

    def counts(self) -> dict[Severity, int]:
        """Severity -> number of findings."""
        found = Counter(finding.severity for finding in self.findings)
        return {severity: found[severity] for severity in SEVERITIES}

    def failed(self, strict: bool) -> bool:
        """Whether a CI job should stop: at an error, with `strict` at a warning, too."""
        counts = self.counts()
        return bool(counts["error"] or (strict and counts["warning"]))
