"""A table and how it is written: Markdown, CSV and LaTeX. The same table is always the same bytes."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from urllib.parse import quote

from benchmarks.reporting.escaping import latex_text, markdown_note, markdown_text, needs_unicode_latex, one_line

MISSING = "\u2013"  # an en dash, which LaTeX writes as two hyphens
TIED = "≈"
"""Stands after a cell that does not differ significantly from the best."""


@dataclass(frozen=True)
class Cell:
    """What a cell shows, and the numbers behind it.

    Attributes:
        text: as printed, without marks.
        value: the number at full precision, for CSV; None for words.
        spread: its standard deviation, where there is one.
        interval: its 95 % interval, low and high, where there is one; for CSV only.
        best: the best of its column.
        tied: not significantly different from the best.
    """

    text: str
    value: float | None = None
    spread: float | None = None
    best: bool = False
    tied: bool = False
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class Table:
    """Rows of cells under a header. The first `labels` columns hold words, the others numbers."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    footnotes: tuple[str, ...] = ()
    labels: int = 1

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.header):
                raise ValueError(
                    f"{self.title}: {len(self.header)} columns, but a row of {len(row)} cells: {row[0].text}"
                )


def to_markdown(table: Table) -> str:
    """A GitHub table with its title above and its footnotes below; columns are padded to be read as they are."""
    lines = [[markdown_text(text) for text in table.header]]
    lines += [[_marked(cell, markdown_text, "**{}**", f" {TIED}") for cell in row] for row in table.rows]
    widths = [max(3, *(len(line[column]) for line in lines)) for column in range(len(table.header))]
    rule = ["-" * (width - (i >= table.labels)) + ":" * (i >= table.labels) for i, width in enumerate(widths)]
    text = [[_padded(cell, widths[i], i < table.labels) for i, cell in enumerate(line)] for line in lines]
    body = "\n".join(f"| {' | '.join(line)} |" for line in [text[0], rule, *text[1:]])
    notes = "".join(f"- {markdown_note(note)}\n" for note in table.footnotes)
    return f"**{markdown_text(table.title)}**\n\n{body}\n" + (f"\n{notes}" if notes else "")


def to_csv(table: Table) -> str:
    """Numbers at full precision; no title, no footnotes.

    A column is followed by those of its standard deviation and of its interval, if any of its cells has one.
    What is missing is empty.
    """
    columns = [
        column
        for i, head in enumerate(table.header)
        for column in _csv_columns(one_line(head), [row[i] for row in table.rows])
    ]
    heads = _distinct([head for head, *_ in columns])
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows([heads, *zip(*(cells for _, *cells in columns), strict=True)])
    return out.getvalue()


def _csv_columns(head: str, cells: Sequence[Cell]) -> list[list[str]]:
    """Each with its header; the shortest digits that read back as the same float."""
    shown = ["" if cell.text == MISSING else one_line(cell.text) for cell in cells]
    columns = [[head, *(_digits(cell.value) or text for cell, text in zip(cells, shown, strict=True))]]
    if any(cell.spread is not None for cell in cells):
        columns.append([f"{head} std", *(_digits(cell.spread) for cell in cells)])
    if any(cell.interval is not None for cell in cells):
        for end, name in enumerate(("low", "high")):
            columns.append(
                [f"{head} {name}", *(_digits(cell.interval[end] if cell.interval else None) for cell in cells)]
            )
    return columns


def _distinct(heads: Sequence[str]) -> list[str]:
    """A task may be called `model`, or as another's standard deviation: what comes later is numbered, from 2."""
    counts: Counter[str] = Counter()
    distinct: list[str] = []
    for head in heads:
        name = head
        while name in counts or (name != head and name in heads):
            counts[head] += 1
            name = f"{head} ({counts[head]})"
        counts[name] += 1
        distinct.append(name)
    return distinct


def _digits(number: float | None) -> str:
    return "" if number is None else repr(number)


UNICODE_LATEX = "% Compile with LuaLaTeX or XeLaTeX and a font that has all characters: pdfLaTeX does not.\n"

WIDE = 62
"""Tables of longer lines, in characters, are shrunk to the width of the page in LaTeX."""


def to_latex(table: Table) -> str:
    """A `table` environment; needs the packages booktabs and, for wide tables, graphicx.

    Names in other scripts than Latin need LuaLaTeX or XeLaTeX and a font that has them; a comment above says so.
    Columns called "group: name" stand under a common head for each group.
    """
    body = [[_marked(cell, latex_text, r"\textbf{{{}}}", r"\,$\approx$") for cell in row] for row in table.rows]
    columns = "l" * table.labels + "r" * (len(table.header) - table.labels)
    tabular = [
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        *_latex_head(table.header),
        r"\midrule",
        *(" & ".join(line) + r" \\" for line in body),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    if _line_length(table) > WIDE:
        tabular = [r"\resizebox{\textwidth}{!}{" + tabular[0], *tabular[1:-1], tabular[-1] + "}"]
    notes = [rf"\par\smallskip\footnotesize {latex_text(note)}" for note in table.footnotes]
    caption = rf"\caption{{{latex_text(table.title)}}}"
    latex = "\n".join([r"\begin{table}", r"\centering", caption, *tabular, *notes, r"\end{table}", ""])
    return (UNICODE_LATEX if needs_unicode_latex(latex) else "") + latex


def _line_length(table: Table) -> int:
    lines = [[head.rpartition(": ")[2] for head in table.header], *([cell.text for cell in row] for row in table.rows)]
    return sum(max(map(len, column)) + 2 for column in zip(*lines, strict=True))


def _latex_head(header: Sequence[str]) -> list[str]:
    """One line, or two if there are groups, with a rule under each group."""
    pairs = [head.rpartition(": ")[::2] for head in header]
    names = " & ".join(latex_text(name) for _, name in pairs) + r" \\"
    if not any(group for group, _ in pairs):
        return [names]
    spans, rules, first = [], [], 1
    for group, members in groupby(group for group, _ in pairs):
        last = first + len(list(members)) - 1
        spans.append(rf"\multicolumn{{{last - first + 1}}}{{c}}{{{latex_text(group)}}}")
        rules.append(rf"\cmidrule(lr){{{first}-{last}}}" if group else "")
        first = last + 1
    return [" & ".join(spans) + r" \\", "".join(rules), names]


FORMATS: dict[str, Callable[[Table], str]] = {"md": to_markdown, "csv": to_csv, "tex": to_latex}
"""File suffix -> renderer."""


def in_all_formats(tables: Mapping[str, Table]) -> dict[str, str]:
    """File name -> content of every table in every format."""
    return {
        f"{file_stem(name)}.{suffix}": write(table)
        for name, table in tables.items()
        for suffix, write in FORMATS.items()
    }


def file_stem(name: str) -> str:
    """Safe in every file system, one to one: letters and digits of ASCII, `_.-~`, all others percent-encoded."""
    return quote(name, safe="")


def _marked(cell: Cell, escape: Callable[[str], str], bold: str, tied: str) -> str:
    text = escape(cell.text)
    return (bold.format(text) if cell.best and text else text) + (tied if cell.tied else "")


def _padded(text: str, width: int, left: bool) -> str:
    return text.ljust(width) if left else text.rjust(width)
