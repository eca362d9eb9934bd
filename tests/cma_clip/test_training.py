import os
import signal

import numpy as np
import pytest
import torch

from benchmarks.processes import fresh_processes
from cma_clip.classifier import Workspace
from cma_clip.examples import ExampleList
from cma_clip.learner import Learner
from cma_clip.model import CMAClip, CMAClipConfig
from cma_clip.trainer import EpochLimit, last_checkpoint, warmup_cosine
from tests.products import TASKS, products

TRAIN, VAL, TEST = products(24, seed=1), products(12, seed=2), products(12, seed=3)
EVERYTHING = ExampleList([*TRAIN, *VAL, *TEST])
SHAPE = {"width": 32, "depth": 1, "heads": 2, "batch_size": 8}


def model_of(tiny, seed=0, workspace=None, **changes):
    return CMAClip(TASKS, CMAClipConfig(backbone=tiny, **{**SHAPE, "max_epochs": 2, **changes}), seed, workspace)


def fitted(*args, report=lambda epoch, values: None, **kwargs):
    model = model_of(*args, **kwargs)
    model.fit(TRAIN, VAL, report)
    return model


def same_bits(one, other):
    first, second = one.predict(TEST).probabilities, other.predict(TEST).probabilities
    return all(np.array_equal(first[task], second[task]) for task in first)


class Killed(BaseException):
    """Nothing in the training may catch it."""


def test_other_seed_other_model_and_the_global_generator_is_left_alone(tiny):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    one, other = model_of(tiny, seed=0), model_of(tiny, seed=1)
    assert torch.equal(torch.get_rng_state(), before)
    assert any(not torch.equal(a, b) for a, b in zip(one.network.parameters(), other.network.parameters(), strict=True))


@pytest.mark.parametrize("freeze", ["all", "none"])
@pytest.mark.parametrize("stop", [0, 1])
def test_resumed_training_ends_with_the_same_bits(tiny, tmp_path, freeze, stop):
    def die(epoch, values):
        if epoch == stop:
            raise Killed

    options = {"max_epochs": 3, "freeze": freeze, "dropout": 0.3}
    workspace = Workspace(checkpoints=tmp_path)
    with pytest.raises(Killed):
        fitted(tiny, workspace=workspace, report=die, **options)
    heard = []
    resumed = fitted(tiny, workspace=workspace, report=lambda epoch, values: heard.append(epoch), **options)
    assert heard[-1] == 2
    assert resumed.facts()["epochs"] == 3
    assert same_bits(resumed, fitted(tiny, **options))


def dying_at(epoch, monkeypatch):
    def die(learner):
        start(learner)
        if learner.current_epoch == epoch:
            raise Killed

    start = Learner.on_train_epoch_start
    monkeypatch.setattr(Learner, "on_train_epoch_start", die)


@pytest.mark.parametrize("freeze", ["all", "none"])
@pytest.mark.parametrize("stop", [1, 2])
def test_a_model_that_is_trained_once_more_goes_on_after_a_kill(tiny, tmp_path, monkeypatch, freeze, stop):
    """Its own fit has left checkpoints of more epochs in the same folder."""
    options = {"max_epochs": 4, "freeze": freeze, "dropout": 0.3}
    straight, killed, resumed = (fitted(tiny, workspace=Workspace(checkpoints=tmp_path), **options) for _ in range(3))
    for model in (straight, killed, resumed):
        model._history["best_epoch"] = 2
    straight.workspace = Workspace()
    straight.refit(EVERYTHING)
    with monkeypatch.context() as patch:
        dying_at(stop, patch)
        with pytest.raises(Killed):
            killed.refit(EVERYTHING)
    with monkeypatch.context() as patch:
        dying_at(0, patch)  # it does not begin again
        resumed.refit(EVERYTHING)
    assert same_bits(resumed, straight)
    with monkeypatch.context() as patch:
        dying_at(3, patch)  # and does not go beyond
        resumed.refit(EVERYTHING)
    assert same_bits(resumed, straight)
    assert resumed.facts()["refit"] == {"epochs": 3, "rows": len(EVERYTHING)}
    assert (resumed.facts()["epochs"], resumed.facts()["best_epoch"]) == (4, 2)


def test_without_a_validated_epoch_all_of_them_are_kept():
    assert EpochLimit.chosen({"epochs": 5, "best_epoch": -1}).epochs == 5
    assert EpochLimit.chosen({"epochs": 5, "best_epoch": 1}).epochs == 2


def test_training_that_had_stopped_early_does_not_go_on(tiny, tmp_path):
    """Killed after its last epoch and before its record was written."""
    options = {"max_epochs": 6, "patience": 1, "learning_rate": 1e-9}
    workspace = Workspace(checkpoints=tmp_path)
    stopped = fitted(tiny, workspace=workspace, **options)
    heard = []
    again = fitted(tiny, workspace=workspace, report=lambda epoch, values: heard.append(epoch), **options)
    assert heard == []
    assert again.facts() == stopped.facts()
    assert stopped.facts()["epochs"] == 2
    assert same_bits(again, stopped)


@pytest.mark.parametrize("freeze", ["all", "none"])
def test_training_in_mixed_precision(tiny, freeze):
    """On a CPU, which can do it too; gradients are clipped as in full precision."""
    mixed = fitted(tiny, precision="bf16-mixed", freeze=freeze)
    assert all(parameter.dtype == torch.float32 for parameter in mixed.network.parameters())
    full = fitted(tiny, freeze=freeze)
    for task, probabilities in mixed.predict(TEST).probabilities.items():
        np.testing.assert_allclose(probabilities, full.predict(TEST).probabilities[task], atol=0.1)
    assert not same_bits(mixed, full)


def killed_after_two_epochs(tiny, folder):
    def die(epoch, values):
        if epoch == 1:
            os.kill(os.getpid(), signal.SIGKILL)

    torch.set_num_threads(1)
    fitted(tiny, workspace=Workspace(checkpoints=folder), report=die, max_epochs=3)


def test_training_killed_by_the_system_goes_on(tiny, tmp_path):
    server = fresh_processes("benchmarks.running.parallel")
    process = server.Process(target=killed_after_two_epochs, args=(tiny, tmp_path))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    workspace = Workspace(checkpoints=tmp_path)
    assert last_checkpoint(workspace) is not None
    heard = []
    resumed = fitted(tiny, workspace=workspace, report=lambda epoch, values: heard.append(epoch), max_epochs=3)
    assert heard in ([1, 2], [2])  # not from the start
    assert same_bits(resumed, fitted(tiny, max_epochs=3))


def test_torn_checkpoint_is_passed_over(tmp_path):
    (tmp_path / "epoch=4.ckpt").write_bytes(b"PK torn")
    workspace = Workspace(checkpoints=tmp_path)
    assert last_checkpoint(workspace) is None
    torch.save({}, tmp_path / "epoch=3.ckpt")
    torch.save({}, tmp_path / "epoch=2-v1.ckpt")
    assert last_checkpoint(workspace) == tmp_path / "epoch=3.ckpt"


def test_the_best_epoch_is_kept_not_the_last(tiny):
    model = model_of(tiny, max_epochs=4)
    scores = []

    def spoil(epoch, values):
        """After the second epoch every answer is the rarest class, whatever is learned from then on."""
        scores.append(values["val/score"])
        if epoch == 1:
            for head, task in zip(model.network.heads, TASKS, strict=True):
                counts = np.bincount(VAL.labels(task.name)[VAL.labels(task.name) >= 0], minlength=len(task.classes))
                with torch.no_grad():
                    head[-1].bias[int(counts.argmin())] = 1e4

    model.fit(TRAIN, VAL, spoil)
    best = int(np.argmax(scores))  # the earliest of equals
    assert best < 2
    assert scores[3] < scores[best]
    assert model.facts()["best_epoch"] == best
    predictions = model.predict(VAL)
    accuracies = []
    for task in TASKS:
        known = predictions.labels[task.name] >= 0
        hits = predictions.probabilities[task.name].argmax(1) == predictions.labels[task.name]
        accuracies.append(hits[known].mean())
    assert np.mean(accuracies) == pytest.approx(scores[best])


def test_training_stops_when_the_score_stays(tiny):
    model = fitted(tiny, max_epochs=30, patience=1, learning_rate=1e-9)
    assert model.facts()["epochs"] == 2
    assert model.facts()["samples_seen"] == 2 * len(TRAIN)


def test_nan_loss_names_the_epoch(tiny):
    model = model_of(tiny)

    def poison(epoch, values):
        with torch.no_grad():
            model.network.heads[0][0].weight.fill_(float("nan"))

    with pytest.raises(FloatingPointError, match=r"training loss is nan in epoch 1, step \d+: lower learning_rate"):
        model.fit(TRAIN, VAL, poison)


def test_frozen_backbone_does_not_move(tiny):
    model = model_of(tiny)
    before = {name: value.clone() for name, value in model.backbone.state_dict().items()}
    model.fit(TRAIN, VAL)
    assert all(torch.equal(value, before[name]) for name, value in model.backbone.state_dict().items())
    assert all(p.grad is None for p in model.backbone.parameters())
    assert model.facts()["trainable_backbone_parameters"] == 0


def test_only_the_last_block_moves(tiny):
    model = model_of(tiny, freeze=1, backbone_learning_rate=1e-3)
    before = {name: value.clone() for name, value in model.backbone.named_parameters()}
    model.fit(TRAIN, VAL)
    moved = {name for name, value in model.backbone.named_parameters() if not torch.equal(value, before[name])}
    assert {name for name in moved if "resblocks.0." in name or "embedding" in name or "conv1" in name} == set()
    assert "clip.transformer.resblocks.1.mlp.c_fc.weight" in moved
    assert "clip.visual.transformer.resblocks.1.mlp.c_fc.weight" in moved
    assert "clip.logit_scale" not in moved


def test_fine_tuned_backbone_is_saved_with_the_model(tiny, tmp_path):
    model = fitted(tiny, freeze="none", backbone_learning_rate=1e-3)
    model.save(tmp_path)
    assert same_bits(model, CMAClip.load(tmp_path))
    assert model.facts()["trainable_backbone_parameters"] > 0


def test_cached_and_direct_training_agree(tiny, tmp_path):
    train, val = products(24, seed=1, fingerprint="train"), products(12, seed=2, fingerprint="val")
    model = model_of(tiny, workspace=Workspace(cache=tmp_path))
    model.fit(train, val)
    assert same_bits(model, fitted(tiny))


def test_every_epoch_is_reported(tiny):
    heard = {}
    fitted(tiny, report=lambda epoch, values: heard.update({epoch: values}))
    assert list(heard) == [0, 1]
    assert {"train/loss", "val/loss", "val/score", "val/color/accuracy", "val/size/accuracy"} <= set(heard[1])
    accuracies = heard[1]["val/color/accuracy"], heard[1]["val/size/accuracy"]
    assert heard[1]["val/score"] == pytest.approx(sum(accuracies) / 2)


def test_schedule_by_hand():
    factors = [warmup_cosine(step, 10, 0.2) for step in range(11)]
    assert factors[:3] == [0.5, 1.0, 1.0]
    assert factors[6] == pytest.approx(0.5)
    assert factors[10] == pytest.approx(0)
    assert factors[2:] == sorted(factors[2:], reverse=True)


@pytest.mark.parametrize("freeze", ["all", "none"])
def test_predictions_come_in_the_order_of_the_examples(tiny, monkeypatch, freeze):
    """They are computed in batches of similar length."""
    model = model_of(tiny, freeze=freeze, max_epochs=1)
    model.fit(TRAIN, VAL)
    monkeypatch.setattr("cma_clip.neural_classifier.ROWS", 3)
    together = model.predict(TEST)
    alone = [model.predict(ExampleList([example])) for example in TEST]
    for part, found in {"probabilities": together.probabilities, "modality_weights": together.modality_weights}.items():
        for task, values in found.items():
            rows = np.concatenate([getattr(one, part)[task] for one in alone])
            np.testing.assert_allclose(values, rows, atol=1e-5)
