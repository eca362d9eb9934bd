"""Names a user may get wrong."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class UnknownName(ValueError):
    """A name that nothing has; the message suggests the nearest ones and lists all."""


def choose(name: str, known: Iterable[str], what: str) -> str:
    """`name` if it is known.

    Raises:
        UnknownName: with one sentence that suggests the nearest names and lists all of them.
    """
    names = list(known)
    if name in names:
        return name
    close = get_close_matches(name, names, n=2, cutoff=0.5)
    hint = f"; did you mean {' or '.join(map(repr, close))}?" if close else "."
    raise UnknownName(f"unknown {what} {name!r}{hint} Valid: {', '.join(names)}")
