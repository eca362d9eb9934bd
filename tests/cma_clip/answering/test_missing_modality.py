"""Whether promises hold for a real model where classes are rare and a third of the rows lack a photo or a title."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from benchmarks import datasets, models
from benchmarks.datasets.loading.splits import Source
from cma_clip.classifier import Workspace
from cma_clip.types import ExampleList
from tests.cma_clip.answering.promises import TASK, share_broken

CATALOGUE = {"num_train": 2400, "num_val": 60, "num_test": 4000, "image_size": 32, "missing_labels": 0}
CLEAR = {"title_noise": 0, "distractors": 0}
"""So that a small training answers most colors."""
NETWORK = {"max_epochs": 5, "learning_rate": 3e-3, "batch_size": 32}
SHARES = np.geomspace(1, 0.05, 10)
"""Of the products of each color that are kept: the rarest has one row in seventy."""
VALIDATION, SPLITS = 300, 200


def with_rare_colors(examples, seed):
    kept = np.random.default_rng(seed).random(len(examples))
    return [example for example, draw in zip(examples, kept, strict=True) if draw < SHARES[example.labels[TASK]]]


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """What CMA-CLIP, trained on whole products, says of new ones: whole, or a third of them without one modality."""
    splits = datasets.load("catalog", Source(cache=tmp_path_factory.mktemp("cache")), CATALOGUE | CLEAR)
    model = models.create("cma_clip", NETWORK, splits.tasks, 0, Workspace())
    model.fit(ExampleList(with_rare_colors(splits.train, 1)), ExampleList(splits.val))
    whole = with_rare_colors(splits.test, 2)
    third = np.random.default_rng(3).random(len(whole)) < 1 / 3

    def without(**field):
        rows = zip(whole, third, strict=True)
        return model.predict(ExampleList(replace(one, **field) if lost else one for one, lost in rows))

    return {"whole": without(), "photo": without(image=None), "title": without(text=None)}


def test_the_rarest_color_is_rare_and_the_most_frequent_is_not(answers):
    shares = np.bincount(answers["whole"].labels[TASK]) / len(answers["whole"].ids)
    assert 0 < shares.min() < 0.03
    assert shares.max() > 0.2


def broken(validated, met, target):
    population = lambda rows, generator: (validated, None)  # noqa: E731 - the shape that share_broken draws from
    return share_broken(population, VALIDATION, target, SPLITS, rows=len(validated.ids), new=met)


@pytest.mark.parametrize("target", [0.8, 0.9])
@pytest.mark.parametrize("lost", ["whole", "photo", "title"])
def test_a_promise_holds_where_validation_lacks_as_much_as_the_new_rows(answers, lost, target):
    share, answered, _ = broken(answers[lost], answers[lost], target)
    assert share <= binom.ppf(0.999, SPLITS, 0.1) / SPLITS
    assert answered > 0.3


def test_a_promise_breaks_where_only_the_new_rows_lack_their_titles(answers):
    """The shift that `cma-bench fill` warns of; a title tells more colors than a photo, and nothing else makes up."""
    share, answered, _ = broken(answers["whole"], answers["title"], 0.9)
    assert share > 0.9
    assert answered > 0.3
