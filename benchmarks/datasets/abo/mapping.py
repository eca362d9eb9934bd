"""What sellers wrote about color, pattern, style or material -> classes, by the frozen list `mapping.json`.

Values count in lower case, without punctuation and without numbers that stand alone ("Multi-Coloured" is "multi
coloured", "Black_00826" is "black"). Then, in this order:
1. a whole value in the list `exact` has that class;
2. else the value is read from left to right, and at each word the longest listed phrase counts ("off white" is not
   "white"); phrases in `ignored` count as read and say nothing ("gold plated");
3. no class found is no label; two or more are the class `several` where there is one (color: multicolor), else none.

Nothing is guessed beyond that. The colours are the terms of Amazon's own `standardized_values`; the classes of pattern,
style and material are our choice. The list was written from knowledge of the public data, not from a count over it:
the load report tells the most frequent values that it misses. A changed list is another version.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from benchmarks.datasets.loading.splits import DataError

VERSION = "abo-mapping/v1"
SHA256 = "9dcce6806d2ae011a3a82d10b421cb1b4207194e45b78ae5928ad98666996422"
FILE = Path(__file__).parent / "mapping.json"


class _Listed(BaseModel):
    """One attribute of the file: the class of several, class -> values, class -> phrases, phrases that say nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    several: str | None
    exact: Mapping[str, tuple[str, ...]]
    words: Mapping[str, tuple[str, ...]]
    ignored: tuple[str, ...]


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    attributes: Mapping[str, _Listed]


class Vocabulary:
    """The values of one attribute and their classes."""

    def __init__(self, listed: _Listed):
        self.classes = tuple(sorted({*listed.exact, *listed.words}))
        self._several = listed.several
        self._exact = {value: name for name, values in listed.exact.items() for value in values}
        self._words: dict[str, str | None] = dict.fromkeys(listed.ignored)
        self._words.update({phrase: name for name, phrases in listed.words.items() for phrase in phrases})
        longest_first = sorted(self._words, key=lambda phrase: -phrase.count(" "))
        self._phrase = re.compile(rf"(?<!\S)(?:{'|'.join(map(re.escape, longest_first))})(?!\S)")
        self._known: dict[str, frozenset[str]] = {}

    def label(self, values: Iterable[str]) -> str | None:
        """The class of one product's values."""
        found = frozenset[str]().union(*map(self._classes_of, values))
        return self._several if len(found) > 1 else next(iter(found), None)

    def _classes_of(self, value: str) -> frozenset[str]:
        if value not in self._known:
            self._known[value] = self._read(normalise(value))
        return self._known[value]

    def _read(self, value: str) -> frozenset[str]:
        if value in self._exact:
            return frozenset({self._exact[value]})
        found = (self._words[phrase] for phrase in self._phrase.findall(value))
        return frozenset(name for name in found if name is not None)


def normalise(value: str) -> str:
    """Lower-case words with single spaces between them; numbers that stand alone are left out."""
    words = re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", value).casefold())
    return " ".join(word for word in words if not word.isdecimal())


@cache
def vocabularies() -> Mapping[str, Vocabulary]:
    """Attribute -> its vocabulary.

    Raises:
        DataError: the file is not the frozen one.
    """
    text = FILE.read_text(encoding="utf-8")
    found = sha256(text.encode()).hexdigest()
    if found != SHA256:
        raise DataError(f"{FILE}: sha256 {found[:12]} is not that of {VERSION}, {SHA256[:12]}; restore the file")
    file = _File.model_validate_json(text)
    return {attribute: Vocabulary(listed) for attribute, listed in file.attributes.items()}
