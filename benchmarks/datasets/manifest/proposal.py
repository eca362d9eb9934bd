"""Which column of a table may be what, guessed from its cells."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from benchmarks.datasets.loading.splits import DataError, OnBadSample
from benchmarks.datasets.manifest.cells import EXAMPLES, MOST, Column, doubts, list_notes, settle_label
from benchmarks.datasets.manifest.command import command_line
from benchmarks.datasets.manifest.folder import PhotoFolder
from benchmarks.datasets.manifest.options import ManifestOptions
from benchmarks.datasets.manifest.photos import find_photos, folder_that_fits, photos_of
from benchmarks.datasets.manifest.placement import SPLITS
from benchmarks.datasets.reading import RawTable
from benchmarks.datasets.reading.table import PHOTO_NAME
from benchmarks.datasets.reading.values import mark_missing
from benchmarks.records.record import MEAN

FEWEST = 2
"""Values of a column that may be labels; `MOST` at most."""
LONGEST_LABEL = 5
"""Words that a label has on average, at most."""
LARGEST_GROUP = 20
"""Rows that share a group on average, at most."""
LOOKED_AT = 50
"""Cells of a column that are looked for as files."""

FRACTION = re.compile(r"-?\d+[.,]\d*[1-9]\d*")
DATE = re.compile(r"\d{4}-\d\d-\d\d.*|\d{1,2}[./]\d{1,2}[./]\d{2,4}.*")
ID_WORDS = {"id", "ids", "sku", "asin", "code", "key", "uid", "uuid", "ean", "upc", "gtin", "isbn", "number", "ref"}
GROUP_WORDS = {"group", "family", "parent", "listing"}
TEXT_WORDS = {"text", "title", "name", "description", "caption", "titel", "beschreibung"}
QUANTITIES = {"price", "cost", "weight", "width", "height", "depth", "quantity", "qty", "stock", "amount"}


@dataclass(frozen=True)
class Proposal:
    """Options for a table.

    Attributes:
        options: name -> value, those that the user gave among them; None where there is no such column.
        notes: what is in the way.
        on_bad_sample: how to go on although a few photos are missing.
    """

    options: Mapping[str, object]
    notes: tuple[str, ...] = ()
    on_bad_sample: OnBadSample = "error"

    def command(self, path: Path | str) -> str:
        """What a user types to run the suite on the table."""
        return command_line(path, self.options, self.on_bad_sample)

    @property
    def labels(self) -> tuple[str, ...]:
        """The label columns."""
        found = self.options["labels"]
        return found if isinstance(found, tuple) else ()


def propose(raw: RawTable, columns: Sequence[Column], given: ManifestOptions, root: Path) -> Proposal:
    """Options for a table: those that the user gave stay, the others are guessed.

    Args:
        raw: the table.
        columns: what `describe` says of it.
        given: options of the user; labels may be missing.
        root: the folder of the photos.
    """
    chosen: dict[str, object] = {name: getattr(given, name) for name in given.model_fields_set}
    folder = PhotoFolder(root, raw.folder)
    if "image" not in chosen:
        chosen["image"] = _image(raw, columns, folder, given.missing)
    notes, few_missing = _photos(raw, chosen, folder, given)
    rest = [column for column in columns if column.name not in {*chosen.values()} and not column.is_binary]
    for role, guess in (("split", _split), ("group", _group), ("text", _text)):
        if role not in chosen:
            chosen[role] = guess(rest)
        rest = [column for column in rest if column.name != chosen[role]]
    if "id" not in chosen:
        chosen["id"] = _id([column for column in columns if column.name in {chosen["image"], *(c.name for c in rest)}])
    labels, lists = _labels(raw, [column for column in rest if column.name != chosen["id"]], given)
    on_bad_sample: OnBadSample = "blank" if chosen["text"] else "skip"
    return Proposal({"labels": labels, **chosen}, (*notes, *lists), on_bad_sample if few_missing else "error")


def _photo_share(raw: RawTable, column: Column, folder: PhotoFolder, missing: Sequence[str]) -> tuple[float, float]:
    """(Share of some cells whose photos exist, share that look like names of photos)."""
    cells = mark_missing(raw.columns[column.name], missing).values.drop_null().unique().to_pylist()
    cells = cells[:: max(1, len(cells) // LOOKED_AT)][:LOOKED_AT]
    named = sum(PHOTO_NAME.fullmatch(cell) is not None for cell in cells) / max(1, len(cells))
    if named < 0.5 and (column.words > 1 or 2 * column.values < column.known):
        return 0.0, named  # neither names of photos nor their stems
    return sum(_exist(cell, folder) for cell in cells) / max(1, len(cells)), named


def _exist(cell: str, folder: PhotoFolder) -> bool:
    try:
        return all(os.path.isfile(path) for path in photos_of(cell, folder) or ("",))  # noqa: PTH113
    except ValueError:
        return False


def _image(raw: RawTable, columns: Sequence[Column], folder: PhotoFolder, missing: Sequence[str]) -> str | None:
    if encoded := [column.name for column in columns if column.is_binary]:
        return encoded[0]
    shares = {column.name: _photo_share(raw, column, folder, missing) for column in columns if column.known}
    likely = [name for name, share in shares.items() if max(share) >= 0.5]
    return max(likely, key=lambda name: (*shares[name], name == "image"), default=None)


def _photos(
    raw: RawTable, chosen: dict[str, object], folder: PhotoFolder, given: ManifestOptions
) -> tuple[list[str], bool]:
    """(What is in the way of the photos, whether it is only that a few are missing).

    Where they lie elsewhere, `images` is chosen.
    """
    image = chosen["image"]
    column = raw.columns[image] if isinstance(image, str) and image in raw.columns.column_names else None
    if column is None or not pa.types.is_string(column.type):
        return [], False
    cells = mark_missing(column, given.missing).values
    try:
        photos = find_photos(cells, raw.origins, folder, "error")
    except DataError as error:
        names = cells.drop_null().unique().to_pylist()
        elsewhere = None if "images" in chosen else folder_that_fits(names[:LOOKED_AT], folder)
        if elsewhere is None:
            with suppress(DataError):
                return [str(error)], bool(find_photos(cells, raw.origins, folder, "skip"))
            return [str(error)], False
        chosen["images"] = os.path.relpath(elsewhere, folder.base)
        return _photos(raw, chosen, PhotoFolder(elsewhere, folder.base), given)
    several = int((photos.counts() > 1).sum())
    more = f"{several:,} rows name several photos: the first is used, photos=all uses every one."
    files = zip(photos.names, photos.files, strict=True)
    lost = next((name for name, (first, *_) in files if not os.path.isfile(first)), None)  # noqa: PTH113
    gone = [f"the photo {lost!r} does not exist."] if lost else []
    return [*photos.notes, *([more] if several else []), *gone], bool(gone)


def _split(columns: Sequence[Column]) -> str | None:
    for column in columns:
        parts = {SPLITS.get(value.casefold()) for value in column.examples}
        all_shown = not column.missing and column.values == len(column.examples)
        if all_shown and {"train", "test"} <= parts and None not in parts:
            return column.name
    return None


def _group(columns: Sequence[Column]) -> str | None:
    hinted = [column for column in columns if _is_id(column) or GROUP_WORDS & set(column.named)]
    few = [column for column in hinted if column.recurring and column.known <= LARGEST_GROUP * column.values]
    return next((column.name for column in few if column.words == 1), None)


def _text(columns: Sequence[Column]) -> str | None:
    hinted = [column for column in columns if column.known and TEXT_WORDS & set(column.named)]
    long = [column for column in columns if column.words >= 2 and 10 * column.values > column.known]
    likely = [column for column in columns if column in long or (column in hinted and column.words > 1)]
    return max(likely or hinted, key=lambda column: column.words, default=Column("", 0, 0, 0, 0, (), 0)).name or None


def _id(columns: Sequence[Column]) -> str | None:
    unique = [
        column for column in columns if not column.missing and column.values == column.known and column.words == 1
    ]
    return next((column.name for column in unique if _is_id(column)), None)


def _is_id(column: Column) -> bool:
    return bool(column.named) and (column.named[-1] in ID_WORDS or column.named[-1].endswith(("nummer", "nr")))


def _labels(raw: RawTable, columns: Sequence[Column], given: ManifestOptions) -> tuple[tuple[str, ...], list[str]]:
    labels, notes = {}, []
    for column in filter(_may_be_label, columns):
        settled = settle_label(column.name, raw, given)
        try:
            notes += list_notes(column.name, settled.values, raw.origins, given)
        except DataError as error:
            notes.append(str(error))
        else:
            labels[column.name] = settled.values
    return tuple(labels), [*notes, *doubts(labels, given)]


def _may_be_label(column: Column) -> bool:
    unfit = (FRACTION, DATE, PHOTO_NAME)
    return (
        FEWEST <= column.values <= MOST
        and 2 * column.recurring >= column.known
        and column.values < column.known - 1
        and column.words <= LONGEST_LABEL
        and column.name != MEAN
        and not all(value.casefold() in SPLITS for value in column.examples)
        and not QUANTITIES & set(column.named)
        and not any(kind.fullmatch(value) for value in column.examples[:EXAMPLES] for kind in unfit)
    )
