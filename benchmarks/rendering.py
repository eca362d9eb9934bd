"""A table and how it is written: Markdown, CSV and LaTeX. The same table is always the same bytes."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

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
        best: the best of its column.
        tied: not significantly different from the best.
    """

    text: str
    value: float | None = None
    spread: float | None = None
    best: bool = False
    tied: bool = False


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
    lines = [[_markdown(text) for text in table.header]]
    lines += [[_marked(cell, _markdown, "**{}**", f" {TIED}") for cell in row] for row in table.rows]
    widths = [max(3, *(len(line[column]) for line in lines)) for column in range(len(table.header))]
    rule = ["-" * (width - (i >= table.labels)) + ":" * (i >= table.labels) for i, width in enumerate(widths)]
    text = [[_padded(cell, widths[i], i < table.labels) for i, cell in enumerate(line)] for line in lines]
    body = "\n".join(f"| {' | '.join(line)} |" for line in [text[0], rule, *text[1:]])
    notes = "".join(f"- {_markdown(note)}\n" for note in table.footnotes)
    return f"**{_markdown(table.title)}**\n\n{body}\n" + (f"\n{notes}" if notes else "")


def to_csv(table: Table) -> str:
    """Numbers at full precision, a further column for each that has a standard deviation; no title, no footnotes."""
    spreads = [any(row[column].spread is not None for row in table.rows) for column in range(len(table.header))]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        [name for i, head in enumerate(map(_plain, table.header)) for name in (head, f"{head} std")[: 1 + spreads[i]]]
    )
    for row in table.rows:
        writer.writerow([text for i, cell in enumerate(row) for text in _numbers(cell)[: 1 + spreads[i]]])
    return out.getvalue()


def to_latex(table: Table) -> str:
    """A `table` environment; needs the package booktabs."""
    lines = [[_latex(text) for text in table.header]]
    lines += [[_marked(cell, _latex, r"\textbf{{{}}}", r"\,$\approx$") for cell in row] for row in table.rows]
    head, *body = (" & ".join(line) + r" \\" for line in lines)
    columns = "l" * table.labels + "r" * (len(table.header) - table.labels)
    notes = [rf"\par\smallskip\footnotesize {_latex(note)}" for note in table.footnotes]
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{_latex(table.title)}}}",
            rf"\begin{{tabular}}{{{columns}}}",
            r"\toprule",
            head,
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
            *notes,
            r"\end{table}",
            "",
        ]
    )


FORMATS: dict[str, Callable[[Table], str]] = {"md": to_markdown, "csv": to_csv, "tex": to_latex}
"""File suffix -> renderer."""


def _marked(cell: Cell, escape: Callable[[str], str], bold: str, tied: str) -> str:
    text = escape(cell.text)
    return (bold.format(text) if cell.best else text) + (tied if cell.tied else "")


def _padded(text: str, width: int, left: bool) -> str:
    return text.ljust(width) if left else text.rjust(width)


def _numbers(cell: Cell) -> Sequence[str]:
    """(value, spread) as text; the shortest digits that read back as the same float."""
    if cell.value is None:
        return _plain(cell.text), ""
    return repr(cell.value), "" if cell.spread is None else repr(cell.spread)


def _escaper(replacements: dict[str, str]) -> Callable[[str], str]:
    table = str.maketrans({"\n": " ", "\r": " ", **replacements})
    return lambda text: text.translate(table)


_plain = _escaper({})
_markdown = _escaper({"\\": r"\\", "|": r"\|", "*": r"\*", "`": r"\`", "<": "&lt;"})
_latex = _escaper(
    {
        **{character: f"\\{character}" for character in "&%$#_{}"},
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "±": r"$\pm$",
        MISSING: "--",
        TIED: r"$\approx$",
    }
)
