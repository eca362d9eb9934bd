"""The page on speed says what was measured."""

from pathlib import Path

import pytest

from benchmarks.perf.peers.measuring import Measured
from benchmarks.perf.peers.page import Measurements, factors, page, speeds
from benchmarks.reporting.table import MISSING

PERFORMANCE = Path(__file__).parents[3] / "results" / "performance"


def test_the_committed_page_is_what_the_committed_measurements_say():
    measurements = Measurements.model_validate_json((PERFORMANCE / "peers.json").read_text(encoding="utf-8"))
    assert (PERFORMANCE / "README.md").read_text(encoding="utf-8") == page(measurements)


@pytest.fixture
def case():
    """Two epochs of 40 samples: 20 s in the plain loops, in ours 8 s for the first and 2 s for the second."""
    timings = {
        "ours": {"rounds": [[8.0, 10.0], [8.0, 10.0], [8.0, 16.0]], "flops": 8 * 10**11},
        "padded": {"rounds": [[20.0, 40.0], [20.0, 40.0], [20.0, 40.0]], "flops": 10**12},
        "trimmed": {"rounds": [[10.0, 20.0], [10.0, 20.0], [10.0, 20.0]], "flops": 10**12},
    }
    facts = {"name": "heads", "shape": "tiny", "samples": 80, "epochs": 2, "gemm": [1e11, 2e11, 3e11]}
    return Measured.model_validate(facts | {"goals": {"padded": 4, "trimmed": 2.5}, "timings": timings})


def words(table):
    return [tuple(cell.text for cell in row) for row in table.rows]


def test_goals_are_for_all_epochs(case):
    assert [row[2:] for row in words(factors([case]))] == [
        ("1 to 2", "plain, 77 tokens", "4.00 (2.50 to 4.00)", "4", "yes"),
        ("1 to 2", "plain, equal length", "2.00 (1.25 to 2.00)", "2.5", "no"),
        ("1", "plain, 77 tokens", "2.50 (2.50 to 2.50)", MISSING, MISSING),
        ("1", "plain, equal length", "1.25 (1.25 to 1.25)", MISSING, MISSING),
        ("2", "plain, 77 tokens", "10.00 (2.50 to 10.00)", MISSING, MISSING),
        ("2", "plain, equal length", "5.00 (1.25 to 5.00)", MISSING, MISSING),
    ]


def test_a_share_of_the_peak_is_work_over_time(case):
    ours, *_ = words(speeds([case], 2e11))
    assert ours[3:] == ("ours", "8.0 (5.0 to 8.0)", "10.00", "40%")
