import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from baselines.tfidf import TfidfConfig, TfidfLogistic
from cma_clip.examples import ExampleList
from cma_clip.types import Example
from tests.products import TASKS, changed, products


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)  # three classes and two
def test_equals_scikit_learns_pipeline(task):
    train, test = products(40, seed=1), products(20, seed=2)
    model = TfidfLogistic(TASKS, TfidfConfig(C=2.0, ngrams=2))
    model.fit(train, train)

    known = train.labels(task.name) >= 0
    texts = np.array([text or "" for text in train.texts()])
    vectoriser = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"(?u)\b\w+\b").fit(texts)
    pipeline = make_pipeline(vectoriser, LogisticRegression(C=2.0, max_iter=200))
    pipeline[-1].fit(vectoriser.transform(texts[known]), train.labels(task.name)[known])
    expected = pipeline.predict_proba([text or "" for text in test.texts()])
    np.testing.assert_allclose(model.predict(test).probabilities[task.name], expected, atol=1e-5)


def test_photos_are_not_read():
    train, test = products(40, seed=1), products(20, seed=2)
    model = TfidfLogistic(TASKS)
    model.fit(changed(train, image=None), train)
    other = TfidfLogistic(TASKS)
    other.fit(train, train)
    for task in TASKS:
        assert np.array_equal(
            model.predict(test).probabilities[task.name], other.predict(test).probabilities[task.name]
        )


def test_class_without_a_training_example_is_practically_impossible():
    train = ExampleList(
        Example(f"{row}", f"{row}", None, ("ruby", "sky")[row % 2], {"color": 2 * (row % 2)}) for row in range(10)
    )
    model = TfidfLogistic(TASKS[:1])
    model.fit(train, train)
    probabilities = model.predict(train).probabilities["color"]
    assert (probabilities[:, 1] < 1e-6).all()
    assert (probabilities.argmax(1) == train.labels("color")).all()


def test_without_words_the_shares_of_the_classes_are_learnt(tmp_path):
    train = ExampleList(Example(f"{n}", f"{n}", None, None, {"color": n % 3 // 2}) for n in range(60))
    model = TfidfLogistic([TASKS[0]])
    model.fit(train, train)
    expected = [2 / 3, 1 / 3, 0]
    for found in (model, _saved_and_loaded(model, tmp_path)):
        predicted = found.predict(train).probabilities[TASKS[0].name][0]
        np.testing.assert_allclose(predicted[:2], expected[:2], atol=0.02)


def _saved_and_loaded(model, folder):
    model.save(folder)
    return TfidfLogistic.load(folder)


def test_a_regression_that_did_not_converge_says_so_wherever_it_goes(tmp_path):
    train = products(40, seed=1)
    model = TfidfLogistic(TASKS, TfidfConfig(max_iter=1))
    model.fit(train, train)  # scikit-learn's warning would be an error here
    assert model.facts()["unconverged"] == [task.name for task in TASKS]
    assert _saved_and_loaded(model, tmp_path).facts() == model.facts()
    converged = TfidfLogistic(TASKS)
    converged.fit(train, train)
    assert converged.facts()["unconverged"] == []
