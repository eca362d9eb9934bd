"""The review page of a filled table: its parts as frames, of which `benchmarks.reviewing` selects what is shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.datasets.loading.splits import DataError
from benchmarks.filling.answers import Roles, roles_of
from benchmarks.filling.run import Filled
from benchmarks.reviewing.cards import RowColumns
from benchmarks.reviewing.page import About, to_html
from benchmarks.reviewing.selection import FilledTask, Selection
from benchmarks.serving.inputs import options_of
from cma_clip.answering.answering import CONFIDENCE_LEVEL


@dataclass(frozen=True)
class Review:
    """Where the page goes, and how many cells a section of it shows at most."""

    page: Path
    rows: int = 60


def check_page(review: Review, out: Path, table: Path, *, overwrite: bool) -> None:
    """Refuse what cannot be a page, or to write it over a file.

    Raises:
        DataError: says how to.
    """
    page = review.page
    if review.rows < 1:
        raise DataError(f"--review-rows {review.rows}: a section of the page shows at least 1 cell")
    if page.is_dir():
        raise DataError(f"--review {page} is a folder; name a file, say review.html")
    if page.resolve() == out.resolve():
        raise DataError(f"--review {page} is the new table, too; give another file")
    if page.exists() and table.exists() and page.samefile(table):
        raise DataError(f"--review {page} is the table itself; give another file, the table stays as it is")
    if page.exists() and not overwrite:
        raise DataError(f"--review {page} exists; give another file, or --overwrite to replace it")


def review_page(filled: Filled, most: int) -> str:
    """The page, with at most so many cells a section. One look at every part; memory does not grow with the table."""
    roles = roles_of(filled.parts.first())
    columns = _columns(filled, roles)
    selection = Selection(_tasks(filled, roles), most)
    for frame in _frames(filled, columns, roles):
        selection.add(frame)
    return to_html(selection, _about(filled), columns)


def _about(filled: Filled) -> About:
    record, answering = filled.saved.record, filled.saved.answering
    return About(
        table=filled.parts.work.out.name,
        model=type(filled.saved.classifier).__name__ if record is None else record.experiment.label(),
        target=filled.asked.precision,
        confidence_level=CONFIDENCE_LEVEL if answering is None else answering.confidence_level,
    )


def _columns(filled: Filled, roles: Roles) -> RowColumns:
    """A person sees the photo also where the model reads the text alone, and the other way round."""
    options, there = options_of(filled.saved.record), filled.source.raw.columns.column_names
    return RowColumns(
        id=options.id if options.id in there else None,
        text=filled.asked.text or (options.text if options.text in there else None),
        image=filled.asked.image or (options.image if options.image in there else None),
        problem=roles.problem,
        images=filled.asked.images,
        missing=(*options.missing, *filled.asked.missing),
    )


def _tasks(filled: Filled, roles: Roles) -> list[FilledTask]:
    classes = {task.name: task.classes for task in filled.saved.classifier.tasks}
    return [
        FilledTask(
            name=task.task,
            cell=task.task,
            suggested=task.suggested,
            confidence=task.confidence,
            decision=task.decision,
            classes=classes[task.task],
            promise=filled.saved.promise(task.task, filled.asked.precision),
            text_weight=task.weights[0] if task.weights else None,
            photo_weight=task.weights[1] if task.weights else None,
        )
        for task in roles.tasks
    ]


def _frames(filled: Filled, columns: RowColumns, roles: Roles) -> Iterator[pd.DataFrame]:
    """Cells as they were and the answers to them, under the numbers that a spreadsheet shows.

    The rows of several files are numbered through, from 1.
    """
    origins = filled.source.raw.origins
    numbers = origins.numbers if len(origins.files) == 1 else np.arange(1, len(origins) + 1)
    named = (columns.id, columns.text, columns.image, *(task.task for task in roles.tasks if not task.own))
    wanted = list(dict.fromkeys(name for name in named if name is not None))
    start = 0
    for cells, part in filled.blocks():
        shown = cells.select(wanted)
        for name in part.column_names:
            if name not in wanted:
                shown = shown.append_column(name, part[name])
        frame: pd.DataFrame = shown.to_pandas()
        yield frame.set_index(numbers[start : start + part.num_rows])
        start += part.num_rows
