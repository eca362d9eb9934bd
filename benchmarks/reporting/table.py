"""A table and how it is written: Markdown, CSV and LaTeX. The same table is always the same bytes."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

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
    lines = [[_markdown(text) for text in table.header]]
    lines += [[_marked(cell, _markdown, "**{}**", f" {TIED}") for cell in row] for row in table.rows]
    widths = [max(3, *(len(line[column]) for line in lines)) for column in range(len(table.header))]
    rule = ["-" * (width - (i >= table.labels)) + ":" * (i >= table.labels) for i, width in enumerate(widths)]
    text = [[_padded(cell, widths[i], i < table.labels) for i, cell in enumerate(line)] for line in lines]
    body = "\n".join(f"| {' | '.join(line)} |" for line in [text[0], rule, *text[1:]])
    notes = "".join(f"- {_markdown(note)}\n" for note in table.footnotes)
    return f"**{_markdown(table.title)}**\n\n{body}\n" + (f"\n{notes}" if notes else "")


def to_csv(table: Table) -> str:
    """Numbers at full precision; no title, no footnotes.

    A column is followed by those of its standard deviation and of its interval, if any of its cells has one.
    What is missing is empty.
    """
    columns = [_csv_columns(_plain(head), [row[i] for row in table.rows]) for i, head in enumerate(table.header)]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows(zip(*(line for column in columns for line in column), strict=True))
    return out.getvalue()


def _csv_columns(head: str, cells: Sequence[Cell]) -> list[list[str]]:
    """Each with its header; the shortest digits that read back as the same float."""
    shown = ["" if cell.text == MISSING else _plain(cell.text) for cell in cells]
    columns = [[head, *(_digits(cell.value) or text for cell, text in zip(cells, shown, strict=True))]]
    if any(cell.spread is not None for cell in cells):
        columns.append([f"{head} std", *(_digits(cell.spread) for cell in cells)])
    if any(cell.interval is not None for cell in cells):
        for end, name in enumerate(("low", "high")):
            columns.append(
                [f"{head} {name}", *(_digits(cell.interval[end] if cell.interval else None) for cell in cells)]
            )
    return columns


def _digits(number: float | None) -> str:
    return "" if number is None else repr(number)


WIDE = 62
"""Tables of longer lines, in characters, are shrunk to the width of the page in LaTeX."""


def to_latex(table: Table) -> str:
    """A `table` environment; needs the packages booktabs and, for wide tables, graphicx.

    Columns called "group: name" stand under a common head for each group.
    """
    body = [[_marked(cell, _latex, r"\textbf{{{}}}", r"\,$\approx$") for cell in row] for row in table.rows]
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
    notes = [rf"\par\smallskip\footnotesize {_latex(note)}" for note in table.footnotes]
    caption = rf"\caption{{{_latex(table.title)}}}"
    return "\n".join([r"\begin{table}", r"\centering", caption, *tabular, *notes, r"\end{table}", ""])


def _line_length(table: Table) -> int:
    lines = [[head.rpartition(": ")[2] for head in table.header], *([cell.text for cell in row] for row in table.rows)]
    return sum(max(map(len, column)) + 2 for column in zip(*lines, strict=True))


def _latex_head(header: Sequence[str]) -> list[str]:
    """One line, or two if there are groups, with a rule under each group."""
    pairs = [head.rpartition(": ")[::2] for head in header]
    names = " & ".join(_latex(name) for _, name in pairs) + r" \\"
    if not any(group for group, _ in pairs):
        return [names]
    spans, rules, first = [], [], 1
    for group, members in groupby(group for group, _ in pairs):
        last = first + len(list(members)) - 1
        spans.append(rf"\multicolumn{{{last - first + 1}}}{{c}}{{{_latex(group)}}}")
        rules.append(rf"\cmidrule(lr){{{first}-{last}}}" if group else "")
        first = last + 1
    return [" & ".join(spans) + r" \\", "".join(rules), names]


FORMATS: dict[str, Callable[[Table], str]] = {"md": to_markdown, "csv": to_csv, "tex": to_latex}
"""File suffix -> renderer."""


def in_all_formats(tables: Mapping[str, Table]) -> dict[str, str]:
    """File name -> content of every table in every format."""
    return {f"{name}.{suffix}": write(table) for name, table in tables.items() for suffix, write in FORMATS.items()}


def _marked(cell: Cell, escape: Callable[[str], str], bold: str, tied: str) -> str:
    text = escape(cell.text)
    return (bold.format(text) if cell.best else text) + (tied if cell.tied else "")


def _padded(text: str, width: int, left: bool) -> str:
    return text.ljust(width) if left else text.rjust(width)


def _escaper(replacements: dict[str, str]) -> Callable[[str], str]:
    table = str.maketrans({"\n": " ", "\r": " ", **replacements})
    return lambda text: text.translate(table)


_plain = _escaper({})
_markdown = _escaper({"\\": r"\\", "|": r"\|", "*": r"\*", "`": r"\`", "<": "&lt;"})
_latex_characters = _escaper(
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


def _latex(text: str) -> str:
    """Two hyphens would become a dash."""
    return "-{}-".join(map(_latex_characters, text.split("--")))
