import pytest
import torch

from baselines import BASELINES
from cma_clip.augmentation import TOKEN_STATES, add_token_noise, augment_features, drop_modality
from cma_clip.backbone.loading import load_backbone
from cma_clip.classifier import Workspace
from cma_clip.features.processing import Processor
from cma_clip.features.token_features import NAMES, token_features
from cma_clip.model import CMAClip
from cma_clip.neural_classifier import NeuralClassifier
from tests.cma_clip.test_training import TRAIN, VAL, Killed, fitted, model_of, same_bits
from tests.products import TASKS, products

BOTH = {"modality_dropout": 0.5, "token_noise": 0.2}
NETWORKS = [model for model in (*BASELINES.values(), CMAClip) if issubclass(model, NeuralClassifier)]


@pytest.fixture(scope="module")
def features(tiny):
    backbone = load_backbone(tiny)
    return token_features(backbone, Processor(backbone), products(400), Workspace()).batch(slice(None))


def test_rates_of_zero_change_nothing_and_draw_nothing(features):
    before = torch.get_rng_state()
    assert augment_features(features, 0.0, 0.0) is features
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("rate", [0.3, 1.0])
def test_dropout_takes_either_modality_and_never_the_only_one(features, rate):
    torch.manual_seed(0)
    dropped = drop_modality(features, rate)
    had_both = features.text_present & features.image_present
    lost_text = features.text_present & ~dropped.text_present
    lost_image = features.image_present & ~dropped.image_present
    assert not (lost_text & lost_image).any()
    assert not ((lost_text | lost_image) & ~had_both).any()
    for lost in (lost_text, lost_image):
        assert (lost.sum() / had_both.sum()).item() == pytest.approx(rate / 2, abs=0.08)
    assert not dropped.text_mask[lost_text].any()
    assert torch.equal(dropped.text_mask[~lost_text], features.text_mask[~lost_text])


def test_a_dropped_modality_gets_no_weight(features, tiny):
    torch.manual_seed(0)
    dropped = drop_modality(features, 1.0)
    network = model_of(tiny).network.eval()
    with torch.no_grad():
        weights = network(dropped).modality_weights["color"]
    assert (weights[~dropped.text_present, 0] == 0).all()
    assert (weights[~dropped.image_present, 1] == 0).all()


def test_noise_is_relative_to_each_state_and_leaves_the_rest(features):
    torch.manual_seed(0)
    noisy = add_token_noise(features, 0.1)
    for name in NAMES:
        before, after = getattr(features, name), getattr(noisy, name)
        if name not in TOKEN_STATES:
            assert torch.equal(before, after)
            continue
        size = before.square().mean(dim=-1).sqrt()
        moved = (after - before).square().mean(dim=-1).sqrt()
        assert (moved / size)[size > 0].mean().item() == pytest.approx(0.1, rel=0.05)


@pytest.mark.parametrize(("option", "value"), BOTH.items())
def test_each_option_reaches_the_training(tiny, option, value):
    assert not same_bits(fitted(tiny, max_epochs=1), fitted(tiny, max_epochs=1, **{option: value}))


def test_prediction_is_never_augmented(tiny):
    trained = fitted(tiny, max_epochs=1, **BOTH)
    assert same_bits(trained, trained)


def test_resumed_training_draws_the_same(tiny, tmp_path):
    def die(epoch, values):
        if epoch == 0:
            raise Killed

    workspace = Workspace(checkpoints=tmp_path)
    with pytest.raises(Killed):
        fitted(tiny, workspace=workspace, report=die, **BOTH)
    assert same_bits(fitted(tiny, workspace=workspace, **BOTH), fitted(tiny, **BOTH))


@pytest.mark.parametrize("model", NETWORKS, ids=lambda model: model.__name__)
def test_every_network_trains_when_each_example_loses_a_modality(model, tiny):
    fields = model.Config.model_fields
    shape = {name: value for name, value in {"width": 32, "heads": 2}.items() if name in fields}
    config = model.Config(backbone=tiny, max_epochs=1, modality_dropout=1.0, token_noise=0.5, **shape)
    trained = model(TASKS, config)
    trained.fit(TRAIN, VAL)
    assert 0 <= trained.facts()["val_score"] <= 1
