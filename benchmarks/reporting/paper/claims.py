"""What became of the claims of the paper's abstract: each beside the test that it gets here, and its verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from benchmarks.records.record import CLEAN, MEAN, Outcomes, Record
from benchmarks.reporting.paper.reported import Reported
from benchmarks.reporting.statistics.aggregate import by_dataset, estimates, tasks_of
from benchmarks.reporting.statistics.families import families
from benchmarks.reporting.statistics.leading import CMA_CLIP
from benchmarks.reporting.statistics.paired import Difference, difference, groups_of
from benchmarks.reporting.statistics.significance import LEVEL, corrected
from benchmarks.reporting.statistics.unpaired import unpaired
from benchmarks.reporting.table import Cell, Table
from benchmarks.reporting.tables.differences import difference_cell, p_cell
from benchmarks.reporting.tables.robustness import loss_difference

Measure = Literal["accuracy", "recall_at_90_precision", "image", "text"]
MEASURES: Mapping[Measure, str] = {
    "accuracy": "accuracy",
    "recall_at_90_precision": "recall at 90 % precision",
    "image": "accuracy kept under damaged photos",
    "text": "accuracy kept under damaged texts",
}
"""Of the clean test split, or of what a damage leaves of it: the mean loss over kinds and severities."""


@dataclass(frozen=True)
class Test:
    """CMA-CLIP against a rival.

    Attributes:
        suite: whose records it is made of, by the last part of its folder's name.
        dataset: a name of DATASETS.
        rival: a model.
        measure: what the two are compared by.
        needs: what has to be brought where there are no records; empty for data that are always there.
    """

    suite: str
    dataset: str
    rival: str
    measure: Measure = "accuracy"
    needs: str = ""


@dataclass(frozen=True)
class Claim:
    """A sentence of the abstract.

    Attributes:
        text: in short.
        published: table, method that is claimed to be better, methods it is better than; None where the available
            sources have no number.
        tests: ours.
    """

    text: str
    published: tuple[str, str, tuple[str, ...]] | None
    tests: tuple[Test, ...]


def _on_all(rival: str) -> tuple[Test, ...]:
    suites = (("default", "catalog"), ("fashion-products", "fashion-products"))
    return tuple(Test(suite, data, rival) for suite, data in (*suites, ("fashion-products-masked", "fashion-products")))


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "More recall at 90 % precision than raw CLIP, on several attributes",
        ("table_2", "CMA-CLIP", ("Raw CLIP",)),
        (Test("default", "catalog", "zero_shot", "recall_at_90_precision"),),
    ),
    Claim(
        "More recall at 90 % precision than fine-tuned CLIP",
        ("table_2", "CMA-CLIP", ("Fine-tuned CLIP",)),
        (Test("default", "catalog", "fine_tuned_clip", "recall_at_90_precision"),),
    ),
    Claim("Modality-wise attention helps", ("table_6", "CMA-CLIP", ("CMA-CLIP w/o MA",)), _on_all("cma_clip_wo_ma")),
    Claim("Sequence-wise attention helps", None, _on_all("cma_clip_wo_sa")),
    Claim(
        "Robust to noise in photos",
        None,
        (
            Test("robustness", "catalog", "cma_clip_wo_ma", "image"),
            Test("robustness", "catalog", "late_fusion", "image"),
        ),
    ),
    Claim(
        "Robust to noise in texts",
        None,
        (
            Test("robustness", "catalog", "cma_clip_wo_ma", "text"),
            Test("robustness", "catalog", "late_fusion", "text"),
        ),
    ),
    Claim(
        "Best on Fashion-Gen",
        ("table_4", "CMA-CLIP", ("KaleidoBERT",)),
        (Test("paper", "fashion-gen", "mmbt", needs="Fashion-Gen, --data fashion-gen=DIR"),),
    ),
    Claim(
        "Competitive on Food-101",
        ("table_3", "CMA-CLIP", ("MMBT",)),
        (Test("paper", "food101", "mmbt", needs="UPMC Food-101 with its photos, --data food101=DIR"),),
    ),
)
"""Where the paper names no rival that is here, it is our choice: the model without what is praised, and late fusion,
whose halves never meet."""

NO_DIFFERENCE = "no significant difference"
NOTES = (
    "Differences: CMA-CLIP minus its rival, in points, mean over tasks and seeds, with 95 % intervals; where damage is "
    "measured, the rival's loss minus CMA-CLIP's. A positive one speaks for CMA-CLIP.",
    "p: two-sided, with Holm's correction over all rows that are tested. Accuracy and losses: paired bootstrap over "
    "test rows and seeds. Recall at 90 % precision: z-test by the intervals and seeds of both, unpaired, which is "
    "careful.",
    f"Verdicts: holds (significantly better, p up to {LEVEL:g}), holds in direction (the interval is above 0, but p is "
    f"not small enough for so many tests), {NO_DIFFERENCE}, does not hold (significantly worse). They are about these "
    "models over this backbone on these data, not about the paper's.",
)


@dataclass(frozen=True)
class _Tested:
    """A row of the table: a test and what came out of it; None where nothing could be compared."""

    claim: Claim
    test: Test
    found: Difference | None


def claims_table(reported: Reported, suites: Mapping[str, Sequence[Record]]) -> Table:
    """A row for every test of CLAIMS.

    Args:
        reported: the published numbers.
        suites: name -> records.
    """
    rows = [_Tested(claim, test, _found(test, suites)) for claim in CLAIMS for test in claim.tests]
    p_values = corrected({str(number): row.found for number, row in enumerate(rows)})
    return Table(
        title="The claims of the paper's abstract: published, and tested here",
        header=("claim", "published", "here: against", "on", "verdict", "difference", "p"),
        rows=tuple(_row(reported, row, p_values.get(str(number))) for number, row in enumerate(rows)),
        footnotes=(f"Published: {reported.source}.", *NOTES),
        labels=5,
    )


def _row(reported: Reported, row: _Tested, p: float | None) -> tuple[Cell, ...]:
    return (
        Cell(row.claim.text),
        Cell(_published(reported, row.claim)),
        Cell(f"{row.test.rival}, {MEASURES[row.test.measure]}"),
        Cell(row.test.dataset if row.found is None else row.test.suite),
        Cell(verdict(row.test, row.found, p)),
        difference_cell(row.found),
        p_cell(p),
    )


def _published(reported: Reported, claim: Claim) -> str:
    """The last column of the paper's table, which is the average where there is one."""
    if claim.published is None:
        return "no number in the available sources"
    name, method, others = claim.published
    values = {row.method: row.values[-1] for row in reported.tables[name].rows}
    return f"{values[method]:.1f} against {', '.join(f'{values[other]:.1f}' for other in others)}"


def verdict(test: Test, found: Difference | None, p: float | None) -> str:
    """In the words of NOTES; `p` is the corrected one."""
    if found is None or p is None:
        return f"cannot be tested here: needs {test.needs or f'the suite {test.suite}'}"
    if p <= LEVEL:
        return "holds" if found.value > 0 else "does not hold"
    return "holds in direction" if found.low > 0 else NO_DIFFERENCE


def _found(test: Test, suites: Mapping[str, Sequence[Record]]) -> Difference | None:
    """Of the first suite of this name that has both models on the data set."""
    for name, records in suites.items():
        if name.rpartition("/")[2] != test.suite:
            continue
        models = by_dataset(records, (CMA_CLIP, test.rival)).get(test.dataset, {})
        ours, rivals = models.get(CMA_CLIP, []), models.get(test.rival, [])
        if ours and rivals:
            return _compared(test.measure, ours, rivals)
    return None


def _compared(measure: Measure, ours: Sequence[Record], rivals: Sequence[Record]) -> Difference | None:
    if measure in ("image", "text"):
        chosen = [family for family in families({"": [*ours, *rivals]}) if family.group == measure]
        return loss_difference(rivals, ours, chosen) if chosen else None
    if measure == "accuracy":
        tasks = tasks_of({"": [*ours, *rivals]})
        return difference(_outcomes(ours), _outcomes(rivals), tasks, groups_of([*ours, *rivals]))
    return unpaired(*(estimates(records, MEAN, measure) for records in (ours, rivals)))


def _outcomes(records: Sequence[Record]) -> list[Mapping[str, Outcomes]]:
    return [record.outcomes.get(CLEAN, {}) for record in records]
