"""A backbone whose last blocks train gives and learns the same, whether its frozen part runs once or in every step."""

import json
from dataclasses import replace

import pytest
import torch

from cma_clip.backbone.loading import load_backbone
from cma_clip.classifier import Workspace
from cma_clip.examples import ExampleList
from cma_clip.features.processing import Processor
from cma_clip.model import CMAClip, CMAClipConfig
from cma_clip.types import Joined
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


def trained_by_hand(model, examples, steps=2, batch=8):
    """Losses of plain gradient descent: Adam would make steps of the rounding of gradients that are zero."""
    batches, learner = model._batches(examples), model._learner(None)
    learner.train()
    parameters = [p for p in learner.parameters() if p.requires_grad]
    optimizer, losses = torch.optim.SGD(parameters, lr=0.1), []
    for step in range(steps):
        labelled = batches[list(range(step * batch, (step + 1) * batch))]
        output, _ = learner(labelled.inputs)
        optimizer.zero_grad()
        losses.append(learner.loss(output, labelled.labels))
        losses[-1].backward()
        optimizer.step()
    return torch.stack(losses).detach()


@pytest.mark.parametrize(("kind", "windows"), [(kind, 1) for kind in CUT] + [("vit", 3)])
def test_training_from_the_boundary_is_training_from_pixels(architectures, kind, windows, tmp_path):
    long = ExampleList(
        example if row % 3 or example.text is None else replace(example, text=" ".join([example.text] * 5))
        for row, example in enumerate(products(40))
    )
    long.fingerprint = "long"
    config = CMAClipConfig(backbone=architectures[kind], **SHAPE, freeze=1, dropout=0, text_windows=windows)
    cut, whole = (CMAClip(TASKS, config, workspace=Workspace(cache=tmp_path)) for _ in range(2))
    whole.backbone.image_boundary = whole.backbone.text_boundary = None
    before = {name: value.clone() for name, value in cut.backbone.state_dict().items()}
    torch.testing.assert_close(trained_by_hand(cut, long, batch=20), trained_by_hand(whole, long, batch=20))
    for part in ("backbone", "network"):
        torch.testing.assert_close(getattr(cut, part).state_dict(), getattr(whole, part).state_dict())
    moved = [name for name, value in cut.backbone.state_dict().items() if not torch.equal(value, before[name])]
    assert any("visual" in name for name in moved)
    assert any("visual" not in name for name in moved)


def test_the_frozen_part_runs_once_an_example(tiny, tmp_path):
    train, val = (products(size, seed=size, fingerprint=str(size)) for size in (24, 12))
    config = CMAClipConfig(backbone=tiny, **SHAPE, freeze=1, max_epochs=3)
    model = CMAClip(TASKS, config, workspace=Workspace(cache=tmp_path))
    seen = []
    first = model.backbone.clip.visual.transformer.resblocks[0]
    first.register_forward_hook(lambda module, args, output: seen.append(len(output)))
    model.fit(train, val)
    model.refit(Joined([train, val]))
    model.predict(val)
    assert sum(seen) == 24 + 12 + 2  # and one row each to learn the shape
    assert model.facts()["frozen_part"] == "runs once an example"


def test_a_tower_that_cannot_be_cut_runs_as_a_whole_and_says_so(tmp_path):
    config = {"embed_dim": 48, "custom_text": True, "vision_cfg": timm("test_resnet", 64, "avg", "linear")}
    written = {"model_cfg": {**config, "text_cfg": TEXT}, "preprocess_cfg": {}}
    (tmp_path / "open_clip_config.json").write_text(json.dumps(written))
    model = CMAClip(TASKS, CMAClipConfig(backbone=f"random:local-dir:{tmp_path}", **SHAPE, freeze=1, max_epochs=1))
    with pytest.warns(UserWarning, match="image tower of random:local-dir:.* runs in every step"):
        model.fit(products(16), products(8, seed=2))
    assert "image tower" in model.facts()["frozen_part"]
    assert model.predict(products(3, seed=3)).probabilities


def test_a_tower_that_trains_from_its_beginning_is_not_cut(tiny):
    backbone = load_backbone(tiny)
    layers = MODEL_CONFIGS["vit"]["vision_cfg"]["layers"]
    backbone.freeze(layers)
    assert (backbone.image_boundary.frozen, backbone.text_boundary.frozen, backbone.uncut) == (0, 0, None)
    backbone.freeze(layers + 1)
    assert (backbone.image_boundary, backbone.text_boundary) == (None, None)
    assert backbone.uncut.startswith("image and text tower of")
    backbone.freeze("none")
    assert backbone.uncut is None


@pytest.mark.parametrize("kind", ["resnet", "efficientnet"])
def test_a_batch_of_one_row_trains_and_leaves_the_statistics_alone(architectures, kind):
    backbone = load_backbone(architectures[kind])
    backbone.freeze("none")
    backbone.train()
    pixels, _ = batch_of(backbone)
    before = {name: value.clone() for name, value in backbone.named_buffers()}
    backbone.encode_image(pixels[:1])[2].sum().backward()
    assert all(torch.equal(value, before[name]) for name, value in backbone.named_buffers())
    backbone.encode_image(pixels.repeat(4, 1, 1, 1))
    assert any(not torch.equal(value, before[name]) for name, value in backbone.named_buffers() if "running" in name)


@pytest.mark.parametrize("kind", ["resnet", "convnext", "efficientnet"])
def test_a_convolutional_tower_gives_the_same_with_channels_last(architectures, kind):
    backbone = load_backbone(architectures[kind])
    kernels = [p for p in backbone.clip.visual.parameters() if p.ndim == 4]
    assert all(kernel.is_contiguous(memory_format=torch.channels_last) for kernel in kernels)
    pixels, _ = batch_of(backbone)
    with torch.no_grad():
        embeddings = backbone.encode_image(pixels)[2]
        visual = backbone.clip.visual.to(memory_format=torch.contiguous_format)
        plain = visual(backbone.normalised(pixels).contiguous())
    torch.testing.assert_close(embeddings, torch.nn.functional.normalize(plain, dim=-1), atol=1e-5, rtol=0)


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")  # dynamo looks at it
def test_compiled_steps_give_the_same(tiny, tmp_path):
    examples = products(8, fingerprint="compiled")
    losses = []
    for backend in ("off", "aot_eager"):
        config = CMAClipConfig(backbone=tiny, **SHAPE, freeze=1, dropout=0, compile=backend)
        losses.append(trained_by_hand(CMAClip(TASKS, config, workspace=Workspace(cache=tmp_path)), examples, batch=4))
    torch.testing.assert_close(*losses)
