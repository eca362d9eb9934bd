import base64
import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from benchmarks import datasets
from benchmarks.datasets import DATASETS
from benchmarks.datasets.loading.splits import Source
from benchmarks.running.details import MISTAKES, SIDE, details_of
from cma_clip.types import IGNORE, Predictions

OPTIONS = {"num_train": 60, "num_val": 20, "num_test": 30, "image_size": 96}


@pytest.fixture(scope="module")
def splits(tmp_path_factory):
    return datasets.load("catalog", Source(None, tmp_path_factory.mktemp("cache")), OPTIONS)


@pytest.fixture(scope="module")
def predictions(splits):
    generator = np.random.default_rng(0)
    return Predictions(
        ids=splits.test.ids(),
        labels={task.name: splits.test.labels(task.name) for task in splits.tasks},
        probabilities={
            task.name: generator.dirichlet(np.ones(len(task.classes)), size=30).astype(np.float32)
            for task in splits.tasks
        },
    )


def test_mistakes_are_the_most_confident_wrong_answers_with_small_photos(splits, predictions):
    for task in splits.tasks:
        found = details_of(predictions, splits, seed=0)[task.name].mistakes
        labels, probabilities = predictions.labels[task.name], predictions.probabilities[task.name]
        wrong = (labels != IGNORE) & (probabilities.argmax(1) != labels)
        assert [one.confidence for one in found] == pytest.approx(
            sorted(probabilities.max(1)[wrong].tolist(), reverse=True)[:MISTAKES], abs=1e-6
        )
        for one in found:
            row = splits.test.ids().index(one.id)
            assert (one.text, one.label) == (splits.test[row].text, task.classes[labels[row]])
            assert one.answer == task.classes[probabilities[row].argmax()] != one.label
            photo = Image.open(io.BytesIO(base64.b64decode(one.photo.partition(",")[2])))
            assert (photo.format, max(photo.size)) == ("JPEG", SIDE)
            assert len(one.photo) < 4000


def test_other_seeds_keep_counts_but_no_rows(splits, predictions):
    first, other = (details_of(predictions, splits, seed=seed)["color"] for seed in (0, 1))
    assert other == first.model_copy(update={"mistakes": ()})


def test_photos_that_may_not_be_copied_stay_out(splits, predictions):
    kept = replace(splits, card=replace(splits.card, photos_may_be_copied=False))
    assert {one.photo for one in details_of(predictions, kept, seed=0)["color"].mistakes} == {""}
    allowed = {name for name, dataset in DATASETS.items() if dataset.card.photos_may_be_copied}
    assert allowed == {"catalog", "manifest", "mrwpa"}  # ours, and what is on the user's own disk


def test_a_task_without_a_label_has_none(splits, predictions):
    unlabelled = replace(predictions, labels={**predictions.labels, "color": np.full(30, IGNORE)})
    assert set(details_of(unlabelled, splits, seed=0)) == {"pattern", "style"}
