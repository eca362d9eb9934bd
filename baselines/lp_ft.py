"""LP-FT (Kumar et al. 2022, arXiv 2202.10054): a linear probe first, then the whole backbone from there.

Fine-tuning from random heads distorts the pretrained features before the heads are any good; heads that are a linear
probe's do not. The probe is `linear_probe`, over the states of both towers; that there are two of them is ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from lightning.pytorch.callbacks import Callback
from pydantic import Field
from torch import Tensor, nn

from baselines.linear_probe import LinearProbe, LinearProbeConfig
from cma_clip.backbone.backbone import Freeze
from cma_clip.callbacks import Trial
from cma_clip.classifier import JSON, ClassifierConfig, Workspace
from cma_clip.examples import ExampleList
from cma_clip.learner import Learner
from cma_clip.network import FusionNetwork, Output, TrainConfig, Widths
from cma_clip.neural_classifier import NeuralClassifier
from cma_clip.tensors import Features
from cma_clip.types import Examples, Task
from cma_clip.version import Version

ROUNDING = 2**-8
"""Eight times the relative rounding of half precision."""


class LPFTConfig(TrainConfig):
    """`C` and `max_iter` are the probe's. All values are our choice: rates are low, as the paper has them.

    The heads are linear, so that `dropout` has no part in them.
    """

    freeze: Freeze = "none"
    max_epochs: int = Field(5, ge=1)
    patience: int = Field(2, ge=1)
    learning_rate: float = Field(1e-4, gt=0)
    backbone_learning_rate: float = Field(1e-4, gt=0)
    C: float = Field(0.01, gt=0)
    max_iter: int = Field(300, ge=1)


class LinearHeads(FusionNetwork):
    """The pooled states of both towers side by side, standardised as for the probe, and a linear map per task."""

    mean: Tensor
    scale: Tensor

    def __init__(self, tasks: Sequence[Task], widths: Widths):
        super().__init__()
        width = widths.text + widths.image
        self.tasks = tuple(task.name for task in tasks)
        self.heads = nn.ModuleList(nn.Linear(width, len(task.classes)) for task in tasks)
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("scale", torch.ones(width))

    def forward(self, features: Features) -> Output:
        """Logits per task; a missing modality is all zeros, the mean."""
        states = torch.cat([features.text_cls, features.image_cls], dim=-1)
        present = torch.cat(
            [
                features.text_present[:, None].expand_as(features.text_cls),
                features.image_present[:, None].expand_as(features.image_cls),
            ],
            dim=-1,
        )
        standardised = (states - self.mean) / self.scale * present
        return Output({task: head(standardised) for task, head in zip(self.tasks, self.heads, strict=True)})

    def start_from(self, probe: LinearProbe) -> None:
        """Scale and weights of a fitted probe."""
        arrays = {name: torch.from_numpy(array) for name, array in probe.arrays.items()}
        # The probe reads states in half precision: of one that hardly varies, the scale must not blow rounding up.
        scale = torch.maximum(arrays["scale"], ROUNDING * arrays["mean"].abs())
        state: dict[str, Tensor] = {"mean": arrays["mean"], "scale": scale}
        for position, task in enumerate(self.tasks):
            state |= {f"heads.{position}.{kind}": arrays[f"{task}.{kind}"] for kind in ("weight", "bias")}
        self.load_state_dict(state)


class LPFT(NeuralClassifier):
    """A linear probe, then fine-tuning of heads and backbone."""

    version = Version(1)
    parts = NeuralClassifier.parts | LinearProbe.parts
    Config: ClassVar[type[ClassifierConfig]] = LPFTConfig
    config: LPFTConfig
    network: LinearHeads

    def build(self, widths: Widths) -> FusionNetwork:
        """The heads, before the probe."""
        return LinearHeads(self.tasks, widths)

    def _train(self, train: Examples, val: Examples | None, callbacks: list[Callback], workspace: Workspace) -> Learner:
        shared = self.config.model_dump(include=set(LinearProbeConfig.model_fields))
        probe = LinearProbe(self.tasks, LinearProbeConfig(**shared), self.seed, self.workspace)
        probe.fit(train, ExampleList([]))
        self.network.start_from(probe)
        return super()._train(train, val, callbacks, workspace)

    @classmethod
    def search_space(cls, trial: Trial) -> dict[str, JSON]:
        """Both learning rates, the weight decay, the epochs and the probe's penalty."""
        return {
            "learning_rate": trial.suggest_float("learning_rate", 1e-5, 3e-3, log=True),
            "backbone_learning_rate": trial.suggest_float("backbone_learning_rate", 1e-6, 1e-3, log=True),
            "weight_decay": trial.suggest_float("weight_decay", 1e-3, 0.3, log=True),
            "max_epochs": trial.suggest_int("max_epochs", 2, 8),
            "C": trial.suggest_float("C", 1e-4, 10.0, log=True),
        }
