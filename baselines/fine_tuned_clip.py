"""Fine-tuned CLIP: the backbone trained further on the training pairs by CLIP's contrastive loss, then prompts.

This is our reading of the paper's row "Fine-tuned CLIP - MRWPA". How its authors turned the model into a classifier
is not in the sources available to us; that it scores below raw CLIP (40.5 against 42.5 in Table 2) is what contrastive
training on titles and prompt matching can do, and what a supervised head on the same features hardly would.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from baselines.trained_towers import TrainedTowers, TrainedTowersConfig
from cma_clip.callbacks import Trial
from cma_clip.classifier import JSON, ClassifierConfig
from cma_clip.version import Version


class FineTunedCLIPConfig(TrainedTowersConfig):
    """`fragments`, `fragment_rate`: the form of captions, see `cma_clip.contrastive.module.ContrastiveConfig`.

    Fragments are of all words of a long text.
    """

    fragments: int = Field(4, ge=0)
    fragment_rate: float = Field(0.25, ge=0, le=1)


class FineTunedCLIP(TrainedTowers):
    """Pairs of photo and text, of the examples that have both; their labels are never read in training."""

    version = Version(1)
    Config: ClassVar[type[ClassifierConfig]] = FineTunedCLIPConfig

    @classmethod
    def search_space(cls, trial: Trial) -> dict[str, JSON]:
        """As for all trained towers, and how often a caption is a few words in a template instead of the whole text."""
        return {
            **super().search_space(trial),
            "fragment_rate": trial.suggest_categorical("fragment_rate", [0.0, 0.25, 0.5, 1.0]),
        }
