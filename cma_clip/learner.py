"""A network in training: its loss, its steps of training, validation and prediction, its best weights."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import Callback
from torch import Tensor, nn
from torch.nn import functional as F

from cma_clip.augmentation import augment_features
from cma_clip.backbone.backbone import Backbone
from cma_clip.features.labelled import Labelled
from cma_clip.network import FusionNetwork, Output, TrainConfig
from cma_clip.tensors import Batch, Features
from cma_clip.trainer import adamw, scheduled, summed
from cma_clip.types import IGNORE
from cma_clip.version import Version

TRAINING = {
    "training": Version(
        3, "texts of a batch are computed in groups of similar length", "padding is not computed at all"
    )
}
"""Of the training loop: loss, optimiser, schedule, order of the rows, augmentation, choice of the epoch."""


class Learner(pl.LightningModule):
    """Steps of training and validation; devices, precision, clipping and checkpoints are Lightning's.

    On several devices every process computes its share of each batch, and what is said of a batch or of the validation
    split is over all of its rows. Dropout, and what else is drawn at random in training, differs from one device; the
    batch norms of a convolutional tower that trains see the rows of their share.
    """

    def __init__(
        self,
        network: FusionNetwork,
        backbone: Backbone | None,
        config: TrainConfig,
        class_weights: Mapping[str, Tensor],
        seed: int,
    ):
        super().__init__()
        self.network = network
        self.backbone = backbone  # None where features come from the cache
        self.config = config
        self.class_weights = class_weights
        self.seed = seed
        self._hits: dict[str, list[Tensor]] = {}  # of each batch Int[2]: right answers, and labels

    def forward(self, inputs: Features | Batch) -> tuple[Output, Tensor]:
        """(Output, Bool[B]: rows the network can say something about)."""
        features = self._features(inputs)
        return self.network(features), self.network.usable(features)

    def _features(self, inputs: Features | Batch) -> Features:
        features = self.backbone(inputs) if isinstance(inputs, Batch) and self.backbone else inputs
        assert isinstance(features, Features)
        return features

    def loss(self, output: Output, labels: Mapping[str, Tensor]) -> Tensor:
        """Mean over tasks of the cross-entropy over labelled rows; a task without a label adds nothing.

        The rows are those of all processes, and each computes the part of its own: the parts add up to the mean.
        """
        class_weights = {task: weights.to(labels[task].device) for task, weights in self.class_weights.items()}
        counted = summed(torch.stack([_counted(labels[task], class_weights.get(task)) for task in output.logits]))
        losses, weights = [], []
        for (task, logits), count in zip(output.logits.items(), counted, strict=True):
            if not count:
                continue
            weight = self.config.task_weights.get(task, 1.0)
            total = F.cross_entropy(
                logits,
                labels[task],
                weight=class_weights.get(task),
                ignore_index=IGNORE,
                label_smoothing=self.config.label_smoothing,
                reduction="sum",
            )
            losses.append(weight * total / count)
            weights.append(weight)
        if not losses:
            return torch.stack([logits.sum() * 0 for logits in output.logits.values()]).sum()
        return torch.stack(losses).sum() / sum(weights)

    def training_step(self, batch: Labelled, _: int) -> Tensor:
        """Loss of one batch."""
        config, features = self.config, self._features(batch.inputs)
        features = augment_features(features, config.modality_dropout, config.token_noise)
        usable = self.network.usable(features)
        loss = self.loss(self.network(features), _only(batch.labels, usable))
        if not torch.isfinite(loss):
            raise FloatingPointError(
                f"training loss is {loss.item()} in epoch {self.current_epoch}, step {self.global_step}: lower "
                f"learning_rate ({config.learning_rate}) or precision {config.precision!r} to 32-true"
            )
        self._log_loss("train/loss", loss, batch.rows)
        return loss * self.trainer.world_size  # DDP takes the mean over processes of their gradients

    def _log_loss(self, name: str, loss: Tensor, rows: int) -> None:
        """Of a batch of so many rows, of which this process has computed its part."""
        whole = loss * self.trainer.world_size  # of which the mean over processes is logged
        self.log(name, whole, on_step=False, on_epoch=True, sync_dist=True, batch_size=rows)

    def on_train_epoch_start(self) -> None:
        """Dropout depends on (seed, epoch, process) only, so that a resumed training draws the same numbers."""
        torch.manual_seed(self.seed * 1_000_003 + self.current_epoch + self.global_rank * 10_007)

    def validation_step(self, batch: Labelled, _: int) -> None:
        """Count hits of every task; a row that the network can say nothing about is none."""
        output, usable = self(batch.inputs)
        labels = _only(batch.labels, usable)
        self._log_loss("val/loss", self.loss(output, labels), batch.rows)
        for task, logits in output.logits.items():
            hits, known = logits.argmax(dim=-1) == labels[task], batch.labels[task] != IGNORE
            self._hits.setdefault(task, []).append(torch.stack([hits.sum(), known.sum()]))

    def on_validation_epoch_end(self) -> None:
        """`val/score`, by which the epoch is selected: mean over tasks of the accuracy (our choice)."""
        counts = {task: summed(torch.stack(found).sum(dim=0)) for task, found in self._hits.items()}
        accuracies = {task: hits / known for task, (hits, known) in counts.items()}
        self._hits.clear()
        self.log_dict({f"val/{task}/accuracy": value for task, value in accuracies.items()}, sync_dist=True)
        self.log("val/score", torch.stack(list(accuracies.values())).nanmean(), sync_dist=True)

    def configure_optimizers(self) -> Any:  # noqa: ANN401 - Lightning's own type is a wide union
        """AdamW with a learning rate of its own for the backbone; warm-up, then cosine to 0."""
        groups = [*self._groups(self.network, self.config.learning_rate)]
        if self.backbone is not None:
            groups += self._groups(self.backbone, self.config.backbone_learning_rate)
        return scheduled(self, adamw(groups, self.config.precision), self.config.warmup_fraction)

    def _groups(self, module: nn.Module, learning_rate: float) -> list[dict[str, Any]]:
        """Gains, biases and single vectors are not decayed."""
        trained = [p for p in module.parameters() if p.requires_grad]
        decay = {True: self.config.weight_decay, False: 0.0}
        return [
            {"params": parameters, "lr": learning_rate, "weight_decay": decay[is_matrix]}
            for is_matrix in (True, False)
            if (parameters := [p for p in trained if (p.ndim >= 2) == is_matrix])
        ]

    def predict_step(self, batch: Labelled, _: int) -> dict[str, Any]:
        """Plain dicts of tensors, which Lightning can move between devices."""
        output, usable = self(batch.inputs)
        probabilities = {task: logits.float().softmax(dim=-1) for task, logits in output.logits.items()}
        weights = {task: value.float() for task, value in (output.modality_weights or {}).items()}
        return {"probabilities": probabilities, "modality_weights": weights, "usable": usable}


def _counted(labels: Tensor, class_weights: Tensor | None) -> Tensor:
    """By what a sum over these rows is divided: how many are labelled, or the weights of their classes."""
    known = labels[labels != IGNORE]
    return torch.ones_like(known, dtype=torch.float).sum() if class_weights is None else class_weights[known].sum()


def _only(labels: Mapping[str, Tensor], usable: Tensor) -> dict[str, Tensor]:
    return {task: y.masked_fill(~usable, IGNORE) for task, y in labels.items()}


class BestWeights(Callback):
    """Keeps the weights of the best epoch in memory and, through Lightning's checkpoint, over a restart."""

    def __init__(self) -> None:
        self.score, self.epoch = -math.inf, -1
        self.weights: dict[str, Tensor] = {}

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Copy the weights if they are the best so far."""
        score = float(trainer.callback_metrics["val/score"])
        if score > self.score:
            self.score, self.epoch, self.weights = score, trainer.current_epoch, _copy(pl_module)

    def state_dict(self) -> dict[str, Any]:
        """For Lightning's checkpoint."""
        return {"score": self.score, "epoch": self.epoch, "weights": self.weights}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """From Lightning's checkpoint."""
        self.score, self.epoch, self.weights = state_dict["score"], state_dict["epoch"], state_dict["weights"]

    def restore(self, module: pl.LightningModule) -> None:
        """Put the best weights back; without a validated epoch the module stays as it is."""
        if self.weights:
            module.load_state_dict(self.weights)


def _copy(module: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().cpu().clone() for name, value in module.state_dict().items()}
