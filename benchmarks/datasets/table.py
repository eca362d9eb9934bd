"""Examples in an Arrow file, memory-mapped: a million rows open at once, an image is decoded when it is looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from benchmarks.datasets.images import decode
from cma_clip.types import IGNORE, Example, Examples

LABEL = "label:"
ROWS_PER_BATCH = 1000


def schema(tasks: Sequence[str]) -> pa.Schema:
    """One row an example: exactly one of `image_path` and `image_bytes` where there is an image."""
    fields = [
        ("id", pa.string()),
        ("group", pa.string()),
        ("origin", pa.string()),
        ("text", pa.string()),
        ("image_path", pa.string()),
        ("image_bytes", pa.binary()),
        ("image_digest", pa.string()),
    ]
    return pa.schema([*fields, *((LABEL + task, pa.int32()) for task in tasks)])


def write(path: Path, rows: Sequence[Mapping[str, Any]], tasks: Sequence[str]) -> None:
    """Rows in the schema above as one Arrow stream."""
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, schema(tasks)) as writer:
        for start in range(0, len(rows), ROWS_PER_BATCH):
            chunk = list(rows[start : start + ROWS_PER_BATCH])
            writer.write_batch(pa.RecordBatch.from_pylist(chunk, schema=schema(tasks)))


def fingerprint(rows: Sequence[Mapping[str, Any]], tasks: Sequence[str]) -> str:
    """Hash of what models and metrics can see; not of where files lie or when they were written."""
    names = ["id", "group", "text", "image_digest", *(LABEL + task for task in tasks)]
    hashed = blake2b(repr(names).encode(), digest_size=12)
    for row in rows:
        hashed.update(repr([row[name] for name in names]).encode())
    return hashed.hexdigest()


class TableExamples(Examples):
    """Examples over a Hugging Face `Dataset` with the schema above."""

    def __init__(self, path: Path, fingerprint: str):
        from datasets import Dataset

        self.fingerprint = fingerprint
        self._table = Dataset.from_file(str(path))
        self._tasks = [c.removeprefix(LABEL) for c in self._table.column_names if c.startswith(LABEL)]

    def __len__(self) -> int:
        return len(self._table)

    def __getitem__(self, index: int) -> Example:
        row = self._table[index]
        image = row["image_bytes"] or (Path(row["image_path"]) if row["image_path"] else None)
        return Example(
            id=row["id"],
            group=row["group"],
            image=None if image is None else decode(image, row["origin"]),
            text=row["text"],
            labels={task: row[LABEL + task] for task in self._tasks if row[LABEL + task] is not None},
        )

    def ids(self) -> tuple[str, ...]:
        """From the column."""
        return self._ids

    def groups(self) -> tuple[str, ...]:
        """From the column."""
        return tuple(self._column("group").to_pylist())

    def texts(self) -> list[str | None]:
        """From the column."""
        return self._column("text").to_pylist()  # type: ignore[no-any-return]

    def image_present(self) -> npt.NDArray[np.bool_]:
        """From the column of digests."""
        return np.asarray(self._column("image_digest").is_valid().to_numpy())

    def label_rows(self) -> list[Mapping[str, int]]:
        """From the label columns."""
        columns = {task: self.labels(task).tolist() for task in self._tasks}
        return [
            {task: values[row] for task, values in columns.items() if values[row] != IGNORE} for row in range(len(self))
        ]

    def labels(self, task: str) -> npt.NDArray[np.int64]:
        """From the label column."""
        column = self._column(LABEL + task).fill_null(IGNORE)
        return np.asarray(column.to_numpy(), dtype=np.int64)

    @cached_property
    def _ids(self) -> tuple[str, ...]:
        return tuple(self._column("id").to_pylist())

    def _column(self, name: str) -> pa.ChunkedArray:
        return self._table.data.column(name)
