"""Examples as arrays that a backbone reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from cma_clip.backbone.windows import windows_of
from cma_clip.tensors import Batch


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
    """

    pixels: npt.NDArray[np.uint8]
    input_ids: npt.NDArray[np.int32]
    further_ids: npt.NDArray[np.int32]
    further_starts: npt.NDArray[np.int64]
    image_present: npt.NDArray[np.bool_]
    text_present: npt.NDArray[np.bool_]
    fingerprint: str | None

    def __len__(self) -> int:
        return len(self.input_ids)

    def batch(self, rows: Sequence[int] | slice, labels: Mapping[str, npt.NDArray[np.int64]]) -> Batch:
        """The given rows as tensors; `labels` are those of all N examples."""
        windows, of = windows_of(self.further_starts, rows)
        return Batch(
            pixel_values=torch.from_numpy(np.array(self.pixels[rows])),
            input_ids=torch.from_numpy(self.input_ids[rows].astype(np.int64)),
            further_ids=torch.from_numpy(self.further_ids[windows].astype(np.int64)),
            further_of=torch.from_numpy(of),
            image_present=torch.from_numpy(np.array(self.image_present[rows])),
            text_present=torch.from_numpy(np.array(self.text_present[rows])),
            labels={task: torch.from_numpy(np.array(values[rows])) for task, values in labels.items()},
        )
