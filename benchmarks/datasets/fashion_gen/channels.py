"""Red first or blue first? Loaders of Fashion-Gen disagree, so the data are asked.

Products whose own text names one colour, either warm (more red than blue) or cool (more blue than red), are looked
at: do the strongly coloured pixels of the photo agree with the word in the stored order, or in the reverse one?
Backdrops and grey photos have no such pixels and do not vote. Words, thresholds and the test are our choice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.datasets.fashion_gen.layout import ENCODING, check, open_file, read_products
from benchmarks.datasets.fashion_gen.pixels import Channels, ImageFile
from benchmarks.datasets.loading.splits import DataError

WARM = frozenset(("red", "burgundy", "orange", "yellow", "brown"))
COOL = frozenset(("blue", "navy", "indigo", "cobalt"))

MIN_CHROMA = 60
"""Least difference between the largest and the smallest channel of a strongly coloured pixel."""
MIN_SHARE = 0.01
"""Least share of such pixels in a photo that votes."""
MIN_LEAN = 20
"""Least mean difference between first and last channel over them."""
ALPHA = 0.01


@dataclass(frozen=True)
class ChannelEvidence:
    """How many products speak for each order.

    Attributes:
        votes: colour word -> (products whose photo agrees if red comes first, ... if blue comes first).
    """

    votes: Mapping[str, tuple[int, int]]

    @property
    def rgb(self) -> int:
        """Products that speak for red first."""
        return sum(rgb for rgb, _ in self.votes.values())

    @property
    def bgr(self) -> int:
        """Products that speak for blue first."""
        return sum(bgr for _, bgr in self.votes.values())

    @property
    def verdict(self) -> Channels | None:
        """The order of the majority; None unless a fair coin would give such a majority in 1 % of the cases at most."""
        from scipy.stats import binomtest

        count = self.rgb + self.bgr
        if not count or binomtest(self.rgb, count).pvalue > ALPHA:
            return None
        return "rgb" if self.rgb > self.bgr else "bgr"

    def __str__(self) -> str:
        words = ", ".join(f"{word} {rgb}:{bgr}" for word, (rgb, bgr) in sorted(self.votes.items()))
        return f"{self.rgb:,} products speak for rgb, {self.bgr:,} for bgr ({words or 'no colour word found'})"


def channel_evidence(path: Path, products: int = 1000) -> ChannelEvidence:
    """Look at so many products of a Fashion-Gen file, evenly spread over it, one photo each.

    Raises:
        DataError: the file cannot be used.
    """
    photos = ImageFile(path, "rgb")
    votes: dict[str, tuple[int, int]] = {}
    for row, word in _named_colours(path, products):
        try:
            lean = _lean(photos.pixels(row))
        except DataError:  # whoever loads the photos says so; here it is a vote less
            continue
        if abs(lean) >= MIN_LEAN:
            rgb, bgr = votes.get(word, (0, 0))
            agrees = (lean > 0) == (word in WARM)
            votes[word] = (rgb + agrees, bgr + (not agrees))
    return ChannelEvidence(votes)


def _named_colours(path: Path, products: int) -> Iterator[tuple[int, str]]:
    """(row, colour word) of the products whose text names one colour."""
    with open_file(path) as file:
        check(file, path)
        _, firsts = np.unique(read_products(file), return_index=True)
        firsts.sort()
        for place in np.unique(np.linspace(0, len(firsts) - 1, min(products, len(firsts))).astype(np.int64)):
            row = int(firsts[place])
            name, description = (file[key][row, 0].decode(ENCODING) for key in ("input_name", "input_description"))
            word = _colour_word(name, description)
            if word is not None:
                yield row, word


def _colour_word(name: str, description: str) -> str | None:
    """The only colour of name and first sentence; later sentences are about seams, linings and logos."""
    words = set(re.findall(r"[a-z]+", f"{name} {description.partition('.')[0]}".lower())) & (WARM | COOL)
    return words.pop() if len(words) == 1 else None


def _lean(pixels: npt.NDArray[np.uint8]) -> float:
    """Mean of first minus last channel over the strongly coloured pixels; 0 if there are too few."""
    values = pixels[::4, ::4].astype(np.int16)  # every sixteenth pixel tells as much, and faster
    coloured = values.max(axis=2) - values.min(axis=2) >= MIN_CHROMA
    if coloured.mean() < MIN_SHARE:
        return 0.0
    return float((values[..., 0] - values[..., 2])[coloured].mean())
