"""The rows of a table as a model reads them: photos decoded once, on all cores, and kept as small as it needs them."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd
from PIL import Image

from benchmarks.serving.inputs import Inputs, is_missing, texts_of
from benchmarks.serving.photos import Photo, PhotoError, photos_in
from cma_clip.classifier import Classifier
from cma_clip.types import Example, Examples

Scalar = TypeVar("Scalar", bound=np.floating[Any])


class Rows(Examples):
    """The rows as examples: one each, or one a photo where the model was trained on every photo of a product.

    Nothing is decoded before `prepare`, or before the first example is asked for. A photo that cannot be used is no
    error but a problem of its row, which goes on with its text. What the model does not read is not opened.

    Attributes:
        frame: the table.
        row_of: Int[examples], the row of each example.
    """

    def __init__(self, frame: pd.DataFrame, inputs: Inputs, classifier: Classifier):
        self.frame = frame
        self._inputs, self._classifier = inputs, classifier
        cells = [None] * len(frame) if inputs.text is None else frame[inputs.text].tolist()
        self._texts, problems = texts_of(cells, inputs.options)
        self._problems: list[list[str]] = [[problems[row]] if row in problems else [] for row in range(len(frame))]
        named = self._named()
        self._photos: list[Photo | None] = [photo for photos in named for photo in photos or (None,)]
        self.row_of = np.repeat(np.arange(len(frame)), [max(1, len(photos)) for photos in named])
        self._small: list[Image.Image | None] = [None] * len(self._photos)
        self._present = np.zeros(len(self._photos), dtype=np.bool_)
        self._prepared, self._lock = False, threading.Lock()

    def _named(self) -> list[tuple[Photo, ...]]:
        """The photos of each row that the model looks at, not yet opened."""
        column, options = self._inputs.image, self._inputs.options
        if column is None:
            return [()] * len(self.frame)
        named: list[tuple[Photo, ...]] = []
        for row, cell in enumerate(self.frame[column].tolist()):
            photos: tuple[Photo, ...] = ()
            if not is_missing(cell, options.missing):
                try:
                    photos = photos_in(cell, self._inputs.photos)
                except PhotoError as error:
                    self._problems[row].append(str(error))
            named.append(photos if options.photos == "all" else photos[:1])
        return named

    def prepare(self) -> None:
        """Decode all photos on all cores and keep them as small as the model needs; once, whoever asks.

        May run in a thread ahead of the network.
        """
        with self._lock:
            if self._prepared:
                return
            with ThreadPoolExecutor() as pool:  # Pillow releases the interpreter lock while it decodes and resizes
                for index, problem in enumerate(pool.map(self._prepare_one, range(len(self._photos)))):
                    if problem is not None:
                        self._problems[self.row_of[index]].append(problem)
            self._prepared = True

    def _prepare_one(self, index: int) -> str | None:
        """Fill the places of one photo; what is wrong with it."""
        photo = self._photos[index]
        if photo is None:
            return None
        try:
            self._small[index] = self._classifier.shrink(photo.open())
        except PhotoError as error:
            return str(error)
        self._present[index] = True
        if self._small[index] is not None:
            self._photos[index] = None  # encoded bytes are needed no more
        return None

    def problems(self) -> list[str | None]:
        """Per row why it has no evidence, or less than it could, parted by `; `; None where nothing is wrong."""
        evidence, reads = self.evidence(), self._classifier.modalities
        told = [[problem.replace("; ", ", ") for problem in problems] for problems in self._problems]
        for row in np.flatnonzero(~evidence).tolist():
            if reads == {"image"}:
                told[row] = told[row] or ["no photo"]
            else:
                told[row].append("no text" if told[row] or reads == {"text"} else "neither photo nor text")
        if (cut := self._classifier.cut_texts(self)) is not None:
            for row in np.unique(self.row_of[cut[1]]).tolist():
                told[row].append(f"text cut at {cut[0]} tokens")
        return ["; ".join(problems) or None for problems in told]

    def evidence(self) -> npt.NDArray[np.bool_]:
        """Bool[rows]: which rows have something that the model reads. A model that reads nothing needs nothing."""
        if not self._classifier.modalities:
            return np.ones(len(self.frame), dtype=np.bool_)
        seen = np.array([bool(text and text.strip()) for text in self._texts], dtype=np.bool_)
        seen[self.row_of[self.image_present()]] = True
        return seen

    def mean(self, values: npt.NDArray[Scalar]) -> npt.NDArray[Scalar]:
        """[examples ...] -> [rows ...]: the mean over a row's photos; those that cannot be used do not count."""
        present = self.image_present()
        with_photo = np.zeros(len(self.frame), dtype=np.bool_)
        with_photo[self.row_of[present]] = True
        counted = present | ~with_photo[self.row_of]
        total = np.zeros((len(self.frame), *values.shape[1:]))
        np.add.at(total, self.row_of[counted], values[counted])
        counts = np.bincount(self.row_of[counted], minlength=len(self.frame))
        return (total / counts.reshape(-1, *[1] * (values.ndim - 1))).astype(values.dtype)

    def __len__(self) -> int:
        return len(self.row_of)

    def __getitem__(self, index: int) -> Example:
        self.prepare()
        name, image = str(index), self._small[index]
        if image is None and self._present[index] and (photo := self._photos[index]) is not None:
            image = photo.open()
        return Example(name, name, image, self._texts[self.row_of[index]])

    def ids(self) -> tuple[str, ...]:
        """Numbers."""
        return tuple(map(str, range(len(self))))

    def groups(self) -> tuple[str, ...]:
        """As the ids."""
        return self.ids()

    def texts(self) -> list[str | None]:
        """The text of each example's row."""
        return [self._texts[row] for row in self.row_of.tolist()]

    def image_present(self) -> npt.NDArray[np.bool_]:
        """Bool[examples]: which have a photo that can be used."""
        self.prepare()
        return self._present.copy()

    def label_rows(self) -> list[Mapping[str, int]]:
        """No labels: what a cell holds is kept, and never shown to the model."""
        return [{}] * len(self)
