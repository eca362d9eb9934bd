import tempfile
from dataclasses import replace

import numpy as np
import pytest
import torch

from cma_clip.backbone.loading import load_backbone
from cma_clip.classifier import Workspace
from cma_clip.examples import ExampleList
from cma_clip.features.processing import Processor
from cma_clip.features.token_features import token_features
from cma_clip.learner import Learner
from cma_clip.model import CMAClip, CMAClipConfig, CMAClipNetwork
from cma_clip.network import Widths
from cma_clip.types import IGNORE, Example
from tests.products import TASKS, changed, photo, products

SHAPE = {"width": 32, "depth": 2, "heads": 2}


@pytest.fixture(scope="module")
def fitted(tiny):
    config = CMAClipConfig(backbone=tiny, max_epochs=2, batch_size=8, **SHAPE)
    model = CMAClip(TASKS, config)
    model.fit(products(24, seed=1), products(12, seed=2))
    return model


@pytest.fixture(scope="module")
def features(tiny):
    backbone = load_backbone(tiny)
    return token_features(backbone, Processor(backbone), products(8), Workspace()).batch(slice(None))


def network(features, **changes):
    states = features.text_cls, features.image_cls, features.text_embedding, features.word_embeddings
    widths = Widths(*(state.shape[-1] for state in states))
    torch.manual_seed(0)
    return CMAClipNetwork(TASKS, widths, CMAClipConfig(**SHAPE, **changes)).eval()


def same(first, second, atol=1e-5):
    for task in first.probabilities:
        np.testing.assert_allclose(first.probabilities[task], second.probabilities[task], atol=atol)


CONTENT = {
    "image": ("image_tokens", "image_cls", "image_embedding"),
    "text": ("text_tokens", "text_cls", "text_embedding", "word_embeddings"),
}
VARIANTS = [
    {},
    {"sequence_attention": False},
    {"modality_attention": False},
    {"sequence_attention": False, "modality_attention": False},
    {"keyless_vectors": "per_modality"},
]


@pytest.mark.parametrize("changes", VARIANTS)
def test_a_missing_modality_cannot_influence_logits(features, changes):
    model = network(features, **changes)
    missing = {"image": ~features.image_present, "text": ~features.text_present}
    mixed = {}
    for modality, names in CONTENT.items():
        for name in names:
            value = getattr(features, name).clone()
            value[missing[modality]] = torch.randn_like(value[missing[modality]])
            mixed[name] = value
    before, after = model(features), model(replace(features, **mixed))
    for task in before.logits:
        torch.testing.assert_close(after.logits[task], before.logits[task])


@pytest.mark.parametrize("changes", VARIANTS)
def test_missing_modality_has_weight_0(features, changes):
    output = network(features, **changes)(features)
    if changes.get("modality_attention", True):
        for weights in output.modality_weights.values():
            torch.testing.assert_close(weights.sum(dim=1), torch.ones(8))
            assert weights[6].tolist() == [1, 0]
            assert weights[7].tolist() == [0, 1]
    else:
        assert output.modality_weights is None


@pytest.mark.parametrize(("reads", "other"), [("text", "image"), ("image", "text")])
def test_unimodal_network_never_looks_at_the_other(features, reads, other):
    model = network(features, reads=reads)
    noise = {name: torch.randn_like(getattr(features, name)) for name in CONTENT[other]}
    before, after = model(features), model(replace(features, **noise))
    for task in before.logits:
        torch.testing.assert_close(after.logits[task], before.logits[task])
    expected = features.text_present if reads == "text" else features.image_present
    assert torch.equal(model.usable(features), expected)


def test_an_unlabelled_task_adds_no_loss_and_no_gradient(features):
    model = network(features)
    learner = Learner(model, None, CMAClipConfig(**SHAPE), {}, seed=0)
    color = torch.tensor([0, 1, 2, IGNORE, 0, IGNORE, 1, 2])
    unknown = torch.full((8,), IGNORE)
    loss = learner.loss(model(features), {"color": color, "size": unknown})
    torch.testing.assert_close(
        loss, torch.nn.functional.cross_entropy(model(features).logits["color"], color, ignore_index=IGNORE)
    )
    loss.backward()
    gradients = {name: p.grad for name, p in model.heads.named_parameters()}
    assert all(gradient is None for name, gradient in gradients.items() if name.startswith("1."))
    assert all(gradient.abs().sum() > 0 for name, gradient in gradients.items() if name.startswith("0."))


def test_a_batch_without_any_label_has_loss_0(features):
    model = network(features)
    learner = Learner(model, None, CMAClipConfig(**SHAPE), {}, seed=0)
    loss = learner.loss(model(features), {task.name: torch.full((8,), IGNORE) for task in TASKS})
    loss.backward()
    assert loss.item() == 0
    assert all(p.grad is None or not p.grad.any() for p in model.parameters())


def test_task_and_class_weights_by_hand(features):
    model = network(features)
    config = CMAClipConfig(**SHAPE, task_weights={"size": 3.0}, label_smoothing=0.1)
    color, size = torch.tensor([0, 1, 2, 0, 1, 2, 0, 1]), torch.tensor([0, 1] * 4)
    weights = {"color": torch.tensor([1.0, 2.0, 0.5])}
    logits = model(features).logits
    entropy = torch.nn.functional.cross_entropy
    expected = (
        entropy(logits["color"], color, weight=weights["color"], label_smoothing=0.1)
        + 3 * entropy(logits["size"], size, label_smoothing=0.1)
    ) / 4
    loss = Learner(model, None, config, weights, seed=0).loss(model(features), {"color": color, "size": size})
    torch.testing.assert_close(loss, expected)


def test_permuted_examples_give_permuted_predictions(fitted):
    examples = products(16, seed=3)
    order = np.random.default_rng(0).permutation(16)
    straight, permuted = fitted.predict(examples), fitted.predict(ExampleList(examples[i] for i in order))
    assert permuted.ids == tuple(straight.ids[i] for i in order)
    for task in straight.probabilities:
        np.testing.assert_allclose(permuted.probabilities[task], straight.probabilities[task][order], atol=1e-5)


def test_neighbours_and_padding_change_nothing(fitted):
    """Alone, an example is neither padded nor in a batch; features in half precision are the same ones."""
    examples = products(8, seed=3)
    together = fitted.predict(examples)
    for row, example in enumerate(examples):
        alone = fitted.predict(ExampleList([example]))
        for task in alone.probabilities:
            np.testing.assert_allclose(alone.probabilities[task][0], together.probabilities[task][row], atol=1e-4)


def test_content_of_a_missing_modality_does_not_exist(fitted):
    examples = products(8, seed=3, holes=False)
    weights = fitted.predict(changed(examples, image=None)).modality_weights
    assert all((value == [1, 0]).all() for value in weights.values())
    weights = fitted.predict(changed(examples, text="  ")).modality_weights
    assert all((value == [0, 1]).all() for value in weights.values())


def test_nothing_to_go_by_gives_the_shares_of_the_training_split(fitted):
    nothing = ExampleList([Example("0", "0", None, None), Example("1", "1", photo("red"), None)])
    predictions = fitted.predict(nothing)
    for task in TASKS:
        np.testing.assert_allclose(predictions.probabilities[task.name][0], fitted.priors[task.name])
        assert not np.allclose(predictions.probabilities[task.name][1], fitted.priors[task.name])


def test_labels_of_the_test_split_are_not_read(fitted):
    examples = products(8, seed=3)
    same(fitted.predict(examples), fitted.predict(changed(examples, labels={})), atol=0)


def test_usable_without_the_benchmark(fitted, tmp_path):
    fitted.save(tmp_path)
    model = CMAClip.from_pretrained(tmp_path)
    predictions = model.predict(ExampleList.of([photo("red"), None], ["a small dress", "a large shirt"]))
    assert predictions.probabilities["color"].shape == (2, 3)
    assert not list(tmp_path.glob("*.p*t*"))  # no pickle


def test_paths_may_be_texts(fitted, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fitted.save("kept/here")
    same(CMAClip.load("kept/here").predict(products(8, seed=3)), fitted.predict(products(8, seed=3)), atol=0)


@pytest.mark.parametrize("place", ["taken/model", 3], ids=["a file is in the way", "no path"])
def test_a_model_that_cannot_be_saved_where_it_should_is_not_lost(place, fitted, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(OSError, match=rf"^{place} cannot be written \(.*\); the model is saved in ") as said:
        fitted.save(place)
    kept = CMAClip.load(str(said.value).rpartition(" ")[2])
    same(kept.predict(products(8, seed=3)), fitted.predict(products(8, seed=3)), atol=0)


def test_other_weights_are_refused(fitted, architectures, tmp_path):
    fitted.save(tmp_path)
    saved = (tmp_path / "classifier.json").read_text()
    (tmp_path / "classifier.json").write_text(saved.replace(fitted.config.backbone, architectures["resnet"]))
    with pytest.raises(ValueError, match=r"trained on weights .* those found here are"):
        CMAClip.load(tmp_path)


def test_a_folder_of_another_model_is_named(tmp_path):
    (tmp_path / "classifier.json").write_text('{"config": {"regions": 3}}')
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(ValueError, match=f"{folder.name} holds no saved CMAClip: "):
            CMAClip.from_pretrained(folder)


def test_nothing_to_predict_is_said(fitted):
    with pytest.raises(ValueError, match="there is no example to predict"):
        fitted.predict(ExampleList([]))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"freeze": -3}, "greater than or equal to 1"),
        ({"freeze": True}, "freeze"),
        ({"width": 192, "heads": 5}, "width 192 is not a multiple of heads 5"),
        ({"task_weights": {"color": 0}}, "greater than 0"),
    ],
)
def test_values_that_could_not_train_are_refused_at_once(values, message):
    with pytest.raises(ValueError, match=message):
        CMAClipConfig(**values)


def test_weights_of_tasks_that_are_not_there_are_refused(tiny):
    config = CMAClipConfig(backbone=tiny, width=32, heads=2, task_weights={"colour": 5.0})
    with pytest.raises(ValueError, match="task_weights: no task is called 'colour'; valid: "):
        CMAClip(TASKS, config)
