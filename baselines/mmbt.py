"""MMBT (Kiela et al. 2019, arXiv 1909.02950): one transformer over pooled image regions and words, one joint CLS.

The original starts from BERT and ResNet; here both kinds of token come from the same CLIP backbone as every other
model's, so that only the fusion differs (our choice).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional as F

from cma_clip.attention import EncoderLayer, ModalityProjection, Places
from cma_clip.callbacks import Trial
from cma_clip.classifier import JSON, ClassifierConfig
from cma_clip.model import task_head
from cma_clip.network import FusionNetwork, Output, TransformerConfig, Widths
from cma_clip.neural_classifier import NeuralClassifier
from cma_clip.tensors import Features
from cma_clip.types import Task
from cma_clip.version import Version


class MMBTConfig(TransformerConfig):
    """`regions`: image tokens after average pooling; 3 is the original's default. The rest as CMA-CLIP's."""

    regions: int = Field(3, ge=1)


class MMBTNetwork(FusionNetwork):
    """[CLS, I_1..I_r, T_1..T_n] through a transformer; the CLS output feeds an MLP per task."""

    def __init__(self, tasks: Sequence[Task], widths: Widths, config: MMBTConfig):
        super().__init__()
        self.regions = config.regions
        words = widths.words if config.word_embeddings else 0
        self.project = ModalityProjection(widths.text, widths.image, config.width, words)
        self.cls = nn.Parameter(torch.randn(1, 1, config.width) * 0.02)
        self.layers = nn.ModuleList(
            EncoderLayer(config.width, config.heads, config.dropout) for _ in range(config.depth)
        )
        self.norm = nn.LayerNorm(config.width)
        self.tasks = tuple(task.name for task in tasks)
        self.heads = nn.ModuleList(task_head(config.width, len(task.classes), config.dropout) for task in tasks)

    def forward(self, features: Features) -> Output:
        """Logits per task; a missing modality is seen by nobody."""
        pooled = F.adaptive_avg_pool1d(features.image_tokens.transpose(1, 2), self.regions).transpose(1, 2)
        words, regions = self.project.tokens(replace(features, image_tokens=pooled))
        x = torch.cat([self.cls[0].expand(len(pooled), -1), words, regions])
        places = self._places(features)
        *earlier, last = self.layers
        for layer in earlier:
            x = layer(x, places)
        joint = self.norm(last(x, places, 1))
        return Output({task: head(joint) for task, head in zip(self.tasks, self.heads, strict=True)})

    def _places(self, features: Features) -> Places:
        image = features.image_present[:, None]
        text = features.text_mask & features.text_present[:, None]
        mask = torch.cat([torch.ones_like(image), image.expand(-1, self.regions), text], dim=1)
        cls, regions, words = slice(0, 1), slice(1, 1 + self.regions), slice(1 + self.regions, None)
        places: Places = Places.of(mask, (cls, None), (words, features.text_mask), (regions, None))
        return places


class MMBT(NeuralClassifier):
    """Multimodal bitransformer on CLIP tokens."""

    version = Version(1)
    Config: ClassVar[type[ClassifierConfig]] = MMBTConfig
    config: MMBTConfig

    def build(self, widths: Widths) -> FusionNetwork:
        """The network."""
        return MMBTNetwork(self.tasks, widths, self.config)

    @classmethod
    def search_space(cls, trial: Trial) -> dict[str, JSON]:
        """As CMA-CLIP's: the shared space, the width and the depth of the transformer."""
        return {
            **super().search_space(trial),
            "width": trial.suggest_categorical("width", [96, 192]),
            "depth": trial.suggest_int("depth", 1, 2),
        }
