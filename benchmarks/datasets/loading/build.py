"""From rows to checked splits: the one road that every loader takes.

samples in columns -> images checked -> groups and splits -> classes counted -> Arrow tables, one per split, written
once and memory-mapped.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from filelock import FileLock

from benchmarks.datasets.loading import arrow as table
from benchmarks.datasets.loading import images
from benchmarks.datasets.loading.classes import TaskSpec, settle_tasks
from benchmarks.datasets.loading.rows import LABEL, PARTS, Part, Placement, Row, Samples, check_ids, check_parts
from benchmarks.datasets.loading.splits import Card, DataError, LoadReport, Source, Splits
from cma_clip.types import Modality, Task
from cma_clip.version import Version

__all__ = ["PARTS", "Part", "Placement", "Row", "Samples", "TaskSpec", "build_splits"]

META = "meta.json"
LOADING = {"loading": Version(1)}
"""Of the way from rows to splits."""

FORMAT = 2
"""Of the files below a cache: another one makes them again, and no number depends on it."""

PER_UNIT = "product-level"
"""The condition in which the test rows of one unit count as one; Fashion-Gen calls its products so, too."""

UNIT, SUBSET = "unit", "subset:"
"""Columns of the tables beyond those of every table."""

WAYS_OUT = (
    "--on-bad-sample skip leaves such samples out and lists them; --on-bad-sample blank keeps those that have a text, "
    "without their image"
)


def build_splits(  # noqa: PLR0913, PLR0917 - one road for all loaders; every argument is a fact only the loader knows
    name: str,
    card: Card,
    key: str,
    rows: Callable[[], Iterable[Row] | Samples],
    tasks: Sequence[TaskSpec],
    source: Source,
    relevance: Mapping[str, Mapping[Modality, float]] | None = None,
    notes: Callable[[], Sequence[str]] = tuple,
) -> Splits:
    """Build the splits, or open the tables that an earlier call with the same `key` has built.

    `key` is a hash over the options and the identity of the source files; `rows` and `notes` (sentences for the
    report) are only called on a miss, in this order.

    Raises:
        DataError: anything in the rows that cannot be used; names the row, the value and the valid choices.
    """
    folder = source.cache / "tables" / f"{name}-{_key(key, card, source)}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):  # the second of two processes waits instead of doing the same work
        if not (folder / META).is_file():
            _save(folder, *_prepare(rows(), notes, tasks, source))
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
    )


def _key(key: str, card: Card, source: Source) -> str:
    """The tables also depend on versions, on the files' format, and on what is done with bad samples."""
    return _hash(key, source.on_bad_sample, f"{card.version} {LOADING['loading']} {FORMAT}")[:16]


def _hash(*parts: str) -> str:
    return blake2b("\x1f".join(parts).encode(), digest_size=12).hexdigest()


def _prepare(
    found: Iterable[Row] | Samples, notes: Callable[[], Sequence[str]], specs: Sequence[TaskSpec], source: Source
) -> tuple[dict[str, Any], pa.Table]:
    """Everything that the folder will hold, checked: (meta.json, the rows of all three tables with their part)."""
    samples = found if isinstance(found, Samples) else Samples.of(found, [spec.name for spec in specs])
    check_ids(samples.columns)
    columns, bad, blanked = _check_samples(samples, source)
    placed = samples.place(columns) if samples.place else None
    if placed:
        columns = columns.set_column(columns.column_names.index("group"), "group", placed.groups)
        columns = columns.set_column(columns.column_names.index("part"), "part", pa.chunked_array([placed.parts]))
    check_parts(columns)
    tasks, dropped = settle_tasks(columns, specs)
    said = (*_notes(columns, blanked), *(placed.notes if placed else ()), *notes())
    rows = _rows(columns, tasks, placed)
    meta = {
        "tasks": [task.as_json() for task in tasks],
        "fingerprints": {
            part: table.fingerprint(_batches(rows, part), [task.name for task in tasks]) for part in PARTS
        },
        "report": asdict(LoadReport(len(samples.columns), tuple(bad), tuple(blanked), dropped, said)),
        "subsets": list(placed.subsets) if placed else [],
    }
    return meta, rows


def _save(folder: Path, meta: Mapping[str, Any], rows: pa.Table) -> None:
    """Make the folder appear complete. The caller holds its lock: a staging folder found here was abandoned."""
    staging = folder.with_name(f".{folder.name}.partial")
    for left_over in (staging, folder):
        shutil.rmtree(left_over, ignore_errors=True)
    staging.mkdir()
    schema = rows.drop_columns("part").schema
    for part in PARTS:
        table.write(staging / f"{part}.arrow", _batches(rows, part), schema)
    (staging / META).write_text(json.dumps(meta), encoding="utf-8")
    staging.replace(folder)


def _check_samples(samples: Samples, source: Source) -> tuple[pa.Table, list[str], list[str]]:
    """(Good rows with `image_digest`, what is wrong with the rows left out, with the images left out)."""
    columns, has_image = samples.columns, samples.has_image()
    origins, has_text = columns["origin"], columns["text"].is_valid().to_numpy()
    digests = np.full(len(columns), None, object)
    good = np.ones(len(columns), np.bool_)
    bad: list[str] = []
    blanked: list[str] = []
    rows = np.flatnonzero(has_image | ~has_text).tolist()
    given = ((samples.image(row), origins[row].as_py()) for row in rows)
    with closing(images.check_all(given, source.progress, len(rows))) as results:
        for row, result in zip(rows, results, strict=True):
            if isinstance(result, DataError):
                problem = str(result)
            elif not has_image[row]:
                problem = f"{origins[row]}: id {columns['id'][row].as_py()!r} has neither an image nor a text"
            else:
                digests[row] = result
                continue
            if source.on_bad_sample == "error":
                raise DataError(f"{problem} ({WAYS_OUT})")
            kept = source.on_bad_sample == "blank" and bool(has_text[row])
            good[row] = kept
            (blanked if kept else bad).append(problem)
    columns = columns.append_column("image_digest", pa.chunked_array([pa.array(digests, pa.string())]))
    if blanked:
        columns = _without_images(columns, pc.is_null(columns["image_digest"]))
    return columns if good.all() else columns.filter(pa.array(good)), bad, blanked


def _without_images(columns: pa.Table, lost: pa.ChunkedArray) -> pa.Table:
    for name in ("image_path", "image_bytes"):
        kept = pc.if_else(lost, pa.scalar(None, columns.schema.field(name).type), columns[name])
        columns = columns.set_column(columns.column_names.index(name), name, kept)
    return columns


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
    return LoadReport(saved["rows"], dropped_classes=saved["dropped_classes"], **lists)
