"""Rows and images one by one: what cannot be read, what is missing, what is unusual."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks.data_checks.findings import Finding
from benchmarks.data_checks.rows import Examined, thumbnail
from benchmarks.datasets.fashion_gen import channel_evidence
from benchmarks.datasets.fashion_gen.layout import find
from benchmarks.datasets.loading.images import salvage
from benchmarks.datasets.loading.splits import Source

TOLD, SHOWN = 5, 200
"""Most unreadable rows that the sentence names, and that the page shows with what is left of their image; the finding
holds all."""
ODD_ASPECT = 1.5
"""From this factor between an image's aspect ratio and the median one it is unusual."""


def check_readable(examined: Examined) -> Iterator[Finding]:
    """Rows that the loader left out, and images that it took but that cannot be decoded now."""
    report = examined.splits.report
    problems = [*report.bad_samples, *report.blanked, *examined.photos.problems.values()]
    if problems:
        rest = f" ... and {len(problems) - TOLD:,} more (--html and --json list all)" if len(problems) > TOLD else ""
        yield Finding(
            check="unreadable",
            severity="error",
            count=len(problems),
            sentence=f"{len(problems):,} of {examined.splits.report.rows:,} rows cannot be used: "
            f"{'; '.join(problems[:TOLD])}{rest}.",
            advice="Restore or remove them, or run with --on-bad-sample skip, which leaves them out, or blank, which "
            "keeps their texts; both count them.",
            rows=tuple(problems),
            remains=tuple(_remains(examined.splits.bad_files.get(problem)) for problem in problems[:SHOWN]),
        )


def _remains(file: Path | None) -> str | None:
    left = None if file is None else salvage(file)
    return None if left is None else thumbnail(left)


def check_missing(examined: Examined) -> Iterator[Finding]:
    """Rows without a text or without an image."""
    unreadable = examined.photos.problems
    missing = {
        "text": [row for row, text in enumerate(examined.texts) if text is None],
        "image": [row for row in np.flatnonzero(~examined.photos.decoded).tolist() if row not in unreadable],
    }
    for what, rows in missing.items():
        if rows:
            sentence = f"{_of(rows, examined)} have no {what}."
            advice = "Nothing to repair: for these rows models have the other modality only."
            yield examined.finding(f"no-{what}", "info", _singly(rows), sentence, advice)


def check_colour(examined: Examined) -> Iterator[Finding]:
    """Images without colour."""
    rows = np.flatnonzero(examined.photos.grey).tolist()
    if rows:
        sentence = f"{_of(rows, examined)} have an image without colour: red, green and blue are equal everywhere."
        yield examined.finding("greyscale", "info", _singly(rows), sentence, "Colours cannot be learnt from them.")


def check_sizes(examined: Examined) -> Iterator[Finding]:
    """Images of an unusual aspect ratio, and those that the backbone has to enlarge."""
    decoded = np.flatnonzero(examined.photos.decoded)
    if not len(decoded):
        return
    width, height = examined.photos.sizes[decoded].T
    ratio = width / height
    usual = float(np.median(ratio))
    odd = decoded[np.maximum(ratio / usual, usual / ratio) >= ODD_ASPECT].tolist()
    if odd:
        sentence = (
            f"{_of(odd, examined)} have an image whose width / height differs from the usual {usual:.2f} "
            f"by a factor of {ODD_ASPECT} or more."
        )
        yield examined.finding("aspect-ratio", "info", _singly(odd), sentence, "Resizing distorts or crops them most.")
    needed = max(examined.backbone.image_size)
    small = decoded[np.maximum(width, height) < needed]
    if len(small):
        yield Finding(
            check="small-images",
            severity="info",
            count=len(small),
            sentence=f"{_of(small.tolist(), examined)} have an image smaller than the {needed} pixels that "
            f"{examined.backbone.id} looks at.",
            advice="They are enlarged, which adds no detail.",
        )


def check_channels(name: str, source: Source) -> Iterator[Finding]:
    """Red first or blue first: what Fashion-Gen's photos say, whose files do not; nothing for other data sets."""
    if name == "fashion-gen":
        evidence = channel_evidence(find(source.root)["train"])
        yield Finding(
            check="channel-order",
            severity="info" if evidence.verdict == "rgb" else "warning",
            count=evidence.rgb + evidence.bgr,
            sentence=f"The photos are stored as {evidence.verdict or 'rgb or bgr, they do not tell'}: {evidence}.",
            advice="" if evidence.verdict == "rgb" else f"Load with the option channels={evidence.verdict or 'auto'}.",
        )


def _of(rows: Sequence[int], examined: Examined) -> str:
    return f"{len(rows):,} of {len(examined):,} rows"


def _singly(rows: Sequence[int]) -> list[tuple[int]]:
    return [(row,) for row in rows]
