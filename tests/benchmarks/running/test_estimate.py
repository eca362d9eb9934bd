"""How long the rest of a suite takes."""

import pytest

from benchmarks.records.record import Experiment
from benchmarks.running.estimate import Estimate
from tests.benchmarks.made_records import record


def experiment(model, seed=9, dataset="catalog"):
    return Experiment(dataset=dataset, model=model, seed=seed)


def took(model, seconds, dataset="catalog"):
    made = record(model=model)
    return made.model_copy(update={"experiment": experiment(model, 0, dataset), "seconds": {"fit": seconds}})


def test_the_rest_is_estimated_from_records_of_the_same_model():
    estimate = Estimate([took("cma_clip", 100.0), took("cma_clip", 300.0), took("majority", 2.0)])
    assert estimate.seconds(experiment("cma_clip")) == 200.0
    assert estimate.seconds(experiment("cma_clip", dataset="food101")) == 200.0
    assert estimate.seconds(experiment("mmbt")) is None
    assert estimate.rest([experiment("cma_clip", seed) for seed in range(4)], at_once=2) == 400.0
    assert estimate.rest([experiment("cma_clip"), experiment("majority")], at_once=2) == 200.0  # the longest alone
    assert estimate.rest([experiment("cma_clip"), experiment("mmbt")], at_once=1) == 400.0
    assert estimate.rest([experiment("mmbt")], at_once=1) is None


@pytest.mark.parametrize(
    ("seconds", "said"), [(30.0, ", about 30 s left"), (1800.0, ", about 30 min left"), (None, "")]
)
def test_the_rest_in_words(seconds, said):
    estimate = Estimate([] if seconds is None else [took("mmbt", seconds)])
    assert estimate.told([experiment("mmbt")], at_once=1) == said
