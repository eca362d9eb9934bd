"""What stands only at the end of a long text is found by every model that reads texts."""

import math

import numpy as np
import pytest

from benchmarks.models import MODELS, ModelError, create, load, resolve, save
from cma_clip.backbone.loading import load_backbone
from cma_clip.backbone.windows import TEXT_WINDOWS
from cma_clip.classifier import Workspace
from cma_clip.examples import ExampleList
from cma_clip.types import Example, Task
from tests.architectures import write_architecture
from tests.baselines.test_contract import same_bits
from tests.products import SIZES, photo

TASK = Task("size", SIZES)
WINDOW = 14  # words of the tiny tower
TRAINING = {
    **{"max_epochs": 8, "patience": 8, "batch_size": 8, "learning_rate": 1e-2},
    **{"width": 32, "depth": 1, "heads": 2, "hidden": 32},
}
READERS = [name for name in MODELS if name not in {"majority", "image_only", "zero_shot_image"}]
MATCHERS = {"zero_shot", "zero_shot_text", "fine_tuned_clip"}
"""They learn no class; what they answer must follow the text."""
WINDOWED = [name for name in READERS if "text_windows" in MODELS[name].Config.model_fields]
LEARNERS = [name for name in WINDOWED if name not in MATCHERS]
EACH_WAY = ["cma_clip", "linear_probe", "zero_shot"]
"""Of reading a text: as tokens, by its pooled state, by its embedding."""


def products(count, seed, before, times):
    """The same photo and as many words `before` for all; only the last word, said some `times`, is the size."""
    sizes = np.random.default_rng(seed).integers(len(SIZES), size=count).tolist()
    texts = [" ".join(["box"] * before + [SIZES[size]] * times) for size in sizes]
    both = enumerate(zip(sizes, texts, strict=True))
    return ExampleList(
        Example(f"{seed}-{row}", f"{seed}-{row}", photo("red"), text, {"size": size}) for row, (size, text) in both
    )


def splits(before, times=1, counts=(32, 12, 40)):
    return [products(count, seed, before, times) for seed, count in enumerate(counts, 1)]


LONG = splits(WINDOW * (TEXT_WINDOWS - 1), times=WINDOW)
"""The size fills the last window that is read by default."""


def fitted(name, backbone, shop=LONG, **hparams):
    fields = MODELS[name].Config.model_fields
    given = {**TRAINING, "backbone": backbone, **hparams}
    model = create(name, {field: given[field] for field in given if field in fields}, [TASK], 0, Workspace())
    model.fit(*shop[:2])
    return model


def accuracy(predictions):
    return (predictions.probabilities["size"].argmax(axis=1) == predictions.labels["size"]).mean()


def follows_the_text(predictions):
    """Whether examples that differ in their last words only are answered differently, and equal ones alike."""
    probabilities, labels = predictions.probabilities["size"], predictions.labels["size"]
    means = np.array([probabilities[labels == size].mean(axis=0) for size in range(len(SIZES))])
    return np.abs(means[0] - means[1]).max() > 100 * np.abs(probabilities - means[labels]).max()


@pytest.fixture(scope="module")
def clip_length(tmp_path_factory):
    """A tower with CLIP's own context, 75 words between two marks: four windows read 300."""
    return write_architecture(tmp_path_factory.mktemp("long") / "vit", "vit", context_length=77)


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize(("words", "read"), [(300, True), (301, False)])
def test_the_300th_word_is_read_and_what_no_window_reaches_is_not(name, words, read, clip_length):
    shop = splits(words - 1, counts=(16, 4, 8))
    model = fitted(name, clip_length, shop, max_epochs=1, learning_rate=1e-4)
    assert follows_the_text(model.predict(shop[2])) == (read or name not in WINDOWED)
    if name in WINDOWED:
        tokens, cut = model.cut_texts(shop[2])
        assert (tokens, cut.tolist()) == (302, [not read] * 8)


@pytest.mark.parametrize("name", LEARNERS)
def test_the_last_words_of_a_long_text_are_learnt(name, tiny):
    assert accuracy(fitted(name, tiny).predict(LONG[2])) == 1


def test_the_300th_word_is_found_by_the_backbone_that_ships():
    windows = math.ceil(300 / (load_backbone("tiny-product-clip").context_length - 2))
    shop = splits(299)
    assert accuracy(fitted("linear_probe", "tiny-product-clip", shop, text_windows=windows).predict(shop[2])) == 1


@pytest.mark.parametrize("freeze", [1, "none"])
def test_a_trained_backbone_reads_whole_texts(freeze, tiny, tmp_path):
    model = fitted("text_only", tiny, freeze=freeze, max_epochs=15, modality_dropout=0.2, token_noise=0.05)
    assert accuracy(model.predict(LONG[2])) == 1
    save("text_only", model, tmp_path)
    same_bits(load(tmp_path).predict(LONG[2]), model.predict(LONG[2]))


@pytest.mark.parametrize("name", EACH_WAY)
def test_texts_that_fit_are_answered_with_the_same_bits(name, tiny):
    short = splits(WINDOW - 1, counts=(16, 4, 8))
    once, often = (fitted(name, tiny, short, max_epochs=2, text_windows=windows) for windows in (1, 16))
    same_bits(once.predict(short[2]), often.predict(short[2]))


@pytest.mark.parametrize("name", EACH_WAY)
def test_one_token_more_than_the_context_is_read(name, tiny):
    shop = splits(WINDOW, counts=(16, 4, 8))
    once, often = (fitted(name, tiny, shop, max_epochs=1, learning_rate=1e-4, text_windows=n) for n in (1, 2))
    assert [follows_the_text(model.predict(shop[2])) for model in (once, often)] == [False, True]
    assert [model.cut_texts(shop[2])[1].all() for model in (once, often)] == [True, False]


@pytest.mark.parametrize("windows", [0, 17, 2.5, True])
def test_a_number_of_windows_that_makes_no_sense_is_refused(windows):
    with pytest.raises(ModelError, match="cma_clip: text_windows="):
        resolve("cma_clip", {"text_windows": windows})
