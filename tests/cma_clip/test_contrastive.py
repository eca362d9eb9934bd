"""Contrastive training: the same seed the same weights, what is frozen, what is refused."""

import json

import pytest
import torch
from lightning.pytorch.callbacks import Callback

import cma_clip.contrastive.photos
from cma_clip.backbone.backbone import BackboneError
from cma_clip.backbone.loading import load_backbone
from cma_clip.classifier import Workspace
from cma_clip.contrastive.loss import SharedTextLoss
from cma_clip.contrastive.module import PROJECTIONS, ContrastiveConfig, ContrastiveModule, projections
from cma_clip.contrastive.pairs import pair_batches, titles
from cma_clip.contrastive.photos import photos_of
from cma_clip.contrastive.training import fit_contrastive
from cma_clip.examples import ExampleList
from cma_clip.features.processing import Processor
from tests.architectures import MODEL_CONFIGS, timm
from tests.products import products

PLAIN = {"augment": "none", "patch_dropout": 0.0, "fragments": 0}


def trained(tiny, workspace=None, callbacks=(), **changes):
    backbone = load_backbone(tiny)
    config = ContrastiveConfig(**{"epochs": 2, "batch_size": 8, **changes})
    pairs = products(32, seed=1, holes=False), products(12, seed=2)
    return backbone, fit_contrastive(backbone, pairs, config, 0, workspace or Workspace(), callbacks)


def same_weights(one, other):
    for (name, first), second in zip(one.state_dict().items(), other.state_dict().values(), strict=True):
        assert torch.equal(first, second), name


@pytest.fixture(scope="module")
def of_200_steps(tiny):
    return trained(tiny, epochs=50)


def test_200_steps_from_the_same_seed_give_the_same_weights(tiny, of_200_steps):
    (one, outcome), (other, _) = of_200_steps, trained(tiny, epochs=50)
    assert outcome.epochs * (outcome.pairs // 8) == 200
    same_weights(one, other)
    start = load_backbone(tiny)
    for name in ("visual.conv1.weight", "token_embedding.weight", "visual.proj", "text_projection", "logit_scale"):
        assert not torch.equal(one.clip.get_parameter(name), start.clip.get_parameter(name)), name
    assert 0 <= outcome.metrics["val/image_to_text_recall_at_10"] <= 1


def test_it_learns_which_photo_belongs_to_which_text(tiny, of_200_steps):
    _, outcome = of_200_steps
    _, start = trained(tiny, epochs=1, learning_rate=1e-12)
    assert outcome.metrics["train/loss"] < 0.8 * start.metrics["train/loss"]


class Killed(BaseException):
    pass


class Killer(Callback):
    def on_train_epoch_end(self, trainer, pl_module):
        if trainer.current_epoch == 1:
            raise Killed


def test_resumed_training_ends_with_the_same_weights(tiny, tmp_path):
    workspace = Workspace(checkpoints=tmp_path)
    with pytest.raises(Killed):
        trained(tiny, workspace, [Killer()], epochs=3)
    (resumed, _), (straight, _) = trained(tiny, workspace, epochs=3), trained(tiny, epochs=3)
    same_weights(resumed, straight)


def test_more_pieces_than_pairs_are_as_many_as_there_are(tiny):
    one, _ = trained(tiny, epochs=1, pieces=1, **PLAIN)
    other, _ = trained(tiny, epochs=1, pieces=50, **PLAIN)
    for (name, value), pieced in zip(one.state_dict().items(), other.state_dict().values(), strict=True):
        torch.testing.assert_close(pieced, value, atol=1e-4, rtol=1e-3, msg=name)


def test_mixed_precision_trains_weights_of_full_precision(tiny):
    backbone, outcome = trained(tiny, precision="bf16-mixed")
    assert all(parameter.dtype == torch.float32 for parameter in backbone.parameters())
    assert 0 < outcome.metrics["train/loss"] < 3


@pytest.mark.parametrize("kind", ["siglip", "bert", "convnext", "timm_vit", "resnet"])
def test_every_kind_of_tower_trains_and_a_split_without_a_pair_is_no_error(architectures, kind):
    backbone = load_backbone(architectures[kind])
    config = ContrastiveConfig(epochs=1, batch_size=8, patch_dropout=0)
    heard = []
    outcome = fit_contrastive(
        backbone,
        (products(8, holes=False), ExampleList([])),
        config,
        0,
        Workspace(),
        probe=lambda _: heard.append(1) or {"score": 0.5},
    )
    assert (outcome.pairs, heard) == (8, [1])
    assert outcome.metrics["val/score"] == 0.5
    assert fit_contrastive(backbone, (ExampleList([]), ExampleList([])), config, 0, Workspace()).pairs == 0


@pytest.mark.parametrize(
    ("pool", "proj", "layer"),
    [("avg", "", "visual.trunk.head.fc.weight"), ("avg", "mlp", "visual.head.mlp.fc2.weight")],
)
def test_the_last_map_of_an_image_tower_trains_whatever_it_is_called(tmp_path, pool, proj, layer):
    vision = timm("convnext_atto", 64, pool, proj)
    folder = tmp_path / "tower"
    folder.mkdir()
    config = {"model_cfg": {**MODEL_CONFIGS["convnext"], "vision_cfg": vision}, "preprocess_cfg": {}}
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    backbone_id = f"random:local-dir:{folder}"
    backbone, _ = trained(backbone_id, epochs=1, freeze="all", patch_dropout=0)
    start = load_backbone(backbone_id)
    changed = {
        name for name, p in backbone.clip.named_parameters() if not torch.equal(p, start.clip.get_parameter(name))
    }
    assert layer in changed
    assert changed <= {name for name, _ in start.clip.named_parameters() if PROJECTIONS.fullmatch(name)}


@pytest.mark.parametrize("augment", ["none", "mirror"])
@pytest.mark.parametrize("kind", ["vit", "efficientnet"])
def test_a_frozen_part_that_reads_each_view_once_trains_the_same(architectures, kind, augment, monkeypatch):
    options = {"freeze": 1, "patch_dropout": 0, "augment": augment, "batch_size": 16}
    cached, _ = trained(architectures[kind], **options)
    assert cached.image_boundary is not None
    monkeypatch.setattr(cma_clip.contrastive.photos, "VIEWS", {})  # as for augmentations with any number of views
    again, _ = trained(architectures[kind], **options)
    moved = load_backbone(architectures[kind]).state_dict()
    for (name, one), other in zip(cached.state_dict().items(), again.state_dict().values(), strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-3, msg=name)
    assert any(not torch.equal(value, moved[name]) for name, value in cached.state_dict().items() if "visual" in name)


def test_statistics_of_a_frozen_tower_stay(architectures):
    backbone, _ = trained(architectures["resnet"], freeze="all", patch_dropout=0)
    start = load_backbone(architectures["resnet"]).state_dict()
    statistics = [name for name in start if name.endswith(("running_mean", "running_var"))]
    assert statistics
    for name in statistics:
        assert torch.equal(backbone.state_dict()[name], start[name]), name
    free, _ = trained(architectures["resnet"], patch_dropout=0, batch_size=16)
    assert not torch.equal(free.state_dict()[statistics[0]], start[statistics[0]])


def test_pieces_keep_the_loss_and_gradients_of_the_whole_batch(tiny):
    gradients = []
    for pieces in (1, 3):
        backbone = load_backbone(tiny)
        processor, examples = Processor(backbone), products(8, holes=False)
        photos = photos_of(backbone, processor, examples, "none", Workspace())
        batches = pair_batches(processor, examples, photos, titles(0, 0), Workspace())
        config = ContrastiveConfig(pieces=pieces, **PLAIN)
        module = ContrastiveModule(backbone, config, 0, (batches, batches))
        pairs = batches[list(range(8))]
        image = module._in_pieces(module._encode_image, pairs.photos)
        text = module._in_pieces(module._encode_text, pairs.input_ids[:, 0])
        SharedTextLoss()(image, text, backbone.logit_scale.exp(), pairs.words[:, 0], pairs.words[:, 0]).backward()
        gradients.append({name: p.grad for name, p in backbone.named_parameters() if p.grad is not None})
    assert gradients[0].keys() == gradients[1].keys()
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], gradient, atol=1e-6, rtol=1e-4, msg=name)


def test_texts_in_groups_of_similar_length_get_the_embeddings_they_get_alone(tiny):
    backbone = load_backbone(tiny)
    texts = ["red shirt", "a very long photo of the small green dress and box", "box", "", "blue shirts", "the dress"]
    ids = torch.from_numpy(Processor(backbone).texts(texts)).long()
    module = ContrastiveModule(backbone, ContrastiveConfig(), 0, (None, None))
    alone = torch.cat([backbone.encode_text(row[None]) for row in ids])
    torch.testing.assert_close(module._encode_text(ids), alone, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize(("freeze", "free"), [("all", 0), (1, 1), ("none", 2)])
def test_frozen_towers_stay_as_they_were_and_projections_train(tiny, freeze, free):
    backbone, _ = trained(tiny, freeze=freeze)
    start = load_backbone(tiny)
    changed = [
        not torch.equal(block.state_dict()["mlp.c_fc.weight"], before.state_dict()["mlp.c_fc.weight"])
        for block, before in zip(
            backbone.clip.visual.transformer.resblocks, start.clip.visual.transformer.resblocks, strict=True
        )
    ]
    assert changed == [False] * (len(changed) - free) + [True] * free
    assert not torch.equal(backbone.clip.visual.proj, start.clip.visual.proj)


def test_two_learning_rates(tiny):
    backbone, _ = trained(tiny, learning_rate=1e-3, backbone_learning_rate=1e-12, weight_decay=0.0)
    start = load_backbone(tiny)
    moved = {
        name
        for (name, one), other in zip(backbone.clip.named_parameters(), start.clip.parameters(), strict=True)
        if (one - other).abs().max() > 1e-6
    }
    assert moved == {"visual.proj", "text_projection", "logit_scale"}
    assert len(projections(backbone)) == 3


class Twice(Callback):
    """Whether the same photos have the same embeddings during training."""

    def on_train_batch_end(self, trainer, pl_module, *_):
        encode, pixels = pl_module.backbone.encode_image, torch.full((2, 3, 32, 32), 90, dtype=torch.uint8)
        pixels[:, :, ::5] = 200
        self.same = torch.equal(encode(pixels)[2], encode(pixels)[2])


@pytest.mark.parametrize("share", [0.5, 0.0])
def test_patches_are_dropped_in_training_only(tiny, share):
    watch = Twice()
    backbone, _ = trained(tiny, callbacks=[watch], epochs=1, patch_dropout=share)
    assert watch.same == (share == 0)
    backbone.train()
    pixels = torch.randint(0, 256, (2, 3, *backbone.image_size), dtype=torch.uint8)
    assert torch.equal(backbone.encode_image(pixels)[2], backbone.encode_image(pixels)[2])


def test_a_tower_that_cannot_drop_patches_says_so(architectures):
    with pytest.raises(BackboneError, match="its image tower cannot leave out patches; use patch_dropout=0"):
        trained(architectures["resnet"], patch_dropout=0.5)
    trained(architectures["resnet"], epochs=1, patch_dropout=0)


def test_the_temperature_is_clamped_and_only_matrices_decay(tiny):
    backbone = load_backbone(tiny)
    with torch.no_grad():
        backbone.logit_scale.fill_(10.0)
    pairs = products(16, seed=1, holes=False), products(8, seed=2, holes=False)
    outcome = fit_contrastive(backbone, pairs, ContrastiveConfig(epochs=1, batch_size=8), 0, Workspace())
    assert backbone.logit_scale.exp().item() <= 100.001
    groups = outcome.module.optimizers().param_groups
    assert {group["weight_decay"] for group in groups} == {0.0, 0.1}
    for group in groups:
        assert all((parameter.ndim >= 2) == (group["weight_decay"] > 0) for parameter in group["params"])


def test_without_a_pair_nothing_is_trained(tiny):
    backbone = load_backbone(tiny)
    texts = ExampleList.of([None, None], ["red shirt", "blue box"])
    outcome = fit_contrastive(backbone, (texts, texts), ContrastiveConfig(), 0, Workspace())
    assert (outcome.epochs, outcome.pairs) == (0, 0)
    same_weights(backbone, load_backbone(tiny))


def test_diverged_training_names_the_epoch(tiny):
    with pytest.raises(FloatingPointError, match="contrastive loss is nan in epoch 0; lower the learning rate"):
        trained(tiny, learning_rate=1e30)
