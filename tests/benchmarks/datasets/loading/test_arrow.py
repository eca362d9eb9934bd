import pickle

import numpy as np
import pyarrow as pa
import pytest

from benchmarks.datasets.loading.arrow import LABEL, TableExamples, fingerprint, write
from cma_clip.examples import ExampleList
from cma_clip.types import IGNORE

from ..samples import photo

TASKS = ["colour", "season"]
TEXTS = ["id", "group", "origin", "text", "image_path", "image_digest"]
SCHEMA = pa.schema(
    [*((name, pa.string()) for name in TEXTS), ("image_bytes", pa.large_binary())]
    + [(LABEL + task, pa.int32()) for task in TASKS]
)


@pytest.fixture
def records():
    return [
        {
            "id": f"r{number}",
            "group": f"g{number // 2}",
            "origin": f"row {number}",
            "text": None if number == 1 else f"title {number}",
            "image_path": None,
            "image_bytes": None if number == 2 else photo(number),
            "image_digest": None if number == 2 else f"d{number}",
            LABEL + "colour": number % 2,
            LABEL + "season": None if number == 0 else 1,
        }
        for number in range(5)
    ]


def _batches(records):
    return [pa.RecordBatch.from_pylist(records[start : start + 2], SCHEMA) for start in range(0, len(records), 2)]


@pytest.fixture
def examples(records, tmp_path):
    write(tmp_path / "t.arrow", _batches(records), SCHEMA)
    return TableExamples.open(tmp_path / "t.arrow", fingerprint(_batches(records), TASKS))


def _columns(examples):
    return (
        examples.ids(),
        examples.groups(),
        examples.texts(),
        examples.image_present().tolist(),
        examples.label_rows(),
        [examples.labels(task).tolist() for task in TASKS],
    )


@pytest.mark.parametrize("indices", [None, [4, 0, 2], []])
def test_columns_say_what_the_examples_say(examples, indices):
    chosen = examples if indices is None else examples.select(indices)
    assert len(chosen) == len(list(chosen))
    assert _columns(chosen) == _columns(ExampleList(chosen))


def test_missing_labels_and_modalities_are_missing(examples):
    assert examples.labels("season").tolist() == [IGNORE, 1, 1, 1, 1]
    assert examples[0].labels == {"colour": 0}
    assert examples[1].text is None
    assert examples[2].image is None


def test_a_selection_is_other_data_than_its_source(examples):
    prints = {examples.select(indices).fingerprint for indices in ([0, 1], [1, 0], np.array([0]))}
    assert len(prints | {examples.fingerprint}) == 4
    assert examples.select([1, 0]).fingerprint == examples.select(np.array([1, 0])).fingerprint
    assert examples.select([3, 1]).select([1]).ids() == ("r1",)
    with pytest.raises(IndexError):
        examples.select([5])


def test_columns_answer_where_an_image_cannot_be_decoded(records, tmp_path):
    records[3]["image_bytes"] = b"not an image"
    write(tmp_path / "t.arrow", _batches(records), SCHEMA)
    examples = TableExamples.open(tmp_path / "t.arrow", "f")
    assert examples.image_present().tolist() == [True, True, False, True, True]
    with pytest.raises(ValueError, match="row 3"):
        examples[3]


def test_a_worker_process_gets_the_same_examples(examples):
    copy = pickle.loads(pickle.dumps(examples.select([3, 1])))
    assert _columns(copy) == _columns(examples.select([3, 1]))
    assert copy[0].image.tobytes() == examples[3].image.tobytes()


@pytest.mark.parametrize(
    ("column", "value"),
    [("id", "other"), ("group", "other"), ("text", "other"), ("text", None), ("image_digest", "other"),
     (LABEL + "colour", 1), (LABEL + "season", None)],
)  # fmt: skip
def test_the_fingerprint_sees_content(records, column, value):
    before = fingerprint(_batches(records), TASKS)
    records[4] = {**records[4], column: value}
    assert fingerprint(_batches(records), TASKS) != before


@pytest.mark.parametrize("column", ["origin", "image_path", "image_bytes"])
def test_the_fingerprint_does_not_see_where_it_lies(records, column):
    before = fingerprint(_batches(records), TASKS)
    records[4] = {**records[4], column: b"elsewhere" if column == "image_bytes" else "elsewhere"}
    assert fingerprint(_batches(records), TASKS) == before
