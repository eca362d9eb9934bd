"""Examples in an Arrow file, memory-mapped: opening reads nothing, an image is decoded when it is looked at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from benchmarks.datasets.loading.images import decode
from benchmarks.datasets.loading.rows import LABEL
from cma_clip.types import IGNORE, Example, Examples

if TYPE_CHECKING:
    import pyarrow as pa
    from datasets import Dataset

ROWS_PER_BATCH = 1000
FIELDS = ("id", "group", "origin", "text", "image_path", "image_bytes", "image_digest")
"""The columns of every table, before one `label:` a task with class indices; others may follow."""


def write(path: Path, batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> None:
    """The batches as one Arrow stream."""
    import pyarrow as pa

    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)


def fingerprint(batches: Iterable[pa.RecordBatch], tasks: Sequence[str]) -> str:
    """Hash of what models and metrics can see; not of where files lie or when they were written."""
    names = ["id", "group", "text", "image_digest", *(LABEL + task for task in tasks)]
    hashed = blake2b(repr(names).encode(), digest_size=12)
    for batch in batches:
        rows = zip(*(batch.column(name).to_pylist() for name in names), strict=True)
        hashed.update("".join(repr(list(row)) for row in rows).encode())
    return hashed.hexdigest()


class TableExamples(Examples):
    """Examples over a Hugging Face `Dataset` with the schema above; picklable, as worker processes need."""

    def __init__(self, table: Dataset, fingerprint: str):
        self.fingerprint = fingerprint
        self._table = table
        self._columns = table.with_format("arrow")
        self._tasks = [name.removeprefix(LABEL) for name in table.column_names if name.startswith(LABEL)]

    @classmethod
    def open(cls, path: Path, fingerprint: str) -> Self:
        """Map a file made by `write`; `fingerprint` is that of its rows."""
        from datasets import Dataset

        return cls(Dataset.from_file(str(path)), fingerprint)

    def select(self, indices: Sequence[int] | npt.NDArray[np.int64]) -> TableExamples:
        """These examples in this order, without a copy; the fingerprint is derived from the own one.

        Raises:
            IndexError: an index outside the table.
        """
        wanted = np.asarray(indices, dtype=np.int64)
        derived = blake2b(f"{self.fingerprint} {wanted.tolist()}".encode(), digest_size=12).hexdigest()
        return TableExamples(self._table.select(wanted), derived)

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

    def extra(self, name: str) -> pa.ChunkedArray | None:
        """A column beyond those of every table; None where this table has none of that name."""
        return self._column(name) if name in self._table.column_names else None

    @cached_property
    def _ids(self) -> tuple[str, ...]:
        return tuple(self._column("id").to_pylist())

    def _column(self, name: str) -> pa.ChunkedArray:
        return self._columns[name][:]
