"""The schema of an exported product, and the rows of a file that keep it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NamedTuple, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, ValidationInfo, model_validator

from benchmarks.datasets.loading import grouping as groups
from benchmarks.datasets.loading.splits import DataError
from benchmarks.datasets.manifest import SPLITS, PhotoFolder
from benchmarks.datasets.reading import RawTable, read_table
from benchmarks.datasets.reading.values import cell
from benchmarks.names import UnknownName, choose

REQUIRED = ("product_id", "title", "image")
GROUPS = ("group", "parent_id")
MISSING = ("na", "n/a", "nan", "none", "null", "-")


class Record(NamedTuple):
    """A good row."""

    origin: str
    cells: Mapping[str, str | None]


def _one_value(value: object) -> str | None:
    text = cell(value)
    if text is not None and text[0] in "[{" and _is_json(text):  # as `reading` has what is no single value
        raise ValueError("is not text or a number")
    return None if text is None or text.lower() in MISSING else text


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _name(value: object) -> str:
    text = _one_value(value)
    if text is None:
        raise ValueError("is missing; valid is a text or number of the product's own")
    return text


def _label(value: object) -> str | None:
    if isinstance(value, str) and (value.startswith("[") or "|" in value):
        raise ValueError("holds several labels; valid is one class name: choose one, or make a column of each")
    text = _one_value(value)
    return text and groups.normalise(text)


def _photo(value: object, info: ValidationInfo) -> str | None:
    name, folder = _one_value(value), (info.context or {})["photos"]
    if name is None:
        return None
    if "://" in name:
        raise ValueError(
            "is a URL, and a benchmark must not depend on a server: download the photos first (img2dataset does a "
            "whole column); valid is a path below the file's folder"
        )
    found = folder.find(name)
    if found is None or not Path(found).is_file():
        raise ValueError(f"is not a file below {folder.root}")
    return name


def _split(value: object) -> str:
    text = _one_value(value)
    if text is None or text.lower() not in SPLITS:
        raise ValueError(f"is not a split; valid are {', '.join(SPLITS)}")
    return text


Text = Annotated[str | None, BeforeValidator(_one_value)]


class Product(BaseModel):
    """One row; what is wrong with a value reads as the rest of a sentence that begins with it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    product_id: Annotated[str, BeforeValidator(_name)]
    title: Text
    image: Annotated[str | None, BeforeValidator(_photo)]
    attributes: dict[str, Annotated[str | None, BeforeValidator(_label)]]
    group: Text = None
    split: Annotated[str | None, BeforeValidator(_split)] = None

    @model_validator(mode="after")
    def _something_to_look_at(self) -> Self:
        if self.title is None and self.image is None:
            raise ValueError("has neither a title nor an image")
        return self


@dataclass(frozen=True)
class Export:
    """A file that was read and checked.

    Attributes:
        file: where they stand, for messages.
        folder: paths of photos are below it.
        records: the good rows, by the columns of the schema; `group` stands for `parent_id`, too.
        mistakes: "file, row" -> what is wrong with it, one sentence a column.
    """

    file: Path
    folder: Path
    records: list[Record]
    mistakes: Mapping[str, Sequence[str]]
    has_split: bool
    notes: tuple[str, ...]


def read(path: Path, attributes: Sequence[str]) -> Export:
    """Check every row.

    Raises:
        DataError: a file that cannot be parsed, missing columns.
    """
    raw = read_table(path)
    file = raw.folder / raw.origins.files[0] if len(raw.origins.files) == 1 else path
    columns = _columns(file, raw.columns.column_names, attributes)
    photos = PhotoFolder(raw.folder, raw.folder)
    records: list[Record] = []
    mistakes: dict[str, list[str]] = {}
    origins: dict[str, str] = {}
    spellings: Counter[str] = Counter()
    for origin, own in _rows(raw, columns):
        spellings.update(value for value in own.values() if isinstance(value, str) and value.strip().lower() in MISSING)
        try:
            product = _product(own, attributes, photos)
        except ValidationError as error:
            mistakes[origin] = _sentences(error, columns)
            continue
        first = origins.setdefault(product.product_id, origin)
        if first != origin:
            mistakes[origin] = [f"column 'product_id': {product.product_id!r} was used before, in {first}"]
            continue
        records.append(Record(origin, {**product.model_dump(exclude={"attributes"}), **product.attributes}))
    notes = (*raw.notes, *_notes(raw.columns.column_names, columns, spellings))
    return Export(file, raw.folder, records, mistakes, "split" in columns, notes)


def _rows(raw: RawTable, columns: Mapping[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(Where it stands, its cells by field)."""
    cells = zip(*(raw.columns[column].to_pylist() for column in columns.values()), strict=True)
    return ((raw.origins[row], dict(zip(columns, own, strict=True))) for row, own in enumerate(cells))


def _columns(path: Path, found: Sequence[str], attributes: Sequence[str]) -> dict[str, str]:
    """Field of the schema -> its column in this file."""
    try:
        columns = {column: choose(column, found, "column") for column in (*REQUIRED, *attributes)}
    except UnknownName as error:
        needed = ", ".join((*REQUIRED, *attributes))
        raise DataError(f"{path}: {error}; mrwpa needs {needed} (option attributes names others)") from error
    own = [column for column in GROUPS if column in found]
    if len(own) > 1:
        raise DataError(f"{path}: columns {own[0]!r} and {own[1]!r} both tie variants together; keep one")
    if own:
        columns["group"] = own[0]
    return {**columns, "split": "split"} if "split" in found else columns


def _product(own: Mapping[str, Any], attributes: Sequence[str], photos: PhotoFolder) -> Product:
    fields = {name: value for name, value in own.items() if name not in attributes}
    fields["attributes"] = {name: own[name] for name in attributes}
    return Product.model_validate(fields, context={"photos": photos})


def _sentences(error: ValidationError, columns: Mapping[str, str]) -> list[str]:
    sentences = []
    for problem in error.errors():
        reason = problem["msg"].removeprefix("Value error, ")
        where = f"column {columns[str(problem['loc'][-1])]!r}: {repr(problem['input'])[:80]} " if problem["loc"] else ""
        sentences.append(where + reason)
    return sentences


def _notes(found: Sequence[str], columns: Mapping[str, str], spellings: Counter[str]) -> tuple[str, ...]:
    unused = [column for column in found if column not in columns.values()]
    spelt = ", ".join(f"{text!r} {count:,}" for text, count in sorted(spellings.items()))
    notes = {"Columns not used": ", ".join(unused), "Cells taken as missing": spelt}
    return tuple(f"{what}: {which}." for what, which in notes.items() if which)
