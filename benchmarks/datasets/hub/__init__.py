"""Public fashion data sets on the Hugging Face hub, one data set of the benchmark each; see `specs.SPECS`.

They are read from the hub's cache, from the hub, or from a local copy (`--data NAME=DIR`): a folder with the hub's
Parquet files, or one written by `Dataset.save_to_disk`. The revision is pinned; one that is in the cache, and a local
copy, need no connection. Without any of them the loader says at once how to bring the data set.

None of these data sets has a test split. Here rows of one product never cross splits, nor do rows of one text where
texts are titles: copies of Fashion Product Images keep the frozen split of `fashion-products`, product by product;
the others are split 70 / 10 / 20 % by a hash of the product. Photos stay in the Arrow files of the hub's library.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, create_model

from benchmarks.datasets.hub.photos import HubExamples, PhotoInPlace
from benchmarks.datasets.hub.source import Copy, hub_copy, local_copy
from benchmarks.datasets.hub.specs import SPECS, HubSpec
from benchmarks.datasets.loading import grouping as groups
from benchmarks.datasets.loading.arrow import TableExamples
from benchmarks.datasets.loading.build import Row, TaskSpec, build_splits
from benchmarks.datasets.loading.splits import DataError, Names, Options, Source, Splits
from benchmarks.datasets.reading.values import NOTHING
from benchmarks.names import choose
from cma_clip.types import Examples

if TYPE_CHECKING:
    from datasets import Dataset

__all__ = ["SPECS", "HubOptions", "HubSpec", "load", "options_of"]


class HubOptions(Options):
    """What of it is used.

    Attributes:
        tasks: label columns to predict.
        min_count: classes with fewer training rows become missing labels, counted.
        revision: the commit of the hub's files; has no meaning for a local copy.
    """

    tasks: Names = Field(min_length=1)
    min_count: int = Field(50, ge=1)
    revision: str = Field(pattern="[0-9a-f]{40}")


def options_of(name: str) -> type[HubOptions]:
    """The options of one data set, with its own defaults."""
    spec = SPECS[name]
    return create_model(
        "HubOptions",
        __base__=HubOptions,
        __doc__=HubOptions.__doc__,
        tasks=(Names, Field(spec.tasks, min_length=1)),
        revision=(str, Field(spec.revision, pattern="^[0-9a-f]{40}$")),
    )


def load(name: str, source: Source, options: HubOptions) -> Splits:
    """Read a local copy at `source.root`, or the hub's cache, or the hub.

    Raises:
        DataError: the data set can be had nowhere, or it is another one; a task it does not have; a row without a
            product, a corrupt photo.
        UnknownName: a task that it does not have.
    """
    spec = SPECS[name]
    for task in options.tasks:
        choose(task, spec.labels, f"task of {name}")
    if source.root is not None:
        copy = local_copy(name, spec, source.root)
    else:
        copy = hub_copy(name, spec, options.revision, source.progress)
    hub = _Hub(name, spec, copy, options.tasks, source.cache / "huggingface")
    splits = build_splits(
        name=name,
        card=spec.card,
        key=_key(copy, options),
        rows=hub.rows,
        tasks=[_task(spec, task, options.min_count) for task in options.tasks],
        source=source,
        notes=hub.notes,
    )
    return replace(
        splits,
        train=hub.with_photos(splits.train),
        val=hub.with_photos(splits.val),
        test=hub.with_photos(splits.test),
    )


def _task(spec: HubSpec, column: str, min_count: int) -> TaskSpec:
    usual = TaskSpec(column, None, min_count)
    return replace(usual, prompts=spec.prompts.get(column, usual.prompts))


def _key(copy: Copy, options: HubOptions) -> str:
    facts = f"{copy.root.absolute()} {copy.facts()} {options.model_dump_json()}"
    return hashlib.sha256(facts.encode()).hexdigest()


class _Hub:
    """The rows of a copy; every column is read when it is first needed, and once."""

    def __init__(self, name: str, spec: HubSpec, copy: Copy, tasks: Sequence[str], cache: Path):
        self._name, self._spec, self._copy, self._tasks, self._cache = name, spec, copy, tasks, cache

    def rows(self) -> Iterator[Row]:
        """All rows, in the order of the files."""
        spec, columns = self._spec, self._columns
        texts = columns[spec.text]
        has_photo = self._photos.with_format("arrow")[:].column(spec.image).is_valid().to_pylist()
        names = self._groups(texts)
        parts = spec.parts(self._item_ids, names)
        for row, part in enumerate(parts):
            yield Row(
                id=self._ids[row],
                group=names[row],
                part=part,
                image=PhotoInPlace(self._photos, row) if has_photo[row] else None,
                text=texts[row],
                labels={task: label(columns[task][row]) for task in self._tasks},
                origin=self._origin(row),
            )

    def notes(self) -> list[str]:
        """Whether these are the published data, and whether ids repeat."""
        spec, found, notes = self._spec, len(self._ids), []
        if found != spec.rows:
            notes.append(f"Not the published data: {found:,} rows, {spec.repo} has {spec.rows:,}.")
        again = found - len(set(self._item_ids))
        if again:
            notes.append(f"{again:,} rows repeat an id in column {spec.id!r}; theirs end in #2, #3 ...")
        return notes

    def with_photos(self, examples: Examples) -> HubExamples:
        """The table of a part with the photos, which stay where they are."""
        if not isinstance(examples, TableExamples):
            raise TypeError(f"{type(examples).__name__} is not a table")
        return HubExamples(examples, self._photos.select([self._row_of[name] for name in examples.ids()]))

    @cached_property
    def _table(self) -> Dataset:
        spec = self._spec
        return self._copy.open(spec, [spec.image, spec.id, spec.text, *self._tasks], self._cache)

    @cached_property
    def _photos(self) -> Dataset:
        return self._table.select_columns([self._spec.image])

    @cached_property
    def _columns(self) -> Mapping[str, Sequence[Any]]:
        columns: Mapping[str, Sequence[Any]] = self._table.remove_columns([self._spec.image]).to_dict()
        return columns

    @cached_property
    def _item_ids(self) -> list[str]:
        return [str(cell) for cell in self._table.select_columns([self._spec.id]).to_dict()[self._spec.id]]

    @cached_property
    def _ids(self) -> list[str]:
        return list(_unique(self._item_ids))

    @cached_property
    def _row_of(self) -> Mapping[str, int]:
        return {name: row for row, name in enumerate(self._ids)}

    def _origin(self, row: int) -> str:
        return f"{self._spec.repo}, row {row}"

    def _groups(self, texts: Sequence[str | None]) -> list[str]:
        keys = []
        for row, text in enumerate(texts):
            own = re.fullmatch(self._spec.product, self._item_ids[row])
            if own is None:
                raise DataError(
                    f"{self._origin(row)}: {self._spec.id} {self._item_ids[row]!r} names no product; valid are those "
                    f"that match {self._spec.product}"
                )
            product = f"product:{own[1]}"
            title = groups.normalise(text or "")
            keys.append((product, f"text:{title}") if title and self._spec.texts_tie else (product,))
        return groups.join(keys)


def _unique(names: Iterable[str]) -> Iterator[str]:
    seen: Counter[str] = Counter()
    for name in names:
        seen[name] += 1
        yield name if seen[name] == 1 else f"{name}#{seen[name]}"


def label(cell: object) -> str | None:
    """A class name: whole numbers that the hub stores as floats (`year`) without their ".0"; None where missing."""
    text = f"{cell:g}" if isinstance(cell, float) else "" if cell is None else str(cell).strip()
    return None if text in (*NOTHING, "NA") else text
