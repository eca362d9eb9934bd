"""What the cells of a column mean: missing words, equal numbers, near-equal class names."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

MISSING_WORDS = ("", "NA", "N/A", "n/a", "na", "NaN", "nan", "None", "null", "NULL", "<NA>", "#N/A", "-")


@dataclass(frozen=True)
class Settled:
    """A column of class names.

    Attributes:
        values: class names, null where missing.
        missing: missing word -> how many cells held it.
        notes: one line each: numbers that were made one class, classes that differ in case or blanks only.
    """

    values: pa.ChunkedArray
    missing: Mapping[str, int]
    notes: tuple[str, ...] = ()


def mark_missing(column: pa.ChunkedArray, words: Collection[str] = MISSING_WORDS) -> Settled:
    """The column with null in place of every missing word."""
    is_word = pc.is_in(column, pa.array(sorted(words), pa.string()))
    counts = pc.value_counts(column.filter(is_word).combine_chunks())
    values = pc.if_else(is_word, pa.scalar(None, pa.string()), column)
    return Settled(values, {count["values"]: count["counts"] for count in counts.to_pylist()})


def settle_labels(
    column: pa.ChunkedArray,
    words: Collection[str] = MISSING_WORDS,
    *,
    decimal_comma: bool = False,
    fold_case: bool = False,
) -> Settled:
    """The column as class names (interim: missing words only)."""
    return mark_missing(column, words)
