"""The user's own examples: photos as files, arrays or pictures, with texts, and class names as labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from cma_clip.photos import Photo, check, picture
from cma_clip.types import Example, Examples, Task


class ExampleList(Examples):
    """Examples in a list. Photos that are files are opened each time they are asked for; all else is in memory."""

    def __init__(self, examples: Iterable[Example], files: Mapping[int, Path] | None = None):
        self._examples = tuple(examples)
        self._files = files or {}

    @classmethod
    def of(
        cls,
        images: Sequence[Photo | None],
        texts: Sequence[str | None],
        labels: Mapping[Task, Sequence[str | None]] | None = None,
    ) -> Self:
        """Rows of a photo, a text and class names; None where there is none.

        Everything is checked at once, so that no training ends at a photo that is not there. Files are opened here,
        and decoded when they are needed.

        Args:
            images: paths, arrays UInt8[H W 3] or PIL images.
            texts: titles.
            labels: task -> the name of each row's class, one of `task.classes`; rows without labels by default.

        Raises:
            ValueError: sequences of different length, a row without photo and text, what is no photo, an unknown class;
                names the row.
        """
        columns = {"texts": texts, **{f"labels of {task.name!r}": names for task, names in (labels or {}).items()}}
        for name, column in columns.items():
            if len(column) != len(images):
                raise ValueError(f"{len(images)} images, but {len(column)} {name}")
        rows = [_row(row, image, text) for row, (image, text) in enumerate(zip(images, texts, strict=True))]
        known = [_indices(task, names) for task, names in (labels or {}).items()]
        examples = [
            replace(example, labels={name: index for name, indices in known if (index := indices[row]) is not None})
            for row, (example, _) in enumerate(rows)
        ]
        return cls(examples, {row: file for row, (_, file) in enumerate(rows) if file is not None})

    def __len__(self) -> int:
        return len(self._examples)

    def __getitem__(self, index: int) -> Example:
        example, file = self._examples[index], self._files.get(index % len(self))
        return example if file is None else replace(example, image=picture(file))

    def ids(self) -> tuple[str, ...]:
        """N example ids."""
        return tuple(example.id for example in self._examples)

    def groups(self) -> tuple[str, ...]:
        """N group names."""
        return tuple(example.group for example in self._examples)

    def texts(self) -> list[str | None]:
        """N texts."""
        return [example.text for example in self._examples]

    def image_present(self) -> npt.NDArray[np.bool_]:
        """Bool[N]."""
        present = [example.image is not None or row in self._files for row, example in enumerate(self._examples)]
        return np.array(present, dtype=np.bool_)

    def label_rows(self) -> list[Mapping[str, int]]:
        """N mappings."""
        return [example.labels for example in self._examples]


def _row(row: int, photo: Photo | None, text: str | None) -> tuple[Example, Path | None]:
    """An example without labels; of a photo that is a file, the file beside it."""
    if photo is None and text is None:
        raise ValueError(f"row {row} has neither an image nor a text")
    if text is not None and not isinstance(text, str):
        raise ValueError(f"row {row}: a text is a str, or None where it is missing, found {text!r}")
    try:
        if isinstance(photo, str | Path):
            check(photo)
            return Example(str(row), str(row), None, text), Path(photo)
        return Example(str(row), str(row), None if photo is None else picture(photo), text), None
    except ValueError as error:
        raise ValueError(f"row {row}: {error}") from error


def _indices(task: Task, names: Sequence[str | None]) -> tuple[str, list[int | None]]:
    """(Name of the task, the index of each row's class)."""
    places: dict[str | None, int | None] = {**{name: place for place, name in enumerate(task.classes)}, None: None}
    for row, name in enumerate(names):
        if name not in places:
            raise ValueError(f"row {row}: task {task.name!r} has no class {name!r}; valid: {', '.join(task.classes)}")
    return task.name, [places[name] for name in names]
