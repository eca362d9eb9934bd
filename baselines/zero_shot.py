"""Zero-shot CLIP: no training at all; the class whose prompts lie nearest to the photo, the text, or both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from scipy.special import softmax

from cma_clip.backbone.backbone import Backbone
from cma_clip.backbone.loading import load_backbone
from cma_clip.backbone.windows import TEXT_WINDOWS, TextWindows
from cma_clip.callbacks import Report, silent
from cma_clip.classifier import JSON, Classifier, ClassifierConfig
from cma_clip.features.processing import FEATURES, Processor
from cma_clip.features.token_features import token_features
from cma_clip.types import BOTH, Examples, Modality, Predictions, Task
from cma_clip.version import Version

FloatArray = npt.NDArray[np.float32]


class ZeroShotConfig(ClassifierConfig):
    """`reads`: what is compared with the prompts. How the paper's rows do it is not in the sources available.

    `text_windows` as for every network: of a long text the mean over its windows is compared.
    """

    backbone: str = "tiny-product-clip"
    text_windows: TextWindows = TEXT_WINDOWS
    reads: Literal["image", "text", "both"] = "both"


class ZeroShot(Classifier):
    """softmax(scale * similarity); for both, the mean of the two similarities (our choice).

    Classes are embedded as the mean over the task's prompt templates (Radford et al. 2021, section 3.1.4). A
    missing modality is left out; with nothing left all classes are equally likely.
    """

    version = Version(1)
    parts = FEATURES
    Config: ClassVar[type[ClassifierConfig]] = ZeroShotConfig
    values_file: ClassVar[str] = "zero_shot.json"
    config: ZeroShotConfig

    def setup(self) -> None:
        """The backbone."""
        self.backbone = load_backbone(self.config.backbone)
        self.processor = Processor(self.backbone, self.config.text_windows)

    def fit(self, train: Examples, val: Examples, report: Report = silent) -> None:
        """Nothing to learn."""

    def predict(self, examples: Examples) -> Predictions:
        """Similarities of embeddings with every class's prompts."""
        arrays = self._embeddings(examples)
        scale = self.backbone.logit_scale.exp().item()
        probabilities = {}
        for task in self.tasks:
            logits = scale * self._similarity(arrays, class_embeddings(self.backbone, self.processor, task))
            probabilities[task.name] = softmax(logits.astype(np.float64), axis=1).astype(np.float32)
        return Predictions.of(self.tasks, examples, probabilities)

    def _embeddings(self, examples: Examples) -> Mapping[str, npt.NDArray[Any]]:
        """Of both modalities: `*_embedding` Float[N E] and `*_present` Bool[N]."""
        table = token_features(self.backbone, self.processor, examples, self.workspace)
        present = {f"{modality}_present": table.arrays[f"{modality}_present"] for modality in BOTH}
        return {**{f"{modality}_embedding": table.pooled(f"{modality}_embedding") for modality in BOTH}, **present}

    @property
    def modalities(self) -> frozenset[Modality]:
        """What is compared with the prompts."""
        return BOTH if self.config.reads == "both" else frozenset((self.config.reads,))

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
        """What its backbone does not read of the texts; None where it compares photos only."""
        if self.config.reads == "image":
            return None
        return self.processor.text_tokens, self.processor.cut_texts(examples, self.workspace)

    def facts(self) -> dict[str, JSON]:
        """Nothing trains."""
        return {"trainable_parameters": 0}

    def _similarity(self, arrays: Mapping[str, npt.NDArray[Any]], classes: FloatArray) -> FloatArray:
        """Cosine Float[N C], the mean over the modalities that are read and present."""
        rows = len(arrays["text_present"])
        total = np.zeros((rows, len(classes)), dtype=np.float32)
        count = np.zeros((rows, 1), dtype=np.float32)
        for modality in ("image", "text"):
            if self.config.reads in (modality, "both"):
                present = np.asarray(arrays[f"{modality}_present"], dtype=np.float32)[:, None]
                embeddings = np.asarray(arrays[f"{modality}_embedding"], dtype=np.float32)
                total += present * (embeddings @ classes.T)
                count += present
        return np.asarray(total / np.maximum(count, 1), dtype=np.float32)


def class_embeddings(backbone: Backbone, processor: Processor, task: Task) -> FloatArray:
    """Float[C E]: unit length, the normalised mean of the unit embeddings of all prompts of a class."""
    prompts = [template.format(name) for name in task.classes for template in task.prompts]
    ids = torch.from_numpy(processor.texts(prompts).astype(np.int64))
    with torch.inference_mode():
        embeddings = backbone.encode_text(ids.to(backbone.logit_scale.device)).cpu()
    means = embeddings.view(len(task.classes), len(task.prompts), -1).mean(dim=1)
    return np.asarray(torch.nn.functional.normalize(means, dim=-1).numpy(), dtype=np.float32)


class ZeroShotImageConfig(ZeroShotConfig):
    """Compares the photo with the prompts: zero-shot CLIP as published."""

    reads: Literal["image", "text", "both"] = "image"


class ZeroShotTextConfig(ZeroShotConfig):
    """Compares the text with the prompts."""

    reads: Literal["image", "text", "both"] = "text"


class ZeroShotImage(ZeroShot):
    """Zero-shot CLIP on photos."""

    version = Version(1)
    Config: ClassVar[type[ClassifierConfig]] = ZeroShotImageConfig


class ZeroShotText(ZeroShot):
    """Zero-shot CLIP on texts."""

    version = Version(1)
    Config: ClassVar[type[ClassifierConfig]] = ZeroShotTextConfig
