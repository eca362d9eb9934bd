"""Groups and splits: rows that share anything stay together, in a split of the user's or by a hash."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.datasets.loading import grouping
from benchmarks.datasets.loading.rows import LABEL, PARTS, Part, Placement, codes
from benchmarks.datasets.loading.splits import DataError, NotLearnableError
from benchmarks.datasets.manifest.options import TIES, ManifestOptions

SPLITS: Mapping[str, Part] = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}
RULE = "manifest/v1"
FEWEST_GROUPS = 10
"""Groups that an automatic split needs: 7, 1 and 2. Our choice."""

FEW_TEST_ROWS = 200
"""Below it the report says how wide intervals are: more than 14 points."""

Parts = npt.NDArray[np.int8]


def place(columns: pa.Table, options: ManifestOptions) -> Placement:
    """Where every usable row goes.

    Raises:
        DataError: an unknown split, too few rows to split, no test row that can be scored.
    """
    shared = {"text": _texts(columns["text"]), "image": _tagged("image:", columns["image_digest"])}
    groups = _groups(columns, [shared[tie] for tie in options.ties])
    parts, notes = _split(columns, groups, options)
    units = _units(columns, options)
    notes += _of_test(columns, parts, units)
    subsets = {}
    if set(options.ties) != set(TIES):
        new = _new(list(shared.values()), parts)
        tests = parts == PARTS.index("test")
        notes.append(
            f"{(new & tests).sum():,} of {tests.sum():,} test rows share neither text nor image file with another "
            "split (`deduplicated`)."
        )
        subsets = {"deduplicated": new} if (new & tests).any() else {}
    return Placement(groups, parts, units, subsets, tuple(notes))


def _texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    normalised = (
        pa.array([text and f"text:{grouping.normalise(text)}" for text in chunk.to_pylist()], pa.large_string())
        for chunk in column.chunks
    )
    return pa.chunked_array(normalised, pa.large_string())


def _tagged(tag: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    before, nothing = pa.scalar(tag, pa.large_string()), pa.scalar("", pa.large_string())
    return pc.binary_join_element_wise(before, column.cast(pa.large_string()), nothing)


def _groups(columns: pa.Table, ties: list[pa.ChunkedArray]) -> pa.ChunkedArray:
    """Names made of the table's content only, wherever it lies; a row that shares nothing is its own group."""
    keys = [_tagged("group:", columns["cell:group"]), *ties]
    tied = np.any([key.is_valid().to_numpy() for key in keys], axis=0)
    needs_row = pa.array(columns["viewed"].to_numpy() | ~tied)
    rows = _tagged("row:", columns["row"].cast(pa.string()))
    return grouping.join_columns([*keys, pc.if_else(needs_row, rows, pa.scalar(None, pa.large_string()))])


def _units(columns: pa.Table, options: ManifestOptions) -> pa.ChunkedArray | None:
    """With all photos used, what counts as one product: the group cell, else the row."""
    if options.photos == "first":
        return None
    rows = _tagged("row:", columns["row"].cast(pa.string()))
    return pc.coalesce(_tagged("group:", columns["cell:group"]), rows).cast(pa.string())


def _split(columns: pa.Table, groups: pa.ChunkedArray, options: ManifestOptions) -> tuple[Parts, list[str]]:
    numbers, names = codes(groups)
    if options.split is None:
        of_group, notes = _by_hash(names.to_pylist(), len(columns))
        return of_group[numbers], notes
    parts = _given(columns, options.split)
    if (parts == PARTS.index("val")).any() or not (parts == PARTS.index("test")).any():
        _need_a_test(parts, options.split)
        return parts, []
    training = parts == PARTS.index("train")
    own = np.unique(numbers[training])
    if len(own) < 2:
        return parts, []
    order = np.argsort([grouping.position(name, f"{RULE} validation") for name in names.take(own).to_pylist()])
    taken = own[order[: max(1, round(len(own) / 10))]]
    parts = np.where(training & np.isin(numbers, taken), PARTS.index("val"), parts).astype(np.int8)
    note = (
        f"Column {options.split!r} has no validation rows: a tenth of the training groups by a hash of their name, "
        f"{(parts == PARTS.index('val')).sum():,} rows, is the validation split."
    )
    return parts, [note]


def _by_hash(groups: list[str], rows: int) -> tuple[Parts, list[str]]:
    """Int[groups]: 70 / 10 / 20 % by the hash; where a split gets less than half of that, by the hashes' order."""
    if len(groups) < FEWEST_GROUPS:
        raise NotLearnableError(
            f"{rows} usable rows in {len(groups)} group(s) that share no text, photo or group cell: an automatic "
            f"split needs at least {FEWEST_GROUPS} groups; add rows, or give a split column (split=COLUMN)"
        )
    parts = np.array([PARTS.index(grouping.part_of(group, RULE)) for group in groups], np.int8)
    if (np.bincount(parts, minlength=len(PARTS)) >= np.array([0.35, 0.05, 0.1]) * len(groups)).all():
        return parts, []
    order = np.argsort([grouping.position(group, RULE) for group in groups])
    ends = [round(upper * len(groups)) for _, upper in grouping.SHARES]
    parts[order] = np.searchsorted(ends, np.arange(len(groups)), side="right")
    return parts, ["Few groups, which the hash alone splits unevenly: 70 / 10 / 20 % in the order of their hashes."]


def _given(columns: pa.Table, column: str) -> Parts:
    numbers, values = codes(columns["cell:split"])
    known = [SPLITS.get(value.casefold()) for value in values.to_pylist()]
    valid = np.array([*(part is not None for part in known), False])
    if not valid[numbers].all():
        row = int(np.argmin(valid[numbers]))
        names = [*map(repr, values.to_pylist()), "an empty cell"]
        wrong = [f"{names[n]} ({(numbers == n).sum():,} rows)" for n in np.unique(numbers[~valid[numbers]])]
        value = columns["cell:split"][row].as_py()
        raise DataError(
            f"{columns['origin'][row]}: split {value!r}; valid are {', '.join(SPLITS)}, in any case; column {column!r} "
            f"holds {', '.join(wrong[:10])}"
        )
    return np.array([PARTS.index(part) if part else 0 for part in known], np.int8)[numbers]


def _need_a_test(parts: Parts, column: str) -> None:
    if not (parts == PARTS.index("test")).any():
        counts = {part: int((parts == number).sum()) for number, part in enumerate(PARTS)}
        raise DataError(
            f"the test split is empty (usable rows: {counts}): column {column!r} names no test rows; name some, or "
            "leave the option split out, and all rows are split by a hash"
        )


def _of_test(columns: pa.Table, parts: Parts, units: pa.ChunkedArray | None) -> list[str]:
    tests = parts == PARTS.index("test")
    count = int(tests.sum())
    labels = [columns[name].is_valid().to_numpy() for name in columns.column_names if name.startswith(LABEL)]
    known = np.any(labels, axis=0)
    unknown = int((tests & ~known).sum())
    if count and unknown == count and known.any():
        raise DataError(
            f"none of the {count:,} test rows has a label, as in a competition's test file, and without labels nothing "
            "can be scored: take these rows out of the table and the option split away, so that labelled rows are held "
            "out; a trained model answers for the others one by one (cma-bench predict)"
        )
    notes = [f"{unknown:,} of {count:,} test rows have no label and are not scored."] if unknown else []
    counted = count if units is None else len(units.filter(pa.array(tests)).unique())
    if 0 < counted < FEW_TEST_ROWS:
        width = 100 * 1.96 / (2 * sqrt(counted + 1.96**2))  # Wilson's interval at one half, where it is widest
        few = f"{counted} test {'rows' if units is None else 'products'} only"
        notes.append(f"{few}: a 95 % interval of an accuracy reaches up to {width:.0f} points to either side.")
    return notes


def _new(keys: list[pa.ChunkedArray], parts: Parts) -> npt.NDArray[np.bool_]:
    """Bool[N]: rows of which no training or validation row has the text or the photo."""
    learnt = pa.array(parts != PARTS.index("test"))
    known = [pc.is_in(key, key.filter(learnt).drop_null().combine_chunks()).to_numpy() for key in keys]
    return np.asarray(~np.any(known, axis=0))
