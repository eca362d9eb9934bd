"""The presets against what the published code does, counted over many examples."""

import numpy as np
import pytest
from PIL import Image

from benchmarks.perturbations import PROTOCOLS
from benchmarks.perturbations.image import qmf_gaussian
from benchmarks.perturbations.view import Perturbed
from cma_clip.examples import ExampleList
from cma_clip.types import Example

GREY = ExampleList(
    Example(f"p{n}", f"g{n}", Image.new("RGB", (16, 12), (128, 128, 128)), "one two three four five six")
    for n in range(400)
)


def condition(name):
    protocol = name.split("@")[0]
    return next(c for c in PROTOCOLS[protocol].conditions if c.name == name)


def hits(name):
    """(share of the photos changed, share of the texts changed, share of the words masked in changed texts)."""
    view = Perturbed(GREY, condition(name))
    images = np.mean([len(set(np.asarray(view[n].image).ravel().tolist())) > 1 for n in range(0, 400, 2)])
    masked = np.array([text.split().count("_") for text in view.texts()])
    return images, (masked > 0).mean(), masked[masked > 0].mean() / 6


@pytest.mark.parametrize(
    ("name", "images", "texts", "words"),
    [
        ("plain@5", 1.0, 1 - 0.5**6, 0.5 / (1 - 0.5**6)),
        ("plain@10", 1.0, 1.0, 1.0),
        ("qmf-like@5", 0.5, 0.5 * (1 - 0.5**6), 0.5 / (1 - 0.5**6)),
        ("qmf-like@10", 0.5, 0.5, 1.0),
        ("pdf-salt@5", 0.25, 0.5 * (1 - 0.5**6), 0.5 / (1 - 0.5**6)),
        ("pdf-salt@10", 0.5, 0.5, 1.0),
    ],
)
def test_how_many_are_hit_and_how_hard(name, images, texts, words):
    found = hits(name)
    assert found[0] == pytest.approx(images, abs=0.08)
    assert found[1] == pytest.approx(texts, abs=0.06)
    assert found[2] == pytest.approx(words, abs=0.04)


def test_photo_and_text_are_hit_independently():
    view = Perturbed(GREY, condition("qmf-like@10"))
    both = np.mean(
        ["_" in view[n].text and len(set(np.asarray(view[n].image).ravel().tolist())) > 1 for n in range(400)]
    )
    assert both == pytest.approx(0.25, abs=0.06)


def test_qmf_noise_is_one_channel_with_ten_times_epsilon():
    image = Image.new("RGB", (300, 256), (128, 128, 128))
    noisy = np.asarray(qmf_gaussian(image, 3, np.random.default_rng(0)), dtype=float)
    assert np.array_equal(noisy[..., 0], noisy[..., 1])
    assert np.array_equal(noisy[..., 0], noisy[..., 2])
    assert noisy.std() == pytest.approx(30, rel=0.02)


def test_wrapping_sends_negative_pixels_to_the_top():
    black = Image.new("RGB", (256, 256))
    clipped = np.asarray(qmf_gaussian(black, 5, np.random.default_rng(0)))
    wrapped = np.asarray(qmf_gaussian(black, 5, np.random.default_rng(0), wrap=True))
    assert (clipped == 0).mean() == pytest.approx(0.5, abs=0.02)
    assert (wrapped > 100).mean() == pytest.approx(0.5, abs=0.03)


def test_pdf_salt_hits_a_tenth_of_the_pixels():
    view = Perturbed(GREY, condition("pdf-salt@10"))
    shares = [(np.asarray(view[n].image)[..., 0] != 128).mean() for n in range(60)]
    assert np.mean([share for share in shares if share]) == pytest.approx(0.1, abs=0.005)


@pytest.mark.parametrize("preset", ["missing-70-image", "missing-70-text", "missing-70"])
def test_missing_70_hits_training_and_test_alike(preset):
    protocol = PROTOCOLS[preset]
    assert protocol.train == protocol.conditions[0]
    view = Perturbed(GREY, protocol.train)
    image, text = 1 - view.image_present().mean(), np.mean([words is None for words in view.texts()])
    expected = {"missing-70-image": (0.7, 0), "missing-70-text": (0, 0.7)}.get(preset, (0.35, 0.35))
    assert (image, text) == pytest.approx(expected, abs=0.06)


def test_what_is_missing_is_frozen():
    """Rule missing-70/v1: these examples, whatever else changes."""
    view = Perturbed(GREY, PROTOCOLS["missing-70"].train)
    assert [n for n in range(20) if view.texts()[n] is None] == [1, 7, 11, 15, 19]
    assert [n for n in range(20) if not view.image_present()[n]] == [0, 4, 5, 6, 8, 12, 18]
