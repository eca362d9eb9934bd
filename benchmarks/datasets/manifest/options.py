"""Which columns of the user's table are what, and how the table is read."""

from __future__ import annotations

from typing import Annotated, Literal, Self, get_args

from pydantic import BeforeValidator, Field, field_validator, model_validator

from benchmarks.datasets.loading.splits import Names, Options, split_names
from benchmarks.datasets.reading import ReadOptions
from benchmarks.datasets.reading.values import MISSING_WORDS

Tie = Literal["text", "image"]
TIES: tuple[Tie, ...] = get_args(Tie)
Ties = Annotated[tuple[Tie, ...], BeforeValidator(split_names)]
"""What keeps rows that share it in one split."""


class ManifestOptions(Options):
    """Which columns are what; None where there is none.

    Attributes:
        labels: one column a task; required.
        id: unique names; without it rows are numbered.
        group: rows with the same value never cross splits (views of a product).
        split: column with train, val or test; without val, a tenth of the training groups is taken by a hash.
        ties: what keeps rows that share it in one split, beside the group column: text, image, both or none ([]).
        min_count: classes with fewer training rows become missing labels, counted; with 1 every class must have one.
        prompts: templates for zero-shot classification, `{}` stands for the class name.
        images: folder of the photos, seen from the table or from the current folder; the table's own by default.
            Cells are paths below it, or names of files anywhere in it; nothing outside it is read.
        photos: what is used of several photos in a cell: the first, or all, each a view of one product.
        missing: words that stand for a missing value in labels, groups, splits, texts and image cells.
        fold_case: labels that differ in case only are one class.
        numbers: labels that are equal numbers (1.1, 1.10) are one class, or as they are written two.
        text_cleaning: `html` takes tags and entities out of texts.
        list_cells: label cells that look like lists of labels are an error, or each cell is one class `as-is`.
        encoding: of a text file, as Python names it; found out by default, as the following are.
        separator: between cells.
        quotes: how a quote within quotes is written.
        header: whether the first row names the columns.
        sheet: of an Excel file.
    """

    labels: Names = Field((), min_length=1)  # the default is not validated: `load` knows the columns to propose
    image: str | None = "image"
    text: str | None = "text"
    id: str | None = None
    group: str | None = None
    split: str | None = None
    ties: Ties = TIES
    min_count: int = Field(2, ge=1)
    prompts: tuple[str, ...] = Field(("a photo of {}.", "{}"), min_length=1)
    images: str | None = None
    photos: Literal["first", "all"] = "first"
    missing: Annotated[tuple[str, ...], BeforeValidator(split_names)] = MISSING_WORDS
    fold_case: bool = False
    numbers: Literal["merge", "as-is"] = "merge"
    text_cleaning: Literal["html", "none"] = "html"
    list_cells: Literal["error", "as-is"] = "error"
    encoding: str | None = None
    separator: str | None = None
    quotes: Literal["doubled", "backslash"] | None = None
    header: bool | None = None
    sheet: str | None = None

    @field_validator("prompts")
    @classmethod
    def _have_a_place(cls, prompts: tuple[str, ...]) -> tuple[str, ...]:
        for prompt in prompts:
            if "{}" not in prompt:
                raise ValueError(f"prompt {prompt!r} has no {{}} for the class name")
        return prompts

    @model_validator(mode="after")
    def _inputs_are_not_labels(self) -> Self:
        inputs = [column for column in (self.image, self.text) if column is not None]
        if not inputs:
            raise ValueError("image and text are both null: there is nothing to classify")
        for column in inputs:
            if column in self.labels:
                raise ValueError(f"column {column!r} is an input and a label")
        return self

    def columns(self) -> dict[str, str]:
        """All columns that are read, and which option names each."""
        columns = dict.fromkeys(self.labels, "labels")
        for option in ("image", "text", "id", "group", "split"):
            column = getattr(self, option)
            if column is not None:
                columns[column] = f"{option} (null for none)"
        return columns

    def reading(self) -> ReadOptions:
        """What the file is read with."""
        return ReadOptions(self.encoding, self.separator, self.quotes, self.header, self.sheet)
