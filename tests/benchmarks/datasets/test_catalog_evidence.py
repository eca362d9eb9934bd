"""Simple models find the evidence where the generator says it is."""

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from benchmarks.datasets.catalog import CLASSES, CatalogOptions, product
from benchmarks.datasets.catalog.product import FIRST_INDEX

OPTIONS = CatalogOptions(image_size=32)


@pytest.fixture(scope="module")
def halves():
    return [
        [product(index, OPTIONS) for index in range(first, first + count)]
        for first, count in ((FIRST_INDEX["train"], 1500), (FIRST_INDEX["test"], 500))
    ]


def _histogram(made):
    """Shares of 6 x 6 x 6 colours in the middle of the photo."""
    middle = np.asarray(made.image)[8:24, 8:24].reshape(-1, 3) // 43
    return np.bincount(middle @ (36, 6, 1), minlength=216) / len(middle)


def _accuracies(halves, features):
    train, test = features
    return {
        task: LogisticRegression(C=30, max_iter=2000)
        .fit(train, [made.attributes[task] for made in halves[0]])
        .score(test, [made.attributes[task] for made in halves[1]])
        for task in CLASSES
    }


def test_words_tell_style_and_color_but_not_pattern(halves):
    words = CountVectorizer(min_df=2)
    titles = [[made.title for made in half] for half in halves]
    accuracy = _accuracies(halves, (words.fit_transform(titles[0]), words.transform(titles[1])))
    assert accuracy["style"] > 0.6
    assert accuracy["color"] > 0.5
    assert accuracy["pattern"] < 0.4


def test_pixels_tell_color_but_not_style(halves):
    features = [np.array([_histogram(made) for made in half]) for half in halves]
    accuracy = _accuracies(halves, features)
    assert accuracy["color"] > 0.45
    assert accuracy["style"] < 0.3
