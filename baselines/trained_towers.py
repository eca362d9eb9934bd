"""CLIP whose towers are trained contrastively on the training split, and which then answers by prompts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from lightning.pytorch.callbacks import Callback
from pydantic import Field

from baselines.zero_shot import ZeroShot, ZeroShotConfig
from cma_clip.backbone.backbone import Freeze
from cma_clip.callbacks import Report, Trial, silent
from cma_clip.classifier import JSON, Arrays, ClassifierConfig, Workspace
from cma_clip.contrastive.module import ContrastiveConfig, Probe
from cma_clip.contrastive.pairs import Augmentation
from cma_clip.contrastive.training import CONTRASTIVE, Trained, can_drop_patches, fit_contrastive
from cma_clip.examples import ExampleList
from cma_clip.features.boundary_states import boundary_table
from cma_clip.features.processing import FEATURES
from cma_clip.features.token_features import accelerator
from cma_clip.learner import BestWeights
from cma_clip.trainer import EpochLimit, EpochReporter, Precision, Stopping
from cma_clip.types import IGNORE, Examples

ROWS = 512


class TrainedTowersConfig(ZeroShotConfig):
    """All values are our choice. An epoch trains both towers and costs many times one over cached features.

    Training reads the first window of a long text; `text_windows` counts for predictions, and so for the choice of the
    epoch.

    Attributes:
        freeze: which blocks of the towers train; the projections and the temperature always do. See
            `cma_clip.contrastive.module.ContrastiveConfig`.
        learning_rate: of the projections and the temperature.
        backbone_learning_rate: of the towers.
        augment: see `cma_clip.contrastive.module.ContrastiveConfig`.
        patch_dropout: likewise, of towers that can leave out patches (open_clip's own ViT); the record's facts tell the
            share that was left out.
    """

    freeze: Freeze = "none"
    max_epochs: int = Field(5, ge=1)
    patience: int = Field(2, ge=1)
    batch_size: int = Field(256, ge=2)
    learning_rate: float = Field(2e-4, gt=0)
    backbone_learning_rate: float = Field(2e-4, gt=0)
    weight_decay: float = Field(0.1, ge=0)
    warmup_fraction: float = Field(0.05, ge=0, le=1)
    augment: Augmentation = "mirror"
    patch_dropout: float = Field(0.2, ge=0, lt=1)
    gradient_clip: float = Field(1.0, gt=0)
    precision: Precision = "32-true"


class TrainedTowers(ZeroShot):
    """Contrastive training on the training split, the epoch chosen by accuracy on validation; then prompts."""

    parts = CONTRASTIVE | FEATURES
    Config: ClassVar[type[ClassifierConfig]] = TrainedTowersConfig
    arrays_file: ClassVar[str | None] = "backbone.safetensors"
    config: TrainedTowersConfig
    _history: Mapping[str, JSON] = MappingProxyType({})

    def fit(self, train: Examples, val: Examples, report: Report = silent) -> None:
        """Train; `val/score` is the mean over tasks of the accuracy on `val`, as for every other model."""
        best = BestWeights()
        callbacks = [best, EpochReporter(report), Stopping(self.config.patience)]
        outcome = self._train((train, val), self.workspace, callbacks, lambda _: self._scores(val))
        best.restore(outcome.module)
        self.backbone.eval()
        self._history = {
            "epochs": outcome.epochs,
            "best_epoch": best.epoch,
            "val_score": best.score,
            "pairs": outcome.pairs,
            "patch_dropout": self._contrastive().patch_dropout,
            "samples_seen": outcome.epochs * outcome.pairs,
            "trainable_parameters": sum(p.numel() for p in self.backbone.parameters() if p.requires_grad),
        }

    def refit(self, examples: Examples) -> None:
        """From the pretrained weights again, up to the epoch that validation chose."""
        history, limit = self._history, EpochLimit.chosen(self._history)
        self.setup()
        workspace = self.workspace.below("refit")
        self._train((examples, ExampleList([])), workspace, [limit])
        self._history = {**history, "refit": {"epochs": limit.epochs, "rows": len(examples)}}

    def _train(
        self,
        examples: tuple[Examples, Examples],
        workspace: Workspace,
        callbacks: Sequence[Callback],
        probe: Probe | None = None,
    ) -> Trained:
        return fit_contrastive(self.backbone, examples, self._contrastive(), self.seed, workspace, callbacks, probe)

    def state(self) -> tuple[dict[str, JSON], Arrays]:
        """The trained weights of the backbone."""
        return {"history": dict(self._history)}, {
            name: value.cpu().contiguous().numpy() for name, value in self.backbone.state_dict().items()
        }

    def restore(self, values: Mapping[str, Any], arrays: Arrays) -> None:
        """The inverse of `state`."""
        self._history = values["history"]
        self.backbone.load_state_dict({name: torch.tensor(array) for name, array in arrays.items()})

    def facts(self) -> dict[str, JSON]:
        """Epochs, the selected one, pairs, and how many parameters trained."""
        return dict(self._history)

    @classmethod
    def search_space(cls, trial: Trial) -> dict[str, JSON]:
        """Both learning rates, the weight decay and the epochs."""
        return {
            "learning_rate": trial.suggest_float("learning_rate", 1e-5, 1e-3, log=True),
            "backbone_learning_rate": trial.suggest_float("backbone_learning_rate", 1e-6, 1e-3, log=True),
            "weight_decay": trial.suggest_float("weight_decay", 1e-3, 0.3, log=True),
            "max_epochs": trial.suggest_int("max_epochs", 2, 8),
        }

    def _embeddings(self, examples: Examples) -> Mapping[str, npt.NDArray[Any]]:
        """Of the weights as they are now; what is frozen is cached, the rest not: no other model will ask for it."""
        table = boundary_table(self.backbone, self.processor, examples, self.workspace)
        shape = (len(table), self.backbone.embedding_width)
        images, texts = np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.float32)
        with torch.inference_mode():
            for start in range(0, len(table), ROWS):
                rows = range(start, min(start + ROWS, len(table)))
                features = self.backbone(table.batch(rows).to(accelerator()))
                images[rows] = features.image_embedding.cpu().numpy()
                texts[rows] = features.text_embedding.cpu().numpy()
        present = {"image_present": table.encoded.image_present, "text_present": table.encoded.text_present}
        return {"image_embedding": images, "text_embedding": texts, **present}

    def _scores(self, val: Examples) -> dict[str, float]:
        probabilities = self.predict(val).probabilities
        accuracies = {}
        for task in self.tasks:
            labels = val.labels(task.name)
            hits = (probabilities[task.name].argmax(axis=1) == labels)[labels != IGNORE]
            if len(hits):
                accuracies[task.name] = float(hits.mean())
        return {
            **{f"{task}/accuracy": value for task, value in accuracies.items()},
            "score": float(np.mean(list(accuracies.values()))),
        }

    def _contrastive(self) -> ContrastiveConfig:
        return ContrastiveConfig(
            epochs=self.config.max_epochs,
            **self.config.model_dump(include=set(ContrastiveConfig.model_fields) - {"epochs", "patch_dropout"}),
            patch_dropout=self.config.patch_dropout if can_drop_patches(self.backbone) else 0,
        )
