"""The central types: what goes into a model and what comes out of it.

Letters used for shapes everywhere: B batch, L text length, P image patches, D width, N examples,
C classes of a task, H and W pixels.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import numpy.typing as npt
from PIL import Image

if TYPE_CHECKING:
    import pandas as pd

IGNORE = -100
"""The label of an example that has none for a task; PyTorch's own default for `ignore_index`."""

Modality = Literal["image", "text"]
BOTH: frozenset[Modality] = frozenset(("image", "text"))


@dataclass(frozen=True)
class Task:
    """One single-label decision. A multi-label attribute is several tasks of two classes.

    `prompts` are the templates of zero-shot classification; `{}` stands for the class name and the
    embeddings of all templates are averaged (Radford et al. 2021, section 3.1.4).
    """

    name: str
    classes: tuple[str, ...]
    prompts: tuple[str, ...] = ("a photo of {}.", "{}")

    def __post_init__(self) -> None:
        if len(self.classes) < 2:
            found = ", ".join(map(repr, self.classes)) or "none"
            raise ValueError(f"task {self.name!r} needs at least 2 classes, found {found}")
        if len(set(self.classes)) != len(self.classes):
            twice = sorted({c for c in self.classes if self.classes.count(c) > 1})
            raise ValueError(f"task {self.name!r} names a class twice: {twice}")

    def as_json(self) -> list[Any]:
        """How saved models keep it."""
        return [self.name, list(self.classes), list(self.prompts)]

    @classmethod
    def from_json(cls, saved: list[Any]) -> Self:
        """The inverse of `as_json`."""
        name, classes, prompts = saved
        return cls(name, tuple(classes), tuple(prompts))


@dataclass(frozen=True)
class Example:
    """One product or page: a photo, a text, and what is known about it.

    `group` ties the examples that must stay in one split (views of a product, identical titles).
    `labels` holds class indices; a missing label has no key. A missing modality is None.
    """

    id: str
    group: str
    image: Image.Image | None
    text: str | None
    labels: Mapping[str, int] = field(default_factory=dict)


class Examples(ABC):
    """A fixed sequence of examples. The column methods answer without decoding any image.

    `fingerprint` is equal only if every example is equal, in the same order; it is what makes caching on
    disk safe. None means unknown content: nothing derived from it is kept.
    """

    fingerprint: str | None = None

    @property
    def image_source(self) -> Examples:
        """Examples row by row with the same images, of which some may be missing here.

        What is computed of images is computed for the source, once for everything that shares it.
        """
        return self

    @property
    def text_source(self) -> Examples:
        """Examples row by row with the same texts, of which some may be missing here."""
        return self

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def __getitem__(self, index: int) -> Example: ...

    def __iter__(self) -> Iterator[Example]:
        return (self[index] for index in range(len(self)))

    def ids(self) -> tuple[str, ...]:
        """N example ids."""
        return tuple(example.id for example in self)

    def groups(self) -> tuple[str, ...]:
        """N group names."""
        return tuple(example.group for example in self)

    def texts(self) -> list[str | None]:
        """N texts; None where the text is missing."""
        return [example.text for example in self]

    def image_present(self) -> npt.NDArray[np.bool_]:
        """Bool[N]: which examples have an image."""
        return np.array([example.image is not None for example in self], dtype=np.bool_)

    def label_rows(self) -> list[Mapping[str, int]]:
        """N mappings of task name to class index; a missing label has no key."""
        return [example.labels for example in self]

    def labels(self, task: str) -> npt.NDArray[np.int64]:
        """Int[N]: the class index of every example, IGNORE where there is none."""
        return np.array([row.get(task, IGNORE) for row in self.label_rows()], dtype=np.int64)


class Joined(Examples):
    """Several sequences of examples one after the other; columns come from the parts."""

    def __init__(self, parts: Sequence[Examples]):
        self.parts = tuple(parts)
        self._places = [(part, index) for part in self.parts for index in range(len(part))]
        names = [part.fingerprint for part in self.parts]
        if None not in names:
            self.fingerprint = blake2b(f"joined {names}".encode(), digest_size=12).hexdigest()

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: int) -> Example:
        part, own = self._places[index]
        return part[own]

    def ids(self) -> tuple[str, ...]:
        """N example ids."""
        return tuple(id for part in self.parts for id in part.ids())

    def groups(self) -> tuple[str, ...]:
        """N group names."""
        return tuple(group for part in self.parts for group in part.groups())

    def texts(self) -> list[str | None]:
        """N texts."""
        return [text for part in self.parts for text in part.texts()]

    def image_present(self) -> npt.NDArray[np.bool_]:
        """Bool[N]."""
        return np.concatenate([part.image_present() for part in self.parts])

    def label_rows(self) -> list[Mapping[str, int]]:
        """N mappings."""
        return [row for part in self.parts for row in part.label_rows()]

    def labels(self, task: str) -> npt.NDArray[np.int64]:
        """Int[N]."""
        return np.concatenate([part.labels(task) for part in self.parts])


@dataclass(frozen=True)
class Predictions:
    """What a model says about N examples, checked on construction.

    Attributes:
        ids: N example ids, in the order of the rows.
        labels: per task Int[N], the true classes; IGNORE where unknown.
        probabilities: per task Float[N, C]; rows sum to 1.
        modality_weights: per task Float[N, 2], (text, image), rows sum to 1; None for models without them.
        classes: per task C names; without them a frame cannot be made.

    Raises:
        ValueError: rows that do not match the ids, probabilities that are not a distribution.
    """

    ids: tuple[str, ...]
    labels: Mapping[str, npt.NDArray[np.int64]]
    probabilities: Mapping[str, npt.NDArray[np.float32]]
    modality_weights: Mapping[str, npt.NDArray[np.float32]] | None = None
    classes: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        tasks: Sequence[Task],
        examples: Examples,
        probabilities: Mapping[str, npt.NDArray[np.float32]],
        modality_weights: Mapping[str, npt.NDArray[np.float32]] | None = None,
    ) -> Self:
        """Of these examples, beside what is known of them."""
        labels = {task.name: examples.labels(task.name) for task in tasks}
        classes = {task.name: task.classes for task in tasks}
        return cls(examples.ids(), labels, probabilities, modality_weights, classes)

    def __post_init__(self) -> None:
        if set(self.labels) != set(self.probabilities):
            raise ValueError(f"labels of {sorted(self.labels)}, probabilities of {sorted(self.probabilities)}")
        for task, probabilities in self.probabilities.items():
            labels = self.labels[task]
            if probabilities.ndim != 2 or len(probabilities) != len(self.ids) or len(labels) != len(self.ids):
                raise ValueError(
                    f"task {task!r}: {len(self.ids)} ids, {len(labels)} labels, probabilities {probabilities.shape}"
                )
            if not np.isfinite(probabilities).all():
                raise ValueError(f"task {task!r}: a probability is NaN or infinite")
            if (probabilities < 0).any() or not np.allclose(probabilities.sum(1), 1, atol=1e-4):
                raise ValueError(f"task {task!r}: rows of probabilities do not sum to 1")
            if ((labels != IGNORE) & ((labels < 0) | (labels >= probabilities.shape[1]))).any():
                raise ValueError(f"task {task!r}: a label lies outside its {probabilities.shape[1]} classes")

    def frame(self) -> pd.DataFrame:
        """One row an example, by id, in the words of the classes.

        Of each task:

        - `<task>`: the true class; missing where it is unknown;
        - `<task>_suggested`: the most probable class, and `<task>_confidence`, its probability as the network gives it;
        - `<task>_text_weight`, `<task>_photo_weight`: in [0, 1], of models with modality weights.

        Raises:
            ValueError: predictions without class names, such as those read from a file.
        """
        import pandas as pd

        columns: dict[str, Any] = {}
        for task, probabilities in self.probabilities.items():
            if task not in self.classes:
                raise ValueError(f"the classes of task {task!r} have no names here; those of `Classifier.predict` have")
            names, labels = np.array(self.classes[task], dtype=object), self.labels[task]
            columns[task] = [None if label == IGNORE else names[label] for label in labels]
            columns[f"{task}_suggested"] = names[probabilities.argmax(axis=1)]
            columns[f"{task}_confidence"] = probabilities.max(axis=1)
            if self.modality_weights is not None:
                columns[f"{task}_text_weight"], columns[f"{task}_photo_weight"] = self.modality_weights[task].T
        return pd.DataFrame(columns, index=pd.Index(self.ids, name="id"))
