"""The parts of a table answered by many processes; one keeps them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from tqdm import tqdm

from benchmarks.datasets.loading.splits import DataError
from benchmarks.engines.task import Engine, Task
from benchmarks.filling.answers import part_of
from benchmarks.filling.parts import Work
from benchmarks.filling.question import Asked
from benchmarks.processes import quiet
from benchmarks.serving import load_model

if TYPE_CHECKING:
    import pandas as pd

opened = lru_cache(1)(load_model)
"""Once for all parts that a worker answers."""


def answer_on(
    engine: Engine, frames: Iterable[tuple[int, pd.DataFrame]], model: Path, asked: Asked, work: Work, bar: tqdm[Any]
) -> None:
    """Answer parts, given as their numbers and rows, and keep each as it comes.

    Raises:
        DataError: some could not be answered; the others are kept.
    """
    tasks = (Task(f"part {number}", answered, (number, model, rows, asked), engine.needs) for number, rows in frames)
    failed = []
    for ended in engine.run(tasks, bar.write):
        if ended.value is None:
            failed.append(f"{ended.task.label}: {ended.error}")
        else:
            number, part = ended.value
            work.save(number, part)
            bar.update(part.num_rows)
    if failed:
        raise DataError(f"{'; '.join(failed)}; all other parts are kept, the same command goes on with these")


def answered(number: int, model: Path, frame: pd.DataFrame, asked: Asked) -> tuple[int, pa.Table]:
    """What a worker does with a part."""
    quiet()
    saved = opened(model)
    rows = saved.rows(frame, **asked.columns())
    return number, part_of(saved.answer(rows, asked.precision, tasks=asked.tasks), rows, asked.tasks, asked.commas)
