"""What the cells of the chosen columns mean: classes, missing words, texts; and what is doubtful about them."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.datasets.manifest.label_cells import check_lists
from benchmarks.datasets.manifest.options import ManifestOptions
from benchmarks.datasets.manifest.photos import Where
from benchmarks.datasets.reading import RawTable
from benchmarks.datasets.reading.values import Settled, clean_text, doubtful, mark_missing, settle_labels

MOST = 200
"""Values that a column of labels has, at most."""
EXAMPLES = 3


@dataclass(frozen=True)
class Column:
    """What a column holds.

    Attributes:
        known: cells with a value.
        missing: cells without one.
        values: different values; equal numbers count once.
        recurring: cells whose value another cell has, too.
        examples: the commonest values; of labels up to `MOST`, of others a few.
        words: mean number of words in a cell.
    """

    name: str
    known: int
    missing: int
    values: int
    recurring: int
    examples: tuple[str, ...]
    words: float
    is_binary: bool = False

    @property
    def named(self) -> list[str]:
        """The words of its name in lower case; productId has two."""
        return re.findall(r"[^\W_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", self.name).lower())


def describe(raw: RawTable, given: ManifestOptions) -> tuple[Column, ...]:
    """What each column holds; what is missing and what is one value is said by the options."""
    return tuple(_describe(name, raw, given) for name in raw.columns.column_names)


def _describe(name: str, raw: RawTable, given: ManifestOptions) -> Column:
    column = raw.columns[name]
    if not pa.types.is_string(column.type):
        known = len(column) - column.null_count
        return Column(name, known, column.null_count, known, 0, (), 0.0, is_binary=True)
    cells = mark_missing(column, given.missing).values
    if pc.count_distinct(cells).as_py() <= 2 * MOST:  # 0 and 0.0 of as many labels
        cells = settle_label(name, raw, given).values
    known = cells.drop_null()
    counts = known.value_counts()
    sizes = counts.field(1).to_numpy()
    order = np.argsort(-sizes, kind="stable")[: MOST if len(sizes) <= MOST else EXAMPLES]
    return Column(
        name=name,
        known=len(known),
        missing=len(cells) - len(known),
        values=len(sizes),
        recurring=int(sizes[sizes > 1].sum()),
        examples=tuple(counts.field(0).take(pa.array(order)).to_pylist()),
        words=(pc.mean(pc.count_substring(known, " ")).as_py() or 0.0) + 1,
    )


def settle(raw: RawTable, options: ManifestOptions) -> tuple[pa.Table, list[str]]:
    """The columns with null where a value is missing; (columns, sentences about values).

    Raises:
        DataError: label cells that hold lists.
    """
    columns: dict[str, Any] = {}
    notes: list[str] = []
    missing: dict[str, Mapping[str, int]] = {}
    for name in raw.columns.column_names:
        column = raw.columns[name]
        if name in options.labels:
            settled = settle_label(name, raw, options)
            notes += list_notes(name, settled.values, raw.origins, options)
        elif pa.types.is_string(column.type):
            settled = mark_missing(column, () if name == options.id else options.missing)
        else:
            columns[name] = column
            continue
        columns[name], missing[name] = settled.values, settled.missing
        if name == options.text and options.text_cleaning == "html":
            columns[name], changed = clean_text(settled.values)
            if changed:
                notes.append(f"HTML was taken out of {changed:,} texts (text_cleaning=none keeps it).")
        notes += [f"Column {name!r}: {note}." for note in settled.notes]
    words = {name: ", ".join(f"{w!r} {n:,}" for w, n in counts.items() if w) for name, counts in missing.items()}
    notes += [f"Taken as missing in column {name!r}: {said}." for name, said in words.items() if said]
    return pa.table(columns), [*notes, *doubts({name: columns[name] for name in options.labels}, options)]


def settle_label(name: str, raw: RawTable, options: ManifestOptions) -> Settled:
    """A column as class names."""
    return settle_labels(
        raw.columns[name],
        options.missing,
        decimal_comma=raw.decimal_comma,
        fold_case=options.fold_case,
        merge_numbers=options.numbers == "merge",
    )


def list_notes(name: str, labels: pa.ChunkedArray, origins: Where, options: ManifestOptions) -> list[str]:
    """A sentence if some cells may hold several labels and the option `list_cells` leaves it open.

    Raises:
        DataError: the column holds lists.
    """
    note = check_lists(name, labels, origins) if options.list_cells == "error" else None
    return [f"Column {name!r} {note} (list_cells=as-is says so)."] if note else []


def doubts(labels: Mapping[str, pa.ChunkedArray], options: ManifestOptions) -> list[str]:
    """A sentence if classes may be words for a missing value, with the option that makes them so, to be copied."""
    found = {name: words for name, column in labels.items() if (words := doubtful(column))}
    if not found:
        return []
    said = (
        f"column {name!r} has the class {', '.join(f'{word!r} ({count:,} rows)' for word, count in words.items())}"
        for name, words in found.items()
    )
    replaced = dict.fromkeys([*options.missing, *(word for words in found.values() for word in words)])
    option = shlex.quote(f"missing={json.dumps([*replaced], ensure_ascii=False)}")
    sentence = "; ".join(said)
    return [f"{sentence[0].upper()}{sentence[1:]}: if it means that nothing is known: --option {option}."]
