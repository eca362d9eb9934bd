"""A backbone whose last blocks train gives and learns the same, whether its frozen part runs once or in every step."""

import json

import numpy as np
import pytest
import torch

from cma_clip.backbone.loading import load_backbone
from cma_clip.classifier import Workspace
from cma_clip.features.processing import Processor
from cma_clip.model import CMAClip, CMAClipConfig
from cma_clip.types import ExampleList, Joined
from tests.architectures import MODEL_CONFIGS, TEXT, timm
from tests.cma_clip.test_training import SHAPE
from tests.products import TASKS, products

CUT = ("vit", "convnext", "timm_vit", "efficientnet", "siglip")


def batch_of(backbone, count=6):
    pixels = torch.randint(0, 256, (count, 3, *backbone.image_size), generator=torch.Generator().manual_seed(0))
    texts = ["a red shirt", "a very long blue dress", "box", "a photo of the small green box", "", "large"]
    return pixels.to(torch.uint8), torch.from_numpy(Processor(backbone).texts(texts[:count])).long()


@pytest.mark.parametrize("level", [1, 2])
@pytest.mark.parametrize("kind", CUT)
def test_both_parts_one_after_the_other_are_the_whole_tower(architectures, kind, level):
    backbone = load_backbone(architectures[kind])
    backbone.freeze(level)
    pixels, ids = batch_of(backbone)
    present = torch.ones(len(ids), dtype=torch.bool)
    with torch.no_grad():
        photos = backbone.image_boundary.states(backbone.normalised(pixels))
        texts = backbone.text_boundary.states(ids)
        for whole, parts in (
            (backbone.image_features(pixels, present), backbone.image_features(pixels[:, :0], present, photos)),
            (backbone.text_features(ids, present), backbone.text_features(ids, present, texts)),
        ):
            torch.testing.assert_close(parts, whole, atol=1e-5, rtol=1e-5)
