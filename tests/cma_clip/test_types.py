import subprocess
import sys

import numpy as np
import pytest

from cma_clip.examples import ExampleList
from cma_clip.types import IGNORE, Example, Joined, Predictions, Task
from tests.products import TASKS, photo, products


@pytest.mark.parametrize("module", ["cma_clip", "cma_clip.types", "cma_clip.classifier"])
def test_import_loads_no_torch(module):
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_task_needs_two_classes():
    with pytest.raises(ValueError, match="'color' needs at least 2 classes, found 'red'"):
        Task("color", ("red",))


def test_task_refuses_a_class_named_twice():
    with pytest.raises(ValueError, match=r"'color' names a class twice: \['red'\]"):
        Task("color", ("red", "blue", "red"))


def test_task_survives_json():
    task = Task("color", ("red", "blue"), ("a {} thing",))
    assert Task.from_json(task.as_json()) == task


def test_joined_examples_are_those_of_the_parts_in_their_order():
    parts = [products(9, seed=1, fingerprint="a"), products(3, seed=2, fingerprint="b"), products(8, seed=3)]
    joined, listed = Joined(parts), ExampleList(example for part in parts for example in part)
    assert list(joined) == list(listed)
    assert len(joined) == 20
    for column in ("ids", "groups", "texts", "label_rows"):
        assert getattr(joined, column)() == getattr(listed, column)()
    assert np.array_equal(joined.image_present(), listed.image_present())
    for task in ("color", "size"):
        assert np.array_equal(joined.labels(task), listed.labels(task))
    assert joined.fingerprint is None
    names = [Joined(chosen).fingerprint for chosen in (parts[:2], parts[1::-1], parts[:1])]
    assert None not in names
    assert len(set(names)) == 3


def test_columns_agree_with_examples():
    examples = products(16)
    assert examples.ids() == tuple(example.id for example in examples)
    assert examples.texts()[7] is None
    assert examples.image_present().tolist() == [example.image is not None for example in examples]
    assert examples.labels("size")[3] == IGNORE
    assert examples.labels("color")[3] == examples[3].labels["color"]


def test_pairs_must_match():
    with pytest.raises(ValueError, match="1 images, but 2 texts"):
        ExampleList.of([photo("red")], ["a", "b"])


def test_a_pair_needs_one_side():
    with pytest.raises(ValueError, match="row 1 has neither an image nor a text"):
        ExampleList.of([photo("red"), None], [None, None])


def test_pairs_become_unlabelled_examples():
    image = photo("red")
    examples = ExampleList.of([image, None], [None, "a dress"])
    assert list(examples) == [Example("0", "0", image, None), Example("1", "1", None, "a dress")]


GOOD = np.array([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0]], dtype=np.float32)


@pytest.mark.parametrize(
    ("labels", "probabilities", "message"),
    [
        ({"size": [0, 1]}, GOOD, r"labels of \['size'\], probabilities of \['color'\]"),
        ({"color": [0]}, GOOD, "'color': 2 ids, 1 labels"),
        ({"color": [0, 1]}, GOOD[:1], r"probabilities \(1, 3\)"),
        ({"color": [0, 1]}, GOOD * np.nan, "NaN or infinite"),
        ({"color": [0, 1]}, GOOD * 0.9, "do not sum to 1"),
        ({"color": [0, 1]}, GOOD[:, :2] + [[0.9, -0.4], [-0.5, 0.5]], "do not sum to 1"),
        ({"color": [0, 3]}, GOOD, "outside its 3 classes"),
        ({"color": [0, -1]}, GOOD, "outside its 3 classes"),
    ],
)
def test_predictions_refuse_what_is_not_one(labels, probabilities, message):
    with pytest.raises(ValueError, match=message):
        Predictions(("a", "b"), {task: np.array(y) for task, y in labels.items()}, {"color": probabilities})


def test_predictions_take_unknown_labels():
    kept = Predictions(("a", "b"), {TASKS[0].name: np.array([IGNORE, 2])}, {TASKS[0].name: GOOD})
    assert kept.labels["color"].tolist() == [IGNORE, 2]


def test_a_frame_speaks_in_names_of_classes():
    weights = {"color": np.array([[0.25, 0.75], [1.0, 0.0]], np.float32)}
    classes = {"color": ("red", "green", "blue")}
    said = Predictions(("a", "b"), {"color": np.array([IGNORE, 2])}, {"color": GOOD}, weights, classes).frame()
    assert said.index.tolist() == ["a", "b"]
    assert said.columns.tolist() == [
        *("color", "color_suggested", "color_confidence", "color_text_weight", "color_photo_weight")
    ]
    assert said["color"].isna().tolist() == [True, False]
    assert said["color"].iloc[1] == "blue"
    assert said["color_suggested"].tolist() == ["blue", "red"]
    np.testing.assert_allclose(said["color_confidence"], [0.5, 1])
    np.testing.assert_allclose(said["color_photo_weight"], [0.75, 0])


def test_predictions_without_names_make_no_frame():
    with pytest.raises(ValueError, match="the classes of task 'color' have no names here"):
        Predictions(("a", "b"), {"color": np.array([0, 2])}, {"color": GOOD}).frame()
