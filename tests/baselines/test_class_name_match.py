import numpy as np
import pytest

from baselines.class_name_match import CONFIDENCE, ClassNameMatch
from cma_clip.examples import ExampleList
from cma_clip.types import Example, Task

TASK = Task("kind", ("shirt", "T-shirt", "long dress", "dress", "bag", "gas"))


@pytest.fixture(scope="module")
def model():
    train = ExampleList(Example(f"{row}", f"{row}", None, "x", {"kind": row % 6}) for row in range(12))
    fitted = ClassNameMatch([TASK])
    fitted.fit(train, train)
    return fitted


def probabilities(model, text):
    return model.predict(ExampleList([Example("0", "0", None, text)])).probabilities["kind"][0]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("a red shirt", "shirt"),
        ("SHIRT, red", "shirt"),
        ("two shirts", "shirt"),
        ("a T-Shirt for men", "T-shirt"),
        ("tshirts", "T-shirt"),
        ("a long dress with a bag", "long dress"),  # longest
        ("bag and long-sleeved dresses", "dress"),
        ("gas in a bag", "gas"),  # the first of two equally long ones; a word of three letters keeps its s
        ("bag for gas", "bag"),
    ],
)
def test_finds(model, text, kind):
    found = probabilities(model, text)
    assert TASK.classes[found.argmax()] == kind
    assert found.max() > CONFIDENCE


@pytest.mark.parametrize("text", ["handbag", "shirting", "dressed", "", None, "..."])
def test_nothing_found_gives_the_shares(model, text):
    np.testing.assert_allclose(probabilities(model, text), np.full(6, 1 / 6), rtol=1e-6)
