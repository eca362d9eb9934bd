"""TF-IDF of the whole text beside the backbone's image embedding, one logistic regression over both.

What a practitioner tries first on products with titles and photos: nothing is cut from the text, and nothing trains but
a convex model. Our baseline; scikit-learn's parts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from PIL import Image
from pydantic import Field
from scipy.sparse import csr_array, hstack

from baselines.logistic import check_saved
from baselines.tfidf import TfidfConfig, TfidfLogistic
from cma_clip.backbone.loading import load_backbone
from cma_clip.callbacks import Report, Trial, silent
from cma_clip.classifier import JSON, Arrays, ClassifierConfig
from cma_clip.features.processing import FEATURES, Processor
from cma_clip.features.token_features import image_features
from cma_clip.types import BOTH, Examples, Modality
from cma_clip.version import Version

PHOTO = ("image_mean", "image_scale")
"""Arrays that standardise embeddings."""


class TfidfImageConfig(TfidfConfig):
    """`image_weight`: length of a typical photo's features, where those of a text have length 1 (our choice)."""

    backbone: str = "tiny-product-clip"
    image_weight: float = Field(0.3, gt=0)


class TfidfImageLogistic(TfidfLogistic):
    """Words, and the standardised image embedding; a missing photo is all zeros, the mean."""

    version = Version(1)
    parts = FEATURES
    Config: ClassVar[type[ClassifierConfig]] = TfidfImageConfig
    values_file: ClassVar[str] = "tfidf_image.json"
    arrays_file: ClassVar[str | None] = "tfidf_image.safetensors"
    config: TfidfImageConfig
    photo: Arrays

    def setup(self) -> None:
        """The backbone."""
        self.backbone = load_backbone(self.config.backbone)
        self.processor = Processor(self.backbone)

    def fit(self, train: Examples, val: Examples, report: Report = silent) -> None:
        """Vocabulary, scale of the embeddings and weights from the training split; validation is not needed."""
        embeddings, present = self._embeddings(train)
        known = embeddings[present] if present.any() else np.zeros((1, embeddings.shape[1]), dtype=np.float32)
        self.photo = {"image_mean": known.mean(axis=0), "image_scale": known.std(axis=0) + np.float32(1e-6)}
        words = self._words(train)
        self._learn(self._beside(words, embeddings, present), train)

    @property
    def modalities(self) -> frozenset[Modality]:
        """Texts and photos."""
        return BOTH

    def state(self) -> tuple[dict[str, JSON], Arrays]:
        """Vocabulary, weights of words and classes, mean and scale of the embeddings."""
        values, arrays = super().state()
        return values, arrays | self.photo

    def restore(self, values: Mapping[str, Any], arrays: Arrays) -> None:
        """The inverse of `state`."""
        words, width = len(values["vocabulary"]), self.backbone.embedding_width
        check_saved(arrays, self.tasks, words + width, {"idf": words, **dict.fromkeys(PHOTO, width)})
        self.photo = {name: arrays[name] for name in PHOTO}
        self._restore_words(values, {name: array for name, array in arrays.items() if name not in PHOTO})

    def weights_fingerprint(self) -> str | None:
        """The backbone's hash."""
        return self.backbone.fingerprint

    def backbone_bytes(self) -> int:
        """The backbone's."""
        return self.backbone.num_bytes

    def shrink(self, photo: Image.Image) -> Image.Image | None:
        """As its backbone reads it."""
        return self.processor.shrink(photo)

    @classmethod
    def search_space(cls, trial: Trial) -> dict[str, JSON]:
        """As for words alone, and what a photo weighs beside them."""
        return {
            **super().search_space(trial),
            "image_weight": trial.suggest_float("image_weight", 0.05, 4.0, log=True),
        }

    def _features(self, examples: Examples) -> Any:  # noqa: ANN401 - sparse, N x D
        return self._beside(super()._features(examples), *self._embeddings(examples))

    def _embeddings(self, examples: Examples) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
        """(Float[N E], Bool[N]: where there is a photo)."""
        arrays = image_features(self.backbone, self.processor, examples, self.workspace)
        return np.asarray(arrays["image_embedding"], dtype=np.float32), np.asarray(arrays["image_present"])

    def _beside(self, words: Any, embeddings: npt.NDArray[np.float32], present: npt.NDArray[np.bool_]) -> Any:  # noqa: ANN401
        standardised = (embeddings - self.photo["image_mean"]) / self.photo["image_scale"]
        length = self.config.image_weight / np.sqrt(embeddings.shape[1])
        photos = np.where(present[:, None], length * standardised, 0)
        return hstack([csr_array(words), csr_array(photos)], format="csr")
