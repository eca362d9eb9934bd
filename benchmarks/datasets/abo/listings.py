"""The sixteen listing files: one JSON object a line, its multilingual fields lists of {language_tag, value}.

Read line by line and not by `reading`, which makes columns of cells: a damaged line costs itself only, and of these
nested lists no more than the wanted languages and fields is held.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from tqdm import tqdm

from benchmarks.datasets.loading.splits import DataError, Source
from benchmarks.datasets.reading.values import cell

SHARDS = tuple(f"listings_{digit}.json.gz" for digit in "0123456789abcdef")
LABEL_LANGUAGE = "en"
FIRST_TAGS: Mapping[str, tuple[str, ...]] = {"en": ("en_US", "en_GB"), "pt": ("pt_BR",)}
"""Language -> its tags in the order of preference, others after them by name; of other languages de_DE, fr_FR ..."""

Tiers = tuple[tuple[str, ...], ...]
"""What a field says: the shop's standardized values where there are any, then the seller's own."""


class Entry(NamedTuple):
    """One value of a field; `tag` is empty where the file has none."""

    tag: str
    value: str | None
    standardized: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is kept of a listing.

    Attributes:
        attributes: fields that hold labels; they are read in English, whatever the language of the text is.
        bullets_in: language of the bullet points, as `best_tag` takes it; None keeps none.
    """

    attributes: Sequence[str]
    bullets_in: str | None


@dataclass(frozen=True, slots=True)
class Listing:
    """One product on one marketplace.

    Attributes:
        titles: language tag -> its first `item_name`.
        values: attribute -> what the field says; no key where it says nothing.
        origin: "listings_0.json.gz, line 17".
    """

    item_id: str
    domain: str
    image_id: str | None
    titles: Mapping[str, str]
    bullets: tuple[str, ...]
    values: Mapping[str, Tiers]
    origin: str


def read_listings(folder: Path, wanted: Wanted, source: Source) -> tuple[list[Listing], list[str]]:
    """(all listings, what is wrong with the lines that were skipped).

    Raises:
        DataError: a line that cannot be read, unless bad samples are to be skipped.
    """
    listings, problems = [], []
    for shard in tqdm(SHARDS, "read listings", disable=not source.progress, delay=2, leave=False):
        for found in _read_shard(folder / shard, wanted):
            if isinstance(found, Listing):
                listings.append(found)
            elif source.on_bad_sample == "error":
                raise DataError(f"{found} (--on-bad-sample skip leaves such lines out and counts them)")
            else:
                problems.append(found)
    return listings, problems


def best_tag(tags: Iterable[str], language: str) -> str | None:
    """The preferred one of a language: "en" is en_US before en_GB before other en_.. by name, "en_IN" is that only."""
    first = FIRST_TAGS.get(language, (f"{language}_{language.upper()}",))
    own = [tag for tag in tags if tag == language or tag.startswith(f"{language}_")]
    return min(own, key=lambda tag: (first.index(tag) if tag in first else len(first), tag), default=None)


def _read_shard(path: Path, wanted: Wanted) -> Iterator[Listing | str]:
    """Listings, and for each line that is none what is wrong with it."""
    number = 0
    try:
        with gzip.open(path) as lines:
            for number, line in enumerate(lines, start=1):
                if stripped := line.strip():
                    yield _listing_or_problem(stripped, f"{path.name}, line {number}", wanted)
    except (OSError, EOFError, zlib.error) as error:
        yield f"{path}, line {number + 1}: the file cannot be read from here on: {error}"


def _listing_or_problem(line: bytes, origin: str, wanted: Wanted) -> Listing | str:
    try:
        return _listing(json.loads(line), origin, wanted)
    except json.JSONDecodeError as error:
        return f"{origin}: cannot be read as JSON: {error}"
    except (ValueError, RecursionError) as error:
        return f"{origin}: {error}"


def _listing(record: object, origin: str, wanted: Wanted) -> Listing:
    if not isinstance(record, dict):
        raise ValueError(f"expected an object, found {str(record)[:80]!r}")
    names = _entries(record, "item_name")
    bullets = _of_language(_entries(record, "bullet_point"), wanted.bullets_in) if wanted.bullets_in else ()
    values = {attribute: _tiers(record, attribute) for attribute in wanted.attributes}
    return Listing(
        item_id=_required(record, "item_id"),
        domain=_required(record, "domain_name"),
        image_id=_required(record, "main_image_id") if record.get("main_image_id") else None,
        titles={name.tag: name.value for name in reversed(names) if name.value},
        bullets=tuple(bullet.value for bullet in bullets if bullet.value),
        values={attribute: tiers for attribute, tiers in values.items() if tiers},
        origin=origin,
    )


def _required(record: Mapping[str, Any], field: str) -> str:
    value = record.get(field)
    if not isinstance(value, str) or not cell(value):
        raise ValueError(f"{field} is {repr(value)[:80]}; valid is a text")
    return value


def _entries(record: Mapping[str, Any], field: str) -> list[Entry]:
    """A field's values, however it is written: the README's bare values are accepted beside the files' lists."""
    found = record.get(field)
    try:
        return [_entry(one) for one in (found if isinstance(found, list) else [found]) if one is not None]
    except ValueError as error:
        raise ValueError(
            f"{field} is {repr(found)[:80]}, which {error}; valid is a text, or a list of {{language_tag, value}}"
        ) from error


def _entry(found: object) -> Entry:
    if not isinstance(found, dict):
        return Entry("", cell(found), ())
    standardized = found.get("standardized_values") or []
    texts = map(cell, standardized if isinstance(standardized, list) else [standardized])
    return Entry(str(found.get("language_tag", "")), cell(found.get("value")), tuple(filter(None, texts)))


def _tiers(record: Mapping[str, Any], attribute: str) -> Tiers:
    entries = _entries(record, attribute)
    if any(entry.tag for entry in entries):
        entries = _of_language(entries, LABEL_LANGUAGE)
    standardized = tuple(text for entry in entries for text in entry.standardized)
    own = tuple(entry.value for entry in entries if entry.value)
    return tuple(tier for tier in (standardized, own) if tier)


def _of_language(entries: Sequence[Entry], language: str) -> list[Entry]:
    best = best_tag((entry.tag for entry in entries), language)
    return [entry for entry in entries if entry.tag == best]
