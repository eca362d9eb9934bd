"""A table of any size filled by a saved model: read once, answered part by part, written at the end."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
from tqdm import tqdm

from benchmarks.datasets.loading.splits import DataError
from benchmarks.datasets.reading.folders import matching
from benchmarks.engines.task import Engine
from benchmarks.filling import writing
from benchmarks.filling.answers import part_of, roles_of
from benchmarks.filling.on_engine import answer_on
from benchmarks.filling.parts import Work, digest_of_cells, digest_of_folder
from benchmarks.filling.question import Asked, Question, settle
from benchmarks.filling.writing import Changes, Source
from benchmarks.serving import SavedModel, load_model

if TYPE_CHECKING:
    import pandas as pd

    from benchmarks.serving import Rows

PHOTO_ROWS, TEXT_ROWS = 512, 4096
"""Rows of a part: the features of so many photos, and the photos of the next part, are in memory at a time.

The last bits of an answer may depend on the rows it is computed with, so the size is in the key of the parts, and rows
are not sorted by length: their texts are cut to the longest of the part anyway, and the photos take nine tenths.
"""

FORMAT = 2
"""Of what a part holds."""


@dataclass(frozen=True)
class Filled:
    """A filled table that can be looked at part by part, until its work folder goes away.

    Attributes:
        source: the table.
        parts: in the order of the rows; iterated over as often as one likes.
        notes: what was found out on the way.
    """

    source: Source
    saved: SavedModel
    asked: Asked
    parts: Parts
    notes: tuple[str, ...]

    def blocks(self) -> Iterator[tuple[pa.Table, pa.Table]]:
        """(Rows of the source as they were read, the same rows' part)."""
        start = 0
        for part in self.parts:
            yield self.source.raw.columns.slice(start, part.num_rows), part
            start += part.num_rows


@dataclass(frozen=True)
class Parts:
    """The parts of a table on disk."""

    work: Work
    count: int

    def __iter__(self) -> Iterator[pa.Table]:
        return map(self.work.load, range(self.count))

    def first(self) -> pa.Table:
        """All have its columns."""
        return self.work.load(0)

    def missing(self) -> list[int]:
        """Numbers of those that are not there."""
        return [number for number in range(self.count) if not self.work.has(number)]


def check_out(out: Path, table: Path, *, overwrite: bool) -> None:
    """Refuse to write over a file, or to one whose ending is no format.

    Raises:
        DataError: says how to.
    """
    if out.exists() and table.exists() and out.samefile(table):
        raise DataError(f"--out {out} is the table itself; give another file, the table stays as it is")
    if out.is_dir():
        raise DataError(f"--out {out} is a folder; name a file")
    writing.check_ending(out)
    if out.exists() and not overwrite:
        Work(out).remove_if_done()
        raise DataError(f"--out {out} exists; give another file, or --overwrite to replace it")


def answer_table(table: Path, model: Path, work: Work, question: Question, engine: Engine | None = None) -> Filled:
    """Answer every part that is not on disk yet, on an engine if there is one.

    Raises:
        DataError: the table cannot be read or lacks a column, or the file cannot hold the answers; names the way out.
        ModelError: the folder holds no model.
    """
    saved = load_model(model)
    options = question.table.reading(work.spool)
    source = Source.read(table, options)
    raw = source.raw
    _refuse_part(table, source, work.out)
    asked = settle(question, saved, raw, table)
    size = PHOTO_ROWS if "image" in saved.classifier.modalities else TEXT_ROWS
    notes = list(raw.notes)
    if work.begin(_key(source, model, asked, size)):
        notes.append("The table, the model or an option is not that of the run which was stopped: started anew.")
    parts = Parts(work, -(-raw.columns.num_rows // size))
    if done := parts.count - len(parts.missing()):
        notes.append(f"{min(done * size, raw.columns.num_rows):,} rows had been answered before.")
    frames = _Frames(source, asked, size)
    with tqdm(total=raw.columns.num_rows, initial=done * size, desc="fill", unit=" rows", delay=2) as bar:
        _answer(frames, saved, work, parts.missing()[:1], bar)
        changes = _changes(saved, asked, parts.first(), ())
        try:
            writing.check(source, changes, work.out)
        except DataError:
            work.forget()
            raise
        if engine is None:
            _answer(frames, saved, work, parts.missing(), bar)
        else:
            missing = ((number, frames[number]) for number in parts.missing())
            answer_on(engine, missing, model, asked, work, bar)
    if said := writing.note(source, changes, work.out):
        notes.append(said)
    return Filled(source, saved, asked, parts, tuple(notes))


def _refuse_part(table: Path, source: Source, out: Path) -> None:
    """Refuse to write over a file that a table of several is made of.

    Raises:
        DataError: says how to.
    """
    if not out.exists() or out.name not in source.raw.origins.files:
        return
    if out.resolve().is_relative_to(table.resolve()) or any(out.samefile(path) for path in matching(table)):
        raise DataError(f"--out {out} is a part of the table; give another file, the table stays as it is")


def _changes(saved: SavedModel, asked: Asked, part: pa.Table, blocks: Iterable[pa.Table]) -> Changes:
    """What parts like this one do to the table."""
    classes = {task.name: task.classes for task in saved.classifier.tasks}
    own = {task.task for task in roles_of(part).tasks if task.own}
    filled = {name: classes[name] for name in asked.tasks if name not in own}
    return Changes(filled, pa.schema([field for field in part.schema if field.name not in filled]), blocks)


def write_out(filled: Filled, work: Work) -> None:
    """The new file, whole or absent.

    Raises:
        DataError: the source changed since it was read.
    """
    rows = tqdm(filled.parts, "write", filled.parts.count, unit=" parts", delay=2, leave=False)
    changes = _changes(filled.saved, filled.asked, filled.parts.first(), rows)
    filled.source.check_unchanged()
    with work.written() as path:
        writing.write(filled.source, changes, path)
        filled.source.check_unchanged()


@dataclass(frozen=True)
class _Frames:
    """The rows of a table as frames of `size` rows."""

    source: Source
    asked: Asked
    size: int

    def __getitem__(self, number: int) -> pd.DataFrame:
        rows = self.source.raw.columns.slice(number * self.size, self.size)
        if self.asked.missing:
            words = pa.array(self.asked.missing, pa.string())
            for place, name in enumerate(rows.column_names):
                if pa.types.is_string(rows[name].type):
                    kept = pc.if_else(pc.is_in(rows[name], words), pa.scalar(None, pa.string()), rows[name])
                    rows = rows.set_column(place, name, kept)
        frame: pd.DataFrame = rows.to_pandas()
        return frame


def _answer(frames: _Frames, saved: SavedModel, work: Work, numbers: Sequence[int], bar: tqdm[Any]) -> None:
    """Answer parts, the photos of the next one being decoded meanwhile."""
    asked = frames.asked

    def prepared(number: int) -> Rows:
        rows = saved.rows(frames[number], **asked.columns())
        rows.prepare()
        return rows

    with ThreadPoolExecutor(1) as ahead:
        waiting: list[Future[Rows]] = [ahead.submit(prepared, number) for number in numbers[:1]]
        for place, number in enumerate(numbers):
            rows = waiting.pop().result()
            waiting = [ahead.submit(prepared, following) for following in numbers[place + 1 : place + 2]]
            answered = saved.answer(rows, asked.precision, tasks=asked.tasks)
            work.save(number, part_of(answered, rows, asked.tasks, asked.commas))
            bar.update(len(rows.frame))


def _key(source: Source, model: Path, asked: Asked, size: int) -> str:
    """Hash of everything that decides the parts; photos count by their names, not by what is in them."""
    said = [digest_of_cells(source.raw.columns), digest_of_folder(model), asked.identity(), size, FORMAT]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()
