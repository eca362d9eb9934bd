"""Features of a frozen backbone computed by many processes: each some shards, which are batches of rows.

What `token_features` finds in shards it does not compute. They are the batches that it would compute itself, so the
features are the same bits whoever computed them; each is whole or absent, and one that was killed costs a batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from cma_clip.backbone.backbone import Backbone
from cma_clip.classifier import Workspace
from cma_clip.features.arrays import ArrayFolder
from cma_clip.features.computing import ROWS, Photos, Places, Texts, batches
from cma_clip.features.processing import Arrays, Processor
from cma_clip.features.token_features import accelerator, feature_folder, text_rows, token_features
from cma_clip.types import Examples


def shards_of(examples: Examples) -> int:
    """How many shards so many photos are, or texts of one window each."""
    return -(-len(examples) // ROWS)


def compute_shards(
    backbone: Backbone, processor: Processor, examples: Examples, workspace: Workspace, share: tuple[int, int]
) -> None:
    """Compute some shards of what `token_features` gives, but those that are there.

    Args:
        backbone: frozen.
        processor: its own.
        examples: with a fingerprint; without one nothing is kept, and nothing done.
        workspace: where the cache is.
        share: (k, n): of all shards k, k + n, k + 2 n ...
    """
    backbone.eval().to(accelerator())
    for rows, folder in _kept(backbone, processor, examples, workspace):
        if not folder.exists():
            _compute(rows, folder, share)


def join_shards(backbone: Backbone, processor: Processor, examples: Examples, workspace: Workspace) -> None:
    """Make the features of all examples appear at once, after computing what no shard has."""
    token_features(backbone, processor, examples, workspace)
    for _, folder in _kept(backbone, processor, examples, workspace):
        folder.remove_shards()


def _kept(
    backbone: Backbone, processor: Processor, examples: Examples, workspace: Workspace
) -> Iterator[tuple[Photos | Texts, ArrayFolder]]:
    """What there is to compute, and where it is kept. Photos are decoded by the batch: that is shared out too."""
    images, texts = examples.image_source, examples.text_source
    photos = Photos(backbone, len(images), partial(_decoded, processor, images))
    named: list[tuple[Photos | Texts, str | None]] = [(photos, processor.name(images))]
    named += [(rows, name) for _, rows, name in text_rows(backbone, processor, texts, workspace)]
    for rows, name in named:
        if (folder := feature_folder(rows, name, workspace)) is not None:
            yield rows, folder


def _compute(rows: Photos | Texts, folder: ArrayFolder, share: tuple[int, int]) -> None:
    for number, batch in list(enumerate(batches(rows.order)))[share[0] :: share[1]]:
        if folder.shard(number) is None:
            folder.save_shard(number, list(rows.computed(batch)))


def _decoded(processor: Processor, examples: Examples, rows: Places) -> Arrays:
    """`pixels` and `image_present` of some rows, as in `cma_clip.features.encoded.Encoded`."""
    pixels = np.zeros((len(rows), 3, *processor.image_size), np.uint8)
    present = np.zeros(len(rows), np.bool_)
    for place, row in enumerate(rows.tolist()):
        image = examples[row].image
        if image is not None:
            pixels[place], present[place] = processor.image(image), True
    return {"pixels": pixels, "image_present": present}
