"""Photos that stay in the Arrow files of the hub's library, decoded when they are looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from benchmarks.datasets.loading import images
from benchmarks.datasets.loading.arrow import TableExamples
from cma_clip.types import Example

if TYPE_CHECKING:
    from datasets import Dataset


def encoded(photos: Dataset, row: int) -> bytes | Path | None:
    """The photo of a row; None where there is none."""
    (cell,) = photos[row].values()
    if cell is None:
        return None
    return cell["bytes"] if cell["bytes"] is not None else Path(cell["path"])


@dataclass(frozen=True, slots=True)
class PhotoInPlace:
    """One photo of a table; see `rows.ImageInPlace`."""

    photos: Dataset
    row: int

    def digest(self, origin: str) -> str:
        """Hash of the encoded bytes, which are decoded once to see whether they can be.

        Raises:
            DataError: they cannot; names the origin.
        """
        photo = encoded(self.photos, self.row)
        if photo is None:
            raise ValueError(f"{origin}: there is no photo")
        data = images.read(photo, origin)
        images.decode(data, origin)
        return images.digest(data)


class HubExamples(TableExamples):
    """Columns from the project's own table, photos from the hub's; row for row the same examples."""

    def __init__(self, table: TableExamples, photos: Dataset):
        super().__init__(table._table, str(table.fingerprint))
        self._photos = photos

    def __getitem__(self, index: int) -> Example:
        example = super().__getitem__(index)
        photo = encoded(self._photos, index)
        return example if photo is None else replace(example, image=images.decode(photo, f"id {example.id!r}"))

    def select(self, indices: Sequence[int] | npt.NDArray[np.int64]) -> HubExamples:
        """These examples in this order, without a copy."""
        return HubExamples(super().select(indices), self._photos.select(np.asarray(indices, dtype=np.int64)))
