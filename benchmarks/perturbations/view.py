"""Examples as a condition leaves them: lazy, and the same for everybody who looks."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.perturbations import PERTURBATIONS, Condition, Step, image, text
from benchmarks.seeding import seed_of
from cma_clip.types import Example, Examples

CHANGES: dict[str, Callable[[Any, float, np.random.Generator], Any]] = {
    "gaussian_noise": image.gaussian_noise,
    "salt_and_pepper": image.salt_and_pepper,
    "blur": image.blur,
    "jpeg": image.jpeg,
    "brightness_contrast": image.brightness_contrast,
    "occlusion": image.occlusion,
    "downscale": image.downscale,
    "qmf_gaussian": image.qmf_gaussian,
    "qmf_gaussian_wrapped": image.qmf_gaussian_wrapped,
    "qmf_salt": image.qmf_salt,
    "token_drop": text.token_drop,
    "token_mask": text.token_mask,
    "typos": text.typos,
    "shuffle": text.shuffle,
    "truncation": text.truncation,
}


class Perturbed(Examples):
    """`base` under a condition. Ids, groups and labels stay; texts are changed without decoding an image.

    An example never loses its only modality. Another example's photo or text comes from the same sequence, from
    another group, chosen by the id.
    """

    def __init__(self, base: Examples, condition: Condition):
        self.base = base
        self.condition = condition
        self._base_texts = base.texts()
        self._base_shown = base.image_present()
        self._ids, self._groups = base.ids(), base.groups()
        self.fingerprint = None if base.fingerprint is None else _derived(base.fingerprint, condition)

    @property
    def image_source(self) -> Examples:
        """The base's where photos are at most removed."""
        return self if self._changes("image") else self.base.image_source

    @property
    def text_source(self) -> Examples:
        """The base's where texts are at most removed."""
        return self if self._changes("text") else self.base.text_source

    def _changes(self, modality: str) -> bool:
        """Whether a step changes or replaces this modality; removing it does not count."""
        found = (PERTURBATIONS[step.perturbation] for step in self.condition.steps)
        return any(each.kind != "remove" and each.touches in (modality, "either") for each in found)

    def __len__(self) -> int:
        return len(self.base)

    def __getitem__(self, index: int) -> Example:
        example = self.base[index]
        picture = example.image
        for step in self.condition.steps:
            if picture is not None and self._touches(step, index, "image"):
                picture = self._changed(step, index, picture, lambda row: self.base[row].image)
        return replace(example, image=picture, text=self._text(index))

    def ids(self) -> tuple[str, ...]:
        """Those of the base."""
        return self._ids

    def groups(self) -> tuple[str, ...]:
        """Those of the base."""
        return self._groups

    def label_rows(self) -> list[Mapping[str, int]]:
        """Those of the base."""
        return self.base.label_rows()

    def labels(self, task: str) -> npt.NDArray[np.int64]:
        """Those of the base."""
        return self.base.labels(task)

    def texts(self) -> list[str | None]:
        """Without decoding an image."""
        return [self._text(index) for index in range(len(self))]

    def image_present(self) -> npt.NDArray[np.bool_]:
        """Without decoding an image."""
        shown = self._base_shown.copy()
        for step in self.condition.steps:
            if PERTURBATIONS[step.perturbation].kind == "remove":
                lost = [self._touches(step, index, "image") for index in range(len(self))]
                shown &= ~np.array(lost, dtype=np.bool_)
        return shown

    def _text(self, index: int) -> str | None:
        words = self._base_texts[index]
        for step in self.condition.steps:
            if words is not None and self._touches(step, index, "text"):
                words = self._changed(step, index, words, lambda row: self._base_texts[row])
        return words

    def _touches(self, step: Step, index: int, modality: str) -> bool:
        perturbation = PERTURBATIONS[step.perturbation]
        if perturbation.touches not in (modality, "either"):
            return False
        # Independent of rate and parameter: who is hit at 30 % is among those hit at 50 %.
        hit, side = np.random.default_rng(seed_of("hit", step.perturbation, self._ids[index])).random(2)
        if hit >= step.rate:
            return False
        if perturbation.kind == "remove" and not (self._base_shown[index] and self._base_texts[index]):
            return False  # it is the only one
        return perturbation.touches == modality or (side < 0.5) == (modality == "image")

    def _changed(self, step: Step, index: int, value: Any, other: Callable[[int], Any]) -> Any:  # noqa: ANN401
        kind = PERTURBATIONS[step.perturbation].kind
        rng = np.random.default_rng(seed_of("perturbation", step.perturbation, step.parameter, self._ids[index]))
        if kind == "remove":
            return None
        if kind == "replace":
            found = self._stranger(index, rng, PERTURBATIONS[step.perturbation].touches)
            return value if found is None else other(found)
        return CHANGES[step.perturbation](value, step.parameter, rng)

    def _stranger(self, index: int, rng: np.random.Generator, modality: str) -> int | None:
        """An example of another group that has the modality; None if there is none."""
        rows = self._with_image if modality == "image" else self._with_text
        start = bisect_right(rows, int(rng.integers(len(self))))
        for place in range(len(rows)):
            row = rows[(start + place) % len(rows)]
            if self._groups[row] != self._groups[index]:
                return row
        return None

    @cached_property
    def _with_image(self) -> list[int]:
        return [int(row) for row in np.flatnonzero(self._base_shown)]

    @cached_property
    def _with_text(self) -> list[int]:
        return [row for row, words in enumerate(self._base_texts) if words]


def _derived(fingerprint: str, condition: Condition) -> str:
    steps = [(step.perturbation, step.parameter, step.rate) for step in condition.steps]
    return hashlib.sha256(f"{fingerprint} {steps}".encode()).hexdigest()[:24]
