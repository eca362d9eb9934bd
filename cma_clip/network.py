"""What a network is: its hyper-parameters, what it reads and what it answers."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from torch import Tensor, nn

from cma_clip.backbone.backbone import Freeze
from cma_clip.backbone.windows import TEXT_WINDOWS, TextWindows
from cma_clip.classifier import ClassifierConfig
from cma_clip.tensors import Features
from cma_clip.trainer import Precision


class TrainConfig(ClassifierConfig):
    """What every network shares. The paper's values are not in the sources available to us: all are our choice.

    Attributes:
        backbone: a backbone id (see cma_clip.backbone.loading).
        text_windows: how many pieces of the backbone's context are read of a long text at most (see
            cma_clip.backbone.windows).
        freeze: `all` trains heads on cached token features, `none` fine-tunes, k trains the last k blocks, on cached
            states of what comes before (see `cma_clip.backbone.boundary`).
        patience: epochs without a better validation score before training stops.
        modality_dropout: share of the training examples with both modalities that lose one of them, drawn anew in every
            epoch; a network that reads one modality skips the examples that lost it.
        token_noise: standard deviation of Gaussian noise on token states in training, relative to each state's size.
        class_weights: weigh each class by the inverse of its share of the training labels.
        task_weights: weight of a task's loss where it is not 1.
        compile: a backend of torch.compile for steps of training and prediction. `inductor` is meant for GPUs: it needs
            a C++ compiler, and minutes before the first step. `aot_eager` only traces.
    """

    backbone: str = "tiny-product-clip"
    text_windows: TextWindows = TEXT_WINDOWS
    freeze: Freeze = "all"
    max_epochs: int = Field(15, ge=1)
    patience: int = Field(4, ge=1)
    batch_size: int = Field(128, ge=1)
    learning_rate: float = Field(1e-3, gt=0)
    backbone_learning_rate: float = Field(1e-5, gt=0)
    weight_decay: float = Field(0.05, ge=0)
    warmup_fraction: float = Field(0.05, ge=0, le=1)
    dropout: float = Field(0.1, ge=0, lt=1)
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    gradient_clip: float = Field(1.0, gt=0)
    precision: Precision = "32-true"
    compile: Literal["off", "inductor", "aot_eager"] = "off"
    modality_dropout: float = Field(0.0, ge=0, le=1)
    token_noise: float = Field(0.0, ge=0)
    class_weights: bool = False
    task_weights: dict[str, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)


class TransformerConfig(TrainConfig):
    """Of networks with a transformer.

    Attributes:
        width: D of the common space; must be a multiple of `heads`.
        depth: layers.
        word_embeddings: words enter the transformer with what the text tower started from, beside its states.
    """

    width: int = Field(192, ge=1)
    depth: int = Field(1, ge=1)
    heads: int = Field(6, ge=1)
    word_embeddings: bool = True

    @model_validator(mode="after")
    def _heads_share_the_width(self) -> Self:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is not a multiple of heads {self.heads}")
        return self


@dataclass(frozen=True)
class Output:
    """logits: per task Float[B C]; modality_weights: per task Float[B 2] (text, image), rows sum to 1, or None."""

    logits: dict[str, Tensor]
    modality_weights: dict[str, Tensor] | None = None


@dataclass(frozen=True)
class Widths:
    """D of a backbone's text tokens, image tokens, shared embedding space and word embeddings."""

    text: int
    image: int
    embedding: int
    words: int


class FusionNetwork(nn.Module):
    """Features -> Output: the part in which CMA-CLIP and its neural baselines differ."""

    @abstractmethod
    def forward(self, features: Features) -> Output:
        """Logits for every task."""

    def usable(self, features: Features) -> Tensor:
        """Bool[B]: rows with at least one modality this network reads; the others teach and tell nothing."""
        return features.text_present | features.image_present
