import math
import os

import pytest
import torch
from open_clip.loss import ClipLoss
from torch.nn.functional import normalize

from cma_clip.backbone import load_backbone
from cma_clip.classifier import Workspace
from cma_clip.contrastive import ContrastiveConfig, JointPositivesLoss, augment, fit_contrastive, retrieval_recall
from cma_clip.processing import Processor, example_batch
from tests.products import TASKS, products

SCALE = torch.tensor(10.0)


def embeddings(count, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return tuple(normalize(torch.randn(count, 6, generator=generator), dim=-1) for _ in range(2))


def test_distinct_texts_give_clips_own_loss():
    image, text = embeddings(5)
    ours = JointPositivesLoss()(image, text, SCALE, torch.arange(5))
    torch.testing.assert_close(ours, ClipLoss()(image, text, SCALE))


def test_equal_texts_in_equal_states_cost_what_clip_charges():
    """Rows and columns of equal texts are then equal, and so is any sharing out of the targets among them."""
    image, text = embeddings(4)
    text[1] = text[0]
    shared = JointPositivesLoss()(image, text, SCALE, torch.tensor([0, 0, 2, 3]))
    torch.testing.assert_close(shared, ClipLoss()(image, text, SCALE))


def test_a_photo_may_match_the_text_of_its_twin():
    """Two photos, each nearest to the other's state of the same text: a mistake for CLIP, half of one here."""
    image, text = torch.eye(4), torch.eye(4)[[1, 0, 2, 3]]
    joint = JointPositivesLoss()(image, text, SCALE, torch.tensor([0, 0, 2, 3]))
    plain = JointPositivesLoss()(image, text, SCALE, torch.arange(4))
    assert joint.item() == pytest.approx(plain.item() / 2, rel=1e-3)


def test_loss_by_hand():
    image = text = torch.eye(2)
    loss = JointPositivesLoss()(image, text, torch.tensor(1.0), torch.tensor([7, 7]))
    log_sum = math.log(math.e + 1)
    assert loss.item() == pytest.approx(0.5 * (log_sum - 1) + 0.5 * log_sum)


def test_retrieval_recall_by_hand():
    image = torch.eye(3)
    text = torch.tensor([[1.0, 0.9, 0.0], [0.0, 0.5, 0.0], [0.0, 0.6, 1.0]])
    # image x text = columns of `text`: photo 1 prefers text 0 and text 2; text 1 still prefers photo 1
    recall = retrieval_recall(image, text)
    assert recall["image_to_text_recall@1"] == pytest.approx(2 / 3)
    assert recall["text_to_image_recall@1"] == pytest.approx(1)
    assert recall["image_to_text_recall@5"] == 1
    assert set(recall) == {f"{way}_recall@{k}" for way in ("image_to_text", "text_to_image") for k in (1, 5, 10)}


def test_augmented_pixels_are_shifted_or_mirrored_originals():
    torch.manual_seed(0)
    pixels = torch.arange(32, dtype=torch.uint8).expand(40, 3, 32, 32).contiguous()
    pictures = augment(pixels)
    assert (pictures.shape, pictures.dtype) == (pixels.shape, torch.uint8)
    middles = pictures[:, 0, 16, 4:28].int()
    steps = middles.diff(dim=1)
    assert {tuple(row.unique().tolist()) for row in steps} == {(1,), (-1,)}
    shifts = torch.where(steps[:, 0] > 0, middles[:, 0] - 4, 31 - middles[:, 0] - 4)
    assert set(shifts.abs().tolist()) <= {0, 1, 2}


def trained(tiny, workspace=None, report=lambda epoch, values: None, **changes):
    backbone = load_backbone(tiny)
    config = ContrastiveConfig(**{"epochs": 2, "batch_size": 8, **changes})
    last = fit_contrastive(
        backbone, products(32, seed=1), products(12, seed=2), config, 0, workspace or Workspace(), report
    )
    return backbone, last


def test_training_is_repeatable_and_moves_both_towers(tiny):
    (one, scores), (other, _) = trained(tiny), trained(tiny)
    for (name, first), second in zip(one.state_dict().items(), other.state_dict().values(), strict=True):
        assert torch.equal(first, second), name
    start = load_backbone(tiny)
    for name in ("visual.conv1.weight", "token_embedding.weight", "visual.proj", "text_projection", "logit_scale"):
        assert not torch.equal(one.clip.get_parameter(name), start.clip.get_parameter(name)), name
    assert 0 <= scores["val/image_to_text_recall@10"] <= 1


def test_resumed_training_ends_with_the_same_weights(tiny, tmp_path):
    class Killed(BaseException):
        pass

    def die(epoch, values):
        if epoch == 1:
            raise Killed

    workspace = Workspace(checkpoints=tmp_path)
    with pytest.raises(Killed):
        trained(tiny, workspace, die, epochs=3)
    (resumed, _), (straight, _) = trained(tiny, workspace, epochs=3), trained(tiny, epochs=3)
    for (name, first), second in zip(resumed.state_dict().items(), straight.state_dict().values(), strict=True):
        assert torch.equal(first, second), name


def test_diverged_training_names_the_epoch(tiny):
    with pytest.raises(FloatingPointError, match="contrastive loss is nan in epoch 0; lower the learning rate"):
        trained(tiny, learning_rate=1e30)


def loss_of(backbone, batch, keys, **processes):
    image = backbone.encode_image(batch.pixel_values)[2]
    text = backbone.encode_text(batch.input_ids)
    return JointPositivesLoss(**processes)(image, text, backbone.logit_scale.exp(), keys)


KEYS = torch.tensor([0, 1, 0, 3, 4, 1])  # equal texts on either side of the cut


def one_of_two(rank, tiny, port, folder):
    """What one of two processes does with its half of the batch; DDP averages the gradients."""
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", rank=rank, world_size=2)
    backbone = load_backbone(tiny)
    half = slice(3 * rank, 3 * rank + 3)
    batch = example_batch(Processor(backbone), list(products(6, holes=False))[half], TASKS)
    loss = loss_of(backbone, batch, KEYS[half], rank=rank, world_size=2)
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
    loss = loss_of(backbone, example_batch(Processor(backbone), list(products(6, holes=False)), TASKS), KEYS)
    loss.backward()
    expected = {name: p.grad for name, p in backbone.named_parameters() if p.grad is not None}
    for rank in range(2):
        found = torch.load(tmp_path / f"{rank}.pt", weights_only=True)
        torch.testing.assert_close(found["loss"], loss.detach(), atol=1e-5, rtol=0)
        assert found["gradients"].keys() == expected.keys()
        for name, gradient in found["gradients"].items():
            torch.testing.assert_close(gradient, expected[name], atol=1e-5, rtol=1e-4, msg=name)
