"""The sixteen listing files: one JSON object a line, its multilingual fields lists of {language_tag, value}."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from benchmarks.datasets.splits import DataError, Source

SHARDS = tuple(f"listings_{digit}.json.gz" for digit in "0123456789abcdef")
LABEL_LANGUAGE = "en"
FIRST_TAGS: Mapping[str, tuple[str, ...]] = {"en": ("en_US", "en_GB"), "pt": ("pt_BR",)}
"""Language -> its tags in the order of preference, others after them by name; of other languages de_DE, fr_FR ..."""

Tiers = tuple[tuple[str, ...], ...]
"""What a field says: the shop's standardized values where there are any, then the seller's own."""

Entries = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is kept of a listing.

    Attributes:
        attributes: fields that hold labels; they are read in English, whatever the language of the text is.
        language: of the bullet points, as `best_tag` takes it; None keeps none.
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
        titles={tag: title for name in reversed(names) for tag, title in [(_tag(name), _text(name))] if title},
        bullets=tuple(filter(None, map(_text, bullets))),
        values={attribute: tiers for attribute, tiers in values.items() if tiers},
        origin=origin,
    )


def _required(record: Mapping[str, Any], field: str) -> str:
    value = record.get(field)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{field} is {repr(value)[:80]}; valid is a text")
    return value


def _entries(record: Mapping[str, Any], field: str) -> Entries:
    """A field as a list of objects, however it is written: the README's bare values are accepted beside the files'."""
    value = record.get(field)
    if value is None:
        return ()
    entries = [
        one if isinstance(one, dict) else {"value": one} for one in (value if isinstance(value, list) else [value])
    ]
    for entry in entries:
        said = [entry.get("value"), *_standardized(entry)]
        if not all(isinstance(one, str | int | float | None) for one in said):
            raise ValueError(f"{field} is {str(value)[:80]}; valid is a text, or a list of {{language_tag, value}}")
    return entries


def _tiers(record: Mapping[str, Any], attribute: str) -> Tiers:
    entries = _entries(record, attribute)
    if any("language_tag" in entry for entry in entries):
        entries = _of_language(entries, LABEL_LANGUAGE)
    standardized = tuple(str(one).strip() for entry in entries for one in _standardized(entry) if one)
    own = tuple(filter(None, map(_text, entries)))
    return tuple(tier for tier in (standardized, own) if tier)


def _standardized(entry: Mapping[str, Any]) -> Sequence[Any]:
    values = entry.get("standardized_values") or ()
    return values if isinstance(values, list | tuple) else (values,)


def _of_language(entries: Entries, language: str) -> Entries:
    best = best_tag(map(_tag, entries), language)
    return [entry for entry in entries if _tag(entry) == best]


def _tag(entry: Mapping[str, Any]) -> str:
    return str(entry.get("language_tag", ""))


def _text(entry: Mapping[str, Any]) -> str:
    value = entry.get("value")
    return "" if value is None else str(value).strip()
