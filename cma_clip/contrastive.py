"""Contrastive training (Radford et al. 2021) of an open_clip model on (photo, text) pairs; labels are never read.

The loss is open_clip's `ClipLoss` with targets shared among the pairs of a batch that have the same text. While equal
texts have equal embeddings, as with every deterministic text tower, that costs exactly what `ClipLoss` charges
(cross-entropy is linear in its targets); it differs only where one text can have two embeddings.
"""

from __future__ import annotations

import hashlib
import math
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from open_clip.loss import ClipLoss, gather_features
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from cma_clip.backbone import Backbone
from cma_clip.batching import RowBatches, ShuffledRows, loader
from cma_clip.classifier import ClassifierConfig, Report, Workspace, silent
from cma_clip.inputs import Batch
from cma_clip.processing import Encoded, Processor
from cma_clip.trainer import EpochReporter, Precision, last_checkpoint, make_trainer, scheduled
from cma_clip.types import Examples

MAX_LOGIT_SCALE = math.log(100)
"""CLIP clamps the temperature here (Radford et al. 2021, section 2.5)."""


class ContrastiveConfig(ClassifierConfig):
    """How a backbone is trained on pairs. Defaults are those of the shipped model's recipe."""

    epochs: int = Field(20, ge=1)
    batch_size: int = Field(256, ge=2)
    learning_rate: float = Field(1e-3, gt=0)
    weight_decay: float = Field(0.1, ge=0)
    warmup_fraction: float = Field(0.05, ge=0, le=1)
    augment: bool = True
    gradient_clip: float = Field(1.0, gt=0)
    precision: Precision = "32-true"


class JointPositivesLoss(ClipLoss):  # type: ignore[misc]
    """`ClipLoss` in which every pair with the same text counts as a positive, in equal shares.

    With all texts distinct it equals `ClipLoss` exactly.
    """

    def forward(self, image: Tensor, text: Tensor, logit_scale: Tensor, text_keys: Tensor) -> Tensor:
        """Unit embeddings Float[B E] twice, the temperature, and Int[B] that is equal for equal texts."""
        keys = text_keys
        if self.world_size > 1:
            image, text = gather_features(
                image, text, gather_with_grad=True, rank=self.rank, world_size=self.world_size
            )
            gathered = [torch.zeros_like(keys) for _ in range(self.world_size)]
            torch.distributed.all_gather(gathered, keys)
            keys = torch.cat(gathered)
        same = (keys[:, None] == keys[None, :]).to(image.dtype)
        targets = same / same.sum(dim=1, keepdim=True)
        logits = logit_scale * image @ text.T
        return (F.cross_entropy(logits, targets) + F.cross_entropy(logits.T, targets)) / 2


def augment(pixels: Tensor) -> Tensor:
    """UInt8[B 3 H W]: mirror half of them, and shift each by up to 1/16 of its size with edge pixels repeated.

    No colour changes: colour is something the texts speak of.
    """
    batch, _, height, width = pixels.shape
    margin = max(height // 16, 1)
    padded = F.pad(pixels.float(), (margin,) * 4, mode="replicate")
    flip = torch.rand(batch) < 0.5
    top, left = (torch.randint(0, 2 * margin + 1, (batch,)) for _ in range(2))
    rows = top[:, None] + torch.arange(height)
    columns = left[:, None] + torch.arange(width)
    columns = torch.where(flip[:, None], columns.flip(1), columns)
    picked = padded[torch.arange(batch)[:, None, None], :, rows[:, :, None], columns[:, None, :]]
    return picked.permute(0, 3, 1, 2).to(torch.uint8)


class ContrastiveModule(pl.LightningModule):
    """One optimisation step and one validation pass; everything else is Lightning's."""

    def __init__(self, backbone: Backbone, config: ContrastiveConfig, seed: int):
        super().__init__()
        self.backbone = backbone
        self.config = config
        self.seed = seed
        self._validated: list[tuple[Tensor, Tensor]] = []

    def training_step(self, batch: tuple[Batch, Tensor], _: int) -> Tensor:
        """Loss of one batch of pairs."""
        pairs, text_keys = batch
        pixels = augment(pairs.pixel_values) if self.config.augment else pairs.pixel_values
        image = self.backbone.encode_image(pixels)[2]
        text = self.backbone.encode_text(_trim(pairs.input_ids, self.backbone))
        loss: Tensor = JointPositivesLoss(rank=self.global_rank, world_size=self.trainer.world_size)(
            image, text, self.backbone.logit_scale.exp(), text_keys
        )
        if not torch.isfinite(loss):
            raise FloatingPointError(
                f"contrastive loss is {loss.item()} in epoch {self.current_epoch}; lower the learning rate"
            )
        self.log("train/loss", loss, on_step=False, on_epoch=True)
        return loss

    def on_train_epoch_start(self) -> None:
        """Random numbers depend on (seed, epoch): a resumed training draws the same ones."""
        torch.manual_seed(self.seed * 1_000_003 + self.current_epoch)

    def on_train_batch_end(self, *_: object) -> None:
        """Clamp the temperature."""
        with torch.no_grad():
            self.backbone.logit_scale.clamp_(0, MAX_LOGIT_SCALE)

    def validation_step(self, batch: tuple[Batch, Tensor], _: int) -> None:
        """Collect embeddings."""
        pairs, _keys = batch
        image = self.backbone.encode_image(pairs.pixel_values)[2]
        self._validated.append((image, self.backbone.encode_text(_trim(pairs.input_ids, self.backbone))))

    def on_validation_epoch_end(self) -> None:
        """Retrieval among the validation pairs."""
        image, text = (torch.cat(column) for column in zip(*self._validated, strict=True))
        self._validated.clear()
        recalls = retrieval_recall(image, text)
        self.log_dict({f"val/{name}": value for name, value in recalls.items()})
        self.log("val/score", recalls["image_to_text_recall@1"])

    def configure_optimizers(self) -> Any:  # noqa: ANN401 - Lightning's own type is a wide union
        """AdamW (b2 0.98 as CLIP), no decay on gains, biases and embeddings' scale; warm-up, then cosine."""
        named = [(n, p) for n, p in self.backbone.named_parameters() if p.requires_grad]
        plain = [p for n, p in named if p.ndim < 2 or "logit_scale" in n]
        decayed = [p for n, p in named if not (p.ndim < 2 or "logit_scale" in n)]
        groups = [
            {"params": decayed, "weight_decay": self.config.weight_decay},
            {"params": plain, "weight_decay": 0.0},
        ]
        optimizer = torch.optim.AdamW(groups, lr=self.config.learning_rate, betas=(0.9, 0.98), eps=1e-6, fused=True)
        return scheduled(self, optimizer, self.config.warmup_fraction)


def retrieval_recall(image: Tensor, text: Tensor) -> dict[str, float]:
    """Share of the N pairs whose partner is among the k nearest of all N, both ways, k in 1, 5, 10."""
    similarity = image @ text.T
    partner = similarity.diagonal()
    found = {}
    for name, matrix in (("image_to_text", similarity), ("text_to_image", similarity.T)):
        rank = (matrix > partner[:, None]).sum(dim=1)
        for k in (1, 5, 10):
            found[f"{name}_recall@{k}"] = (rank < k).float().mean().item()
    return found


def fit_contrastive(  # noqa: PLR0913, PLR0917 - the parts of one training
    backbone: Backbone,
    train: Examples,
    val: Examples,
    config: ContrastiveConfig,
    seed: int,
    workspace: Workspace,
    report: Report = silent,
) -> dict[str, float]:
    """Train `backbone` in place on the pairs that have both a photo and a text; returns the last validation."""
    processor = Processor(backbone)
    backbone.requires_grad_(True)
    module = ContrastiveModule(backbone, config, seed)
    pairs = _pairs(processor.encode(train, workspace), train.texts())
    batches = ShuffledRows(len(pairs), config.batch_size, seed, drop_last=len(pairs) > config.batch_size)
    val_pairs = _pairs(processor.encode(val, workspace), val.texts())
    trainer = make_trainer(workspace, [EpochReporter(report)], config.epochs, config.precision, config.gradient_clip)
    backbone.train()
    val_rows = ShuffledRows(len(val_pairs), config.batch_size, seed=0)
    trainer.fit(
        module,
        loader(pairs, batches),
        loader(val_pairs, val_rows),
        ckpt_path=last_checkpoint(workspace),
    )
    backbone.eval()
    return {name: float(value) for name, value in trainer.callback_metrics.items()}


def _pairs(encoded: Encoded, texts: list[str | None]) -> RowBatches[tuple[Batch, Tensor]]:
    rows = np.flatnonzero(encoded.image_present & encoded.text_present)
    keys = np.array([_key(texts[row]) for row in rows], dtype=np.int64)

    def batch_of(picked: list[int]) -> tuple[Batch, Tensor]:
        return encoded.batch(rows[picked].tolist(), {}), torch.from_numpy(keys[picked])

    return RowBatches(len(rows), batch_of)


def _key(text: str | None) -> int:
    normal = " ".join((text or "").lower().split())
    return int.from_bytes(hashlib.blake2b(normal.encode(), digest_size=7).digest(), "big")


def _trim(ids: Tensor, backbone: Backbone) -> Tensor:
    """Cut a batch to its longest text."""
    return ids[:, : int(ids.argmax(dim=1).max()) + 1] if backbone.trims_text else ids
