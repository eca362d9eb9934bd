"""The list of models says of each what the model itself says, and how long the reference records took."""

from pathlib import Path
from statistics import median

import pytest

from benchmarks.commands.model_list import IN_WORDS
from benchmarks.models import MODELS
from benchmarks.records.store import load_records

RECORDS = load_records(Path(__file__).parents[3] / "results" / "reference" / "default")
MEASURED = [name for name in IN_WORDS if any(record.experiment.model == name for record in RECORDS)]
READS = {"nothing": (), "text": ("text",), "photo": ("image",), "photo and text": ("image", "text")}


def test_every_model_is_there_once():
    assert set(IN_WORDS) == set(MODELS)


@pytest.mark.parametrize("name", MEASURED)
def test_what_is_said_of_a_model_is_true(name):
    words = IN_WORDS[name]
    records = [record for record in RECORDS if record.experiment.model == name]
    assert {record.cost.reads for record in records} == {READS[words.reads]}
    seconds = median(record.seconds["fit"] for record in records)
    if words.seconds == "< 1":
        assert seconds < 1
    else:
        assert 1 / 5 < float(words.seconds) / seconds < 5
