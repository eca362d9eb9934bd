"""Examples as arrays that a backbone reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch

from cma_clip.features.arrays import items_of, starts_of
from cma_clip.tensors import Batch

Ends = Callable[[npt.NDArray[np.int32]], npt.NDArray[np.int64]]
"""Int32[N L] -> Int[N]: how many positions of each text a tower has to read."""


@dataclass(frozen=True)
class Encoded:
    """N examples as a backbone reads them. On disk these arrays are memory-mapped.

    Attributes:
        pixels: UInt8[N 3 H W], resized and cropped, not yet normalised; zeros where the image is missing.
        input_ids: Int32[N L], L the longest text here if the tower is causal, else its context length. Of texts in
            several windows the first one.
        further_ids: Int32[M L], the other windows, text by text: only those that there are.
        further_starts: Int[N+1]; those of text n are `further_starts[n]` to `further_starts[n + 1]`.
        image_present, text_present: Bool[N].
        fingerprint: names examples and processing together; None where the examples have no name.
        ends: how far texts have to be read; to their end marks if the tower is causal, else all positions.
    """

    pixels: npt.NDArray[np.uint8]
    input_ids: npt.NDArray[np.int32]
    further_ids: npt.NDArray[np.int32]
    further_starts: npt.NDArray[np.int64]
    image_present: npt.NDArray[np.bool_]
    text_present: npt.NDArray[np.bool_]
    fingerprint: str | None
    ends: Ends

    def __len__(self) -> int:
        return len(self.input_ids)

    @cached_property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Int[N], positions of each text, of all of its windows together."""
        further = starts_of(self.ends(np.asarray(self.further_ids)))
        return self.ends(np.asarray(self.input_ids)) + np.diff(further[self.further_starts])

    def batch(self, rows: Sequence[int] | slice, labels: Mapping[str, npt.NDArray[np.int64]]) -> Batch:
        """The given rows as tensors, texts cut to the longest among them; `labels` are those of all N examples."""
        windows, of = items_of(self.further_starts, rows)
        return Batch(
            pixel_values=torch.from_numpy(np.array(self.pixels[rows])),
            input_ids=self._ids(self.input_ids[rows]),
            further_ids=self._ids(self.further_ids[windows]),
            further_of=torch.from_numpy(of),
            image_present=torch.from_numpy(np.array(self.image_present[rows])),
            text_present=torch.from_numpy(np.array(self.text_present[rows])),
            labels={task: torch.from_numpy(np.array(values[rows])) for task, values in labels.items()},
        )

    def _ids(self, ids: npt.NDArray[np.int32]) -> torch.Tensor:
        return torch.from_numpy(ids[:, : self.ends(ids).max(initial=1)].astype(np.int64))
