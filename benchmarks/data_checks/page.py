"""Findings as text, JSON and one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import indent, wrap

from jinja2 import Environment, PackageLoader, StrictUndefined

from benchmarks.data_checks.findings import Finding, Findings, Sample, TaskFacts
from benchmarks.reporting.table import MISSING, Cell, Table, to_markdown

WIDTH = 110
LARGEST = 12
"""Most classes of a task whose bars the page shows."""


def to_json(findings: Findings) -> str:
    """Everything but the thumbnails."""
    return findings.model_dump_json(indent=1) + "\n"


def to_text(findings: Findings) -> str:
    """For the terminal: sizes, tasks, and every finding with the ids of a few examples."""
    tables = [to_markdown(table) for table in tables_of(findings)]
    return "\n".join([headline(findings), "", *tables, *map(_in_lines, findings.findings), headline(findings)])


def headline(findings: Findings) -> str:
    """One line: what was looked at, and how bad it is."""
    counts = ", ".join(
        f"{count} {name}{'s' * (count != 1 and name != 'info')}" for name, count in findings.counts().items()
    )
    rows = sum(part.examples for part in findings.parts)
    return f"{findings.dataset}: {rows:,} rows looked at in {findings.seconds:,.0f} s: {counts}"


def tables_of(findings: Findings) -> tuple[Table, Table]:
    """Sizes of the splits, and facts of the tasks."""
    sizes = Table(
        "splits",
        ("split", "examples", "with image", "with text"),
        tuple(
            (Cell(part.name), *(Cell(f"{n:,}", n) for n in (part.examples, part.images, part.texts)))
            for part in findings.parts
        ),
    )
    tasks = Table(
        "tasks",
        ("task", "classes", "labels", "missing", "largest class", "smallest class", "in text, exact", "in text, loose"),
        tuple(
            (
                Cell(task.name),
                *(Cell(f"{n:,}", n) for n in (len(task.classes), task.labelled, task.missing)),
                *_extremes(task),
                _share(task.in_text_exact),
                _share(task.in_text_loose),
            )
            for task in findings.tasks
        ),
    )
    return sizes, tasks


def _extremes(task: TaskFacts) -> tuple[Cell, Cell]:
    (largest, most), *_, (smallest, fewest) = task.classes.items()
    return Cell(f"{largest} {most / task.labelled:.1%}"), Cell(f"{smallest} {fewest:,}")


def _differ(group: Sequence[Sample], task: str) -> bool:
    return len({sample.labels.get(task) for sample in group}) > 1


def _split(problem: str) -> tuple[str, str]:
    """(Where it stands, what is wrong)."""
    place, _, reason = problem.partition(": ")
    return place, reason


def _share(value: float | None) -> Cell:
    return Cell(MISSING) if value is None else Cell(f"{value:.1%}", value)


def _in_lines(finding: Finding) -> str:
    lines = wrap(f"{finding.severity.upper():8}{finding.check}: {finding.sentence}", WIDTH, subsequent_indent=" " * 8)
    if finding.advice:
        lines += wrap(f"-> {finding.advice}", WIDTH, initial_indent=" " * 8, subsequent_indent=" " * 11)
    shown = "; ".join(" = ".join(sample.id for sample in group) for group in finding.samples)
    return "\n".join([*lines, *([indent(f"e.g. {shown}", " " * 8)] if shown else []), ""])


def to_html(findings: Findings) -> str:
    """The page; it opens offline, and its thumbnails are inside."""
    environment = Environment(
        loader=PackageLoader("benchmarks.data_checks", ""), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("page.html.j2").render(
        findings=findings,
        headline=headline(findings),
        tables=tables_of(findings),
        largest=LARGEST,
        differ=_differ,
        split=_split,
    )
