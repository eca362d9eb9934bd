"""Markdown, CSV and LaTeX of one small table, and of hostile names."""

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from benchmarks.reporting.table import FORMATS, MISSING, Cell, Table, to_csv, to_latex, to_markdown

TABLE = Table(
    title="catalog: accuracy in %",
    header=("model", "color"),
    rows=(
        (Cell("text_only"), Cell("61.5 ± 0.9", 61.5, 0.9, tied=True)),
        (Cell("cma_clip"), Cell("86.6 ± 0.8", 86.58333333333333, 0.8, best=True)),
        (Cell("mmbt"), Cell(MISSING)),
    ),
    footnotes=("Bold: best.",),
)

HOSTILE = 'a|b*c_d`e<f&g%h$i#j{k}l~m^n\\o\np,q"r'


def table_of(text):
    return Table(text, ("model", text), ((Cell(text), Cell(text, best=True, tied=True)),), (text,))


def test_markdown():
    assert to_markdown(TABLE) == (
        "**catalog: accuracy in %**\n\n"
        "| model     |          color |\n"
        "| --------- | -------------: |\n"
        "| text_only |   61.5 ± 0.9 ≈ |\n"
        "| cma_clip  | **86.6 ± 0.8** |\n"
        f"| mmbt      |              {MISSING} |\n\n"
        "- Bold: best.\n"
    )


def test_csv_has_numbers_at_full_precision():
    assert to_csv(TABLE) == ("model,color,color std\ntext_only,61.5,0.9\ncma_clip,86.58333333333333,0.8\nmmbt,,\n")


def test_latex():
    assert to_latex(TABLE) == "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            r"\caption{catalog: accuracy in \%}",
            r"\begin{tabular}{lr}",
            r"\toprule",
            r"model & color \\",
            r"\midrule",
            r"text\_only & 61.5 $\pm$ 0.9\,$\approx$ \\",
            r"cma\_clip & \textbf{86.6 $\pm$ 0.8} \\",
            r"mmbt & -- \\",
            r"\bottomrule",
            r"\end{tabular}",
            r"\par\smallskip\footnotesize Bold: best.",
            r"\end{table}",
            "",
        ]
    )


def test_hostile_names_stay_in_their_markdown_cell():
    html = MarkdownIt("commonmark").enable("table").render(to_markdown(table_of(HOSTILE)))
    assert (html.count("<th>"), html.count("<td")) == (1, 2)  # the second header is right-aligned
    assert "a|b*c_d`e&lt;f&amp;g%h$i#j{k}l~m^n\\o p,q&quot;r" in html


@given(st.text(max_size=30))
def test_csv_reads_back(text):
    header, row = csv.reader(io.StringIO(to_csv(table_of(text)), newline=""))
    line = text.replace("\n", " ").replace("\r", " ")
    assert (header, row) == (["model", line], [line, line])


@given(st.text(alphabet=HOSTILE + "±≈é ", max_size=30))
def test_latex_is_balanced_and_escaped(text):
    latex = to_latex(table_of(text))
    bare = re.sub(r"\\[\\{}&%$#_]", "", latex)
    depth = 0
    for character in bare:
        depth += {"{": 1, "}": -1}.get(character, 0)
        assert depth >= 0
    assert depth == 0
    assert not set(bare) & set("#%_~^<>")
    assert bare.count("$") % 2 == 0
    rows = [line for line in latex.splitlines() if line.endswith(r" \\")]
    assert [len(re.findall(r"(?<!\\)&", row)) for row in rows] == [1, 1]


@pytest.mark.parametrize("render", FORMATS.values(), ids=FORMATS)
def test_a_table_without_footnotes_ends_with_one_newline(render):
    text = render(Table("t", ("a",), ((Cell("x"),),)))
    assert text == text.rstrip() + "\n"


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ValueError, match="2 columns, but a row of 1 cells: lonely"):
        Table("t", ("a", "b"), ((Cell("lonely"),),))
