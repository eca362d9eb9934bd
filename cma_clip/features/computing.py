"""Photos and texts on their way through a frozen backbone, some rows at a time, to the arrays of `FeatureTable`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from cma_clip.backbone.backbone import Backbone
from cma_clip.features.arrays import Piece, Shape, items_of, starts_of
from cma_clip.features.batching import by_length
from cma_clip.features.encoded import Ends
from cma_clip.features.processing import Arrays

ROWS = 256
"""Rows computed at a time; fixed, because the rounding of a matrix product depends on its size."""
POOL = 64 * ROWS
"""Rows whose texts are sorted by length together, so that computing pays for no padding."""

Places = npt.NDArray[np.int64]
Computed = Iterator[Piece]


class Photos:
    """N photos; `read` gives pixels and presence of some rows, as `cma_clip.features.encoded.Encoded` has them."""

    side = "image"

    def __init__(self, backbone: Backbone, count: int, read: Callable[[Places], Arrays]):
        self.backbone = backbone
        self._count, self._read = count, read

    @property
    def order(self) -> Places:
        """Int[N], in which rows are computed."""
        return np.arange(self._count)

    def shapes(self, some: Sequence[Piece] | None = None) -> dict[str, Shape]:
        """Of all arrays, from the features of some photos; without any, one is looked at."""
        found = some or list(self.computed(self.order[:1]))
        return {name: ((self._count, *value.shape[1:]), np.float16) for name, _, value in found}

    def computed(self, rows: Places) -> Computed:
        """What there is of some rows."""
        for name, value in self._features(rows).items():
            yield name, rows, value.cpu().numpy()

    def _features(self, rows: Places) -> dict[str, Tensor]:
        encoded = self._read(rows)
        pixels, present = (on_device(self.backbone, encoded[name]) for name in ("pixels", "image_present"))
        with torch.inference_mode():
            found = self.backbone.image_features(pixels, present)
        return {name: value for name, value in found.items() if name != "image_present"}


class Texts:
    """N texts of one window each: Int32[N L] and Bool[N] as in `cma_clip.features.encoded.Encoded`."""

    side = "text"

    def __init__(self, backbone: Backbone, ids: npt.NDArray[np.int32], present: npt.NDArray[np.bool_], ends: Ends):
        self.backbone = backbone
        self.ids, self.present = ids, present
        self._ends = ends

    @cached_property
    def starts(self) -> Places:
        """Int[N+1], where the words of each text start if all stand one after the other."""
        mask = self.backbone.text_tower.words(torch.from_numpy(np.array(self.ids)))
        return starts_of(mask.sum(dim=1).numpy() * self.present)

    @property
    def order(self) -> Places:
        """Int[N], in which rows are computed; see `POOL`."""
        return by_length(np.arange(len(self.ids)), self._ends(np.asarray(self.ids)), POOL)

    def shapes(self, some: Sequence[Piece] | None = None) -> dict[str, Shape]:
        """Of all arrays, from the lengths of all texts and the features of some; without any, one is read."""
        rows, words = len(self.ids), int(self.starts[-1])
        found = {name: value.shape[1:] for name, _, value in some or self.computed(np.arange(rows)[:1])}
        return {
            "word_starts": ((rows + 1,), np.int64),
            "word_ids": ((words,), np.int32),
            "text_tokens": ((words, *found["text_tokens"]), np.float16),
            "text_cls": ((rows, *found["text_cls"]), np.float16),
            "text_embedding": ((rows, *found["text_embedding"]), np.float16),
        }

    def computed(self, rows: Places) -> Computed:
        """What there is of some rows; computing pays for no position beyond the longest of them."""
        ids = self.ids[rows]
        ids = ids[:, : self._ends(ids).max(initial=1)]
        with torch.inference_mode():
            tokens, mask, cls, embedding = self.backbone.text_tower(on_device(self.backbone, ids.astype(np.int64)))
        mask = mask.cpu() & torch.from_numpy(np.array(self.present[rows]))[:, None]
        words, _ = items_of(self.starts, rows)
        yield "word_starts", rows + 1, self.starts[rows + 1]
        yield "word_ids", words, ids[mask.numpy()]
        yield "text_tokens", words, tokens.cpu()[mask].numpy()
        yield "text_cls", rows, cls.cpu().numpy()
        yield "text_embedding", rows, embedding.cpu().numpy()


def batches(order: Places) -> list[Places]:
    """The rows that are computed together, and kept together as a shard."""
    return [order[start : start + ROWS] for start in range(0, len(order), ROWS)]


def on_device(backbone: Backbone, values: npt.NDArray[Any]) -> Tensor:
    """Where the backbone is."""
    return torch.from_numpy(np.array(values)).to(next(backbone.parameters()).device)
