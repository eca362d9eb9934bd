"""How this project uses Lightning: one trainer, one schedule, one way to resume, for every kind of training."""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self
from zipfile import is_zipfile

import lightning.pytorch as pl
import torch
import torch.distributed as dist
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint
from torch import Tensor

from cma_clip.callbacks import Report
from cma_clip.classifier import Workspace

Precision = Literal["32-true", "bf16-mixed", "16-mixed"]


def make_trainer(
    workspace: Workspace,
    callbacks: list[Callback],
    max_epochs: int,
    precision: Precision,
    gradient_clip: float,
) -> pl.Trainer:
    """A trainer on whatever accelerator there is, deterministic, with a checkpoint after every epoch.

    Several devices are several processes of DDP; the module shares out its rows itself. As on one device, a parameter
    that a batch does not reach is not decayed.
    """
    together = workspace.devices * workspace.num_nodes > 1
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)  # it advertises
    warnings.filterwarnings("ignore", message=".*LeafSpec.*")  # Lightning's own use of a deprecated torch name
    warnings.filterwarnings("ignore", message="Found .* in eval mode at the start")  # batch norms of what is frozen
    warnings.filterwarnings("ignore", message="You defined a `validation_step` but have no")  # on all rows none is left
    warnings.filterwarnings("ignore", message="Checkpoint directory .* exists and is not empty")  # so on every resume
    # Deterministic, torch also fills new memory before it computes into it; nothing here reads it before.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # a property
    if workspace.checkpoints is not None and max_epochs > 0:
        # Without a monitor the newest is kept, and the one before goes only when it is complete.
        callbacks = [*callbacks, ModelCheckpoint(workspace.checkpoints, filename="{epoch}", save_top_k=1)]
    return pl.Trainer(
        max_epochs=max_epochs,
        accelerator="auto",
        devices=workspace.devices if together else _own_device(),
        num_nodes=workspace.num_nodes,
        strategy="ddp_find_unused_parameters_true" if together else "auto",
        use_distributed_sampler=False,
        precision=precision,
        gradient_clip_val=gradient_clip,
        callbacks=callbacks,
        logger=False,
        enable_checkpointing=any(isinstance(callback, ModelCheckpoint) for callback in callbacks),
        enable_progress_bar=workspace.progress and max_epochs > 0,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        deterministic=True,
    )


def _own_device() -> int | list[int]:
    """After a training on several GPUs, the one that this process had in it."""
    return [torch.cuda.current_device()] if torch.cuda.is_available() else 1


def summed(values: Tensor) -> Tensor:
    """Over all processes of a training; of a single one the values themselves."""
    if dist.is_available() and dist.is_initialized():
        values = values.clone()
        dist.all_reduce(values)
    return values


def last_checkpoint(workspace: Workspace) -> Path | None:
    """Where a training that was killed goes on: its newest complete checkpoint."""
    if workspace.checkpoints is None:
        return None
    # A checkpoint is a zip file, whose directory is written last: a half-written one is not a zip file.
    complete = [path for path in workspace.checkpoints.glob("epoch=*.ckpt") if is_zipfile(path)]
    return max(complete, key=lambda path: int(path.stem.partition("=")[2].partition("-")[0]), default=None)


class Stopping(EarlyStopping):
    """Early stopping on `val/score` that a resumed training remembers: one that had stopped does not go on.

    Lightning's own restores how long it has waited, and looks at it only after a further epoch.
    """

    def __init__(self, patience: int):
        super().__init__("val/score", mode="max", patience=patience)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """The checkpoint has been read by now."""
        trainer.should_stop = trainer.should_stop or self.wait_count >= self.patience


class EpochLimit(Callback):
    """Ends a training after some epochs of a schedule made for more; one that is resumed does not go beyond."""

    def __init__(self, epochs: int):
        self.epochs = epochs

    @classmethod
    def chosen(cls, history: Mapping[str, Any]) -> Self:
        """After the epoch whose weights a fitted model kept; after all of its epochs if none could be validated.

        Raises:
            ValueError: the model was not fitted.
        """
        if "best_epoch" not in history:
            raise ValueError("what validation chose is not known: fit the model before it is trained once more")
        best = int(history["best_epoch"])
        return cls(int(history["epochs"]) if best < 0 else best + 1)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """The checkpoint has been read by now."""
        trainer.should_stop = trainer.should_stop or trainer.current_epoch >= self.epochs

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Epochs are counted from 0."""
        trainer.should_stop = trainer.should_stop or trainer.current_epoch + 1 >= self.epochs


def adamw(parameters: Any, precision: Precision, **options: Any) -> torch.optim.AdamW:  # noqa: ANN401 - torch's own
    """AdamW, in one kernel but under mixed precision, where Lightning does not clip gradients of such a one."""
    return torch.optim.AdamW(parameters, fused=precision == "32-true", **options)


def scheduled(module: pl.LightningModule, optimizer: torch.optim.Optimizer, warmup_fraction: float) -> Any:  # noqa: ANN401
    """What `configure_optimizers` returns: the learning rate follows `warmup_cosine` step by step."""
    steps = int(module.trainer.estimated_stepping_batches)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: warmup_cosine(step, steps, warmup_fraction))
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def warmup_cosine(step: int, steps: int, warmup_fraction: float) -> float:
    """Factor of the learning rate: linear over the first share of steps, then a half cosine to 0."""
    warmup = max(1, round(steps * warmup_fraction))
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warmup) / max(1, steps - warmup))))


class EpochReporter(Callback):
    """Passes every epoch's numbers on."""

    def __init__(self, report: Report):
        self.report = report

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """After validation and training of the epoch."""
        values: Mapping[str, Tensor] = trainer.callback_metrics
        self.report(trainer.current_epoch, {name: float(value) for name, value in values.items()})
