"""Damage to texts: pure functions (text, parameter, rng) -> text. Words are what spaces separate.

The parameters of severities 1 to 5 stand in `benchmarks.perturbations.PERTURBATIONS` and are our choice.
"""

from __future__ import annotations

import numpy as np

Rng = np.random.Generator
MASK = "_"

NEIGHBOURS: dict[str, str] = {
    letter: "".join(
        near
        for other, line in enumerate(("qwertyuiop", "asdfghjkl", "zxcvbnm"))
        for place, near in enumerate(line)
        if near != letter and abs(other - row) <= 1 and abs(place - column) <= 1
    )
    for row, keys in enumerate(("qwertyuiop", "asdfghjkl", "zxcvbnm"))
    for column, letter in enumerate(keys)
}
"""Keys beside each letter on a QWERTY keyboard."""


def token_drop(text: str, rate: float, rng: Rng) -> str:
    """Every word is lost at the rate; one always stays."""
    words = text.split()
    kept = [word for word, draw in zip(words, rng.random(len(words)), strict=True) if draw >= rate]
    return " ".join(kept or words[: bool(words)])


def token_mask(text: str, rate: float, rng: Rng) -> str:
    """Every word becomes "_" at the rate, as in QMF."""
    words = text.split()
    return " ".join(MASK if draw < rate else word for word, draw in zip(words, rng.random(len(words)), strict=True))


def typos(text: str, rate: float, rng: Rng) -> str:
    """Every letter becomes a neighbour on the keyboard at the rate."""
    hits, picks = rng.random((2, len(text)))
    return "".join(
        _neighbour(letter, pick) if hit < rate else letter for letter, hit, pick in zip(text, hits, picks, strict=True)
    )


def shuffle(text: str, rate: float, rng: Rng) -> str:
    """The share of the words, at least two, change places: each takes that of another one."""
    words = np.array(text.split(), dtype=object)
    moved = rng.permutation(len(words))[: max(2, round(rate * len(words)))]
    words[moved] = words[np.roll(moved, 1)]
    return " ".join(words)


def truncation(text: str, keep: float, rng: Rng) -> str:
    """The first words, a share of them, at least one."""
    words = text.split()
    return " ".join(words[: max(1, round(keep * len(words)))])


def _neighbour(letter: str, pick: float) -> str:
    near = NEIGHBOURS.get(letter.lower(), letter)
    found = near[int(pick * len(near))]
    return found.upper() if letter.isupper() else found
