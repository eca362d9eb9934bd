import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from lightning.pytorch.callbacks import Callback
from open_clip.loss import ClipLoss
from torch.nn.functional import normalize

from cma_clip.backbone import BackboneError, load_backbone
from cma_clip.classifier import Workspace
from cma_clip.contrastive import ContrastiveConfig, ContrastiveModule, fit_contrastive, projections
from cma_clip.contrastive_loss import SharedTextLoss, retrieval_recall, right_for
from cma_clip.pairs import augment, choose_captions, pair_batches
from cma_clip.processing import Processor, example_batch
from cma_clip.types import Example, ExampleList
from tests.products import TASKS, products

SCALE = torch.tensor(10.0)
DISTINCT = torch.arange(1, 6)[:, None]  # five texts of one word each
PLAIN = {"augment": False, "patch_dropout": 0.0, "fragments": 0}


def embeddings(count, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return tuple(normalize(torch.randn(count, 6, generator=generator), dim=-1) for _ in range(2))


def test_distinct_texts_give_clips_own_loss():
    image, text = embeddings(5)
    ours = SharedTextLoss()(image, text, SCALE, DISTINCT, DISTINCT)
    torch.testing.assert_close(ours, ClipLoss()(image, text, SCALE))


def test_pairs_of_one_text_are_not_each_others_negatives():
    """By hand: each of the twins has only the two strangers against it."""
    image, text = embeddings(4)
    text[1] = text[0]
    logits = SCALE * image @ text.T
    keep = torch.ones(4, 4, dtype=torch.bool)
    keep[0, 1] = keep[1, 0] = False
    rows = torch.stack([logits[i, keep[i]].logsumexp(0) - logits[i, i] for i in range(4)])
    columns = torch.stack([logits[keep[:, i], i].logsumexp(0) - logits[i, i] for i in range(4)])
    words = torch.tensor([[1], [1], [2], [3]])
    loss = SharedTextLoss()(image, text, SCALE, words, words)
    torch.testing.assert_close(loss, (rows.mean() + columns.mean()) / 2)
    assert loss < ClipLoss()(image, text, SCALE)


def test_a_batch_of_one_text_costs_nothing():
    image, text = embeddings(3)
    words = torch.ones(3, 1, dtype=torch.long)
    assert SharedTextLoss()(image, text, SCALE, words, words) == 0


def test_a_caption_is_right_for_every_text_that_has_all_of_its_words():
    titles = torch.tensor([[1, 2, 0], [3, 1, 4], [5, 0, 0], [0, 0, 0]])
    captions = torch.tensor([[1, 0, 0], [1, 3, 0], [5, 5, 0], [0, 0, 0]])
    expected = [[1, 0, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    assert right_for(titles, captions).int().tolist() == expected


def test_a_caption_that_is_right_for_another_photo_does_not_push_it_away():
    """By hand: the first caption is right for photo 1 too, the second is right for its own alone."""
    image, text = embeddings(3)
    titles, captions = torch.tensor([[1, 2], [1, 3], [4, 5]]), torch.tensor([[1, 0], [1, 3], [4, 5]])
    logits = SCALE * image @ text.T
    others = torch.zeros(3, 3, dtype=torch.bool)
    others[1, 0] = True
    left = logits.masked_fill(others, -torch.inf)
    expected = (2 * left.diagonal() - left.logsumexp(0) - left.logsumexp(1)).mean() / -2
    loss = SharedTextLoss()(image, text, SCALE, titles, captions)
    torch.testing.assert_close(loss, expected)


def test_retrieval_recall_by_hand():
    image = torch.eye(3)
    text = torch.tensor([[1.0, 0.9, 0.0], [0.0, 0.5, 0.0], [0.0, 0.6, 1.0]])
    # image x text = columns of `text`: photo 1 prefers text 0 and text 2; text 1 still prefers photo 1
    recall = retrieval_recall(image, text, torch.arange(3))
    assert recall["image_to_text_recall_at_1"] == pytest.approx(2 / 3)
    assert recall["text_to_image_recall_at_1"] == pytest.approx(1)
    assert recall["image_to_text_recall_at_5"] == 1
    assert set(recall) == {f"{way}_recall_at_{k}" for way in ("image_to_text", "text_to_image") for k in (1, 5, 10)}


def test_augmented_pixels_stay_near_the_originals():
    torch.manual_seed(0)
    ramp = torch.linspace(60, 190, 32).to(torch.uint8).expand(64, 3, 32, 32).contiguous()
    pictures = augment(ramp)
    assert (pictures.shape, pictures.dtype) == (ramp.shape, torch.uint8)
    assert pictures.min() >= 60
    assert pictures.max() <= 190
    rises = pictures[:, 0, 16, 24].int() - pictures[:, 0, 16, 8].int()
    assert (rises > 20).any()
    assert (rises < -20).any()  # mirrored
    assert len(pictures.flatten(1).unique(dim=0)) == 64
    grey = torch.full((8, 3, 16, 16), 77, dtype=torch.uint8)
    assert torch.equal(augment(grey), grey)  # no colour changes


def test_captions_are_the_text_or_a_fragment_of_it(tiny):
    backbone = load_backbone(tiny)
    processor = Processor(backbone)
    examples = ExampleList(
        [
            Example(str(i), str(i), products(1)[0].image, text)
            for i, text in enumerate(("red shirt", "", None, "blue box"))
        ]
    )
    batches = pair_batches(processor, examples, 6, 0, Workspace())
    assert len(batches) == 2  # no pair without a text
    pairs = batches[[0, 1]]
    assert pairs.input_ids.shape[:2] == (2, 7)
    whole = processor.texts(["red shirt", "blue box"])
    assert pairs.input_ids[:, 0, : whole.shape[1]].tolist() == whole.tolist()
    torch.manual_seed(0)
    assert torch.equal(choose_captions(pairs, 0.0)[0], pairs.input_ids[:, 0])
    assert (pairs.words[:, 0] > 0).sum(dim=1).tolist() == [2, 2]
    fragments = choose_captions(pairs, 1.0)[1]  # words of its own text, none of the template
    assert torch.equal(right_for(pairs.words[:, 0], fragments), torch.eye(2, dtype=torch.bool))
    texts = [backbone.tokenizer.decode(row.tolist()) for row in choose_captions(pairs, 1.0)[0]]
    assert any(word in texts[0] for word in ("red", "shirt"))
    assert not any(word in texts[0] for word in ("blue", "box"))


def trained(tiny, workspace=None, callbacks=(), **changes):
    backbone = load_backbone(tiny)
    config = ContrastiveConfig(**{"epochs": 2, "batch_size": 8, **changes})
    pairs = products(32, seed=1, holes=False), products(12, seed=2)
    return backbone, fit_contrastive(backbone, pairs, config, 0, workspace or Workspace(), callbacks)


def same_weights(one, other):
    for (name, first), second in zip(one.state_dict().items(), other.state_dict().values(), strict=True):
        assert torch.equal(first, second), name


def test_200_steps_from_the_same_seed_give_the_same_weights(tiny):
    (one, outcome), (other, _) = trained(tiny, epochs=50), trained(tiny, epochs=50)
    assert outcome.epochs * (outcome.pairs // 8) == 200
    same_weights(one, other)
    start = load_backbone(tiny)
    for name in ("visual.conv1.weight", "token_embedding.weight", "visual.proj", "text_projection", "logit_scale"):
        assert not torch.equal(one.clip.get_parameter(name), start.clip.get_parameter(name)), name
    assert 0 <= outcome.metrics["val/image_to_text_recall_at_10"] <= 1


def test_it_learns_which_photo_belongs_to_which_text(tiny):
    _, outcome = trained(tiny, epochs=50)
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


def test_pieces_keep_the_loss_and_gradients_of_the_whole_batch(tiny):
    gradients = []
    for pieces in (1, 3):
        backbone = load_backbone(tiny)
        batches = pair_batches(Processor(backbone), products(8, holes=False), 0, 0, Workspace())
        config = ContrastiveConfig(pieces=pieces, **PLAIN)
        module = ContrastiveModule(backbone, config, 0, (batches, batches))
        pairs = batches[list(range(8))]
        image = module._in_pieces(module._encode_image, pairs.pixels)
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


def test_embeddings_that_are_all_the_same_find_nothing_and_products_of_one_title_are_no_mistake():
    same = torch.ones(6, 4) / 2
    assert set(retrieval_recall(same, same, torch.arange(6)).values()) == {0.0, 1.0}  # of 6, the 10 nearest are all
    assert retrieval_recall(same, same, torch.arange(6))["image_to_text_recall_at_5"] == 0
    assert retrieval_recall(same, same, torch.zeros(6))["image_to_text_recall_at_1"] == 1


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


def loss_of(backbone, batch, words, **processes):
    image = backbone.encode_image(batch.pixel_values)[2]
    text = backbone.encode_text(batch.input_ids)
    return SharedTextLoss(**processes)(image, text, backbone.logit_scale.exp(), words, words)


WORDS = torch.tensor([1, 2, 1, 3, 4, 2])[:, None]  # equal texts on either side of the cut


def one_of_two(rank, tiny, port, folder):
    """What one of two processes does with its half of the batch; DDP averages the gradients."""
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", rank=rank, world_size=2)
    backbone = load_backbone(tiny)
    half = slice(3 * rank, 3 * rank + 3)
    batch = example_batch(Processor(backbone), list(products(6, holes=False))[half], TASKS)
    loss = loss_of(backbone, batch, WORDS[half], rank=rank, world_size=2)
    loss.backward()
    gradients = {}
    for name, parameter in backbone.named_parameters():
        if parameter.grad is not None:
            torch.distributed.all_reduce(parameter.grad)
            gradients[name] = parameter.grad / 2
    torch.save({"loss": loss.detach(), "gradients": gradients}, folder / f"{rank}.pt")
    torch.distributed.destroy_process_group()


def test_two_processes_compute_the_loss_and_gradients_of_one(tiny, tmp_path):
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    torch.multiprocessing.spawn(one_of_two, (tiny, port, tmp_path), nprocs=2)

    backbone = load_backbone(tiny)
    loss = loss_of(backbone, example_batch(Processor(backbone), list(products(6, holes=False)), TASKS), WORDS)
    loss.backward()
    expected = {name: p.grad for name, p in backbone.named_parameters() if p.grad is not None}
    for rank in range(2):
        found = torch.load(tmp_path / f"{rank}.pt", weights_only=True)
        torch.testing.assert_close(found["loss"], loss.detach(), atol=1e-5, rtol=0)
        assert found["gradients"].keys() == expected.keys()
        for name, gradient in found["gradients"].items():
            torch.testing.assert_close(gradient, expected[name], atol=1e-5, rtol=1e-4, msg=name)


SCRIPT = """
import json, sys, torch
from cma_clip.backbone import load_backbone
from cma_clip.classifier import Workspace
from cma_clip.contrastive import ContrastiveConfig, fit_contrastive
from tests.products import products

torch.set_num_threads(1)
backbone = load_backbone(sys.argv[1])
pairs = products(32, seed=1, holes=False), products(12, seed=2)
outcome = fit_contrastive(backbone, pairs, ContrastiveConfig(**json.loads(sys.argv[2])), 0, Workspace())
if outcome.module.global_rank == 0:
    torch.save(backbone.state_dict(), sys.argv[3])
"""


def test_lightning_with_two_processes_trains_as_one_with_the_whole_batch(tiny, tmp_path):
    """Each process reads every second row of the same order, so that both see the batch of one."""
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    states = []
    for devices, batch_size in ((1, 8), (2, 4)):
        config = json.dumps({"epochs": 2, "batch_size": batch_size, "devices": devices, "learning_rate": 1e-3, **PLAIN})
        out = tmp_path / f"{devices}.pt"
        environment = {**os.environ, "PYTHONPATH": str(Path.cwd()), "OMP_NUM_THREADS": "1"}
        subprocess.run([sys.executable, script, tiny, config, out], check=True, env=environment, timeout=120)
        states.append(torch.load(out, weights_only=True))
    for name, value in states[0].items():
        torch.testing.assert_close(states[1][name], value, atol=2e-4, rtol=1e-3, msg=name)
