"""What stands only at the end of a long text is found by every model that reads texts."""

import numpy as np
import pytest

from benchmarks.models import MODELS, ModelError, create, load, resolve, save
from cma_clip.classifier import Workspace
from cma_clip.types import Example, ExampleList, Task
from tests.baselines.test_contract import same_bits
from tests.products import SIZES, photo

TASK = Task("size", SIZES)
WINDOWS = 5  # of 14 words each: as many as the texts need
TRAINING = {
    **{"max_epochs": 40, "patience": 40, "batch_size": 8, "learning_rate": 1e-2},
    **{"width": 32, "depth": 1, "heads": 2, "hidden": 32},
}
LEARNERS = [
    name
    for name, model in MODELS.items()
    if "text_windows" in model.Config.model_fields
    and name not in {"image_only", "zero_shot", "zero_shot_image", "zero_shot_text", "fine_tuned_clip"}
]
MATCHERS = ["zero_shot", "zero_shot_text", "fine_tuned_clip"]
"""They learn no class; what they answer must follow the text."""


def products(count, seed, beginning=56):
    """The same photo and the same `beginning` for all; only the last 14 words say the size."""
    sizes = np.random.default_rng(seed).integers(len(SIZES), size=count).tolist()
    texts = [" ".join(["box"] * beginning + [SIZES[size]] * 14) for size in sizes]
    both = enumerate(zip(sizes, texts, strict=True))
    return ExampleList(
        Example(f"{seed}-{row}", f"{seed}-{row}", photo("red"), text, {"size": size}) for row, (size, text) in both
    )


TRAIN, VAL, TEST = products(32, seed=1), products(12, seed=2), products(40, seed=3)


def fitted(name, backbone, **hparams):
    fields = MODELS[name].Config.model_fields
    given = {field: value for field, value in {"backbone": backbone, **TRAINING}.items() if field in fields}
    model = create(name, {**given, **hparams}, [TASK], 0, Workspace())
    model.fit(TRAIN, VAL)
    return model


def accuracy(predictions):
    return (predictions.probabilities["size"].argmax(axis=1) == predictions.labels["size"]).mean()


def follows_the_text(predictions):
    """Whether examples that differ in their last words only are answered differently, and equal ones alike."""
    probabilities, labels = predictions.probabilities["size"], predictions.labels["size"]
    means = np.array([probabilities[labels == size].mean(axis=0) for size in range(len(SIZES))])
    return np.abs(means[0] - means[1]).max() > 100 * np.abs(probabilities - means[labels]).max()


@pytest.mark.parametrize("name", LEARNERS)
def test_the_last_words_of_a_long_text_are_learnt(name, tiny):
    found = fitted(name, tiny, text_windows=WINDOWS)
    assert accuracy(found.predict(TEST)) == 1
    tokens, cut = found.cut_texts(TEST)
    assert (tokens, cut.any()) == (2 + 14 * WINDOWS, False)


@pytest.mark.parametrize("name", ["class_name_match", "tfidf_logistic"])
def test_words_are_found_wherever_they_stand(name, tiny):
    assert accuracy(fitted(name, tiny).predict(TEST)) == 1


@pytest.mark.parametrize("name", MATCHERS)
def test_embeddings_follow_the_last_words(name, tiny):
    few = {"max_epochs": 1, "learning_rate": 1e-4} if name == "fine_tuned_clip" else {}
    assert follows_the_text(fitted(name, tiny, text_windows=WINDOWS, **few).predict(TEST))
    assert not follows_the_text(fitted(name, tiny, text_windows=WINDOWS - 1, **few).predict(TEST))


@pytest.mark.parametrize("name", LEARNERS)
def test_what_no_window_reaches_is_not_known(name, tiny):
    few = {"max_epochs": 1} if "max_epochs" in MODELS[name].Config.model_fields else {}
    found = fitted(name, tiny, text_windows=WINDOWS - 1, **few)
    assert np.ptp(found.predict(TEST).probabilities["size"], axis=0).max() < 1e-5
    tokens, cut = found.cut_texts(TEST)
    assert (tokens, cut.all()) == (2 + 14 * (WINDOWS - 1), True)


def test_the_300th_word_is_read_by_the_backbone_that_ships():
    def long(examples):
        texts = [f"{'box ' * 299}{text.rsplit(maxsplit=1)[-1]}" for text in examples.texts()]
        return ExampleList(
            Example(one.id, one.group, one.image, text, one.labels) for one, text in zip(examples, texts, strict=True)
        )

    model = create("linear_probe", {"text_windows": 10}, [TASK], 0, Workspace())  # of 30 words each
    model.fit(long(TRAIN), long(VAL))
    assert accuracy(model.predict(long(TEST))) == 1


@pytest.mark.parametrize("freeze", [1, "none"])
def test_a_trained_backbone_reads_whole_texts(freeze, tiny, tmp_path):
    noise = {"modality_dropout": 0.2, "token_noise": 0.05}
    model = fitted("text_only", tiny, text_windows=WINDOWS, freeze=freeze, max_epochs=15, **noise)
    assert accuracy(model.predict(TEST)) == 1
    save("text_only", model, tmp_path)
    same_bits(load(tmp_path).predict(TEST), model.predict(TEST))


def test_texts_that_fit_are_answered_with_the_same_bits(tiny):
    short = products(20, seed=4, beginning=0)
    once, often = (
        create("cma_clip", {"backbone": tiny, "max_epochs": 2, "text_windows": n}, [TASK], 0, Workspace())
        for n in (1, 16)
    )
    for model in (once, often):
        model.fit(short, short)
    same_bits(once.predict(short), often.predict(short))


@pytest.mark.parametrize("windows", [0, 17, 2.5, True])
def test_a_number_of_windows_that_makes_no_sense_is_refused(windows):
    with pytest.raises(ModelError, match="cma_clip: text_windows="):
        resolve("cma_clip", {"text_windows": windows})
