"""The splits of a data set as one table, in words."""

from __future__ import annotations

import pandas as pd

from benchmarks.datasets.loading.splits import Splits
from cma_clip.types import IGNORE, Examples, Task


def frame_of(splits: Splits) -> pd.DataFrame:
    """One row an example, by id; what is missing is missing here. No photo is decoded.

    Columns: split, group, text, photo (whether there is one), and a class name for each task; a task with one of these
    names is `<task>_label`.
    """
    return pd.concat([_frame(name, examples, splits.tasks) for name, examples in splits.parts().items()])


def _frame(split: str, examples: Examples, tasks: tuple[Task, ...]) -> pd.DataFrame:
    present = examples.image_present()
    own = {"split": split, "group": examples.groups(), "text": examples.texts(), "photo": present}
    names = {
        f"{task.name}_label" if task.name in own else task.name: [
            None if label == IGNORE else task.classes[label] for label in examples.labels(task.name)
        ]
        for task in tasks
    }
    return pd.DataFrame({**own, **names}, index=pd.Index(examples.ids(), name="id"))
