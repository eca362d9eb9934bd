import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from benchmarks import models
from benchmarks.datasets.loading.splits import DataError
from benchmarks.tracking.pyfunc import Served, _load_pyfunc, requirements
from cma_clip.classifier import Classifier, Workspace
from cma_clip.types import Example, ExampleList, Predictions, Task

SHADE = Task("shade", ("dark", "light", "unseen"))
LENGTH = Task("length", ("short", "long", "unsaid"))


class Reader(Classifier):
    """Knows by rule how light an image is and whether its text is long."""

    def fit(self, train, val, report=None):
        raise NotImplementedError

    def predict(self, examples):
        shades = [2 if e.image is None else int(np.asarray(e.image).mean() > 127) for e in examples]
        lengths = [2 if e.text is None else int(len(e.text) > 5) for e in examples]
        rows = np.eye(3, dtype=np.float32) * 0.7 + 0.1
        return Predictions(
            ids=examples.ids(),
            labels={task.name: examples.labels(task.name) for task in self.tasks},
            probabilities={"shade": rows[shades], "length": rows[lengths]},
        )

    def save(self, folder):
        raise NotImplementedError

    @classmethod
    def load(cls, folder, workspace=None):
        raise NotImplementedError


@pytest.fixture
def served():
    return Served(Reader([SHADE, LENGTH]))


def png(shade):
    file = io.BytesIO()
    Image.new("L", (4, 4), shade).save(file, "PNG")
    return file.getvalue()


def frame(*rows):
    return pd.DataFrame(rows, columns=["image", "text"], dtype=object)


def test_images_may_be_paths_or_bytes(served, tmp_path):
    (tmp_path / "light.png").write_bytes(png(250))
    answer = served.predict(
        frame((str(tmp_path / "light.png"), "dress"), (tmp_path / "light.png", "red dress"), (png(3), "dress"))
    )
    assert list(answer.columns) == ["shade", "shade_probability", "length", "length_probability"]
    assert list(answer["shade"]) == ["light", "light", "dark"]
    assert list(answer["length"]) == ["short", "long", "short"]
    np.testing.assert_allclose(answer["shade_probability"], 0.8, rtol=1e-6)


@pytest.mark.parametrize("missing", [None, float("nan"), np.float32("nan"), pd.NA, ""])
def test_either_modality_may_be_missing(served, missing):
    answer = served.predict(frame((missing, "dress"), (png(3), missing)))
    assert list(answer["shade"]) == ["unseen", "dark"]
    assert list(answer["length"]) == ["short", "unsaid"]


def test_the_index_of_the_input_is_kept(served):
    answer = served.predict(frame((None, "dress"), (None, "red dress")).set_axis([7, 3]))
    assert list(answer.index) == [7, 3]


BAD_ROWS = {
    "neither": ((None, ""), ValueError, "row 1 has neither an image nor a text"),
    "number": ((None, 12), ValueError, "row 1: a text is a string, found int: 12"),
    "array": ((np.zeros((4, 4)), "dress"), ValueError, "row 1: an image is .* found ndarray"),
    "no file": (("nowhere.png", "dress"), DataError, "row 1: image file nowhere.png cannot be read"),
    "no image": ((b"dress", "dress"), DataError, "row 1: 5 bytes is not an image"),
}


@pytest.mark.parametrize(("row", "error", "message"), BAD_ROWS.values(), ids=BAD_ROWS)
def test_a_bad_row_is_named(served, row, error, message):
    with pytest.raises(error, match=message):
        served.predict(frame((None, "dress"), row))


def test_a_missing_column_is_named(served):
    with pytest.raises(ValueError, match="missing: image"):
        served.predict(pd.DataFrame({"text": ["dress"]}))


def test_a_saved_model_is_served(tmp_path):
    rows = ExampleList(Example(f"{n}", f"{n}", None, "dress", {"shade": int(n > 0)}) for n in range(4))
    classifier = models.create("majority", {}, [SHADE], 0, Workspace())
    classifier.fit(rows, rows)
    models.save("majority", classifier, tmp_path)
    answer = _load_pyfunc(str(tmp_path)).predict(frame((None, "dress")))
    assert list(answer["shade"]) == ["light"]
    assert answer["shade_probability"][0] == pytest.approx(0.75, abs=0.1)


def test_requirements_are_pinned():
    assert all(requirement.count("==") == 1 for requirement in requirements())
