"""Texts longer than a text tower's context: cut into windows that are read one by one, and joined again.

A text that fits is one window and read as ever. How windows are joined is our choice: their words stand one behind the
other in one sequence; pooled states and embeddings are means over the windows, weighted by the words of each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

TextWindows = Annotated[int, Field(ge=1, le=16, strict=True)]
"""Windows that are read of a text at most; 1 reads its beginning. Each costs as much time and disk as the first."""

TEXT_WINDOWS: TextWindows = 4
"""Where nothing else is asked for: as many as a text needs, up to these (our choice: the paper does not say)."""

PROBE = "A photo of 2 striped red sneakers, größe 42; 赤い靴 naïve-ish!"
"""A text of which no two vocabularies make the same tokens."""
AT_ONCE = 1024
"""Texts that a tokeniser of Hugging Face gets at a time."""
MARKS_BEFORE = 4
"""More marks than any tokeniser puts before a text."""

AFTER_MEAN: dict[str, Callable[[Tensor], Tensor]] = {
    "text_cls": lambda mean: mean,
    "text_embedding": partial(F.normalize, dim=-1),
}
"""What there is one of for a whole text, and what becomes of its mean: embeddings keep unit length."""


class WindowCutter:
    """Frames pieces of a text as its tokeniser frames a text.

    Which marks stand before and behind the words, and where padding goes, is read off from what the tokeniser makes of
    an empty text and of one that it cuts: tokenisers have no common way to say it.

    Attributes:
        words: tokens of a text that one window holds, marks left out.

    Raises:
        ValueError: the tokeniser does not frame all texts alike.
    """

    def __init__(self, tokenizer: Any, context_length: int):  # noqa: ANN401 - open_clip's own
        self.tokenizer = tokenizer
        self.context_length = context_length
        long = " ".join([PROBE] * context_length)
        cut, short, empty = tokenizer([long, PROBE, ""], context_length=context_length).tolist()
        long_words, short_words = self._words([long, PROBE])
        before = max(range(MARKS_BEFORE), key=lambda position: _common(cut[position:], long_words))
        self.words = _common(cut[before:], long_words)
        marks = cut[before + self.words :]
        closing = _common(marks, empty[before:])
        self._before, self._closing, self._last = cut[:before], marks[:closing], marks[closing:]
        self._padding = empty[-1 - len(self._last)]
        framed = [self._window(words[: self.words]).tolist() for words in (long_words, short_words, [])]
        if framed != [cut, short, empty]:
            raise ValueError(
                f"{type(tokenizer).__name__} does not put the same marks around every text, so that long texts cannot "
                "be cut into windows; use text_windows=1"
            )

    def further(
        self, texts: Sequence[str], most: int
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        """What `most` windows read of each text behind its first one.

        Returns:
            Int32[M L], all further windows, text by text; Int[N], how many each text has; Bool[N], which texts are
            longer still.
        """
        windows, counts, longer = [], np.zeros(len(texts), dtype=np.int64), np.zeros(len(texts), dtype=np.bool_)
        for row, words in enumerate(self._words(texts)):
            starts = range(self.words, min(len(words), most * self.words), self.words)
            windows += [self._window(words[start : start + self.words]) for start in starts]
            counts[row], longer[row] = len(starts), len(words) > most * self.words
        return np.array(windows, dtype=np.int32).reshape(-1, self.context_length), counts, longer

    def _window(self, words: Sequence[int]) -> npt.NDArray[np.int32]:
        padding = [self._padding] * (self.words - len(words))
        return np.array([*self._before, *words, *self._closing, *padding, *self._last], dtype=np.int32)

    def _words(self, texts: Sequence[str]) -> Iterator[list[int]]:
        """The tokens of each text without any mark."""
        if hasattr(self.tokenizer, "encode"):  # open_clip's own
            yield from map(self.tokenizer.encode, texts)
            return
        for start in range(0, len(texts), AT_ONCE):
            cleaned = list(map(self.tokenizer.clean_fn, texts[start : start + AT_ONCE]))
            yield from self.tokenizer.tokenizer(cleaned, add_special_tokens=False, verbose=False)["input_ids"]


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    """How many items both begin with."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def windows_of(
    starts: npt.NDArray[np.int64], rows: Sequence[int] | slice
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """(Int[K], Int[K]): the further windows of some rows, and which of these rows each belongs to.

    Those of row r are `starts[r]` to `starts[r + 1]`.
    """
    begins = np.asarray(starts[:-1][rows])
    counts = np.asarray(starts[1:][rows]) - begins
    of = np.repeat(np.arange(len(counts)), counts)
    return np.arange(len(of)) + np.repeat(begins - counts.cumsum() + counts, counts), of


def join(first: Mapping[str, Tensor], further: Mapping[str, Tensor], of: Tensor) -> dict[str, Tensor]:
    """The text side of `Features` of B whole texts; those of one window keep their bits.

    Args:
        first: that of their first windows, B rows.
        further: that of K further windows.
        of: Int[K], ascending: which text each belongs to.
    """
    masks = first["text_mask"], further["text_mask"]
    counts = masks[0].sum(dim=1), masks[1].sum(dim=1)
    return {
        **first,
        **{
            name: pack((first[name], further[name]), masks, of)
            for name in ("text_tokens", "word_embeddings", "text_mask")
        },
        **{name: mean_of_windows(name, (first[name], further[name]), counts, of) for name in AFTER_MEAN},
    }


def pack(values: tuple[Tensor, Tensor], masks: tuple[Tensor, Tensor], of: Tensor) -> Tensor:
    """[B L ...] and [K L' ...] -> [B P ...]: what the masks show of each text one behind the other, then zeros."""
    (first, further), (own, more) = values, masks
    counts = more.sum(dim=1)
    before = counts.cumsum(dim=0) - counts
    begins = own.sum(dim=1)[of] + before - before[torch.searchsorted(of, of)]  # the latter: of the text's first one
    rows = torch.cat([own.nonzero()[:, 0], of[more.nonzero()[:, 0]]])
    places = torch.cat([(own.cumsum(dim=1) - 1)[own], (begins[:, None] + more.cumsum(dim=1) - 1)[more]])
    length = int(places.max()) + 1 if len(places) else 1
    empty = first.new_zeros(len(first), length, *first.shape[2:])
    return empty.index_put((rows, places), torch.cat([first[own], further[more]]))


def mean_of_windows(name: str, values: tuple[Tensor, Tensor], counts: tuple[Tensor, Tensor], of: Tensor) -> Tensor:
    """Float[B D] and Float[K D] -> Float[B D]: a pooled state or embedding of each whole text.

    Args:
        name: of `AFTER_MEAN`.
        values: of the first windows and of the further ones.
        counts: Int[B] and Int[K], words of each window, by which it is weighted.
        of: Int[K], which text each further window belongs to.
    """
    first, further = values
    own, more = (count[:, None].float() for count in counts)
    total = own.index_add(0, of, more)
    summed = (own * first.float()).index_add(0, of, more * further.float())
    mean = AFTER_MEAN[name](summed / total.clamp(min=1)).to(first.dtype)
    return torch.where(total > own, mean, first)
