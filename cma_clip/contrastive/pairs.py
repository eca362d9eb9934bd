"""Pairs of a photo and a text as contrastive training reads them: captions to choose from, photos moved a little."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from cma_clip.backbone.provenance import text_key
from cma_clip.class_names import words_of
from cma_clip.classifier import Workspace
from cma_clip.features.batching import RowBatches
from cma_clip.features.processing import Processor
from cma_clip.types import Examples

Augmentation = Literal["none", "mirror", "move", "stretch"]

TEMPLATES = ("{}", "a photo of {}.", "a photo of a {} product.", "something {}")
"""What stands around a few words of a title; the first ones are those of `Task.prompts`."""


class Caption(NamedTuple):
    """Some words of a text, and the template that stands around them."""

    words: str
    template: str

    @property
    def text(self) -> str:
        """What is read."""
        return self.template.format(self.words)


Captions = Callable[[Examples], Sequence[Sequence[Caption]]]
"""From N examples to the V captions of each; the words of the first are all that is right for the example. None where
there is nothing to say of it."""


class PairBatch(NamedTuple):
    """B pairs. A tuple, because Lightning moves no frozen dataclass to a device.

    Attributes:
        photos: UInt8[B 3 H W], or what a frozen part says of them, see `cma_clip.contrastive.photos`.
        input_ids: Int[B V L], the V captions of each photo; the first is its whole text.
        words: Int[B V W], which words a caption takes from the text: a number for each, 0 for none.
        text_keys: Int[B], equal for equal texts.
    """

    photos: Tensor
    input_ids: Tensor
    words: Tensor
    text_keys: Tensor


def pair_batches(
    processor: Processor,
    examples: Examples,
    photos: Callable[[npt.NDArray[np.int64]], Tensor],
    captions: Captions,
    workspace: Workspace,
) -> RowBatches[PairBatch]:
    """Batches over the examples that have both a photo and captions.

    `photos` gives those of some rows of the examples.
    """
    said = captions(examples)
    present = processor.encode_images(examples, workspace)["image_present"]
    rows = np.array([row for row in map(int, np.flatnonzero(present)) if said[row]], dtype=np.int64)
    ids, words = caption_arrays(processor, [said[row] for row in rows])
    texts = examples.texts()
    keys = np.array([text_key(texts[row] or "") for row in rows], dtype=np.int64)

    def batch_of(picked: list[int]) -> PairBatch:
        return PairBatch(
            photos=photos(rows[picked]),
            input_ids=torch.from_numpy(ids[picked].astype(np.int64)),
            words=torch.from_numpy(words[picked]),
            text_keys=torch.from_numpy(keys[picked]),
        )

    return RowBatches(len(rows), batch_of)


def titles(fragments: int, seed: int) -> Captions:
    """Of every example with a text the text itself, then `fragments` captions of a few of its words."""

    def of(examples: Examples) -> list[list[Caption]]:
        return [
            [Caption(text, "{}"), *_fragments(text, fragments, [seed, row])] if text and text.strip() else []
            for row, text in enumerate(examples.texts())
        ]

    return of


def caption_arrays(
    processor: Processor, captions: Sequence[Sequence[Caption]]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """(Int32[B V L], Int[B V W]), tokens and words as in `PairBatch`, of B examples with V captions each."""
    listed = [caption for own in captions for caption in own]
    ids, words = processor.texts([caption.text for caption in listed]), _numbered([caption.words for caption in listed])
    variants = len(captions[0]) if captions else 1
    return (
        ids.reshape(len(captions), variants, ids.shape[1]),
        words.reshape(len(captions), variants, words.shape[1]),
    )


def _fragments(text: str, count: int, seed: Sequence[int]) -> list[Caption]:
    """By turns one to three neighbouring words of the text in a template, and two thirds of its words in their order.

    The former are what the prompts of zero-shot look like, the latter titles as other shops might write them (ours).
    """
    rng = np.random.default_rng(seed)
    words = text.split()
    made = []
    for number in range(count):
        if number % 2:
            kept = [word for word in words if rng.random() < 2 / 3] or words
            made.append(Caption(" ".join(kept), "{}"))
            continue
        length = int(rng.integers(1, min(3, len(words)) + 1))
        start = int(rng.integers(len(words) - length + 1))
        template = TEMPLATES[int(rng.integers(len(TEMPLATES)))]
        made.append(Caption(" ".join(words[start : start + length]), template))
    return made


def _numbered(texts: Sequence[str]) -> npt.NDArray[np.int64]:
    """Int[N W]: the words of each text as numbers from 1, case and plural apart, with 0 behind the last."""
    numbers: dict[str, int] = {}
    rows = [[numbers.setdefault(word, len(numbers) + 1) for word in words_of(text)] for text in texts]
    table = np.zeros((len(rows), max(map(len, rows), default=0)), dtype=np.int64)
    for row, found in zip(table, rows, strict=True):
        row[: len(found)] = found
    return table


def choose_captions(pairs: PairBatch, fragment_rate: float) -> tuple[Tensor, Tensor]:
    """(Int[B L], Int[B W]), tokens and words: of every pair its whole text, or at the given rate one of its fragments.

    Draws from torch's global generator, which training seeds per epoch.
    """
    count, variants, _ = pairs.input_ids.shape
    rows = torch.arange(count)
    fragment = torch.randint(1, max(variants, 2), (count,))
    chosen = torch.where(torch.rand(count) < fragment_rate, fragment, 0) if variants > 1 else torch.zeros_like(rows)
    return pairs.input_ids[rows, chosen], pairs.words[rows, chosen]


def mirrored(pixels: Tensor) -> Tensor:
    """UInt8[B 3 H W]: half of them mirrored. Draws from torch's global generator."""
    mirror = torch.rand(len(pixels)) < 0.5
    return torch.where(mirror.to(pixels.device)[:, None, None, None], pixels.flip(-1), pixels)


def moved(pixels: Tensor) -> Tensor:
    """UInt8[B 3 H W]: half of them mirrored, each turned, zoomed and shifted a little; beyond the edge it repeats.

    Up to 8 degrees, a zoom of 0.8 to 1.1 and a tenth of the side (our choice). Draws from torch's global generator.
    """
    batch, _, height, width = pixels.shape
    mirror = torch.where(torch.rand(batch) < 0.5, -1.0, 1.0)
    zoom = torch.empty(batch).uniform_(0.8, 1.1)
    angle = torch.empty(batch).uniform_(-1, 1) * math.radians(8)
    shift = torch.empty(batch, 2).uniform_(-0.2, 0.2)  # in units of half a side
    cos, sin = zoom * angle.cos(), zoom * angle.sin()
    aspect = height / width
    rows = torch.stack([mirror * cos, -mirror * sin * aspect, shift[:, 0], sin / aspect, cos, shift[:, 1]], dim=1)
    return _sampled(pixels, rows.view(batch, 2, 3))


def stretched(pixels: Tensor) -> Tensor:
    """UInt8[B 3 H W]: half of them mirrored, height and width zoomed each for itself, shifted; the edge repeats.

    Zooms of 0.7 to 1.2 and shifts of a tenth of the side (our choice): other shops leave other margins, and squash
    photos of other proportions into the square. Draws from torch's global generator.
    """
    batch = len(pixels)
    mirror = torch.where(torch.rand(batch) < 0.5, -1.0, 1.0)
    zoom = 1 / torch.empty(batch, 2).uniform_(0.7, 1.2)
    shift = torch.empty(batch, 2).uniform_(-0.2, 0.2)  # in units of half a side
    nothing = torch.zeros(batch)
    rows = torch.stack([mirror * zoom[:, 0], nothing, shift[:, 0], nothing, zoom[:, 1], shift[:, 1]], dim=1)
    return _sampled(pixels, rows.view(batch, 2, 3))


def _sampled(pixels: Tensor, transforms: Tensor) -> Tensor:
    grid = F.affine_grid(transforms, list(pixels.shape), align_corners=False)
    sampled = F.grid_sample(pixels.float(), grid.to(pixels.device), padding_mode="border", align_corners=False)
    return sampled.round().clamp(0, 255).to(torch.uint8)


AUGMENTATIONS: dict[Augmentation, Callable[[Tensor], Tensor]] = {
    "none": lambda pixels: pixels,
    "mirror": mirrored,
    "move": moved,
    "stretch": stretched,
}
"""What is done to photos in training (our choice). None of it changes colours, of which the texts speak."""
