"""What a product is, what its title says and what its photo shows: every probability of the catalogue.

A label is *told* by a modality if the title names the right class (perhaps as a synonym, perhaps misspelt) or
if the photo shows it. The three labels and the product type are drawn uniformly and independently of each
other, so no label can be guessed from another one and chance is 1 / number of classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from pydantic import Field, model_validator

from benchmarks.datasets.loading.splits import Options
from cma_clip.types import Modality

T = TypeVar("T")

CLASSES: dict[str, tuple[str, ...]] = {
    "color": ("black", "blue", "brown", "green", "grey", "pink", "purple", "red", "white", "yellow"),
    "pattern": ("animal", "checked", "dotted", "floral", "solid", "striped", "zigzag"),
    "style": ("bohemian", "casual", "formal", "party", "sporty", "vintage"),
}

# Chosen so that no modality suffices alone (each tells about 0.6 of the labels) and both together do. A title
# loses some of its words to the default noise, hence 0.8 for the "balanced" color.
TELLS: dict[str, dict[Modality, float]] = {
    "color": {"text": 0.80, "image": 0.75},
    "pattern": {"text": 0.20, "image": 0.85},
    "style": {"text": 0.85, "image": 0.20},
}
"""P(the modality tells the label) for clean titles and no missing modality."""

PART_SIZE = 1_000_000
"""Most products of a split; each has a range of so many indices of its own."""

DROPPED, WRONG, MISSPELT = 0.4, 0.2, 0.4
"""What happens to an attribute word that is hit by title noise. A misspelt word still tells."""


class CatalogOptions(Options):
    """Sizes and difficulty of the catalogue; all rates are probabilities.

    Attributes:
        num_train: products to learn from.
        num_val: products for model selection.
        num_test: products for the final evaluation.
        seed: another seed is another catalogue of the same distribution.
        image_size: side of the square photo in pixels; the content does not depend on it.
        title_noise: how often an attribute word is dropped, wrong or misspelt; how often a title gains
            irrelevant words, loses others, and has a typo elsewhere.
        missing_labels: how often a label is missing, per task, in all splits.
        distractors: how often a title mentions another item's attributes, and a photo another thing.
        missing_image: share of products without a photo.
        missing_text: share of products without a title; no product lacks both.
    """

    num_train: int = Field(2400, ge=1, le=PART_SIZE)
    num_val: int = Field(600, ge=1, le=PART_SIZE)
    num_test: int = Field(1200, ge=1, le=PART_SIZE)
    seed: int = Field(0, ge=0)
    image_size: int = Field(64, ge=32, le=256)
    title_noise: float = Field(0.15, ge=0, le=1)
    missing_labels: float = Field(0.1, ge=0, lt=1)
    distractors: float = Field(0.3, ge=0, le=1)
    missing_image: float = Field(0.0, ge=0, le=1)
    missing_text: float = Field(0.0, ge=0, le=1)

    @model_validator(mode="after")
    def _one_modality_stays(self) -> CatalogOptions:
        if self.missing_image + self.missing_text > 1:
            raise ValueError(
                f"missing_image {self.missing_image} + missing_text {self.missing_text} is more than 1: "
                "a product would lack both its photo and its title"
            )
        return self


@dataclass(frozen=True)
class Evidence:
    """What one product tells about its labels.

    Attributes:
        said: task -> the class that the title names; None for a title that names none.
        shown: task -> the class that the photo shows; None for a photo that shows none.
        misspelt: the tasks whose word in the title has a typo.
    """

    said: Mapping[str, str | None]
    shown: Mapping[str, str | None]
    misspelt: frozenset[str]


def pick(rng: np.random.Generator, choices: Sequence[T]) -> T:
    """One of the choices, each equally likely."""
    return choices[int(rng.integers(len(choices)))]


def other(rng: np.random.Generator, task: str, name: str) -> str:
    """A class of the task other than `name`."""
    return pick(rng, [each for each in CLASSES[task] if each != name])


def draw_labels(rng: np.random.Generator) -> dict[str, str]:
    """Task -> class, uniform and independent."""
    return {task: pick(rng, classes) for task, classes in CLASSES.items()}


def draw_evidence(rng: np.random.Generator, truth: Mapping[str, str], title_noise: float) -> Evidence:
    """Decide which modality tells which label; the title and the photo are made to fit.

    A photo that does not tell the color is black-and-white; one that does not tell the pattern is a stock
    photo of the same cut in another pattern; one that does not tell the style has no mark of any style.
    """
    said: dict[str, str | None] = {}
    shown: dict[str, str | None] = {}
    misspelt = set()
    for task, name in truth.items():
        # All draws happen whatever the options are: turning a dial changes only what the dial is about.
        in_text, in_image, hit, fate = rng.random(4)
        wrong, variant = other(rng, task, name), other(rng, task, name)
        said[task] = name if in_text < TELLS[task]["text"] else None
        shown[task] = name if in_image < TELLS[task]["image"] else (variant if task == "pattern" else None)
        if said[task] and hit < title_noise:
            if fate < DROPPED:
                said[task] = None
            elif fate < DROPPED + WRONG:
                said[task] = wrong
            else:
                misspelt.add(task)
    return Evidence(said, shown, frozenset(misspelt))


def told(options: CatalogOptions) -> dict[str, dict[Modality, float]]:
    """Task -> modality -> P(the modality tells the label) under these options.

    Distractors do not enter: they add misleading evidence but take none away.
    """
    text = (1 - options.title_noise * (DROPPED + WRONG)) * (1 - options.missing_text)
    image = 1 - options.missing_image
    return {task: {"text": p["text"] * text, "image": p["image"] * image} for task, p in TELLS.items()}


def relevance(options: CatalogOptions) -> dict[str, dict[Modality, float]]:
    """Task -> modality -> its share of the evidence, p_modality / (p_text + p_image). Our choice.

    The two shares sum to 1, like the modality weights of a model, with which they are compared.
    """
    shares: dict[str, dict[Modality, float]] = {}
    for task, p in told(options).items():
        total = p["text"] + p["image"]
        shares[task] = {"text": p["text"] / total, "image": p["image"] / total}
    return shares
