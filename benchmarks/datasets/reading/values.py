"""What the cells of a column mean: missing words, equal numbers, near-equal class names, HTML in texts."""

from __future__ import annotations

import html
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.datasets.reading.table import BLANKS, strip

MISSING_WORDS = ("NA", "N/A", "n/a", "NaN", "nan", "None", "null", "NULL", "<NA>", "#N/A", "-")
NOTHING = ("", "nan", "NaN", "null", "NULL")
"""What no published data set means as a value."""
DOUBTFUL_WORDS = frozenset((
    "blank", "empty", "k a", "keine angabe", "missing", "n a", "n d", "na", "nan", "nd", "nil", "no data",
    "no info", "no information", "no value", "none", "none other", "not applicable", "not available",
    "not given", "not known", "not set", "not specified", "not stated", "null", "other none", "other unknown",
    "tba", "tbc", "tbd", "to be determined", "unbekannt", "undefined", "unk", "unknown", "unknown other",
    "unspecified", "void", "ohne angabe", "s d", "sin datos", "sin especificar", "no aplica", "n c", "non renseigné",
))  # fmt: skip
"""Class names that often mean that nothing is known, in lower case, a blank for every mark between words. They are
classes unless the user says that they are missing."""
_MARKS_ONLY = re.compile("[-?._/*#~\u2010-\u2015\u2212]+")
SHOWN = 5  # examples in a note
_INNER_BLANK = re.compile(f"[{BLANKS}]+")
_NO_WIDTH = re.compile("[\u200b\u2060\ufeff]")


@dataclass(frozen=True)
class Settled:
    """A column whose missing cells are null.

    Attributes:
        values: strings.
        missing: missing word -> how many cells held it; "" counts empty cells.
        notes: what was made one class, and what might be.
    """

    values: pa.ChunkedArray
    missing: Mapping[str, int]
    notes: tuple[str, ...] = ()


def mark_missing(column: pa.ChunkedArray, words: Collection[str] = MISSING_WORDS) -> Settled:
    """Null in place of empty cells and of cells that are one of the words, letter for letter."""
    filled = pc.fill_null(column, "")
    is_word = pc.is_in(filled, pa.array(sorted({"", *words}), pa.string()))
    return Settled(pc.if_else(is_word, pa.scalar(None, pa.string()), column), _counts(filled.filter(is_word)))


def settle_labels(
    column: pa.ChunkedArray,
    words: Collection[str] = MISSING_WORDS,
    *,
    decimal_comma: bool = False,
    fold_case: bool = False,
    merge_numbers: bool = True,
) -> Settled:
    """The column as class names.

    Numbers: if every cell that is not missing is a plain decimal (`-?` digits, perhaps a point or, with
    `decimal_comma`, a comma and digits), those that are equal are one class under the shortest spelling: 0, 0.0 and
    0,0 are `0`. One leading zero (007), exponent, thousands separator or word, and the column stays as written, as it
    does without `merge_numbers`: versions 1.1 and 1.10 are two.
    Truth values: if every cell is true or false in any case, the classes are `true` and `false`.
    Other names keep their case; odd blanks (no-break, zero-width, several) become one plain blank.

    Args:
        column: stripped strings.
        words: what means missing.
        decimal_comma: whether the file writes decimals with a comma.
        fold_case: make classes that differ in case or blanks only one, under the commonest spelling.
        merge_numbers: make equal numbers one.
    """
    settled = mark_missing(column, words)
    counts = _counts(settled.values.drop_null())
    names, notes = _one_name_a_value(counts, _naming(counts, decimal_comma, merge_numbers))
    named: dict[str, int] = defaultdict(int)
    for cell, count in counts.items():
        named[names[cell]] += count
    folded, near = _near_equal(named)
    if fold_case:
        names = {cell: folded.get(name, name) for cell, name in names.items()}
        notes += [f"made one class by fold_case: {example}" for example in near]
    elif near:
        more = f" and {len(near) - SHOWN} more" if len(near) > SHOWN else ""
        notes.append(f"differ in case or blanks only: {'; '.join(near[:SHOWN])}{more}: one class with fold_case=true")
    return Settled(_renamed(settled.values, names), settled.missing, tuple(notes))


def _counts(column: pa.ChunkedArray) -> dict[str, int]:
    pairs = pc.value_counts(column)
    return dict(sorted(zip(pairs.field(0).to_pylist(), pairs.field(1).to_pylist(), strict=True)))


def _renamed(column: pa.ChunkedArray, names: Mapping[str, str]) -> pa.ChunkedArray:
    if all(old == new for old, new in names.items()):
        return column
    places = pc.index_in(column, pa.array(list(names), pa.string()))
    return pc.take(pa.array(list(names.values()), pa.string()), places)


def cell(value: object) -> str | None:
    """Its text, stripped of white space; None where nothing stands.

    Raises:
        ValueError: what is wrong with the value, without the value: more than one, or not Unicode.
    """
    if isinstance(value, (list, dict, bytes)):
        raise ValueError("is not text or a number")
    text = "" if value is None else str(value).strip()
    try:
        text.encode()
    except UnicodeEncodeError as error:  # JSON can spell half a character: "\\ud800"
        raise ValueError(f"is not Unicode text: {error.reason}") from error
    return None if text in NOTHING else text


def doubtful(column: pa.ChunkedArray) -> dict[str, int]:
    """Classes that often mean that nothing is known -> how many cells they have.

    One that is in the list of missing words is no doubt: it is a class because the user gave another list.
    """
    counts = _counts(column.drop_null())
    return {name: count for name, count in counts.items() if name not in MISSING_WORDS and _means_nothing(name)}


def _means_nothing(name: str) -> bool:
    plain = re.sub(r"[\W_]+", " ", name.casefold()).strip()
    return plain in DOUBTFUL_WORDS or _MARKS_ONLY.fullmatch(name) is not None


def _one_name_a_value(counts: Mapping[str, int], name_of: Callable[[str], str]) -> tuple[dict[str, str], list[str]]:
    """(Cell -> its class, notes)."""
    names = {cell: name_of(cell) for cell in counts}
    spellings: dict[str, list[str]] = defaultdict(list)
    for cell, name in names.items():
        spellings[name].append(f"`{cell}` {counts[cell]:,}")
    merged = [f"{', '.join(cells)} are `{name}`" for name, cells in spellings.items() if len(cells) > 1]
    more = f"; and {len(merged) - SHOWN} more" if len(merged) > SHOWN else ""
    way_out = " (numbers=as-is keeps them apart)" if name_of is _shortest else ""
    return names, [f"one class: {'; '.join(merged[:SHOWN])}{more}{way_out}"] if merged else []


def _naming(cells: Collection[str], decimal_comma: bool, merge_numbers: bool) -> Callable[[str], str]:
    mark = "[.,]" if decimal_comma and not any("." in cell for cell in cells) else r"\."
    number = re.compile(rf"-?(0|[1-9][0-9]*)({mark}[0-9]+)?")
    if cells and merge_numbers and all(number.fullmatch(cell) for cell in cells):
        return _shortest
    if cells and all(cell.lower() in ("true", "false") for cell in cells):
        return str.lower
    return lambda cell: _INNER_BLANK.sub(" ", _NO_WIDTH.sub("", cell))


def _shortest(number: str) -> str:
    """1.50 -> 1.5, 2,0 -> 2, -0 -> 0."""
    whole, _, fraction = number.replace(",", ".").partition(".")
    text = f"{whole}.{fraction}".rstrip("0").rstrip(".") if fraction else whole
    return "0" if Decimal(text) == 0 else text


def _near_equal(counts: Mapping[str, int]) -> tuple[dict[str, str], list[str]]:
    """(Name -> commonest spelling, "`Red` 812, `red` 3") of the names that differ in case or blanks only."""
    alike: dict[str, list[str]] = defaultdict(list)
    for name in sorted(counts, key=lambda name: (-counts[name], name)):
        alike["".join(name.casefold().split())].append(name)
    groups = [names for names in alike.values() if len(names) > 1]
    commonest = {name: names[0] for names in groups for name in names}
    return commonest, [", ".join(f"`{name}` {counts[name]:,}" for name in names) for names in groups]


_BLOCK = (
    "address|article|aside|blockquote|body|br|caption|center|col|colgroup|dd|details|div|dl|dt|fieldset|figcaption|figure|"
    "footer|form|h[1-6]|head|header|hr|html|iframe|img|input|legend|li|main|meta|link|nav|noscript|ol|option|p|pre|"
    "section|select|summary|table|tbody|td|textarea|tfoot|th|thead|title|tr|ul|video|audio|source|object|embed"
)
_INLINE = (
    "a|abbr|acronym|b|bdi|bdo|big|button|cite|code|data|del|dfn|em|font|i|ins|kbd|label|mark|o:p|q|s|samp|small|span|"
    "strike|strong|sub|sup|time|tt|u|var|wbr"
)
_ATTRIBUTE = r"\s+[\w:.-]+\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s<>\"']+)"  # with a value: `a <b and c> d` is no tag
_TAG = rf"(?i)</?(?:{{}})(?:{_ATTRIBUTE})*\s*/?>"
_UNSEEN = r"(?is)<!--.*?-->|<script\b.*?</script\s*>|<style\b.*?</style\s*>"
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
_MARKUP = f"(?:{_UNSEEN})|(?:{_TAG.format(f'{_BLOCK}|{_INLINE}')})|(?:{_ENTITY.pattern})"


def clean_text(column: pa.ChunkedArray) -> tuple[pa.ChunkedArray, int]:
    """(Texts without HTML, how many changed); cells without known tags and entities stay as they are.

    Only names of HTML count as tags: `x < 5`, `<3`, `List<Brand>` and `AT&T` survive (lxml, selectolax and bs4
    swallow `<Brand>`, and glue the words of two paragraphs). Tags of blocks and line breaks become a blank,
    those within a line nothing; scripts, styles and comments go with their content. Escaped markup (`&lt;p&gt;`, as
    feeds carry it) goes as well: the cleaning is done twice.
    """
    cleaned = pa.chunked_array([_cleaned(chunk) for chunk in column.chunks], pa.string())
    return cleaned, pc.sum(pc.not_equal(cleaned, column)).as_py() or 0


def _cleaned(texts: pa.Array) -> pa.Array:
    marked = pc.fill_null(pc.match_substring_regex(texts, _MARKUP), False)
    return pc.replace_with_mask(texts, marked, _without_markup(_without_markup(texts.filter(marked))))


def _without_markup(texts: pa.Array) -> pa.Array:
    for pattern, instead in ((_UNSEEN, " "), (_TAG.format(_BLOCK), " "), (_TAG.format(_INLINE), "")):
        texts = pc.replace_substring_regex(texts, pattern, instead)
    plain = pa.array(
        [_ENTITY.sub(lambda match: html.unescape(match[0]), text) for text in texts.to_pylist()], pa.string()
    )
    return strip(pc.replace_substring_regex(plain, f"[{BLANKS}]+", " "))
