"""Linear probe: logistic regression on frozen CLIP states (Radford et al. 2021, section 3.2), here of both towers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from PIL import Image
from pydantic import Field

from baselines.logistic import check_saved, fit_logistic, predict_logistic
from cma_clip.backbone.loading import load_backbone
from cma_clip.backbone.windows import TEXT_WINDOWS, TextWindows
from cma_clip.callbacks import Report, Trial, silent
from cma_clip.classifier import JSON, Arrays, Classifier, ClassifierConfig
from cma_clip.features.processing import FEATURES, Processor
from cma_clip.features.token_features import token_features
from cma_clip.types import Examples, Predictions
from cma_clip.version import Version


class LinearProbeConfig(ClassifierConfig):
    """C is the inverse strength of the L2 penalty on standardised states; `text_windows` as for every network."""

    backbone: str = "tiny-product-clip"
    text_windows: TextWindows = TEXT_WINDOWS
    C: float = Field(0.01, gt=0)
    max_iter: int = Field(300, ge=1)


class LinearProbe(Classifier):
    """The pooled states of both towers side by side, standardised; a missing modality is all zeros (the mean)."""

    version = Version(1)
    parts = FEATURES
    Config: ClassVar[type[ClassifierConfig]] = LinearProbeConfig
    values_file: ClassVar[str] = "linear_probe.json"
    arrays_file: ClassVar[str | None] = "linear_probe.safetensors"
    config: LinearProbeConfig
    arrays: Arrays
    unconverged: list[JSON]

    def setup(self) -> None:
        """The backbone."""
        self.backbone = load_backbone(self.config.backbone)
        self.processor = Processor(self.backbone, self.config.text_windows)

    def fit(self, train: Examples, val: Examples, report: Report = silent) -> None:
        """Scale and weights from the training split."""
        states, present = self._states(train)
        absent = np.where(present.any(axis=0), np.nan, 0.0).astype(np.float32)  # a modality that no row has is 0
        known = np.where(present, states, absent)
        mean, scale = np.nanmean(known, axis=0), np.nanstd(known, axis=0) + 1e-6
        self.arrays = {"mean": mean.astype(np.float32), "scale": scale.astype(np.float32)}
        features = self._standardised(states, present)
        weights, self.unconverged = fit_logistic(features, train, self.tasks, self.config.C, self.config.max_iter)
        self.arrays |= weights

    def predict(self, examples: Examples) -> Predictions:
        """Softmax over the classes of each task."""
        features = self._standardised(*self._states(examples))
        return Predictions.of(self.tasks, examples, predict_logistic(features, self.arrays, self.tasks))

    def state(self) -> tuple[dict[str, JSON], Arrays]:
        """Mean and scale of the states, and weights of the classes."""
        return {"unconverged": self.unconverged}, self.arrays

    def restore(self, values: Mapping[str, Any], arrays: Arrays) -> None:
        """The inverse of `state`."""
        width = self.backbone.text_width + self.backbone.image_width
        check_saved(arrays, self.tasks, width, dict.fromkeys(("mean", "scale"), width))
        self.arrays, self.unconverged = arrays, values.get("unconverged", [])

    def weights_fingerprint(self) -> str | None:
        """The backbone's hash."""
        return self.backbone.fingerprint

    def backbone_bytes(self) -> int:
        """The backbone's."""
        return self.backbone.num_bytes

    def shrink(self, photo: Image.Image) -> Image.Image | None:
        """As its backbone reads it."""
        return self.processor.shrink(photo)

    def cut_texts(self, examples: Examples) -> tuple[int, npt.NDArray[np.bool_]] | None:
        """What its backbone does not read of the texts."""
        return self.processor.text_tokens, self.processor.cut_texts(examples, self.workspace)

    def facts(self) -> dict[str, JSON]:
        """Size of the model, and tasks whose regression had not converged."""
        sizes = [array.size for name, array in self.arrays.items() if name not in ("mean", "scale")]
        return {"trainable_parameters": int(sum(sizes)), "unconverged": self.unconverged}

    @classmethod
    def search_space(cls, trial: Trial) -> dict[str, JSON]:
        """Strength of the penalty."""
        return {"C": trial.suggest_float("C", 1e-4, 10.0, log=True)}

    def _states(self, examples: Examples) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
        """(Float[N D], Bool[N D]): pooled states side by side, and whether their modality is present."""
        table = token_features(self.backbone, self.processor, examples, self.workspace)
        parts = [table.pooled(f"{name}_cls") for name in ("text", "image")]
        present = [
            np.repeat(np.asarray(table.arrays[f"{name}_present"])[:, None], part.shape[1], axis=1)
            for name, part in zip(("text", "image"), parts, strict=True)
        ]
        return np.concatenate(parts, axis=1), np.concatenate(present, axis=1)

    def _standardised(self, states: npt.NDArray[np.float32], present: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
        scaled = (states - self.arrays["mean"]) / self.arrays["scale"]
        return np.where(present, scaled, 0).astype(np.float32)
