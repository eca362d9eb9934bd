"""Which columns of a table a model reads, and what is in their cells."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from benchmarks.datasets.manifest import ManifestOptions, PhotoFolder
from benchmarks.datasets.reading.table import BLANKS
from benchmarks.datasets.reading.values import clean_text
from benchmarks.names import UnknownName, choose
from benchmarks.records.record import Record
from cma_clip.types import Modality


@dataclass(frozen=True)
class Inputs:
    """Where a table has what a model reads.

    Attributes:
        text, image: names of columns; None where the table has none, or the model does not read it.
        photos: the folder of the photos.
        options: what the cells mean: those of the table that the model was trained on.
    """

    text: str | None
    image: str | None
    photos: PhotoFolder
    options: ManifestOptions


def options_of(record: Record | None) -> ManifestOptions:
    """How the table was read that a model was trained on; columns `text` and `image` where it was none."""
    if record is None or record.experiment.dataset != "manifest":
        return ManifestOptions(text_cleaning="none")
    return ManifestOptions.model_validate(record.experiment.dataset_options)


def find_inputs(
    frame: pd.DataFrame,
    reads: frozenset[Modality],
    options: ManifestOptions,
    named: tuple[str | None, str | None],
    images: str | Path | PhotoFolder | None,
) -> Inputs:
    """The columns of a table that a model reads.

    Args:
        frame: the table.
        reads: what the model reads.
        options: of the table that it was trained on; they name the columns where `named` does not.
        named: (text, image), columns that the user names.
        images: the folder that the user names, outside of which nothing is read.

    Raises:
        ValueError: a column that the user named is not there; there is none that the model reads; two of a name.
    """
    there = [str(name) for name in frame.columns]
    found: dict[str, str | None] = {}
    for modality, name, own in (("text", named[0], options.text), ("image", named[1], options.image)):
        if name is not None:
            try:
                choose(name, there, f"{modality} column")
            except UnknownName as error:
                raise ValueError(str(error)) from error
        column = name or own
        found[modality] = frame.columns[there.index(column)] if column in there and modality in reads else None
        if column is not None and there.count(column) > 1:
            raise ValueError(f"{there.count(column)} columns are called {column!r}; the {modality} is in one")
    if reads and all(column is None for column in found.values()):
        wanted = " or ".join(f"{m} in {getattr(options, m) or m!r}" for m in sorted(reads, reverse=True))
        raise ValueError(
            f"the model reads its {wanted}, and the table has neither column: {', '.join(there) or 'it has none'}; "
            f"name the columns with text= and image="
        )
    return Inputs(found["text"], found["image"], _folder(images, options), options)


def _folder(images: str | Path | PhotoFolder | None, options: ManifestOptions) -> PhotoFolder:
    """The folder that was given; else the one of the training if it is here, and the current one, to the letter."""
    if isinstance(images, PhotoFolder):
        return images
    here = Path.cwd()
    if images is not None:
        return PhotoFolder(Path(images), Path(images))
    own = here if options.images is None else Path(options.images)
    return PhotoFolder(own if own.is_dir() else here, here, anywhere=True)


def is_missing(cell: Any, words: Collection[str]) -> bool:  # noqa: ANN401 - whatever a user's DataFrame holds
    """Blank, one of the words letter for letter, or what pandas calls missing."""
    if isinstance(cell, str):
        stripped = cell.strip(BLANKS)
        return not stripped or stripped in words
    return bool(pd.api.types.is_scalar(cell) and pd.isna(cell))


def texts_of(cells: Sequence[Any], options: ManifestOptions) -> tuple[list[str | None], dict[int, str]]:
    """(N texts cleaned as those of the training were, None where missing; row -> why its cell is no text)."""
    texts: list[str | None] = [None] * len(cells)
    problems: dict[int, str] = {}
    for row, cell in enumerate(cells):
        if is_missing(cell, options.missing):
            continue
        if isinstance(cell, bytes) or not pd.api.types.is_scalar(cell):
            problems[row] = f"text is no string but {type(cell).__name__}"
        else:  # a half of a surrogate pair, as JSON may hold it, is no character
            texts[row] = str(cell).strip(BLANKS).encode("utf-8", "replace").decode("utf-8")
    if options.text_cleaning == "html":
        texts = clean_text(pa.chunked_array([pa.array(texts, pa.string())]))[0].to_pylist()
    return texts, problems
