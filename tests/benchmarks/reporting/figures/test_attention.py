"""The heat map lies on the photo, adds up, and needs a model and an example that have one."""

import numpy as np
import pytest
import torch
from matplotlib.text import Text
from PIL import Image

from baselines import BASELINES
from benchmarks.reporting.figures.attention import Attended, AttentionError, attend, draw, seen_box
from benchmarks.reporting.figures.style import drawable, to_png
from cma_clip.backbone.loading import load_backbone
from cma_clip.features.processing import Processor
from cma_clip.model import CMAClip
from cma_clip.types import Example, Task
from tests.architectures import KINDS

TASKS = (Task("color", ("red", "green")), Task("style", ("plain", "striped")))
TEXT = "a red, striped shirt!"


def photo(width, height):
    """Left half red, right half green; the upper half darker."""
    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    pixels[:, : width // 2, 0] = 255
    pixels[:, width // 2 :, 1] = 255
    pixels[: height // 2] //= 2
    return Image.fromarray(pixels)


def example(image=None, text=TEXT):
    return Example("one", "one", image or photo(60, 80), text)


def model_of(backbone, network=CMAClip, **changes):
    config = {"backbone": backbone, "width": 24, "heads": 2, "depth": 2, **changes}
    model = network(TASKS, network.Config(**{k: v for k, v in config.items() if k in network.Config.model_fields}))
    model.priors = {task.name: np.full(len(task.classes), 0.5, dtype=np.float32) for task in TASKS}
    return model


@pytest.fixture(scope="module")
def attended(tiny):
    return attend(model_of(tiny), example())


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_tower_has_a_grid_and_words(architectures, kind):
    one = attend(model_of(architectures[kind]), example())
    assert one.from_word.sum() == pytest.approx(1, abs=1e-5)
    assert one.from_cls.sum() == pytest.approx(1, abs=1e-5)
    assert one.from_word.ndim == 2
    assert 0 < one.share <= 1


@pytest.mark.parametrize("kind", ["vit", "bert"])
def test_the_word_may_stand_in_a_later_window(architectures, kind):
    """Queries that are all alike and words without their states: one word has the most attention, or the least."""
    model = model_of(architectures[kind], depth=1, text_windows=4)
    query = model.network.sequence.layers[0].query
    found = set()
    with torch.no_grad():
        query.weight.zero_()
        model.network.sequence.project.text[1].weight.zero_()
        for _ in range(2):
            query.bias.neg_()
            found.add(attend(model, example(text="box " * 40 + "shirt")).word)
    assert found == {"box", "shirt"}


def test_the_word_is_a_word(attended):
    assert attended.word in ("a", "red", "striped", "shirt") or attended.word in TEXT
    assert any(map(str.isalnum, attended.word))


def test_the_word_is_the_one_the_cls_tokens_attend_to_most(tiny):
    model = model_of(tiny, depth=1)
    last = model.network.sequence.layers[-1]
    with torch.no_grad():  # all queries alike: attention depends on the attended token only
        last.query.weight.zero_()
    one = attend(model, example())
    assert one.from_word == pytest.approx(one.from_cls)


def test_predictions_and_weights_are_the_models(attended):
    assert list(attended.predictions) == ["color", "style"]
    assert all(name in task.classes for task, (name, _) in zip(TASKS, attended.predictions.values(), strict=True))
    assert [sum(pair) for pair in attended.weights.values()] == pytest.approx([1, 1])


def test_without_modality_attention_there_are_no_weights(tiny):
    one = attend(model_of(tiny, BASELINES["cma_clip_wo_ma"]), example())
    assert one.weights == {}
    assert to_png(draw([one])).startswith(b"\x89PNG")


@pytest.mark.parametrize("network", ["cma_clip_wo_sa", "concat_fusion", "image_only", "majority"])
def test_a_model_without_such_attention_is_refused(tiny, network):
    config = BASELINES[network].Config
    known = {"backbone": tiny} if "backbone" in config.model_fields else {}
    with pytest.raises(AttentionError, match="choose a model saved by cma_clip or cma_clip_wo_ma"):
        attend(BASELINES[network](TASKS, config(**known)), example())


@pytest.mark.parametrize("lacking", [Example("x", "x", None, TEXT), Example("x", "x", photo(9, 9), None)])
def test_an_example_without_both_is_refused(tiny, lacking):
    with pytest.raises(AttentionError, match="'x' lacks a photo or a text"):
        attend(model_of(tiny), lacking)


def test_a_text_of_punctuation_has_no_word(tiny):
    with pytest.raises(AttentionError, match="no word in"):
        attend(model_of(tiny), example(text="!!"))


@pytest.mark.parametrize("mode", ["shortest", "longest", "squash"])
@pytest.mark.parametrize("size", [(60, 80), (90, 40), (64, 64)], ids=str)
def test_the_box_is_where_the_processor_takes_its_pixels_from(tiny, mode, size):
    """What the network sees, laid into the box, is the photo again."""
    backbone = load_backbone(tiny)
    backbone.preprocess_cfg = {**backbone.preprocess_cfg, "resize_mode": mode, "fill_color": 255}
    original = photo(*size)
    seen = Processor(backbone).image(original).transpose(1, 2, 0)
    left, right, bottom, top = seen_box(original.size, backbone.image_size, mode)
    rows, columns = np.meshgrid(range(0, size[1], 3), range(0, size[0], 3), indexing="ij")
    down = ((rows + 0.5 - top) / (bottom - top) * seen.shape[0]).astype(int)
    across = ((columns + 0.5 - left) / (right - left) * seen.shape[1]).astype(int)
    inside = (down >= 0) & (down < seen.shape[0]) & (across >= 0) & (across < seen.shape[1])
    found = seen[down[inside], across[inside]].astype(int)
    wanted = np.asarray(original)[rows[inside], columns[inside]].astype(int)
    assert inside.mean() > 0.4
    assert (np.abs(found - wanted).max(axis=1) < 60).mean() > 0.85  # all but the edges between the quarters


def test_the_heat_covers_the_photo_and_the_token_is_named(attended):
    figure = draw([attended, attended])
    overlay = figure.axes[1]
    assert overlay.get_xlim() == (0, 60)
    assert overlay.get_ylim() == (80, 0)
    assert f'"{attended.word}"' in overlay.get_title(loc="left")
    assert overlay.images[1].get_extent() == list(attended.box)
    assert figure.get_label().startswith("Attention of the last sequence-wise layer")


def test_any_text_and_class_can_be_drawn():
    patches = np.full((2, 2), 0.25, dtype=np.float32)
    predictions = {"_x": ("$5 a|b", 0.7), "颜色": ("👗", 0.6)}
    box = (0.0, 8.0, 8.0, 0.0)
    odd = Attended(photo(8, 8), "a 红 $dress$ $5", "$5", 0.5, patches, patches, box, predictions, {"_x": (0.4, 0.6)})
    figure = draw([odd])
    shown = " ".join(text.get_text() for text in figure.findobj(Text))
    assert to_png(figure).startswith(b"\x89PNG")  # a missing glyph or broken mathematics would warn
    assert all(drawable(text) in shown for text in ("a 红 $dress$ $5", "_x: $5 a|b (70 %)", "颜色: 👗 (60 %)"))
