"""Images and texts that occur more than once: within a split, across splits, and with labels that disagree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from benchmarks.data_checks.findings import Finding, Severity
from benchmarks.data_checks.repeats import near_duplicates, same
from benchmarks.data_checks.rows import Examined
from benchmarks.datasets.loading.grouping import normalise

Groups = Sequence[Sequence[int]]

LEAK = "Put them into one split (a common group), or report the test rows without them: they measure memory."


def check_identical_images(examined: Examined) -> Iterator[Finding]:
    """Images that are equal pixel by pixel."""
    decoded = np.flatnonzero(examined.photos.decoded)
    groups = same(decoded.tolist(), examined.photos.digests[decoded].tolist())
    yield from _repeats(examined, groups, "identical-images", "share an identical image with another row", "error")
    yield from _conflicts(examined, groups, "identical-images", "identical images")


def check_near_duplicates(examined: Examined) -> Iterator[Finding]:
    """Images that look the same though their pixels differ: another size, crop or compression."""
    groups = near_duplicates(examined.photos)
    yield from _repeats(
        examined, groups, "near-identical-images", "nearly share their image with another row", "warning"
    )
    yield from _conflicts(examined, groups, "near-identical-images", "nearly identical images")


def check_texts(examined: Examined) -> Iterator[Finding]:
    """Texts that are equal but for case and spaces."""
    texts = {row: text for row, text in enumerate(examined.texts) if text is not None}
    groups = sorted(same(texts, map(normalise, texts.values())), key=len, reverse=True)
    exactly = _rows(same(texts, texts.values()))
    detail = f", {exactly:,} of them to the letter, the others but for case and spaces"
    yield from _repeats(examined, groups, "identical-texts", "share their text with another row", "warning", detail)


def _repeats(
    examined: Examined, groups: Groups, check: str, what: str, severity: Severity, detail: str = ""
) -> Iterator[Finding]:
    """One finding for all of them, and one, `severity`, for those that cross splits."""
    if groups:
        sentence = f"{_rows(groups):,} of {len(examined):,} rows {what}{detail}."
        yield examined.finding(check, "info", groups, sentence)
    across = [_one_of_each_part_first(examined, group) for group in groups if examined.crosses(group)]
    if across:
        test = len({row for group in across for row in group if examined.parts[row] == "test"})
        sentence = (
            f"{_rows(across):,} rows {what}, across splits; {test:,} of the {examined.parts.count('test'):,} test rows "
            f"are among them."
        )
        yield examined.finding(f"{check}-across-splits", severity, across, sentence, LEAK)


def _one_of_each_part_first(examined: Examined, group: Sequence[int]) -> list[int]:
    firsts = {examined.parts[row]: row for row in reversed(group)}.values()
    return [*sorted(firsts), *(row for row in group if row not in firsts)]


def _conflicts(examined: Examined, groups: Groups, check: str, what: str) -> Iterator[Finding]:
    found = {tuple(group): tasks for group in groups if (tasks := examined.disagreeing(group))}
    if found:
        counts = Counter(task for tasks in found.values() for task in tasks)
        spread = ", ".join(f"{task} {count:,}" for task, count in counts.most_common())
        sentence = f"{_rows(list(found)):,} rows with {what} have different labels; groups by task: {spread}."
        advice = "One of the labels is wrong, the label is a matter of taste, or one photo shows several products."
        yield examined.finding(f"{check}-conflicting-labels", "warning", list(found), sentence, advice)


def _rows(groups: Groups) -> int:
    return len({row for group in groups for row in group})
