"""A product of the catalogue: what it is, what is told about it, its photo and its title."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image

from benchmarks.datasets.catalog.attributes import (
    CLASSES,
    PART_SIZE,
    CatalogOptions,
    Evidence,
    draw_evidence,
    draw_labels,
    pick,
)
from benchmarks.datasets.catalog.garments import CUTS
from benchmarks.datasets.catalog.items import Look
from benchmarks.datasets.catalog.palette import draw_color, draw_grey, draw_second
from benchmarks.datasets.catalog.photo import EXTRAS, Scene, render
from benchmarks.datasets.catalog.titles import NAMES, Noise, write_title
from benchmarks.seeding import seed_of
from cma_clip.types import Modality

TYPES = tuple(CUTS)

FIRST_INDEX = {"train": 0, "val": PART_SIZE, "test": 2 * PART_SIZE, "pretraining": 3 * PART_SIZE}
"""Part -> its first index; pretraining has all that are left, up to `titles.NAMES`."""


@dataclass(frozen=True)
class Product:
    """One product with everything that is known about it.

    Attributes:
        index: with the seed, what the product is made from.
        type: one of TYPES; not a label.
        image: the photo, None if missing.
        title: None if missing; no two products have equal ones.
        labels: task -> class; a missing label has no key.
        attributes: task -> class, the whole truth.
        tells: task -> modality -> whether title or photo tells the true class.
    """

    index: int
    type: str
    image: Image.Image | None
    title: str | None
    labels: Mapping[str, str]
    attributes: Mapping[str, str]
    tells: Mapping[str, Mapping[Modality, bool]]


def _look(product_type: str, shown: Mapping[str, str | None], rng: np.random.Generator) -> Look:
    first = draw_color(rng, shown["color"]) if shown["color"] else draw_grey(rng)
    second = draw_second(rng, first)
    return Look(product_type, first, second, shown["pattern"] or "solid", shown["style"])


def _photo(product_type: str, evidence: Evidence, options: CatalogOptions, rng: np.random.Generator) -> Image.Image:
    look = _look(product_type, evidence.shown, rng)
    extra, distracted = pick(rng, EXTRAS), rng.random() < options.distractors
    extra_look = _look(pick(rng, TYPES), {**draw_labels(rng), "style": None}, rng)
    scene = Scene(look, evidence.shown["color"] is None, extra if distracted else None, extra_look)
    return render(scene, options.image_size, rng)


def product(index: int, options: CatalogOptions, complete: bool = False) -> Product:
    """The product of this index; it depends on the index and the options, never on other products.

    `complete`: title and photo both tell every attribute.

    Every aspect draws from a generator of its own, so that, say, another title noise leaves the photos alone.

    Raises:
        ValueError: an index outside 0 .. titles.NAMES - 1.
    """
    if not 0 <= index < NAMES:
        raise ValueError(f"product index {index}: the catalogue has indices 0 to {NAMES - 1}")

    def draws(aspect: str) -> np.random.Generator:
        return np.random.default_rng(seed_of("catalog", options.seed, index, aspect))

    rng = draws("attributes")
    product_type, attributes = pick(rng, TYPES), draw_labels(rng)
    drawn = draw_evidence(draws("evidence"), attributes, options.title_noise)
    evidence = Evidence(attributes, attributes, frozenset()) if complete else drawn
    lost = draws("missing").random(1 + len(CLASSES))
    has_image, has_text = lost[0] >= options.missing_image, lost[0] < 1 - options.missing_text
    noise_rng = draws("title")
    noise = Noise(bool(noise_rng.random() < options.distractors), options.title_noise)
    return Product(
        index=index,
        type=product_type,
        image=_photo(product_type, evidence, options, draws("photo")) if has_image else None,
        title=write_title(index, product_type, evidence, noise, noise_rng) if has_text else None,
        labels={
            task: name
            for (task, name), draw in zip(attributes.items(), lost[1:], strict=True)
            if draw >= options.missing_labels
        },
        attributes=attributes,
        tells={
            task: {
                "text": bool(has_text) and evidence.said[task] == name,
                "image": bool(has_image) and evidence.shown[task] == name,
            }
            for task, name in attributes.items()
        },
    )


def pretraining_products(count: int, seed: int, image_size: int = 64) -> Iterator[Product]:
    """Complete products, without title noise, whose indices no split of any catalogue uses.

    What a text tower never reads beside what it names it cannot learn to see: only a fifth of the default
    catalogue's titles name the pattern, and a CLIP trained on those knows none.

    Raises:
        ValueError: more products than the catalogue has names for.
    """
    first = FIRST_INDEX["pretraining"]
    if not 0 <= count <= NAMES - first:
        raise ValueError(f"{count} pretraining products: choose 0 to {NAMES - first}")
    options = CatalogOptions(seed=seed, image_size=image_size, title_noise=0)
    return (product(index, options, complete=True) for index in range(first, first + count))
