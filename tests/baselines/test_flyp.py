import numpy as np

from baselines.flyp import FLYP, class_names
from baselines.trained_towers import TrainedTowersConfig
from baselines.zero_shot import ZeroShot, ZeroShotConfig
from cma_clip.examples import ExampleList
from cma_clip.types import Example
from tests.products import TASKS, changed, products

TRAIN, VAL, TEST = products(48, seed=1), products(16, seed=2), products(13, seed=3)


def fitted(tiny, train=TRAIN, **changes):
    settings = {"backbone": tiny, "max_epochs": 3, "patience": 3, "batch_size": 8, "learning_rate": 1e-3, **changes}
    model = FLYP(TASKS, TrainedTowersConfig(**settings), seed=0)
    model.fit(train, VAL)
    return model


def same(one, other):
    return all(np.array_equal(one.probabilities[task], other.probabilities[task]) for task in one.probabilities)


def test_captions_are_the_names_of_the_products_classes():
    color, size = TASKS
    labels = [{color.name: 1, size.name: 0}, {size.name: 1}, {}]
    examples = ExampleList(Example(f"{n}", f"{n}", None, "a title", given) for n, given in enumerate(labels))
    both, one, none = class_names(TASKS, 0)(examples)
    assert both[0].text == f"{color.classes[1]} {size.classes[0]}"
    assert [caption.words for caption in both[1:]] == [color.classes[1], size.classes[0]]
    assert [caption.words for caption in one] == [size.classes[1]] * 3
    assert both[1].template in color.prompts
    assert none == []


def test_labels_are_what_is_learnt_and_titles_are_read_with_photos(tiny):
    model = fitted(tiny)
    shuffled = changed(TRAIN, labels={TASKS[0].name: 0})
    assert not same(model.predict(TEST), fitted(tiny, shuffled).predict(TEST))
    assert not same(model.predict(TEST), fitted(tiny, changed(TRAIN, text=None)).predict(TEST))
    assert model.facts()["pairs"] == sum(bool(example.image and example.labels) for example in TRAIN)


def test_it_learns_the_training_products_better_than_zero_shot_knows_them(tiny):
    def accuracy(model):
        said = model.predict(TRAIN).probabilities
        labels = {task.name: TRAIN.labels(task.name) for task in TASKS}
        return np.mean([(said[task].argmax(1) == y)[y >= 0].mean() for task, y in labels.items()])

    rates = {"learning_rate": 3e-3, "backbone_learning_rate": 3e-3}
    config = TrainedTowersConfig(backbone=tiny, max_epochs=12, patience=12, batch_size=16, **rates)
    trained = FLYP(TASKS, config, seed=0)
    trained.fit(TRAIN, TRAIN)
    assert accuracy(trained) > accuracy(ZeroShot(TASKS, ZeroShotConfig(backbone=tiny))) + 0.15


def test_without_a_label_it_is_zero_shot_clip(tiny):
    model = fitted(tiny, changed(TRAIN, labels={}))
    assert model.facts()["pairs"] == 0
    expected = ZeroShot(TASKS, ZeroShotConfig(backbone=tiny)).predict(TEST)
    for task, found in model.predict(TEST).probabilities.items():
        np.testing.assert_allclose(found, expected.probabilities[task], atol=5e-3)  # half precision in the cache
