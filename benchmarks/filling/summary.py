"""What was filled, how far it can be trusted, and what stood in the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc
from scipy.stats import binom

from benchmarks.datasets.reading.values import settle_labels
from benchmarks.filling.answers import TaskColumns, roles_of
from benchmarks.filling.run import Filled
from benchmarks.reporting.table import Cell, Table, to_markdown
from benchmarks.serving.answers import FILLED, KEPT, NO_EVIDENCE, REVIEW
from benchmarks.serving.inputs import options_of

DECISIONS = (KEPT, FILLED, REVIEW, NO_EVIDENCE)
SHOWN = 5
"""Kinds of problems and unknown values that are named."""
SHIFTED = 0.05
"""Share of rows without a modality beyond that of the validation split which is pointed out, our choice."""
UNLIKELY = 0.05
"""A share of kept cells below the promise is pointed out if chance alone makes it so no more often, our choice."""
MODALITIES = {"text": "text", "image": "photo"}


@dataclass
class Counts:
    """Of a filled table.

    Attributes:
        rows: all.
        decisions: task -> decision -> rows.
        unknown: task -> value that is no class of the model -> rows.
        checked: task -> `answered`, kept cells that the model would have answered, and `agreed`, those as they are.
        problems: kind -> rows.
        examples: kind -> a row that has it.
        evidence: modality -> rows that have it.
    """

    rows: int = 0
    decisions: dict[str, Counter[str]] = field(default_factory=dict)
    unknown: dict[str, Counter[str]] = field(default_factory=dict)
    checked: dict[str, Counter[str]] = field(default_factory=dict)
    problems: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)
    evidence: Counter[str] = field(default_factory=Counter)


def count(filled: Filled) -> Counts:
    """One look at every part."""
    counts = Counts()
    for cells, part in filled.blocks():
        roles = roles_of(part)
        for task in roles.tasks:
            decisions = counts.decisions.setdefault(task.task, Counter())
            decisions.update(_value_counts(part[task.decision]))
            if not task.own:
                _count_kept(filled, cells[task.task], part, task, counts)
        _count_problems(filled, part[roles.problem], counts)
        counts.evidence.update(roles.evidence)
        counts.rows += part.num_rows
    return counts


def _value_counts(column: pa.ChunkedArray) -> dict[str, int]:
    pairs = pc.value_counts(column.drop_null())
    return dict(zip(pairs.field(0).to_pylist(), pairs.field(1).to_pylist(), strict=True))


def _as_classes(filled: Filled, column: pa.ChunkedArray, classes: tuple[str, ...]) -> pa.ChunkedArray:
    """Cells under the names that training gave them: equal numbers are one class, and so is case where that was so."""
    settled = settle_labels(column, (), decimal_comma=filled.source.raw.decimal_comma).values
    if not options_of(filled.saved.record).fold_case:
        return settled
    names = {name.casefold(): name for name in classes}
    values = settled.unique().drop_null().to_pylist()
    renamed = pa.array([names.get(value.casefold(), value) for value in values], pa.string())
    return renamed.take(pc.index_in(settled, pa.array(values, pa.string())))


def _count_kept(filled: Filled, cells: pa.ChunkedArray, part: pa.Table, task: TaskColumns, counts: Counts) -> None:
    """Kept cells that are no class of the model; and how often it agrees where it would have answered."""
    classes = next(known.classes for known in filled.saved.classifier.tasks if known.name == task.task)
    kept = pc.equal(part[task.decision], KEPT)
    named = _as_classes(filled, cells, classes)
    found = _value_counts(named.filter(kept))
    counts.unknown.setdefault(task.task, Counter()).update({v: n for v, n in found.items() if v not in classes})
    promise = filled.saved.promise(task.task, filled.asked.precision)
    if promise is not None:
        sure = pc.and_(kept, pc.fill_null(pc.greater_equal(part[task.confidence], promise.threshold), False))
        agreed = pc.fill_null(pc.equal(named, part[task.suggested]), False)
        checked = counts.checked.setdefault(task.task, Counter())
        checked.update(answered=pc.sum(sure).as_py() or 0, agreed=pc.sum(pc.and_(sure, agreed)).as_py() or 0)


def _count_problems(filled: Filled, column: pa.ChunkedArray, counts: Counts) -> None:
    for row, problems in enumerate(column.to_pylist(), start=counts.rows):
        for problem in problems.split("; ") if problems else ():
            kind = problem.partition(":")[0]
            counts.problems[kind] += 1
            counts.examples.setdefault(kind, f"{filled.source.raw.origins[row]}: {problem}")


def told(filled: Filled, counts: Counts) -> str:
    """The summary that a user reads."""
    lines = [*filled.notes, *_renamed(filled), "", *to_markdown(_table(filled, counts)).splitlines(), ""]
    return "\n".join(
        [*lines, *_promises(filled), *agreements(filled, counts), *_shift(filled, counts), *_oddities(counts)]
    )


def _renamed(filled: Filled) -> Iterator[str]:
    roles = roles_of(filled.parts.first())
    names = {"problem": roles.problem} | {usual: name for task in roles.tasks for usual, name in task.names().items()}
    return (
        f"The name {usual!r} is taken: the column is called {name!r}." for usual, name in names.items() if usual != name
    )


def _table(filled: Filled, counts: Counts) -> Table:
    rows = tuple(
        (Cell(task), *(Cell(f"{decisions[decision]:,}") for decision in DECISIONS))
        for task, decisions in counts.decisions.items()
    )
    title = f"{counts.rows:,} rows at {100 * filled.asked.precision:.4g} % precision"
    return Table(title, ("task", *DECISIONS), rows)


def _promises(filled: Filled) -> Iterator[str]:
    """How often filled cells are right, and what that excludes."""
    answering, precision = filled.saved.answering, filled.asked.precision
    share = f"{100 * precision:.4g} %"
    if answering is None:
        yield "The model was saved without thresholds: nothing is filled. Train it again."
        return
    promised = {task: answering.promise(task, precision) for task in filled.asked.tasks}
    given = [task for task, point in promised.items() if point is not None]
    if given:
        yield (
            f"Filled cells of {', '.join(given)}: at least {share} of each task's are right, with a confidence "
            f"of {answering.confidence_level:.0%}. This holds for products like those of the validation split; not "
            "after a shift, not for each class by itself."
        )
    for task, point in promised.items():
        if point is None:
            rows = answering.tasks[task].rows
            yield (
                f"{task}: no threshold promises {share} on {rows:,} independent labelled validation products, "
                "so nothing is filled. More labelled products or a lower --precision may help."
            )


def agreements(filled: Filled, counts: Counts) -> Iterator[str]:
    """The promise beside the cells that are known here; it is no promise, and rows of the training flatter it."""
    for task, checked in counts.checked.items():
        if checked["answered"]:
            share = checked["agreed"] / checked["answered"]
            by_chance = binom.cdf(checked["agreed"], checked["answered"], filled.asked.precision)
            warning = "; below the promise: expect it of filled cells" if by_chance <= UNLIKELY else ""
            yield f"{task}: of {checked['answered']:,} kept cells that would be filled, {share:.1%} agree{warning}."


def _shift(filled: Filled, counts: Counts) -> Iterator[str]:
    """Shares of rows without a modality here and in validation, where the record has them."""
    record = filled.saved.record
    shares = (record.facts.get("evidence", {}) if record else {}).get("val", {})
    for modality in sorted(filled.saved.classifier.modalities, reverse=True):
        if modality in shares and counts.rows:
            here, there = 1 - counts.evidence[modality] / counts.rows, 1 - shares[modality]
            warning = "; the promise may not hold" if here - there > SHIFTED else ""
            yield f"Rows without {MODALITIES[modality]}: {here:.1%} here, {there:.1%} in the validation split{warning}."


def _oddities(counts: Counts) -> Iterator[str]:
    for task, unknown in counts.unknown.items():
        if unknown:
            named = ", ".join(f"{value!r} {rows:,}" for value, rows in unknown.most_common(SHOWN))
            more = f" and {len(unknown) - SHOWN} more" if len(unknown) > SHOWN else ""
            share = unknown.total() / counts.decisions[task][KEPT]
            yield f"{task}: {share:.1%} of the kept cells are no class of the model: {named}{more}."
            if share > SHIFTED:
                yield f"{task}: empty cells may be of those as well: wrong answers that the promise does not count."
    for kind, rows in counts.problems.most_common():
        yield f"problem: {kind}: {rows:,} rows, as {counts.examples[kind]}"
