"""What is asked of a model about a table, and where the table has what the model reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import pyarrow.compute as pc
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from benchmarks.datasets.loading.splits import DataError, split_names
from benchmarks.datasets.manifest import ManifestOptions, PhotoFolder
from benchmarks.datasets.manifest.cells import describe
from benchmarks.datasets.manifest.columns import images_folder
from benchmarks.datasets.manifest.proposal import propose
from benchmarks.datasets.reading import RawTable, ReadOptions
from benchmarks.names import UnknownName, choose
from benchmarks.serving import SavedModel
from benchmarks.serving.inputs import find_inputs, options_of
from cma_clip.types import Modality


class TableOptions(BaseModel):
    """How a table is read, as `--option NAME=VALUE`; see `ManifestOptions`.

    Attributes:
        missing: words that stand for an empty cell here, beside those of the table that the model was trained on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    encoding: str | None = None
    separator: str | None = None
    quotes: Literal["doubled", "backslash"] | None = None
    header: bool | None = None
    sheet: str | None = None
    missing: Annotated[tuple[str, ...], BeforeValidator(split_names)] = ()

    @classmethod
    def of(cls, given: dict[str, object]) -> TableOptions:
        """From the command line.

        Raises:
            ValueError: an unknown name, or a value that is none; names it.
        """
        for name in given:
            choose(name, cls.model_fields, "option of a table")
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            first = error.errors()[0]
            raise ValueError(f"--option {first['loc'][0]}={first['input']!r}: {first['msg']}") from error

    def reading(self, spool: Path) -> ReadOptions:
        """What the file is read with; its rows are kept in the folder `spool`."""
        return ReadOptions(self.encoding, self.separator, self.quotes, self.header, self.sheet, spool)


@dataclass(frozen=True)
class Question:
    """What the user asks.

    Attributes:
        precision: the share of filled cells that has to be right.
        tasks: those to fill; empty for all of the model.
        text, image: columns; None for those that the model was trained on, "" where the table has none.
        images: the folder of the photos, seen from the table or from the current folder; the table's own by default.
    """

    precision: float = 0.9
    tasks: tuple[str, ...] = ()
    text: str | None = None
    image: str | None = None
    images: Path | None = None
    table: TableOptions = field(default_factory=TableOptions)


@dataclass(frozen=True)
class Asked:
    """A question settled for one model and one table.

    Attributes:
        commas: tasks whose column writes decimals with a comma, as answers in it then are.
    """

    tasks: tuple[str, ...]
    precision: float
    text: str | None
    image: str | None
    images: PhotoFolder
    missing: tuple[str, ...]
    commas: tuple[str, ...] = ()

    def identity(self) -> list[Any]:
        """What decides the answers, for a hash."""
        folder = str(self.images.root.resolve())
        return [self.tasks, self.precision, self.text, self.image, folder, self.missing, self.commas]

    def columns(self) -> dict[str, Any]:
        """For `SavedModel.rows`."""
        return {"text": self.text, "image": self.image, "images": self.images}


def settle(question: Question, saved: SavedModel, raw: RawTable, path: Path) -> Asked:
    """What will be answered, and from which columns.

    Raises:
        DataError: a column that the model reads is not there; lists those that are, and proposes one.
        ValueError: an unknown task, a precision out of range.
    """
    known = [task.name for task in saved.classifier.tasks]
    tasks = tuple(choose(name, known, "task of the model") for name in dict.fromkeys(question.tasks or known))
    options = options_of(saved.record)
    named = _column("text", question, saved, raw, path), _column("image", question, saved, raw, path)
    folder = question.images or (None if options.images is None else Path(options.images))
    images = PhotoFolder(_folder(folder, raw, must_exist=question.images is not None), raw.folder)
    empty = raw.columns.slice(0, 0).to_pandas()
    inputs = find_inputs(empty, saved.classifier.modalities, options, named, images)
    for task in tasks:
        saved.promise(task, question.precision)  # refuses a precision out of range
        if task in (inputs.text, inputs.image):
            raise DataError(f"{path}: column {task!r} is a task of the model and cannot be its input; name others")
    commas = tuple(task for task in tasks if _writes_commas(raw, task))
    return Asked(tasks, question.precision, inputs.text, inputs.image, images, question.table.missing, commas)


def _writes_commas(raw: RawTable, task: str) -> bool:
    if not raw.decimal_comma or task not in raw.columns.column_names:
        return False
    commas, points = (
        pc.any(pc.match_substring_regex(raw.columns[task], pattern)).as_py()
        for pattern in (r"^-?\d+,\d+$", r"^-?\d+\.\d+$")
    )
    return bool(commas and not points)


def _folder(folder: Path | None, raw: RawTable, *, must_exist: bool) -> Path:
    """The user's own folder; else that of the training, if the table has it as well, or the table's own."""
    try:
        return images_folder(None if folder is None else str(folder), raw.folder)
    except DataError:
        if must_exist:
            raise
        return raw.folder


def _column(modality: Modality, question: Question, saved: SavedModel, raw: RawTable, path: Path) -> str | None:
    """The name that the user gives; None for the one of the training, which then is there, or for none.

    Raises:
        DataError: it is not there.
    """
    named: str | None = getattr(question, modality)
    trained: str | None = getattr(options_of(saved.record), modality)
    there = raw.columns.column_names
    if named:
        try:
            return choose(named, there, "column")
        except UnknownName as error:
            raise DataError(f"{path}: --{modality} {error}") from error
    if named == "" or trained is None or trained in there or modality not in saved.classifier.modalities:
        return None
    raise DataError(
        f"{path}: the model reads {modality}s from column {trained!r}, which the table lacks; its columns: "
        f"{', '.join(there)}. Name the one to read: --{modality} {_proposal(modality, raw) or 'COLUMN'}, "
        f"or --{modality} '' if there is none"
    )


def _proposal(modality: str, raw: RawTable) -> str | None:
    given = ManifestOptions()
    found = propose(raw, describe(raw, given), given, raw.folder).options[modality]
    return found if isinstance(found, str) else None
