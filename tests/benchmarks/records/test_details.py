import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import confusion_matrix

from benchmarks.records.details import Details


@given(st.integers(2, 8), st.integers(1, 60), st.integers(0, 2**32 - 1))
def test_counts_are_those_of_scikit_learn(classes, rows, seed):
    generator = np.random.default_rng(seed)
    labels, probabilities = generator.integers(classes, size=rows), generator.dirichlet(np.ones(classes), size=rows)
    found = Details.of(tuple(map(str, range(classes))), labels, probabilities)
    table = np.zeros((classes, classes), int)
    for label, answer, count in Details.model_validate_json(found.model_dump_json()).counts():
        table[label, answer] = count
    assert (table == confusion_matrix(labels, probabilities.argmax(1), labels=range(classes))).all()
    assert sum(count for count, _, _ in found.reliability) == rows


def test_reliability_is_that_of_scikit_learn():
    generator = np.random.default_rng(0)
    probabilities = generator.dirichlet(np.ones(3), size=500)
    labels = generator.integers(3, size=500)
    found = Details.of(("a", "b", "c"), labels, probabilities)
    right = probabilities.argmax(1) == labels
    shares, confidences = calibration_curve(right, probabilities.max(1), n_bins=15)
    np.testing.assert_allclose([share for _, _, share in found.reliability], shares, atol=1e-6)
    np.testing.assert_allclose([mean for _, mean, _ in found.reliability], confidences, atol=1e-6)


def test_many_classes_take_little_room():
    generator = np.random.default_rng(0)
    labels = generator.integers(100, size=25_000)
    probabilities = np.eye(100)[np.where(generator.random(25_000) < 0.9, labels, generator.integers(100, size=25_000))]
    assert len(Details.of(tuple(map(str, range(100))), labels, probabilities).confusions) < 20_000
