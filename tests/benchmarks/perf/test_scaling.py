"""The simulation of large jobs: its sums, what limits them, and that the committed page says what was measured."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.perf.scaling import H100, Job, Rates, limit, page, seconds

PERFORMANCE = Path(__file__).parents[3] / "results" / "performance"
CARD = replace(H100, flops=1e12, used=0.5, cores=4, inside=1e9, between=1e8)


@pytest.fixture(scope="module")
def rates():
    return Rates.model_validate_json((PERFORMANCE / "scaling.json").read_text(encoding="utf-8"))


def test_the_committed_page_is_what_the_committed_rates_say(rates):
    assert (PERFORMANCE / "scaling.md").read_text(encoding="utf-8") == page(rates)


def test_work_is_shared_by_cards_and_their_cores(rates):
    job = Job("job", products=1000, flops=1e9, core=0.02)
    assert seconds(job, rates, CARD, 1) == pytest.approx(
        {"computing": 2, "decoding": 5, "writing": 0, "start": rates.start}
    )
    assert seconds(job, rates, CARD, 5)["decoding"] == pytest.approx(1)
    assert limit({"computing": 2, "decoding": 5, "writing": 0, "start": 1}) == (6, "decoding")
    assert limit({"computing": 2, "decoding": 1, "writing": 0, "start": 3}) == (5, "start")


def test_writing_does_not_get_faster_with_more_cards(rates):
    job = Job("job", products=1000, flops=1e9, core=0, serial=0.01)
    assert [seconds(job, rates, CARD, gpus)["writing"] for gpus in (1, 64)] == [10, 10]


def test_gradients_travel_once_around_the_ring(rates):
    """2 (n - 1) / n of the bytes of each card in every step, more slowly between nodes than inside one."""
    job = Job("job", products=1000, flops=0, core=0, synchronised=1e6, batch=10)
    assert seconds(job, rates, CARD, 1)["computing"] == 0
    assert seconds(job, rates, CARD, 2)["computing"] == pytest.approx(50 * 1e6 / 1e9)
    assert seconds(job, rates, CARD, 16)["computing"] == pytest.approx(1000 / 160 * 2 * 15 / 16 * 1e6 / 1e8)
