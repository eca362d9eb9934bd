"""A backbone in contrastive training: its steps of training and validation, and what trains at which rate.

The loss is CLIP's softmax over the batch whatever the backbone was pretrained with; a SigLIP's bias does not train.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import lightning.pytorch as pl
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint
from torch.utils.data import DataLoader

from cma_clip.backbone.backbone import Backbone, Freeze
from cma_clip.classifier import ClassifierConfig
from cma_clip.contrastive.loss import SharedTextLoss, retrieval_recall
from cma_clip.contrastive.pairs import Augmentation, PairBatch, choose_captions
from cma_clip.contrastive.photos import augmented, embedded
from cma_clip.features.batching import OrderedRows, RowBatches, ShuffledRows, loader
from cma_clip.trainer import Precision, adamw, scheduled

MAX_LOGIT_SCALE = math.log(100)
"""CLIP clamps the temperature here (Radford et al. 2021, section 2.5)."""

PROJECTIONS = re.compile(
    r"visual\.proj|visual\.head\.(proj|mlp\.\w+)\.\w+|visual\.attnpool\.c_proj\.\w+|visual\.trunk\.attn_pool\.proj\.\w+"
    r"|visual\.trunk\.head\.(fc\.)?(weight|bias)|text\.proj\.(\d\.)?\w+|(text\.)?text_projection(\.\w+)?|logit_scale"
)
"""How open_clip calls the last map of its native, timm and Hugging Face towers into the shared space."""

Probe = Callable[[Backbone], Mapping[str, float]]
"""Scores a backbone between epochs, for instance zero-shot on validation."""

FurtherLoss = Callable[[Backbone], Tensor]
"""What is added to the loss of every step, of texts and photos that are no pairs of the batch."""


class ContrastiveConfig(ClassifierConfig):
    """How a backbone is trained on pairs; the card of the shipped model says what its recipe changes.

    Attributes:
        batch_size: pairs a step and process; under DDP the loss is over those of all processes.
        learning_rate: of the projections into the shared space and the temperature.
        backbone_learning_rate: of the towers; None for the same.
        freeze: which blocks of the towers train; the projections always do. The frozen part of an image tower runs
            once a photo and is cached where photos stay as they are or are mirrored at most; else in every step, as
            that of the text tower does, whose captions change.
        lock_image: of the image tower the projection alone trains, as in LiT (Zhai et al. 2022).
        pieces: embeddings are computed in so many pieces of a batch, and again in the backward pass, so that
            activations are kept for one piece at a time; the loss is that of the whole batch (but for towers with
            batch normalisation, whose statistics are those of a piece, and of a process under DDP).
        augment: what is done to the photos; see `cma_clip.contrastive.pairs.AUGMENTATIONS`.
        patch_dropout: share of the patches that training leaves out (Li et al. 2023, FLIP).
        fragments: captions of a few words made from every text.
        fragment_rate: how often one of them stands in for the text.
    """

    epochs: int = Field(14, ge=1)
    batch_size: int = Field(256, ge=2)
    pieces: int = Field(1, ge=1)
    learning_rate: float = Field(1e-3, gt=0)
    backbone_learning_rate: float | None = Field(None, gt=0)
    weight_decay: float = Field(0.1, ge=0)
    warmup_fraction: float = Field(0.05, ge=0, le=1)
    augment: Augmentation = "mirror"
    patch_dropout: float = Field(0.0, ge=0, lt=1)
    fragments: int = Field(4, ge=0)
    fragment_rate: float = Field(0.25, ge=0, le=1)
    gradient_clip: float = Field(1.0, gt=0)
    precision: Precision = "32-true"
    freeze: Freeze = "none"
    lock_image: bool = False
    devices: int = Field(1, ge=1)


class ContrastiveModule(pl.LightningModule):
    """One optimisation step and one validation pass; everything else is Lightning's."""

    def __init__(
        self,
        backbone: Backbone,
        config: ContrastiveConfig,
        seed: int,
        pairs: tuple[RowBatches[PairBatch], RowBatches[PairBatch]],
        probe: Probe | None = None,
        further_loss: FurtherLoss | None = None,
    ):
        super().__init__()
        self.backbone = backbone
        self.config = config
        self.seed = seed
        self._train_pairs, self._val_pairs = pairs
        self._probe = probe
        self._further_loss = further_loss
        self._validated: list[tuple[Tensor, Tensor, Tensor]] = []

    def train_dataloader(self) -> DataLoader[PairBatch]:
        """Every process its share of the same order."""
        rows, world = len(self._train_pairs), self.trainer.world_size
        return loader(
            self._train_pairs,
            ShuffledRows(
                rows,
                self.config.batch_size,
                self.seed,
                drop_last=rows > self.config.batch_size * world,
                rank=self.trainer.global_rank,
                replicas=world,
            ),
        )

    def val_dataloader(self) -> DataLoader[PairBatch]:
        """Every process all pairs: recall is among all. Without a pair one empty batch, so that the probe runs."""
        rows = OrderedRows(len(self._val_pairs), self.config.batch_size)
        return loader(self._val_pairs, rows if len(rows) else [[]])

    def training_step(self, pairs: PairBatch, _: int) -> Tensor:
        """Loss of one batch of pairs."""
        ids, words = choose_captions(pairs, self.config.fragment_rate)
        photos = augmented(pairs.photos, self.config.augment)
        image = self._in_pieces(self._encode_image, photos)
        text = self._in_pieces(self._encode_text, ids)
        loss: Tensor = SharedTextLoss(rank=self.global_rank, world_size=self.trainer.world_size)(
            image, text, self.backbone.logit_scale.exp(), pairs.words[:, 0], words
        )
        if self._further_loss is not None:
            loss = loss + self._further_loss(self.backbone)
        if not torch.isfinite(loss):
            raise FloatingPointError(
                f"contrastive loss is {loss.item()} in epoch {self.current_epoch}; lower the learning rate"
            )
        self.log("train/loss", loss, on_step=False, on_epoch=True)
        return loss

    def _in_pieces(self, encode: Callable[[Tensor], Tensor], inputs: Tensor) -> Tensor:
        if self.config.pieces == 1:
            return encode(inputs)
        pieces = inputs.tensor_split(min(self.config.pieces, len(inputs)))
        return torch.cat([checkpoint(encode, piece, use_reentrant=False) for piece in pieces])

    def _encode_image(self, photos: Tensor) -> Tensor:
        return embedded(self.backbone, photos)

    def _encode_text(self, ids: Tensor) -> Tensor:
        tower = self.backbone.text_tower
        embedding: Tensor = tower.in_groups(tower, ids)[3]
        return embedding

    def on_train_epoch_start(self) -> None:
        """Random numbers depend on (seed, epoch, process): a resumed training draws the same ones."""
        torch.manual_seed((self.seed * 1_000_003 + self.current_epoch) * 1_009 + self.global_rank)

    def on_train_batch_end(self, *_: object) -> None:
        """Clamp the temperature."""
        with torch.no_grad():
            self.backbone.logit_scale.clamp_(0, MAX_LOGIT_SCALE)

    def validation_step(self, pairs: PairBatch, _: int) -> None:
        """Collect embeddings."""
        if not len(pairs.photos):
            return
        image, text = self._encode_image(augmented(pairs.photos, "none")), self._encode_text(pairs.input_ids[:, 0])
        self._validated.append((image, text, pairs.text_keys))

    def on_validation_epoch_end(self) -> None:
        """Retrieval among the validation pairs and what the probe says; `score` is the probe's, or else recall@1."""
        found: dict[str, float] = {}
        if self._validated:
            image, text, keys = (torch.cat(column) for column in zip(*self._validated, strict=True))
            self._validated.clear()
            found = retrieval_recall(image, text, keys)
            found["score"] = found["image_to_text_recall_at_1"]
        if self._probe is not None:
            found |= self._probe(self.backbone)
        self.log_dict({f"val/{name}": value for name, value in found.items()})

    def configure_optimizers(self) -> Any:  # noqa: ANN401 - Lightning's own type is a wide union
        """AdamW (b2 0.98 as CLIP), no decay on gains, biases and the temperature; warm-up, then cosine."""
        new, config = set(map(id, projections(self.backbone))), self.config
        groups = []
        for is_new, rate in ((True, config.learning_rate), (False, config.backbone_learning_rate)):
            for is_matrix, decay in ((True, config.weight_decay), (False, 0.0)):
                parameters = [
                    parameter
                    for parameter in self.backbone.parameters()
                    if parameter.requires_grad
                    and (id(parameter) in new) == is_new
                    and (parameter.ndim >= 2) == is_matrix
                ]
                groups.append({"params": parameters, "weight_decay": decay, "lr": rate or config.learning_rate})
        chosen = [group for group in groups if group["params"]]
        optimizer = adamw(chosen, config.precision, betas=(0.9, 0.98), eps=1e-6)
        return scheduled(self, optimizer, config.warmup_fraction)


def projections(backbone: Backbone) -> list[nn.Parameter]:
    """What leads from the towers into the shared space, and the temperature."""
    return [parameter for name, parameter in backbone.clip.named_parameters() if PROJECTIONS.fullmatch(name)]
