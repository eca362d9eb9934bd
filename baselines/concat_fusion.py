"""Concat fusion: the two pooled states side by side, then an MLP per task. The field's plain strong baseline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from pydantic import Field
from torch import nn

from cma_clip.callbacks import Trial
from cma_clip.classifier import JSON, ClassifierConfig
from cma_clip.network import FusionNetwork, Output, TrainConfig, Widths
from cma_clip.neural_classifier import NeuralClassifier
from cma_clip.tensors import Features
from cma_clip.types import Task
from cma_clip.version import Version


class ConcatFusionConfig(TrainConfig):
    """`hidden`: width of each task's hidden layer."""

    hidden: int = Field(384, ge=1)


class ConcatFusionNetwork(FusionNetwork):
    """LayerNorm per modality, a missing one as zeros, concatenation, MLP."""

    def __init__(self, tasks: Sequence[Task], widths: Widths, config: ConcatFusionConfig):
        super().__init__()
        self.text_norm, self.image_norm = nn.LayerNorm(widths.text), nn.LayerNorm(widths.image)
        self.tasks = tuple(task.name for task in tasks)
        self.heads = nn.ModuleList(
            nn.Sequential(
                nn.Linear(widths.text + widths.image, config.hidden),
                nn.GELU(),
                nn.Dropout(config.dropout),
                nn.Linear(config.hidden, len(task.classes)),
            )
            for task in tasks
        )

    def forward(self, features: Features) -> Output:
        """Logits per task."""
        text = self.text_norm(features.text_cls) * features.text_present[:, None]
        image = self.image_norm(features.image_cls) * features.image_present[:, None]
        both = torch.cat([text, image], dim=-1)
        return Output({task: head(both) for task, head in zip(self.tasks, self.heads, strict=True)})


class ConcatFusion(NeuralClassifier):
    """Concatenation of pooled states."""

    version = Version(1)
    Config: ClassVar[type[ClassifierConfig]] = ConcatFusionConfig
    config: ConcatFusionConfig

    def build(self, widths: Widths) -> FusionNetwork:
        """The network."""
        return ConcatFusionNetwork(self.tasks, widths, self.config)

    @classmethod
    def search_space(cls, trial: Trial) -> dict[str, JSON]:
        """The shared space and the width of the hidden layers; there is no depth to tune."""
        return {**super().search_space(trial), "hidden": trial.suggest_categorical("hidden", [192, 384, 768])}
