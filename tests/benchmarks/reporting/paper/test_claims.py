"""What becomes of the paper's claims: the verdicts, and the numbers that stand behind them."""

import pytest

from benchmarks.datasets import DATASETS
from benchmarks.reporting.paper import claims_table, load_reported
from benchmarks.reporting.paper.claims import CLAIMS, MEASURES, NO_DIFFERENCE, verdict
from benchmarks.reporting.statistics.paired import Difference
from benchmarks.suites import MODEL_ORDER, SUITES
from tests.benchmarks.made_records import suite

REPORTED = load_reported()
TESTS = [test for claim in CLAIMS for test in claim.tests]


@pytest.mark.parametrize(
    ("value", "low", "high", "p", "expected"),
    [
        (0.02, 0.01, 0.03, 0.001, "holds"),
        (0.02, 0.01, 0.03, 0.05, "holds"),
        (0.02, 0.001, 0.04, 0.2, "holds in direction"),
        (0.02, -0.001, 0.04, 0.2, NO_DIFFERENCE),
        (-0.02, -0.04, -0.001, 0.2, NO_DIFFERENCE),
        (-0.02, -0.03, -0.01, 0.001, "does not hold"),
    ],
)
def test_verdicts(value, low, high, p, expected):
    assert verdict(TESTS[0], Difference(value, low, high, p), p) == expected


def test_without_records_every_row_says_what_it_needs():
    table = claims_table(REPORTED, {})
    assert len(table.rows) == len(TESTS)
    for test, (_, _, _, _, told, *numbers) in zip(TESTS, table.rows, strict=True):
        assert told.text == f"cannot be tested here: needs {test.needs or f'the suite {test.suite}'}"
        assert all(cell.value is None for cell in numbers)


def test_published_numbers_are_the_averages_of_the_papers_tables():
    published = {row[0].text: row[1].text for row in claims_table(REPORTED, {}).rows}
    assert published["More recall at 90 % precision than fine-tuned CLIP"] == "53.4 against 40.5"
    recall = [text.split(" against ") for text in list(published.values())[:2]]
    gains = [float(ours) - float(theirs) for ours, theirs in recall]
    assert round(sum(gains) / 2, 1) == 11.9  # of the abstract


@pytest.mark.parametrize("test", TESTS)
def test_every_test_can_be_made(test):
    assert test.suite in SUITES
    assert test.dataset in SUITES[test.suite].datasets
    assert test.rival in SUITES[test.suite].models
    assert test.rival in MODEL_ORDER
    assert test.measure in MEASURES
    assert bool(test.needs) == (test.suite == "paper") == (DATASETS[test.dataset].needs_root and test.suite == "paper")


def test_rows_are_made_of_the_suite_of_their_name():
    rows = claims_table(REPORTED, {"mine/default": suite()}).rows
    told = {(row[2].text, row[3].text): row[4].text for row in rows}
    assert told["cma_clip_wo_ma, accuracy", "default"] in (
        "holds",
        "holds in direction",
        NO_DIFFERENCE,
        "does not hold",
    )
    assert told["cma_clip_wo_ma, accuracy", "fashion-products"].startswith("cannot be tested here")
