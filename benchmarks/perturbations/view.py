"""Examples as a condition leaves them: lazy, and the same for everybody who looks."""

from __future__ import annotations

import hashlib
from bisect import bisect_left
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
    another group, chosen by the ids: the order of the sequence does not matter.

    Raises:
        ValueError: several steps remove a modality, which together could empty an example; or a photo or text is to be
            replaced and no other group has one.
    """

    def __init__(self, base: Examples, condition: Condition):
        if sum(PERTURBATIONS[step.perturbation].kind == "remove" for step in condition.steps) > 1:
            raise ValueError(f"{condition.name}: two steps that remove a modality could leave an example none")
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
            return other(self._stranger(index, step))
        return CHANGES[step.perturbation](value, step.parameter, rng)

    def _stranger(self, index: int, step: Step) -> int:
        """An example of another group that has the modality: the next one on a ring of hashed ids."""
        ring = self._with_image if PERTURBATIONS[step.perturbation].touches == "image" else self._with_text
        start = bisect_left(ring, (seed_of("stranger", step.perturbation, self._ids[index]), 0))
        for place in range(len(ring)):
            row = ring[(start + place) % len(ring)][1]
            if self._groups[row] != self._groups[index]:
                return row
        raise ValueError(f"{step.perturbation} of example {self._ids[index]!r}: no other group has one to put there")

    @cached_property
    def _with_image(self) -> list[tuple[int, int]]:
        return self._ring(self._base_shown)

    @cached_property
    def _with_text(self) -> list[tuple[int, int]]:
        return self._ring(np.array([bool(words) for words in self._base_texts], dtype=np.bool_))

    def _ring(self, present: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
        return sorted((seed_of("ring", self._ids[row]), int(row)) for row in np.flatnonzero(present))


def _derived(fingerprint: str, condition: Condition) -> str:
    """Also of the versions: what an older one has made of the same examples is not the same."""
    versions = [PERTURBATIONS[step.perturbation].version for step in condition.steps]
    steps = [(step.perturbation, step.parameter, step.rate) for step in condition.steps]
    return hashlib.sha256(f"{fingerprint} {versions} {steps}".encode()).hexdigest()[:24]
