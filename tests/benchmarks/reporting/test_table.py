"""Markdown, CSV and LaTeX of one small table, and of hostile names."""

import csv
import io
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from benchmarks.reporting.table import (
    FORMATS,
    MISSING,
    Cell,
    Table,
    file_stem,
    in_all_formats,
    to_csv,
    to_latex,
    to_markdown,
)
from tests.benchmarks.reporting.names import NAMES

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

HOSTILE = 'a|b*c_d`e<f&g%h$i#j{k}l~m^n\\o\np,q"r[s](t)*u--v'


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


class Shown(HTMLParser):
    """The texts that a reader sees; nothing in them may have become an element."""

    def __init__(self, markdown):
        super().__init__()
        self.texts = []
        self.feed(MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(markdown))

    def handle_starttag(self, tag, attributes):
        assert tag in {"p", "strong", "table", "thead", "tbody", "tr", "th", "td", "ul", "li"}
        if tag in {"p", "th", "td", "li"}:
            self.texts.append("")

    def handle_data(self, data):
        if data.strip():
            self.texts[-1] += data


def words(text):
    """Control characters are shown as spaces, and spaces at the ends not at all."""
    return " ".join(re.sub("[\x00-\x1f\x7f-\x9f]", " ", text).split())


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_name_is_read_in_markdown_as_it_is_written(name):
    table = Table("t", ("model", name), ((Cell(name), Cell(name, best=True, tied=True)),), (f"{name}: note",))
    shown = [words(text) for text in Shown(to_markdown(table)).texts]
    assert shown == ["t", "model", words(name), words(name), words(f"{name} ≈"), words(f"{name}: note")]


@given(st.text(alphabet=st.one_of(st.sampled_from(HOSTILE + " _*~!&;amp1.-+=>颜👗"), st.characters()), max_size=20))
def test_any_text_is_read_in_markdown_as_it_is_written(text):
    table = Table(f"t {text} t", ("model", text), ((Cell(text), Cell("1")),), (text or "-",))
    shown = [words(text) for text in Shown(to_markdown(table)).texts]
    assert shown[:5] == [words(f"t {text} t"), "model", words(text), words(text), "1"]
    assert "".join(shown[5:]) == words(text or "-")


def test_an_underscore_inside_a_word_stays_bare():
    assert "| cma_clip_wo_ma_sa |" in to_markdown(Table("t", ("model",), ((Cell("cma_clip_wo_ma_sa"),),)))


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_row_of_latex_never_begins_an_option_of_the_row_before(name):
    latex = to_latex(Table("t", ("model",), ((Cell("first"),), (Cell(name),))))
    assert not re.search(r"\\\\\s*[\[*]", latex)


def test_latex_that_pdflatex_cannot_set_says_so():
    assert to_latex(Table("t", ("颜色",), ())).startswith("% Compile with LuaLaTeX or XeLaTeX")
    assert to_latex(Table(f"t ± ≈ {MISSING} é", ("color",), ())).startswith(r"\begin{table}")


def test_columns_of_a_csv_have_different_names():
    cells = (Cell("m"), Cell("1 ± 2", 1.0, 2.0), Cell("3", 3.0), Cell("4", 4.0), Cell("5", 5.0))
    table = Table("t", ("model", "color", "color std", "model", "model (2)"), (cells,))
    header, row = csv.reader(to_csv(table).splitlines())
    assert len(set(header)) == len(header) == len(row)
    assert header[:2] == ["model", "color"]
    assert row == ["m", "1.0", "2.0", "3.0", "4.0", "5.0"]


@given(st.lists(st.sampled_from(["model", "model (2)", "model (3)", "a", "a std"]), min_size=1, max_size=8))
def test_any_heads_are_told_apart_in_csv(heads):
    row = tuple(Cell(f"{i}", float(i), 0.5) for i in range(len(heads)))
    header, _ = csv.reader(to_csv(Table("t", tuple(heads), (row,))).splitlines())
    assert len(set(header)) == len(header)


@given(st.text(max_size=20), st.text(max_size=20))
def test_file_names_are_safe_and_one_to_one(one, two):
    assert re.fullmatch(r"[A-Za-z0-9_.~%-]*", file_stem(one))
    assert (file_stem(one) == file_stem(two)) == (one == two)
    assert file_stem("fashion-products-macro_f1") == "fashion-products-macro_f1"
    assert set(in_all_formats({"../a b": TABLE})) == {f"..%2Fa%20b.{suffix}" for suffix in FORMATS}


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
