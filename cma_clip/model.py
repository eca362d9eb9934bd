"""CMA-CLIP: features of the backbone -> sequence-wise attention -> modality-wise attention -> an MLP per task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from cma_clip.attention import KeylessVectors, ModalityAttention, SequenceAttention, fuse, mean_weights
from cma_clip.callbacks import Trial
from cma_clip.classifier import JSON, ClassifierConfig
from cma_clip.network import FusionNetwork, Output, TransformerConfig, Widths
from cma_clip.neural_classifier import NeuralClassifier
from cma_clip.tensors import Features
from cma_clip.types import BOTH, Examples, Modality, Task
from cma_clip.version import Version

Reads = Literal["both", "text", "image"]


class CMAClipConfig(TransformerConfig):
    """The network's own choices; the paper's values are not in the sources available to us.

    Attributes:
        sequence_attention: False leaves the backbone's two CLS states as they are ("w/o SA").
        modality_attention: False takes the mean of the two CLS states ("w/o MA").
        keyless_vectors: one learned vector per task, or one per task and modality (the sources disagree).
        reads: `text` or `image` treats the other modality as missing: the unimodal floors.
    """

    sequence_attention: bool = True
    modality_attention: bool = True
    keyless_vectors: KeylessVectors = "shared"
    reads: Reads = "both"


class CMAClipNetwork(FusionNetwork):
    """The paper's figure 1 from the backbone's outputs upwards. Ablations are configurations of it, not copies."""

    def __init__(self, tasks: Sequence[Task], widths: Widths, config: CMAClipConfig):
        super().__init__()
        depth = config.depth if config.sequence_attention else 0
        self.reads = config.reads
        self.tasks = tuple(task.name for task in tasks)
        words = widths.words if config.word_embeddings else 0
        self.sequence = SequenceAttention(
            widths.text, widths.image, config.width, depth, config.heads, config.dropout, words
        )
        self.modality = (
            ModalityAttention(config.width, len(tasks), config.keyless_vectors) if config.modality_attention else None
        )
        self.heads = nn.ModuleList(task_head(config.width, len(task.classes), config.dropout) for task in tasks)

    def forward(self, features: Features) -> Output:
        """Logits per task, and how much each task listened to (text, image)."""
        features = self._restricted(features)
        cls = self.sequence(features)
        present = torch.stack([features.text_present, features.image_present], dim=1)
        if self.modality is None:
            return Output(self._logits(fuse(mean_weights(present, len(self.tasks)), cls, present)))
        fused, weights = self.modality(cls, present)
        return Output(self._logits(fused), {task: weights[:, index] for index, task in enumerate(self.tasks)})

    def _logits(self, fused: Tensor) -> dict[str, Tensor]:
        heads = enumerate(zip(self.tasks, self.heads, strict=True))
        return {task: head(fused[:, position]) for position, (task, head) in heads}

    def usable(self, features: Features) -> Tensor:
        """Rows with a modality that this network reads."""
        if self.reads == "both":
            return super().usable(features)
        return features.text_present if self.reads == "text" else features.image_present

    def _restricted(self, features: Features) -> Features:
        """A unimodal network takes the other modality for missing, and computes none of its tokens.

        Rows that then have nothing count as present, so that no softmax is over nothing; `usable` keeps what
        comes out of them from training and from the predictions.
        """
        lost, none = ~self.usable(features), torch.zeros_like(features.text_present)
        if self.reads == "image":
            return replace(
                features,
                text_tokens=features.text_tokens[:, :0],
                word_embeddings=features.word_embeddings[:, :0],
                text_mask=features.text_mask[:, :0],
                text_present=none,
                image_present=features.image_present | lost,
            )
        features = replace(features, text_present=features.text_present | lost)
        if self.reads == "both":
            return features
        return replace(features, image_tokens=features.image_tokens[:, :0], image_present=none)


def task_head(width: int, num_classes: int, dropout: float) -> nn.Module:
    """Float[B D] -> Float[B C]: one hidden layer of the same width (our choice: the paper says MLP)."""
    return nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Dropout(dropout), nn.Linear(width, num_classes))


class CMAClip(NeuralClassifier):
    """CMA-CLIP (arXiv 2112.03562).

    Usable without the benchmark: `CMAClip.from_pretrained(folder).predict(ExampleList.of(images, texts))`.
    """

    version = Version(1)
    Config: ClassVar[type[ClassifierConfig]] = CMAClipConfig
    config: CMAClipConfig

    def build(self, widths: Widths) -> FusionNetwork:
        """The network of figure 1."""
        return CMAClipNetwork(self.tasks, widths, self.config)

    @property
    def modalities(self) -> frozenset[Modality]:
        """Both, or the one that an unimodal floor reads."""
        return BOTH if self.config.reads == "both" else frozenset((self.config.reads,))

    def cut_texts(self, examples: Examples) -> tuple[int, npt.NDArray[np.bool_]] | None:
        """None where it looks at photos only."""
        return None if self.config.reads == "image" else super().cut_texts(examples)

    @classmethod
    def search_space(cls, trial: Trial) -> dict[str, JSON]:
        """The shared space, the width, and the depth of the sequence-wise transformer where there is one.

        Three layers of width 288 cost ten times the default, so that one trial would be the budget of all others; what
        more layers are worth is the question of the suite `ablation`.
        """
        space = {**super().search_space(trial), "width": trial.suggest_categorical("width", [96, 192])}
        if cls.Config.model_fields["sequence_attention"].default:
            space["depth"] = trial.suggest_int("depth", 1, 2)
        return space
