"""When a text states a class name: case, punctuation, plural and the space or hyphen within a name do not count."""

from __future__ import annotations

import re
from functools import lru_cache

_SIBILANT = ("sses", "shes", "ches", "xes", "zzes")
_NO_PLURAL = ("ss", "us", "is")
_IRREGULAR = {"halves": "half", "knives": "knife", "leaves": "leaf", "loaves": "loaf", "scarves": "scarf"}


@lru_cache(maxsize=100_000)
def singular(word: str) -> str:
    """The lower-case English word without its plural ending, by rule; words of up to three letters stay.

    Words on -ie take the form that their plural leads to: "hoodie" and "hoodies" are both "hoody".
    """
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) <= 3 or word.endswith(_NO_PLURAL):
        return word
    if word.endswith("ie"):
        return word[:-2] + "y"
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(_SIBILANT):
        return word[:-2]
    return word[:-1] if word.endswith("s") else word


@lru_cache(maxsize=100_000)
def words_of(text: str) -> tuple[str, ...]:
    """Lower-case singular words without punctuation; a hyphen joins its two sides."""
    return tuple(singular(word) for word in re.findall(r"[^\W_]+", text.lower().replace("-", "")))


def without(text: str, names: list[str]) -> str:
    """The text without the words that state one of the names, whole names only: "navy" does not state "navy blue".

    A name may be spread over several words or joined in one: "T Shirts" states "Tshirt". What is left keeps its
    words as they were, with single spaces; a text that states no name is returned as it is. A hyphened word goes as
    a whole when one side of it states a name: "off-white" states "white".
    """
    raw = text.split()
    pieces = [(place, word) for place, chunk in enumerate(raw) for word in words_of(chunk.replace("-", " "))]
    joined = {"".join(words_of(name)) for name in names} - {""}
    stated = {place for name in joined for place in _places(pieces, name)}
    return " ".join(chunk for place, chunk in enumerate(raw) if place not in stated) if stated else text


def _places(pieces: list[tuple[int, str]], name: str) -> set[int]:
    found: set[int] = set()
    for start in range(len(pieces)):
        stated = ""
        for end in range(start, len(pieces)):
            stated += pieces[end][1]
            if stated == name:
                found |= {place for place, _ in pieces[start : end + 1]}
            if len(stated) >= len(name):
                break
    return found
