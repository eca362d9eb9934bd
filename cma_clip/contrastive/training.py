"""Contrastive training (Radford et al. 2021) of an open_clip model on (photo, text) pairs; labels are never read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from lightning.pytorch.callbacks import Callback
from open_clip.transformer import PatchDropout
from torch import nn

from cma_clip.backbone.backbone import Backbone, BackboneError
from cma_clip.classifier import Workspace
from cma_clip.contrastive.module import ContrastiveConfig, ContrastiveModule, FurtherLoss, Probe, projections
from cma_clip.contrastive.pairs import Captions, pair_batches, titles
from cma_clip.contrastive.photos import photos_of
from cma_clip.features.processing import Processor
from cma_clip.trainer import last_checkpoint, make_trainer
from cma_clip.types import Examples
from cma_clip.version import Version

CONTRASTIVE = {"contrastive training": Version(2, "every second fragment is the text without a third of its words")}
"""Of this loop, its loss and its pairs."""


@dataclass(frozen=True)
class Trained:
    """What `fit_contrastive` tells: the last epoch's numbers, how many epochs and pairs, and the module it trained."""

    metrics: dict[str, float]
    epochs: int
    pairs: int
    module: ContrastiveModule


def fit_contrastive(  # noqa: PLR0913, PLR0917 - the parts of one training
    backbone: Backbone,
    examples: tuple[Examples, Examples],
    config: ContrastiveConfig,
    seed: int,
    workspace: Workspace,
    callbacks: Sequence[Callback] = (),
    probe: Probe | None = None,
    further_loss: FurtherLoss | None = None,
    captions: Captions | None = None,
) -> Trained:
    """Train `backbone` in place on those of (train, val) `examples` that have both a photo and a text.

    `captions` stand in for the texts and their fragments in training; of the validation examples texts are read.

    Of a text longer than the backbone's context the first window is read, as CLIP is trained on texts that are cut;
    fragments are made of all its words.
    Without a single such pair nothing is trained. With `devices` above 1, Lightning starts the other processes by
    running this program again: what the caller does after this function it does in each of them.
    """
    processor = Processor(backbone)
    before = _drop_patches(backbone, config.patch_dropout)  # first: a tower that leaves out patches is not cut
    backbone.freeze(config.freeze)
    if config.lock_image:
        backbone.clip.visual.requires_grad_(False)
    for parameter in projections(backbone):
        parameter.requires_grad_(True)
    photos = photos_of(backbone, processor, examples[0], config.augment, workspace)
    val_photos = photos_of(backbone, processor, examples[1], "none", workspace)
    captions = titles(config.fragments, seed) if captions is None else captions
    pairs = pair_batches(processor, examples[0], photos, captions, workspace)
    val_pairs = pair_batches(processor, examples[1], val_photos, titles(0, seed), workspace)
    module = ContrastiveModule(backbone, config, seed, (pairs, val_pairs), probe, further_loss)
    if not len(pairs):
        _restore(backbone, before)
        return Trained({}, 0, 0, module)
    place = replace(workspace, devices=config.devices)
    trainer = make_trainer(place, list(callbacks), config.epochs, config.precision, config.gradient_clip)
    backbone.train()
    trainer.fit(module, ckpt_path=last_checkpoint(workspace))
    _restore(backbone, before)
    backbone.eval()
    metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
    return Trained(metrics, trainer.current_epoch, len(pairs), module)


def can_drop_patches(backbone: Backbone) -> bool:
    """Whether training can leave out patches of the photos: open_clip's own ViT can."""
    return getattr(backbone.clip.visual, "patch_dropout", None) is not None


def _drop_patches(backbone: Backbone, share: float) -> nn.Module | None:
    """Returns what was there before.

    Raises:
        BackboneError: patches are to be left out of a tower that cannot (open_clip's own ViT can).
    """
    visual: Any = backbone.clip.visual
    if not can_drop_patches(backbone):
        if share:
            raise BackboneError(f"{backbone.id}: its image tower cannot leave out patches; use patch_dropout=0")
        return None
    before: nn.Module = visual.patch_dropout
    visual.patch_dropout = PatchDropout(share) if share else nn.Identity()
    return before


def _restore(backbone: Backbone, before: nn.Module | None) -> None:
    if before is not None:
        backbone.clip.visual.patch_dropout = before  # type: ignore[union-attr]
