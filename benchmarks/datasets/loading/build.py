"""From rows to checked splits: the one road that every loader takes.

samples in columns -> images checked -> groups and splits -> classes counted -> Arrow tables, one per split, written
once and memory-mapped.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.datasets.loading import arrow as table
from benchmarks.datasets.loading import images
from benchmarks.datasets.loading.classes import TaskSpec, settle_tasks
from benchmarks.datasets.loading.rows import (
    LABEL,
    PARTS,
    LeakError,
    Part,
    Placement,
    Row,
    Samples,
    check_ids,
    check_parts,
    with_columns,
)
from benchmarks.datasets.loading.splits import Card, DataError, LoadReport, Source, Splits
from cma_clip.places.folders import make_once
from cma_clip.types import Modality, Task
from cma_clip.version import Version

__all__ = ["PARTS", "Part", "Placement", "Row", "Samples", "TaskSpec", "build_splits"]

META = "meta.json"
BAD = "bad"
"""Folder of the encoded images that cannot be decoded, where they are no files of their own."""

MOST_BAD = 500
"""Of those, how many are kept."""

LOADING = {"loading": Version(1)}
"""Of the way from rows to splits."""

FORMAT = 4
"""Of the files below a cache, the sentences of the report among them: another one makes them again, and no number
depends on it. Raise it when what a report says changes, or the tables of earlier runs go on saying the old."""

PER_UNIT = "product-level"
"""The condition in which the test rows of one unit count as one; Fashion-Gen calls its products so, too."""

UNIT, SUBSET = "unit", "subset:"
"""Columns of the tables beyond those of every table."""


def build_splits(  # noqa: PLR0913, PLR0917 - one road for all loaders; every argument is a fact only the loader knows
    name: str,
    card: Card,
    key: str,
    rows: Callable[[], Iterable[Row] | Samples],
    tasks: Sequence[TaskSpec] | Callable[[], Sequence[TaskSpec]],
    source: Source,
    relevance: Mapping[str, Mapping[Modality, float]] | None = None,
    notes: Callable[[], Sequence[str]] = tuple,
) -> Splits:
    """Build the splits, or open the tables that an earlier call with the same `key` has built.

    `key` is a hash over the options and the identity of the source files; `rows`, `notes` (sentences for the report)
    and `tasks`, where reading the source tells them, are only called on a miss.

    Raises:
        DataError: anything in the rows that cannot be used; names the row, the value and the valid choices.
    """
    folder = source.cache / "tables" / f"{name}-{_key(key, card, source)}"

    def save(staging: Path) -> None:
        _save(staging, *_prepare(rows(), notes, tasks() if callable(tasks) else tasks, source))

    make_once(folder, META, save)
    meta = json.loads((folder / META).read_text(encoding="utf-8"))
    prints = meta["fingerprints"]
    test = table.TableExamples.open(folder / "test.arrow", prints["test"])
    units = test.extra(UNIT)
    return Splits(
        name=name,
        train=table.TableExamples.open(folder / "train.arrow", prints["train"]),
        val=table.TableExamples.open(folder / "val.arrow", prints["val"]),
        test=test,
        tasks=tuple(Task.from_json(task) for task in meta["tasks"]),
        card=card,
        fingerprint=_hash(*(prints[part] for part in PARTS), json.dumps(meta["tasks"])),
        report=_report(meta["report"]),
        relevance=relevance,
        subsets={name: np.asarray(test.extra(SUBSET + name)) for name in meta["subsets"]},
        per_group=None if units is None else PER_UNIT,
        units=None if units is None else tuple(units.to_pylist()),
        bad_files={problem: folder / path for problem, path in meta["bad_files"].items()},
        refused=tuple(meta["refused"]),
    )


def _key(key: str, card: Card, source: Source) -> str:
    """The tables also depend on versions, on the files' format, and on what is done with bad samples."""
    treatment = f"{source.on_bad_sample}{' look_only' if source.look_only else ''}"
    return _hash(key, treatment, f"{card.version} {LOADING['loading']} {FORMAT}")[:16]


def _hash(*parts: str) -> str:
    return blake2b("\x1f".join(parts).encode(), digest_size=12).hexdigest()


def _prepare(
    found: Iterable[Row] | Samples, notes: Callable[[], Sequence[str]], specs: Sequence[TaskSpec], source: Source
) -> tuple[dict[str, Any], pa.Table, dict[str, bytes]]:
    """Everything that the folder will hold, checked: (meta.json, the rows with their part, bad images by name)."""
    samples = found if isinstance(found, Samples) else Samples.of(found, [spec.name for spec in specs])
    check_ids(samples.columns)
    checked = images.check_samples(samples, source)
    columns, placed, refused = _place(samples, checked.columns, source)
    tasks, dropped, not_learnable = settle_tasks(columns, specs, source)
    said = (*_notes(columns, checked.blanked), *(placed.notes if placed else ()), *notes())
    rows = _rows(columns, tasks, placed)
    kept = {problem: data for problem, data in checked.files.items() if isinstance(data, bytes)}
    names = {problem: f"{BAD}/{number}" for number, problem in enumerate(islice(kept, MOST_BAD))}
    meta = {
        "tasks": [task.as_json() for task in tasks],
        "fingerprints": {
            part: table.fingerprint(_batches(rows, part), [task.name for task in tasks]) for part in PARTS
        },
        "report": asdict(
            LoadReport(
                len(samples.columns), samples.products, tuple(checked.bad), tuple(checked.blanked), dropped, said
            ),
        ),
        "subsets": list(placed.subsets) if placed else [],
        "refused": [*refused, *not_learnable],
        "bad_files": {problem: path for problem, path in checked.files.items() if isinstance(path, str)} | names,
    }
    return meta, rows, {name: kept[problem] for problem, name in names.items()}


def _place(samples: Samples, columns: pa.Table, source: Source) -> tuple[pa.Table, Placement | None, list[str]]:
    """(The rows with group and part, what else is known of them, why they could not be split)."""
    try:
        placed = samples.place(columns) if samples.place else None
        if placed:
            columns = with_columns(columns, group=placed.groups, part=pa.chunked_array([placed.parts]))
        check_parts(columns)
    except DataError as error:
        if not source.look_only or isinstance(error, LeakError):
            raise
        train = pa.chunked_array([np.full(len(columns), PARTS.index("train"), np.int8)])
        return with_columns(columns, group=columns["id"], part=train), None, [str(error)]
    return columns, placed, []


def _save(folder: Path, meta: Mapping[str, Any], rows: pa.Table, bad: Mapping[str, bytes]) -> None:
    """Write into an empty folder, `META` last."""
    (folder / BAD).mkdir()
    schema = rows.drop_columns("part").schema
    for part in PARTS:
        table.write(folder / f"{part}.arrow", _batches(rows, part), schema)
    for name, data in bad.items():
        (folder / name).write_bytes(data)
    (folder / META).write_text(json.dumps(meta), encoding="utf-8")


def _rows(columns: pa.Table, tasks: Sequence[Task], placed: Placement | None) -> pa.Table:
    """Labels become class indices; units and subsets become columns."""
    labels = [pc.index_in(columns[LABEL + task.name], pa.array(task.classes, pa.string())) for task in tasks]
    rows = columns.select([*table.FIELDS, "part"])
    for task, indices in zip(tasks, labels, strict=True):
        rows = rows.append_column(LABEL + task.name, indices)
    if placed and placed.units is not None:
        rows = rows.append_column(UNIT, placed.units)
    for name, chosen in placed.subsets.items() if placed else ():
        rows = rows.append_column(SUBSET + name, pa.chunked_array([chosen]))
    return rows


def _batches(rows: pa.Table, part: Part) -> Iterator[pa.RecordBatch]:
    number = PARTS.index(part)
    for batch in rows.to_batches(table.ROWS_PER_BATCH):
        own = batch.filter(pc.equal(batch.column("part"), number))
        if len(own):
            yield own.drop_columns("part")


def _notes(columns: pa.Table, blanked: Sequence[str]) -> list[str]:
    missing = {"text": columns["text"].null_count, "image": columns["image_digest"].null_count}
    notes = [f"{count:,} of {len(columns):,} rows have no {what}." for what, count in missing.items() if count]
    lost = f"{len(blanked):,} rows lost an image that cannot be used; they are listed (--on-bad-sample blank)."
    return [*notes, lost] if blanked else notes


def _report(saved: Mapping[str, Any]) -> LoadReport:
    lists = {name: tuple(saved[name]) for name in ("bad_samples", "blanked", "notes")}
    return LoadReport(saved["rows"], saved["products"], dropped_classes=saved["dropped_classes"], **lists)
