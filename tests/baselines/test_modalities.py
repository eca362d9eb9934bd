"""Who listens to what: unimodal models are deaf to the other side, late fusion is the sum of its halves."""

import numpy as np
import pytest

from baselines.late_fusion import LateFusion
from baselines.unimodal import ImageOnly, TextOnly
from cma_clip.model import CMAClipConfig
from tests.products import TASKS, changed, photo, products

TRAIN, VAL, TEST = products(24, seed=1), products(12, seed=2), products(12, seed=3, holes=False)
SMALL = {"max_epochs": 2, "batch_size": 8, "width": 16, "depth": 1, "heads": 2}


@pytest.fixture(scope="module")
def fusion(tiny):
    model = LateFusion(TASKS, CMAClipConfig(backbone=tiny, **SMALL))
    model.fit(TRAIN, VAL)
    return model


def same_bits(one, other):
    return all(np.array_equal(one.probabilities[task.name], other.probabilities[task.name]) for task in TASKS)


@pytest.mark.parametrize(
    ("model", "ignored", "read"),
    [
        (TextOnly, {"image": photo("blue")}, {"text": "a very long box"}),
        (ImageOnly, {"text": "a very long box"}, {"image": photo("blue")}),
    ],
)
def test_unimodal_model_ignores_the_other_side_entirely(model, ignored, read, tiny):
    """In training, in the choice of the epoch and in prediction."""
    config = model.Config(backbone=tiny, **SMALL)
    one, other = model(TASKS, config), model(TASKS, config)
    one.fit(TRAIN, VAL)
    other.fit(changed(TRAIN, **ignored), changed(VAL, **ignored))
    assert same_bits(one.predict(TEST), other.predict(changed(TEST, **ignored)))
    assert not same_bits(one.predict(TEST), one.predict(changed(TEST, **read)))


def test_late_fusion_is_the_mean_of_two_strangers(fusion, tiny):
    halves = []
    for model in (TextOnly, ImageOnly):
        half = model(TASKS, model.Config(backbone=tiny, **SMALL))
        half.fit(TRAIN, VAL)
        halves.append(half.predict(TEST))
    fused = fusion.predict(TEST)
    for task in TASKS:
        mean = sum(half.probabilities[task.name] for half in halves) / 2
        np.testing.assert_allclose(fused.probabilities[task.name], mean, atol=1e-6)


@pytest.mark.parametrize(("missing", "left"), [("image", "text"), ("text", "image")])
def test_late_fusion_with_one_side_missing_is_the_other_half(fusion, missing, left):
    examples = changed(TEST, **{missing: None})
    assert same_bits(fusion.predict(examples), fusion.halves[left].predict(examples))


def test_late_fusion_reports_the_epochs_of_both_halves(tiny):
    heard = []
    model = LateFusion(TASKS, CMAClipConfig(backbone=tiny, **SMALL))
    model.fit(TRAIN, VAL, lambda epoch, values: heard.append(epoch))
    assert heard == [0, 1, 2, 3]
    assert model.facts()["epochs"] == 4
