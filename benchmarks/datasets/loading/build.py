"""From rows to checked splits: the one road that every loader takes.

rows -> images checked -> classes counted -> Arrow tables, one per split, written once and memory-mapped.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

from filelock import FileLock

from benchmarks.datasets.loading import arrow as table
from benchmarks.datasets.loading import images
from benchmarks.datasets.loading.classes import TaskSpec, settle_tasks
from benchmarks.datasets.loading.rows import PARTS, Part, Row, check_ids, check_parts, text_of
from benchmarks.datasets.loading.splits import Card, DataError, LoadReport, Source, Splits
from cma_clip.types import Modality, Task
from cma_clip.version import Version

__all__ = ["PARTS", "Part", "Row", "TaskSpec", "build_splits"]

META = "meta.json"
LOADING = {"loading": Version(1)}
"""Of the way from rows to splits, and of the tables' format."""

Records = dict[Part, Callable[[], Iterator[dict[str, Any]]]]
"""What each table will hold, made anew whenever it is asked for: the rows of a large data set are in memory once."""


def build_splits(  # noqa: PLR0913, PLR0917 - one road for all loaders; every argument is a fact only the loader knows
    name: str,
    card: Card,
    key: str,
    rows: Callable[[], Iterable[Row]],
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
            meta, records = _prepare(list(rows()), notes, tasks, source)
            _save(folder, meta, records)
    meta = json.loads((folder / META).read_text(encoding="utf-8"))
    prints = meta["fingerprints"]
    return Splits(
        name=name,
        train=table.TableExamples.open(folder / "train.arrow", prints["train"]),
        val=table.TableExamples.open(folder / "val.arrow", prints["val"]),
        test=table.TableExamples.open(folder / "test.arrow", prints["test"]),
        tasks=tuple(Task.from_json(task) for task in meta["tasks"]),
        card=card,
        fingerprint=_hash(*(prints[part] for part in PARTS), json.dumps(meta["tasks"])),
        report=_report(meta["report"]),
        relevance=relevance,
    )


def _key(key: str, card: Card, source: Source) -> str:
    """The tables also depend on the versions of the loader and of this file, and on what is done with bad samples."""
    return _hash(key, source.on_bad_sample, f"{card.version} {LOADING['loading']}")[:16]


def _hash(*parts: str) -> str:
    return blake2b("\x1f".join(parts).encode(), digest_size=12).hexdigest()


def _prepare(
    rows: list[Row], notes: Callable[[], Sequence[str]], specs: Sequence[TaskSpec], source: Source
) -> tuple[dict[str, Any], Records]:
    """Everything that the folder will hold, checked: (meta.json, the records of each table)."""
    check_ids(rows)
    good, digests, bad = _check_samples(rows, source)
    check_parts(good)
    tasks, dropped = settle_tasks(good, specs)
    records: Records = {part: partial(_records, good, digests, tasks, part) for part in PARTS}
    names = [task.name for task in tasks]
    report = LoadReport(len(rows), tuple(bad), dropped, (*_notes(good), *notes()))
    meta = {
        "tasks": [task.as_json() for task in tasks],
        "fingerprints": {part: table.fingerprint(records[part](), names) for part in PARTS},
        "report": asdict(report),
    }
    return meta, records


def _save(folder: Path, meta: Mapping[str, Any], records: Records) -> None:
    """Make the folder appear complete. The caller holds its lock: a staging folder found here was abandoned."""
    staging = folder.with_name(f".{folder.name}.partial")
    for left_over in (staging, folder):
        shutil.rmtree(left_over, ignore_errors=True)
    staging.mkdir()
    for part, rows_of in records.items():
        table.write(staging / f"{part}.arrow", rows_of(), [task[0] for task in meta["tasks"]])
    (staging / META).write_text(json.dumps(meta), encoding="utf-8")
    staging.replace(folder)


def _check_samples(rows: Sequence[Row], source: Source) -> tuple[list[Row], dict[str, str | None], list[str]]:
    """(good rows, image digest by id, what is wrong with the others)."""
    good: list[Row] = []
    digests: dict[str, str | None] = {}
    bad: list[str] = []
    with closing(images.check_all([(row.image, row.origin) for row in rows], source.progress)) as results:
        for row, result in zip(rows, results, strict=True):
            if isinstance(result, DataError):
                problem = str(result)
            elif row.image is None and text_of(row) is None:
                problem = f"{row.origin}: id {row.id!r} has neither an image nor a text"
            else:
                good.append(row)
                digests[row.id] = result
                continue
            if source.on_bad_sample == "error":
                raise DataError(f"{problem} (--on-bad-sample skip leaves such samples out and lists them)")
            bad.append(problem)
    return good, digests, bad


def _records(
    rows: Sequence[Row], digests: Mapping[str, str | None], tasks: Sequence[Task], part: Part
) -> Iterator[dict[str, Any]]:
    index: dict[str, dict[str | None, int]] = {
        task.name: {name: number for number, name in enumerate(task.classes)} for task in tasks
    }
    for row in rows:
        if row.part == part:
            yield {
                "id": row.id,
                "group": row.group,
                "origin": row.origin,
                "text": text_of(row),
                "image_path": str(row.image.absolute()) if isinstance(row.image, Path) else None,
                "image_bytes": row.image if isinstance(row.image, bytes) else None,
                "image_digest": digests[row.id],
                **{table.LABEL + task: numbers.get(row.labels.get(task)) for task, numbers in index.items()},
            }


def _notes(rows: Sequence[Row]) -> list[str]:
    missing = {"text": sum(text_of(row) is None for row in rows), "image": sum(row.image is None for row in rows)}
    return [f"{count:,} of {len(rows):,} rows have no {what}." for what, count in missing.items() if count]


def _report(saved: Mapping[str, Any]) -> LoadReport:
    return LoadReport(saved["rows"], tuple(saved["bad_samples"]), saved["dropped_classes"], tuple(saved["notes"]))
