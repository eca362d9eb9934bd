import numpy as np
import pytest
import torch

from baselines.fine_tuned_clip import FineTunedCLIP, FineTunedCLIPConfig
from baselines.zero_shot import ZeroShot, ZeroShotConfig
from cma_clip.classifier import Workspace
from cma_clip.contrastive.module import ContrastiveModule
from cma_clip.examples import ExampleList
from cma_clip.types import Example
from tests.products import TASKS, changed, products

TRAIN, VAL, TEST = products(48, seed=1), products(16, seed=2), products(13, seed=3)


def fitted(tiny, train=TRAIN, workspace=None, report=lambda epoch, values: None, **changes):
    settings = {"backbone": tiny, "max_epochs": 2, "batch_size": 8, "learning_rate": 1e-3, **changes}
    model = FineTunedCLIP(TASKS, FineTunedCLIPConfig(**settings), seed=0, workspace=workspace or Workspace())
    model.fit(train, VAL, report)
    return model


def same(one, other):
    return all(np.array_equal(one.probabilities[task], other.probabilities[task]) for task in one.probabilities)


def test_training_labels_are_never_read(tiny):
    assert same(fitted(tiny).predict(TEST), fitted(tiny, changed(TRAIN, labels={})).predict(TEST))


def test_it_differs_from_the_clip_it_started_from_also_where_features_are_cached(tiny, tmp_path):
    cache = Workspace(cache=tmp_path)
    named = ExampleList(TEST)
    named.fingerprint = "named"
    before = ZeroShot(TASKS, ZeroShotConfig(backbone=tiny), workspace=cache).predict(named)
    model = fitted(tiny, workspace=cache)
    after = model.predict(named)
    assert not same(before, after)
    assert same(after, model.predict(ExampleList(TEST)))
    assert same(before, ZeroShot(TASKS, ZeroShotConfig(backbone=tiny), workspace=cache).predict(named))


def test_the_epoch_with_the_best_validation_score_is_kept(tiny):
    scores = []
    model = fitted(tiny, report=lambda epoch, values: scores.append(values["val/score"]), max_epochs=4, patience=4)
    facts = model.facts()
    assert facts["epochs"] == len(scores) == 4
    assert facts["best_epoch"] == int(np.argmax(scores))
    known = [[labels[task.name] for labels in VAL.label_rows() if task.name in labels] for task in TASKS]
    predicted = model.predict(VAL)
    accuracies = [
        np.mean(predicted.probabilities[task.name].argmax(1)[VAL.labels(task.name) >= 0] == labels)
        for task, labels in zip(TASKS, known, strict=True)
    ]
    assert facts["val_score"] == pytest.approx(np.mean(accuracies), abs=1e-6)


def test_only_pairs_are_trained_on(tiny):
    model = fitted(tiny)
    complete = [example for example in TRAIN if example.image and example.text and example.text.strip()]
    assert model.facts()["pairs"] == len(complete)


def test_without_a_pair_it_is_zero_shot_clip(tiny):
    photos = ExampleList(Example(e.id, e.group, e.image, None, e.labels) for e in TRAIN)
    model = fitted(tiny, photos)
    assert model.facts()["pairs"] == 0
    expected = ZeroShot(TASKS, ZeroShotConfig(backbone=tiny)).predict(TEST)
    for task in TASKS:
        np.testing.assert_allclose(
            model.predict(TEST).probabilities[task.name], expected.probabilities[task.name], atol=5e-3
        )  # zero-shot CLIP reads its embeddings in half precision


def test_validation_without_a_pair_still_chooses_the_epoch(tiny):
    photos = ExampleList(Example(e.id, e.group, e.image, None, e.labels) for e in VAL)
    model = FineTunedCLIP(TASKS, FineTunedCLIPConfig(backbone=tiny, max_epochs=2, batch_size=8), seed=0)
    model.fit(TRAIN, photos)
    assert model.facts()["best_epoch"] in (0, 1)
    assert 0 <= model.facts()["val_score"] <= 1


def test_training_that_had_stopped_early_does_not_go_on(tiny, tmp_path):
    options = {"max_epochs": 6, "patience": 1, "learning_rate": 1e-9, "backbone_learning_rate": 1e-9}
    stopped, again = (fitted(tiny, workspace=Workspace(checkpoints=tmp_path), **options) for _ in range(2))
    assert stopped.facts()["epochs"] == 2
    assert again.facts() == stopped.facts()
    assert same(again.predict(TEST), stopped.predict(TEST))


def test_mixed_precision(tiny):
    mixed, full = fitted(tiny, precision="bf16-mixed").predict(TEST), fitted(tiny).predict(TEST)
    assert not same(mixed, full)
    for task in TASKS:
        np.testing.assert_allclose(mixed.probabilities[task.name], full.probabilities[task.name], atol=0.2)


def test_frozen_towers_leave_the_projections_to_train(tiny):
    facts = fitted(tiny, freeze="all").facts()
    assert 0 < facts["trainable_parameters"] < fitted(tiny).facts()["trainable_parameters"]


def test_training_starts_from_the_same_weights_whatever_was_drawn_before(tiny):
    torch.manual_seed(5)
    one = fitted(tiny).predict(TEST)
    torch.manual_seed(6)
    assert same(one, fitted(tiny).predict(TEST))


class Killed(BaseException):
    pass


def test_trained_once_more_it_goes_on_after_a_kill(tiny, tmp_path, monkeypatch):
    def die(module):
        start(module)
        if module.current_epoch == 1:
            raise Killed

    start = ContrastiveModule.on_train_epoch_start
    everything = ExampleList([*TRAIN, *VAL])
    killed, straight = fitted(tiny, workspace=Workspace(checkpoints=tmp_path)), fitted(tiny)
    for model in (killed, straight):
        model._history["best_epoch"] = 1
    straight.refit(everything)
    with monkeypatch.context() as patch:
        patch.setattr(ContrastiveModule, "on_train_epoch_start", die)
        with pytest.raises(Killed):
            killed.refit(everything)
    assert list((tmp_path / "refit").glob("epoch=0*.ckpt"))
    killed.refit(everything)
    assert same(killed.predict(TEST), straight.predict(TEST))
    assert killed.facts()["refit"] == {"epochs": 2, "rows": 64}
