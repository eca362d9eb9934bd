"""Late fusion: a text model and an image model that never meet; their probabilities are averaged."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt
from PIL import Image

from baselines.unimodal import ImageOnly, ImageOnlyConfig, TextOnly, TextOnlyConfig
from cma_clip.callbacks import Report, Trial, silent
from cma_clip.classifier import JSON, Classifier, ClassifierConfig, Workspace
from cma_clip.model import CMAClip, CMAClipConfig
from cma_clip.types import Examples, Predictions
from cma_clip.version import Version


class LateFusion(Classifier):
    """The mean of the two probabilities; with a modality missing, the other one's alone.

    Each half gets the epochs and examples that every other model gets.
    """

    version = Version(2, "each half computes the tokens of its own modality only")
    parts = CMAClip.parts
    Config: ClassVar[type[ClassifierConfig]] = CMAClipConfig
    values_file: ClassVar[str] = "late_fusion.json"
    config: CMAClipConfig

    def setup(self) -> None:
        """The two halves."""
        options = self.config.model_dump(exclude={"reads", "modality_attention"})
        self.halves: dict[str, CMAClip] = {
            "text": TextOnly(self.tasks, TextOnlyConfig(**options), self.seed, self.workspace),
            "image": ImageOnly(self.tasks, ImageOnlyConfig(**options), self.seed, self.workspace),
        }

    def fit(self, train: Examples, val: Examples, report: Report = silent) -> None:
        """One after the other; the report hears of both, the image model's epochs after the text model's."""
        heard = 0

        def offset(epoch: int, values: Mapping[str, float]) -> None:
            report(heard + epoch, values)

        for half in self.halves.values():
            half.fit(train, val, offset)
            heard += int(str(half.facts()["epochs"]))

    def refit(self, examples: Examples) -> None:
        """Each half up to its own epoch."""
        for half in self.halves.values():
            half.refit(examples)

    def predict(self, examples: Examples) -> Predictions:
        """Average of the halves over the modalities present."""
        parts = {name: half.predict(examples) for name, half in self.halves.items()}
        present = {
            "text": np.array([bool(text and text.strip()) for text in examples.texts()]),
            "image": examples.image_present(),
        }
        either = present["text"] | present["image"]
        share = {name: np.where(either, present[name], True)[:, None].astype(np.float32) for name in parts}
        total = share["text"] + share["image"]
        probabilities = {
            task.name: np.asarray(
                sum(share[name] * parts[name].probabilities[task.name] for name in parts) / total, dtype=np.float32
            )
            for task in self.tasks
        }
        return Predictions.of(self.tasks, examples, probabilities)

    def keep_checkpoints(self, folder: str | Path) -> None:
        """The halves keep theirs apart."""
        super().keep_checkpoints(folder)
        for name, half in self.halves.items():
            half.keep_checkpoints(Path(folder) / name)

    def write(self, folder: Path) -> None:
        """The halves in folders of their own."""
        super().write(folder)
        for name, half in self.halves.items():
            half.write(folder / name)

    @classmethod
    def load(cls, folder: str | Path, workspace: Workspace | None = None) -> Self:
        """The inverse of `save`."""
        model = super().load(folder, workspace)
        model.halves = {name: type(half).load(Path(folder) / name, workspace) for name, half in model.halves.items()}
        return model

    def weights_fingerprint(self) -> str | None:
        """The backbone's hash: both halves start from the same."""
        return self.halves["text"].weights_fingerprint()

    def backbone_bytes(self) -> int:
        """Of the one backbone that both halves start from."""
        return self.halves["text"].backbone_bytes()

    def shrink(self, photo: Image.Image) -> Image.Image | None:
        """As its backbone reads it."""
        return self.halves["image"].shrink(photo)

    def cut_texts(self, examples: Examples) -> tuple[int, npt.NDArray[np.bool_]] | None:
        """The text half's."""
        return self.halves["text"].cut_texts(examples)

    def facts(self) -> dict[str, JSON]:
        """Sums and details of both halves."""
        facts = {name: half.facts() for name, half in self.halves.items()}
        total = sum(int(str(fact["trainable_parameters"])) for fact in facts.values())
        epochs = sum(int(str(fact["epochs"])) for fact in facts.values())
        return {"trainable_parameters": total, "epochs": epochs, **facts}

    @classmethod
    def search_space(cls, trial: Trial) -> dict[str, JSON]:
        """As for one half; both use the same values."""
        return CMAClip.search_space(trial)
