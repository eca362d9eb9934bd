"""What a loader returns: three splits that share no group, their tasks, and what happened on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
import numpy.typing as npt
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

from benchmarks.records.record import MEAN
from cma_clip.types import IGNORE, Examples, Modality, Task
from cma_clip.version import Version

if TYPE_CHECKING:
    import pandas as pd

OnBadSample = Literal["error", "skip", "blank"]


class DataError(ValueError):
    """Input that cannot be used. The message names the file, the row, the value and the valid choices."""


class NotLearnableError(DataError):
    """What no experiment could learn, though it can be looked at.

    A task without two classes in training, or called as the mean over tasks; rows in too few groups to split.
    """


@dataclass(frozen=True)
class Source:
    """Where a loader reads and what it does with a sample it cannot read.

    Attributes:
        root: the user's folder or file; None for data sets that are generated.
        cache: folder for Arrow tables, named by their content.
        on_bad_sample: `error` stops at the first corrupt sample; `skip` leaves them out, counted and listed; `blank`
            keeps those that have a text without their image, counted and listed, and leaves out the others.
        progress: show progress bars.
        look_only: take what no experiment could use, for whoever looks at data: without the tasks that cannot be
            learnt, all in `train` where nothing can be split, and whatever the number of missing photos.
    """

    root: Path | None = None
    cache: Path = Path("runs/cache")
    on_bad_sample: OnBadSample = "error"
    progress: bool = False
    look_only: bool = False


class Options(BaseModel):
    """A data set's own options; they are part of an experiment's identity.

    Attributes:
        titles: `masked` takes the words out of every title that state the example's own label, in all three splits
            (see `benchmarks.datasets.loading.masking`); every data set has this option.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    titles: Literal["as-is", "masked"] = "as-is"


def _all_different(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) != len(names):
        raise ValueError(f"{max(names, key=names.count)!r} is named twice")
    return names


def split_names(given: object) -> object:
    """A string is names with commas between them; a name that holds a comma has to come in a list."""
    return tuple(name.strip() for name in given.split(",") if name.strip()) if isinstance(given, str) else given


Names = Annotated[tuple[str, ...], BeforeValidator(split_names), AfterValidator(_all_different)]
"""An option that holds names, each once: a list, or a string with commas."""


@dataclass(frozen=True)
class Card:
    """The data card: what a reader must know before believing a number.

    Attributes:
        version: of the loader; tables that an earlier one has built are built anew.
        photos_may_be_copied: whether records and reports may hold small copies of its photos.
    """

    title: str
    image: str
    text: str
    labels: str
    splits: str
    source: str
    licence: str
    notes: str = ""
    version: Version = Version(1)
    photos_may_be_copied: bool = False


@dataclass(frozen=True)
class LoadReport:
    """What was left out, counted and named. Nothing is lost silently.

    Attributes:
        rows: rows found in the source, before anything was left out; of products with several views, the views.
        products: of which the rows are views; None where every row stands for itself.
        bad_samples: "file, row: reason" of every sample skipped with `on_bad_sample` `skip` or `blank`.
        blanked: "file, row: reason" of every sample that lost its image with `on_bad_sample="blank"`.
        dropped_classes: per task, class name -> number of labels that became missing because the class
            has too few training rows.
        notes: one sentence each for anything else a reader should know.
    """

    rows: int
    products: int | None = None
    bad_samples: tuple[str, ...] = ()
    blanked: tuple[str, ...] = ()
    dropped_classes: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Splits:
    """A data set ready for an experiment, checked on construction.

    Attributes:
        train: what models learn from.
        val: what early stopping, model selection and tuning see.
        test: what only the final evaluation sees.
        fingerprint: hash of everything above: two equal fingerprints are the same data.
        relevance: per task the share of the evidence each modality carries, where the generator knows it.
        subsets: name -> Bool[N] over the rows of `test`: each is evaluated as a condition of its own
            ("deduplicated"), from the same predictions.
        per_group: name of the condition in which the test examples of one group count as one, by the mean of
            their probabilities ("per product"); None where every example stands for itself.
        units: names of what the test examples count as one by, one a row, where that is less than their group; None
            where it is the group.
        bad_files: a problem of the report, word by word -> the image file that has it.
        refused: what an experiment would stop at, as it would say it; empty without `Source.look_only`.

    Raises:
        DataError: a duplicate id, a group in two splits, a label out of range, a task nobody can learn.
    """

    name: str
    train: Examples
    val: Examples
    test: Examples
    tasks: tuple[Task, ...]
    card: Card
    fingerprint: str
    report: LoadReport
    relevance: Mapping[str, Mapping[Modality, float]] | None = None
    subsets: Mapping[str, npt.NDArray[np.bool_]] = field(default_factory=dict)
    per_group: str | None = None
    units: tuple[str, ...] | None = None
    bad_files: Mapping[str, Path] = field(default_factory=dict)
    refused: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for task in self.tasks:
            if task.name == MEAN:
                raise DataError(f"{self.name}: no task may be called {MEAN!r}; tables use it for the mean over tasks")
        _check_disjoint(self, "id", lambda examples: examples.ids())
        _check_disjoint(self, "group", lambda examples: examples.groups())
        for task in self.tasks:
            _check_labels(self, task)
            if self.per_group is not None:
                _check_groups(self, task)
        for name, rows in self.subsets.items():
            if len(rows) != len(self.test) or not rows.any():
                raise DataError(
                    f"{self.name}: subset {name!r} has {rows.sum()} rows of {len(rows)}, test has {len(self.test)}"
                )

    def parts(self) -> dict[str, Examples]:
        """The three splits by name."""
        return {"train": self.train, "val": self.val, "test": self.test}

    def frame(self) -> pd.DataFrame:
        """All rows as a table, see `benchmarks.datasets.loading.frame`."""
        from benchmarks.datasets.loading.frame import frame_of

        return frame_of(self)

    def test_units(self) -> tuple[str, ...]:
        """N names over the rows of `test`: those with the same name count as one `per_group`."""
        return self.test.groups() if self.units is None else self.units

    def with_deduplicated(self, new: npt.NDArray[np.bool_], note: str) -> Splits:
        """With the condition `deduplicated`: the test rows that are `new`, Bool[N], if any is; the report says so."""
        report = replace(self.report, notes=(*self.report.notes, f"{note} (`deduplicated`)."))
        return replace(self, report=report, subsets={"deduplicated": new} if new.any() else {})


def _check_disjoint(splits: Splits, what: str, keys_of: Callable[[Examples], tuple[str, ...]]) -> None:
    owners: dict[str, set[str]] = {}
    for part, examples in splits.parts().items():
        keys = keys_of(examples)
        own = set(keys)
        if what == "id" and len(own) != len(keys):
            raise DataError(f"{splits.name}: id {Counter(keys).most_common(1)[0][0]!r} occurs twice in {part}")
        for other, theirs in owners.items():
            if not own.isdisjoint(theirs):
                raise DataError(f"{splits.name}: {what} {min(own & theirs)!r} is in both {other} and {part}")
        owners[part] = own


def _check_labels(splits: Splits, task: Task) -> None:
    for part, examples in splits.parts().items():
        labels = examples.labels(task.name)
        known = labels[labels != IGNORE]
        if not len(labels) and splits.refused:  # nothing could be split, and that has been said
            continue
        if len(known) == 0:
            rare = splits.report.dropped_classes.get(task.name, {})
            why = f": {sum(rare.values()):,} labels of {len(rare):,} classes that are rare in train count as missing"
            raise DataError(
                f"{splits.name}: all labels of task {task.name!r} are missing in {part}{why if rare else ''}"
            )
        if known.min() < 0 or known.max() >= len(task.classes):
            raise DataError(f"{splits.name}: {part} holds a label outside the classes of {task.name!r}")
        if part == "train" and len(set(known.tolist())) < 2:
            raise DataError(
                f"{splits.name}: task {task.name!r} has one class only in train: {task.classes[known[0]]!r}"
            )


def _check_groups(splits: Splits, task: Task) -> None:
    """The examples of a test group that counts as one have one label."""
    found: dict[str, int] = {}
    for group, label in zip(splits.test_units(), splits.test.labels(task.name).tolist(), strict=True):
        if label != IGNORE and found.setdefault(group, label) != label:
            raise DataError(
                f"{splits.name}: test examples of group {group!r} have the labels {task.classes[found[group]]!r} and "
                f"{task.classes[label]!r} of task {task.name!r}; {splits.per_group} scores need one"
            )
