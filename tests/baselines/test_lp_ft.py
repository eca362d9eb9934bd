import numpy as np
import torch

from baselines.linear_probe import LinearProbe, LinearProbeConfig
from baselines.lp_ft import LPFT, LPFTConfig
from cma_clip.backbone.loading import load_backbone
from tests.products import TASKS, products

TRAIN, VAL, TEST = products(40, seed=1), products(16, seed=2), products(13, seed=3)
STILL = {"learning_rate": 1e-12, "backbone_learning_rate": 1e-12, "weight_decay": 0.0, "max_epochs": 1}


def fitted(tiny, **changes):
    model = LPFT(TASKS, LPFTConfig(backbone=tiny, batch_size=8, **changes), seed=0)
    model.fit(TRAIN, VAL)
    return model


def test_it_starts_from_the_linear_probe(tiny):
    """Rates of next to nothing leave it there; only that the probe reads its states in half precision is seen."""
    probe = LinearProbe(TASKS, LinearProbeConfig(backbone=tiny), seed=0)
    probe.fit(TRAIN, VAL)
    known = np.array([bool(example.image or (example.text or "").strip()) for example in TEST])  # else class shares
    for task, expected in probe.predict(TEST).probabilities.items():
        found = fitted(tiny, **STILL).predict(TEST).probabilities[task]
        np.testing.assert_allclose(found[known], expected[known], atol=0.02)


def test_then_it_trains_the_backbone_too(tiny):
    model = fitted(tiny, max_epochs=2)
    before, after = load_backbone(tiny).state_dict(), model.backbone.state_dict()
    assert any(not torch.equal(before[name], after[name]) for name in before)
    assert model.facts()["trainable_backbone_parameters"] > 0
    assert fitted(tiny, max_epochs=2, freeze="all").facts()["trainable_backbone_parameters"] == 0
