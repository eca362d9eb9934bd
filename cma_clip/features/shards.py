"""Features of a frozen backbone computed by many processes: a shard is a batch of rows, kept beside the whole.

What `token_features` finds in shards it does not compute. They are computed in the same batches, so that the features
are the same bits whoever computed them, and each is whole or absent: one that was killed costs a batch.
"""

from __future__ import annotations

import numpy as np

from cma_clip.backbone.backbone import Backbone
from cma_clip.classifier import Workspace
from cma_clip.features.arrays import ArrayFolder
from cma_clip.features.computing import ROWS, Photos, Places, Texts
from cma_clip.features.processing import Arrays, Processor
from cma_clip.features.token_features import accelerator, feature_folder, text_parts
from cma_clip.types import Examples


def shards_of(examples: Examples) -> int:
    """How many shards the photos of so many examples are; its texts are as many or more."""
    return -(-len(examples) // ROWS)


def compute_shards(
    backbone: Backbone, processor: Processor, examples: Examples, workspace: Workspace, share: tuple[int, int]
) -> None:
    """Compute every n-th shard of what `token_features` asks for, but those that are there.

    Args:
        backbone: frozen.
        processor: its own.
        examples: with a fingerprint; without one nothing is kept, and nothing done.
        workspace: where the cache is.
        share: (k, n): the shards k, k + n, ...
    """
    backbone.eval().to(accelerator())
    _photos(backbone, processor, examples.image_source, workspace, share)
    for rows, name in text_parts(backbone, processor, examples.text_source, workspace):
        folder = feature_folder(rows, name, workspace)
        if folder is not None and not folder.exists():
            order = rows.order
            for number in range(share[0], -(-len(order) // ROWS), share[1]):
                if folder.shard(number) is None:
                    folder.save_shard(number, list(rows.computed(order[number * ROWS : (number + 1) * ROWS])))


def _photos(
    backbone: Backbone, processor: Processor, examples: Examples, workspace: Workspace, share: tuple[int, int]
) -> None:
    """Photos are decoded by the shard too: that takes as long as a GPU does for their features."""
    pixels = processor.image_folder(examples, workspace)
    name = processor.name(examples)
    nothing = {"pixels": np.zeros((len(examples), 0)), "image_present": np.zeros(len(examples), dtype=np.bool_)}
    folder = feature_folder(Photos(backbone, nothing), name, workspace)
    if pixels is None or folder is None or folder.exists():
        return
    for number in range(share[0], shards_of(examples), share[1]):
        rows = np.arange(number * ROWS, min(len(examples), (number + 1) * ROWS))
        if folder.shard(number) is None:
            encoded = _encoded(processor, examples, rows, pixels, number)
            found = Photos(backbone, encoded).computed(np.arange(len(rows)))
            folder.save_shard(number, [(kind, rows[places], values) for kind, places, values in found])


def _encoded(processor: Processor, examples: Examples, rows: Places, folder: ArrayFolder, number: int) -> Arrays:
    """Pixels and presence of some rows, kept as a shard unless all rows are there."""
    if folder.exists():
        return {name: values[rows] for name, values in folder.read().items()}
    kept = folder.shard(number)
    if kept is None:
        found = processor.decoded(examples, rows)
        kept = [(name, rows, values) for name, values in found.items()]
        folder.save_shard(number, kept)
    return {name: values for name, _, values in kept}


