import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from baselines.zero_shot import ZeroShot, ZeroShotConfig
from cma_clip.backbone.loading import load_backbone
from cma_clip.examples import ExampleList
from cma_clip.features.processing import Processor, example_batch
from cma_clip.types import Example, Task
from tests.products import products

TASK = Task("color", ("red", "green", "blue"), ("a photo of {}.", "the {} dress", "{}"))


def by_hand(backbone, examples, reads):
    """With open_clip's own functions and nothing of ours but the pixels."""
    clip, tokenizer = backbone.clip, backbone.tokenizer
    batch = example_batch(Processor(backbone), list(examples), [])
    with torch.no_grad():
        classes = []
        for name in TASK.classes:
            prompts = tokenizer([prompt.format(name) for prompt in TASK.prompts], context_length=16)
            classes.append(normalize(clip.encode_text(prompts, normalize=True).mean(dim=0), dim=0))
        pixels = (batch.pixel_values.float() / 255 - backbone.pixel_mean) / backbone.pixel_std
        sides = {
            "image": clip.encode_image(pixels, normalize=True),
            "text": clip.encode_text(tokenizer(examples.texts(), context_length=16), normalize=True),
        }
        read = ("image", "text") if reads == "both" else (reads,)
        similarity = torch.stack([sides[side] @ torch.stack(classes).T for side in read]).mean(dim=0)
        return (clip.logit_scale.exp() * similarity).softmax(dim=1).numpy()


@pytest.mark.parametrize("reads", ["image", "text", "both"])
def test_equals_open_clip_by_hand(tiny, reads):
    examples = products(6, holes=False)
    model = ZeroShot([TASK], ZeroShotConfig(backbone=tiny, reads=reads))
    expected = by_hand(load_backbone(tiny), examples, reads)
    np.testing.assert_allclose(model.predict(examples).probabilities["color"], expected, atol=5e-3)  # half precision
    assert np.ptp(expected, axis=0).max() > 0.01  # the examples differ by more than that


def test_missing_modality_leaves_the_other(tiny):
    examples = products(6, holes=False)
    silent = ExampleList(Example(e.id, e.group, e.image, None) for e in examples)
    both = ZeroShot([TASK], ZeroShotConfig(backbone=tiny)).predict(silent)
    image = ZeroShot([TASK], ZeroShotConfig(backbone=tiny, reads="image")).predict(silent)
    assert np.array_equal(both.probabilities["color"], image.probabilities["color"])


def test_nothing_to_read_makes_all_classes_equal(tiny):
    nothing = ExampleList([Example("0", "0", None, None)])
    probabilities = ZeroShot([TASK], ZeroShotConfig(backbone=tiny)).predict(nothing).probabilities["color"]
    np.testing.assert_allclose(probabilities, 1 / 3, rtol=1e-6)
