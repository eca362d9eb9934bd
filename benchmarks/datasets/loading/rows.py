"""A sample as a loader found it, and what must hold between samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, get_args

from benchmarks.datasets.loading.splits import DataError

Part = Literal["train", "val", "test"]
PARTS: tuple[Part, ...] = get_args(Part)


class ImageInPlace(Protocol):
    """An image that stays where it is, say a row of an array in a file: the loader's own examples read it."""

    def digest(self, origin: str) -> str:
        """Hash of its pixels, which are read for it.

        Raises:
            DataError: they cannot be read; names the origin.
        """
        ...


@dataclass(frozen=True, slots=True)
class Row:
    """One sample as a loader found it.

    Attributes:
        image: a file, encoded bytes, an image that stays where it is, or None for a missing image.
        text: None, or nothing but white space, for a missing text.
        labels: task -> class name; None or no key for a missing label.
        origin: where it stands, for error messages ("styles.csv, row 17").
    """

    id: str
    group: str
    part: Part
    image: Path | bytes | ImageInPlace | None
    text: str | None
    labels: Mapping[str, str | None]
    origin: str


class LeakError(DataError):
    """A group with rows in two splits."""


def text_of(row: Row) -> str | None:
    """The text; white space alone is a missing one."""
    return row.text if row.text and row.text.strip() else None


def check_ids(rows: Sequence[Row]) -> None:
    """Every id occurs once.

    Raises:
        DataError: names both rows.
    """
    origins: dict[str, str] = {}
    for row in rows:
        if row.id in origins:
            raise DataError(f"{row.origin}: id {row.id!r} was used before, in {origins[row.id]}; ids must be unique")
        origins[row.id] = row.origin


def check_parts(rows: Sequence[Row]) -> None:
    """No split is empty, and no group is in two of them.

    Raises:
        DataError: names the empty split.
        LeakError: names the group and both rows.
    """
    firsts: dict[str, Row] = {}
    for row in rows:
        first = firsts.setdefault(row.group, row)
        if first.part != row.part:
            raise LeakError(
                f"{row.origin}: it is in {row.part}, but {first.origin} of the same group {row.group!r} is in "
                f"{first.part}; rows that share a title, a photo or a group name are one group, and all of its rows "
                f"must be in one split, or the test split leaks"
            )
    counts = {part: sum(row.part == part for row in rows) for part in PARTS}
    for part, count in counts.items():
        if not count:
            raise DataError(f"the {part} split is empty (usable rows: {counts}); every split needs some")
