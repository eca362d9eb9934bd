import json

import numpy as np
import pytest

from benchmarks import models
from benchmarks.models import MODELS, ModelError
from benchmarks.suites import MODEL_ORDER
from cma_clip.classifier import Workspace
from tests.products import TASKS, products

NEURAL = {"max_epochs": 1, "width": 24, "heads": 2, "depth": 1}


def test_the_tables_know_every_model_in_its_order():
    assert tuple(MODELS) == MODEL_ORDER


def test_every_model_says_what_it_is():
    assert all((model.__doc__ or "").strip() for model in MODELS.values())


def test_defaults_are_filled_in():
    model, config = models.resolve("cma_clip", {"depth": 1})
    assert model is MODELS["cma_clip"]
    assert config.depth == 1
    assert config.model_dump().keys() == model.Config.model_fields.keys()


WRONG = {
    "model": ("cma_clp", {}, "unknown model 'cma_clp'; did you mean 'cma_clip'"),
    "nothing like it": ("xyzzy", {}, r"unknown model 'xyzzy'\. Valid: majority, .*cma_clip$"),
    "hyper-parameter": ("cma_clip", {"dept": 1}, "unknown hyper-parameter of cma_clip 'dept'; did you mean 'depth'"),
    "range": ("cma_clip", {"learning_rate": 0}, "cma_clip: learning_rate=0: .* greater than 0"),
    "type": ("cma_clip", {"depth": "deep"}, "cma_clip: depth='deep': .* integer"),
    "choice": ("cma_clip", {"reads": "smell"}, "cma_clip: reads='smell': .*'both'.*'text'.*'image'"),
    "nested": ("cma_clip", {"task_weights": {"color": "x"}}, "cma_clip: task_weights.color='x'"),
    "model without any": ("majority", {"depth": 1}, "unknown hyper-parameter of majority 'depth'"),
}


@pytest.mark.parametrize(("name", "hparams", "message"), WRONG.values(), ids=WRONG)
def test_what_does_not_exist_is_refused_in_one_sentence(name, hparams, message):
    with pytest.raises(ModelError, match=message) as caught:
        models.resolve(name, hparams)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["majority", "tfidf_logistic", "cma_clip"])
def test_a_saved_model_is_loaded_by_its_folder_alone(name, tiny, tmp_path):
    hparams = {**NEURAL, "backbone": tiny} if name == "cma_clip" else {}
    train, test = products(24, 0), products(8, 1)
    fitted = models.create(name, hparams, TASKS, 3, Workspace(tmp_path / "cache"))
    fitted.fit(train, products(8, 2))
    models.save(name, fitted, tmp_path / "model")
    loaded = models.load(tmp_path / "model")
    assert type(loaded) is MODELS[name]
    for task, probabilities in fitted.predict(test).probabilities.items():
        np.testing.assert_array_equal(loaded.predict(test).probabilities[task], probabilities)


def test_a_folder_without_a_model_is_named(tmp_path):
    for content in (None, "{", "{}", "[]", json.dumps({"model": "of another project"})):
        if content is not None:
            (tmp_path / models.NAME_FILE).write_text(content)
        with pytest.raises(ModelError, match=str(tmp_path)):
            models.load(tmp_path)
