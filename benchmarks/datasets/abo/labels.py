"""The label of a listing, and how many listings have one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from benchmarks.datasets.abo.listings import Listing
from benchmarks.datasets.abo.mapping import vocabularies

CODED = "product_type"
"""The attribute that needs no mapping: it holds Amazon's own codes (CELLULAR_PHONE_CASE)."""

SHOWN = 20
"""Most frequent values without a class that the report tells."""


def label_of(listing: Listing, attribute: str) -> str | None:
    """The class that the standardized values name; where they name none, that of the seller's own values."""
    for values in listing.values.get(attribute, ()):
        label = _code(values) if attribute == CODED else vocabularies()[attribute].label(values)
        if label is not None:
            return label
    return None


def coverage(listings: Sequence[Listing], attribute: str) -> str:
    """One sentence: labelled, present without a class (and the most frequent of these values), absent."""
    present = [listing for listing in listings if attribute in listing.values]
    unmapped = [listing.values[attribute] for listing in present if label_of(listing, attribute) is None]
    counts = Counter(" + ".join(tiers[-1]) for tiers in unmapped)
    frequent = ", ".join(f"{value!r} {count:,}" for value, count in counts.most_common(SHOWN))
    return (
        f"{attribute}: {len(present) - len(unmapped):,} listings labelled, {len(unmapped):,} with a value that has no "
        f"class or two that conflict{f' (most frequent: {frequent})' if frequent else ''}, "
        f"{len(listings) - len(present):,} without a value."
    )


def _code(values: Sequence[str]) -> str | None:
    codes = {value.replace("_", " ").lower() for value in values}
    return codes.pop() if len(codes) == 1 else None
