"""From rows to checked splits: the one road that every loader takes.

rows -> images checked -> classes counted -> Arrow tables, one per split, written once and memory-mapped.
"""

from __future__ import annotations

import ast
import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal, get_args

from filelock import FileLock

from benchmarks.datasets import images, table
from benchmarks.datasets.splits import Card, DataError, LoadReport, Source, Splits
from benchmarks.names import choose
from cma_clip.types import Modality, Task

Part = Literal["train", "val", "test"]
PARTS: tuple[Part, ...] = get_args(Part)
META = "meta.json"


@dataclass(frozen=True)
class Row:
    """One sample as a loader found it.

    Attributes:
        image: a file, encoded bytes, or None for a missing image.
        labels: task -> class name; None or no key for a missing label.
        origin: where it stands, for error messages ("styles.csv, row 17").
    """

    id: str
    group: str
    part: Part
    image: Path | bytes | None
    text: str | None
    labels: Mapping[str, str | None]
    origin: str


@dataclass(frozen=True)
class TaskSpec:
    """A task as a loader declares it.

    Attributes:
        classes: the class names in order; None takes those of the training split, sorted.
        min_count: classes with fewer training labels than this become missing labels, counted in the report.
    """

    name: str
    classes: tuple[str, ...] | None = None
    min_count: int = 1
    prompts: tuple[str, ...] = ("a photo of {}.", "{}")


def build_splits(  # noqa: PLR0913, PLR0917 - one road for all loaders; every argument is a fact only the loader knows
    name: str,
    card: Card,
    key: str,
    rows: Callable[[], Iterable[Row]],
    tasks: Sequence[TaskSpec],
    source: Source,
    relevance: Mapping[str, Mapping[Modality, float]] | None = None,
) -> Splits:
    """Build the splits, or open the tables that an earlier call with the same `key` has built.

    `key` is a hash over the options and the identity of the source files; `rows` is only called on a miss.

    Raises:
        DataError: anything in the rows that cannot be used; names the row, the value and the valid choices.
    """
    folder = source.cache / "tables" / f"{name}-{_key(key, source)}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):  # the second of two processes waits instead of doing the same work
        if not (folder / META).is_file():
            _write(folder, list(rows()), tasks, source)
    meta = json.loads((folder / META).read_text())
    prints = meta["fingerprints"]
    return Splits(
        name=name,
        **{part: table.TableExamples(folder / f"{part}.arrow", prints[part]) for part in PARTS},
        tasks=tuple(Task.from_json(task) for task in meta["tasks"]),
        card=card,
        fingerprint=_hash(*(prints[part] for part in PARTS), json.dumps(meta["tasks"])),
        report=_report(meta["report"]),
        relevance=relevance,
    )


def _key(key: str, source: Source) -> str:
    """The tables also depend on this code and on what is done with bad samples."""
    code = [
        ast.dump(ast.parse(Path(str(module)).read_text())) for module in (__file__, table.__file__, images.__file__)
    ]
    return _hash(key, source.on_bad_sample, *code)[:16]


def _hash(*parts: str) -> str:
    return blake2b("\x1f".join(parts).encode(), digest_size=12).hexdigest()


def _write(folder: Path, rows: list[Row], tasks: Sequence[TaskSpec], source: Source) -> None:
    """Check everything, then make the folder appear complete."""
    found = len(rows)
    _check_ids(rows)
    rows, digests, bad = _check_samples(rows, source)
    settled, dropped = _settle_tasks(rows, tasks)
    records = {part: _records(rows, digests, settled, part) for part in PARTS}
    names = [task.name for task in settled]
    meta = {
        "tasks": [task.as_json() for task in settled],
        "fingerprints": {part: table.fingerprint(records[part], names) for part in PARTS},
        "report": asdict(LoadReport(found, tuple(bad), dropped, _notes(rows))),
    }
    staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    for part in PARTS:
        table.write(staging / f"{part}.arrow", records[part], names)
    (staging / META).write_text(json.dumps(meta))
    shutil.rmtree(folder, ignore_errors=True)
    staging.replace(folder)


def _check_ids(rows: Sequence[Row]) -> None:
    seen: dict[str, str] = {}
    for row in rows:
        if row.id in seen:
            raise DataError(f"{row.origin}: id {row.id!r} was used before, in {seen[row.id]}; ids must be unique")
        seen[row.id] = row.origin


def _check_samples(rows: Sequence[Row], source: Source) -> tuple[list[Row], dict[str, str | None], list[str]]:
    """(good rows, image digest by id, what is wrong with the others)."""
    good, digests, bad = [], {}, []
    results = images.check_all([(row.image, row.origin) for row in rows], source.progress)
    for row, result in zip(rows, results, strict=True):
        problem = str(result) if isinstance(result, DataError) else _nothing_to_see(row)
        if problem and source.on_bad_sample == "error":
            raise DataError(f"{problem} (--on-bad-sample skip leaves such samples out and lists them)")
        if problem:
            bad.append(problem)
        else:
            good.append(row)
            digests[row.id] = None if isinstance(result, DataError) else result
    return good, digests, bad


def _nothing_to_see(row: Row) -> str | None:
    if row.image is None and _text(row) is None:
        return f"{row.origin}: id {row.id!r} has neither an image nor a text"
    return None


def _text(row: Row) -> str | None:
    """White space alone is a missing text."""
    return row.text if row.text and row.text.strip() else None


def _settle_tasks(rows: Sequence[Row], specs: Sequence[TaskSpec]) -> tuple[list[Task], dict[str, dict[str, int]]]:
    """Classes of each task, and per task the labels that became missing because their class is too rare."""
    tasks, dropped = [], {}
    for spec in specs:
        counts = {part: _counts(rows, spec.name, part) for part in PARTS}
        if not counts["train"]:
            raise DataError(f"task {spec.name!r}: all labels are missing in the training split")
        kept = spec.classes or tuple(sorted(c for c, n in counts["train"].items() if n >= spec.min_count))
        everywhere = sum(counts.values(), Counter[str]())
        rare = {c: n for c, n in sorted(everywhere.items()) if c not in kept}
        if rare and (spec.classes is not None or spec.min_count <= 1):
            _refuse_label(rows, spec.name, next(iter(rare)), kept)
        if len(kept) < 2:
            raise DataError(
                f"task {spec.name!r} has {len(kept)} class(es) with at least {spec.min_count} training labels: "
                f"{dict(counts['train'].most_common(5))}; a task needs two"
            )
        tasks.append(Task(spec.name, kept, spec.prompts))
        dropped[spec.name] = rare
    return tasks, {name: rare for name, rare in dropped.items() if rare}


def _counts(rows: Sequence[Row], task: str, part: Part) -> Counter[str]:
    labels = (row.labels.get(task) for row in rows if row.part == part)
    return Counter(label for label in labels if label is not None)


def _refuse_label(rows: Sequence[Row], task: str, label: str, kept: Sequence[str]) -> None:
    row = next(row for row in rows if row.labels.get(task) == label)
    try:
        choose(label, kept, f"label of task {task!r}")
    except KeyError as error:
        raise DataError(
            f"{row.origin}: {error.args[0]} (no training example has it: a model could never predict it)"
        ) from error


def _records(
    rows: Sequence[Row], digests: Mapping[str, str | None], tasks: Sequence[Task], part: Part
) -> list[dict[str, Any]]:
    index = {task.name: {name: number for number, name in enumerate(task.classes)} for task in tasks}
    return [
        {
            "id": row.id,
            "group": row.group,
            "origin": row.origin,
            "text": _text(row),
            "image_path": str(row.image.absolute()) if isinstance(row.image, Path) else None,
            "image_bytes": row.image if isinstance(row.image, bytes) else None,
            "image_digest": digests[row.id],
            **{table.LABEL + task: numbers.get(row.labels.get(task) or "") for task, numbers in index.items()},
        }
        for row in rows
        if row.part == part
    ]


def _notes(rows: Sequence[Row]) -> tuple[str, ...]:
    texts = sum(_text(row) is None for row in rows)
    pictures = sum(row.image is None for row in rows)
    notes = [f"{texts} rows have no text" if texts else "", f"{pictures} rows have no image" if pictures else ""]
    return tuple(note for note in notes if note)


def _report(saved: Mapping[str, Any]) -> LoadReport:
    return LoadReport(saved["rows"], tuple(saved["bad_samples"]), saved["dropped_classes"], tuple(saved["notes"]))
