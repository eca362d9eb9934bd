"""Images and texts that occur more than once: within a split, across splits, and with labels that disagree.

Equal ones are found by sorting, similar ones by bands of their hashes: nothing compares all pairs.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from benchmarks.data_checks.findings import Finding, Severity
from benchmarks.data_checks.photos import Photos
from benchmarks.data_checks.rows import Examined
from benchmarks.datasets.loading.grouping import normalise

Groups = Sequence[Sequence[int]]
Pairs = npt.NDArray[np.int64]
"""Int[K, 2]: two rows each, the smaller first."""

PHASH_BITS, DHASH_BITS = 4, 4
"""Most bits by which the hashes of near-duplicates differ, of 64 (our choice, by eye on 44,441 shop photos)."""
COLOUR = 8
"""Most difference of any channel of their thumbnails, of 255: the same cut in another colour is no
duplicate, and a copy at another size or JPEG quality stays below (99 % of 290 real photos)."""

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


def same(rows: Iterable[int], keys: Iterable[Hashable]) -> list[list[int]]:
    """The rows that share their key with another one, key by key, in the order of the rows."""
    found: dict[Hashable, list[int]] = defaultdict(list)
    for row, key in zip(rows, keys, strict=True):
        found[key].append(row)
    return [group for group in found.values() if len(group) > 1]


def near_duplicates(photos: Photos) -> list[list[int]]:
    """Images that look the same but are not equal, in groups; of equal images only the first one is compared."""
    pairs = _alike(photos)
    rows, places = np.unique(pairs, return_inverse=True)
    one, other = places.reshape(-1, 2).T
    links = coo_array((np.ones(len(pairs)), (one, other)), shape=(len(rows), len(rows)))
    _, groups = connected_components(links, directed=False)
    return same(rows.tolist(), groups.tolist())


def _alike(photos: Photos) -> Pairs:
    rows = np.flatnonzero(photos.decoded)
    _, firsts = np.unique(photos.digests[rows], return_index=True)
    rows = rows[np.sort(firsts)]
    near = _near(photos.phashes[rows], PHASH_BITS)
    one, other = rows[near[:, 0]], rows[near[:, 1]]
    bits = np.bitwise_count(photos.dhashes[one] ^ photos.dhashes[other])
    one, other = one[bits <= DHASH_BITS], other[bits <= DHASH_BITS]
    colour = np.abs(photos.tiny[one].astype(np.int16) - photos.tiny[other]).max(axis=1)
    found: Pairs = np.stack([one, other], axis=1)[colour <= COLOUR]
    return found


def _near(hashes: npt.NDArray[np.uint64], distance: int) -> Pairs:
    """All pairs within this Hamming distance, exactly.

    Of `distance` + 1 bands of bits such a pair has at least one in common, so rows are sorted by each band in turn
    and compared only with those of the same band: the next one, the next but one, and so on.
    """
    width = -(-64 // (distance + 1))
    found = [np.empty((0, 2), dtype=np.int64)]
    for start in range(0, 64, width):
        band = (hashes >> np.uint64(start)) & np.uint64(2**width - 1)
        order = np.argsort(band, kind="stable")
        band, live, step = band[order], np.arange(len(order)), 1
        while True:
            live = live[live + step < len(order)]
            live = live[band[live] == band[live + step]]
            if not len(live):
                break
            one, other = order[live], order[live + step]
            close = np.bitwise_count(hashes[one] ^ hashes[other]) <= distance
            found.append(np.sort(np.stack([one[close], other[close]], axis=1), axis=1))
            step += 1
    return np.unique(np.concatenate(found), axis=0)
