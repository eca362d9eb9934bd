"""The paper's tables: what stands beside what, where it comes from, and that LaTeX takes it."""

import random
import shutil
import subprocess

import pytest

from benchmarks.models import MODELS
from benchmarks.reporting.paper import load_reported, paper_tables
from benchmarks.reporting.paper.layouts import LAYOUTS
from benchmarks.reporting.table import FORMATS, MISSING, to_latex
from tests.benchmarks.made_records import ORDER, record, suite

REPORTED = load_reported()
SUITES = {"default": suite(), "smoke": suite(seeds=(0,))}


@pytest.fixture(scope="module")
def tables():
    return paper_tables(REPORTED, SUITES)


def columns(table):
    cells = zip(*([cell.text for cell in row] for row in table.rows), strict=True)
    return dict(zip(table.header, map(list, cells), strict=True))


def food101(models):
    return [record(model, dataset="food101") for model in models]


def test_every_published_row_and_number_is_there(tables):
    assert set(tables) == set(REPORTED.tables)
    for name, table in tables.items():
        published = REPORTED.tables[name]
        shown = columns(table)
        for index, column in enumerate(published.columns):
            values = [f"{row.values[index]:.1f}" for row in published.rows]
            assert shown[f"published: {column}"][: len(values)] == values
        assert shown["published method"][: len(published.rows)] == [row.method for row in published.rows]


def test_our_numbers_are_those_of_the_records(tables):
    shown = columns(tables["table_2"])
    by_model = dict(zip(shown["our model"], shown["ours on catalog: style"], strict=True))
    values = [
        100 * r.metrics["clean"]["style"]["recall_at_90_precision"].value
        for r in SUITES["default"]
        if r.experiment.model == "cma_clip"
    ]
    assert by_model["cma_clip"].startswith(f"{sum(values) / 3:.1f} ± ")


def test_an_empty_cell_says_what_it_needs(tables):
    assert set(columns(tables["table_3"])["ours on food101"]) == {"needs --data food101=DIR"}
    assert columns(tables["table_2"])["ours on abo"][0] == "needs --data abo=DIR"
    fashion_gen = columns(tables["table_4"])["ours on fashion-gen"]
    assert fashion_gen[:4] == [MISSING] * 4  # competitors without a counterpart
    assert set(fashion_gen[4:]) == {"needs --data fashion-gen=DIR"}


def test_a_model_that_was_not_run_is_told_from_one_that_does_not_exist():
    table = paper_tables(REPORTED, {"paper": food101(["cma_clip"])})["table_3"]
    shown = columns(table)
    by_model = dict(zip(shown["our model"], shown["ours on food101: accuracy"], strict=True))
    assert by_model.pop("cma_clip")[0].isdigit()
    assert set(by_model.values()) == {"not run"}


def test_the_suite_with_the_most_records_is_taken_and_named(tables):
    notes = " ".join(tables["table_2"].footnotes)
    assert "catalog: suite default, mean ± std over 3 seeds, 400 test examples; also measured by smoke." in notes


def test_the_rule_that_chooses_a_suite():
    def source(**suites):
        notes = " ".join(paper_tables(REPORTED, suites)["table_2"].footnotes)
        return notes.partition("catalog: suite ")[2].partition(",")[0].partition(" ")[0]

    def changed(records, sizes=None, **options):
        experiments = [r.experiment.model_copy(update={"dataset_options": options}) for r in records]
        pairs = zip(records, experiments, strict=True)
        return [r.model_copy(update={"experiment": e, "sizes": {**r.sizes, **(sizes or {})}}) for r, e in pairs]

    one = suite(seeds=(0,))
    assert source(b=suite(), a=one) == "b"  # more records
    assert source(a=one, b=changed(one, {"train": 9000})) == "b"  # as many, more training rows
    assert source(a=changed(one, titles="masked"), b=one) == "b"  # as many rows, fewer changed options
    assert source(b=one, a=one) == "a"  # the first by name


def test_variants_are_neither_shown_nor_counted(tables):
    plain = suite(("cma_clip",), seeds=(0,))
    variants = [
        r.model_copy(update={"experiment": r.experiment.model_copy(update={"variant": f"{depth} layers"})})
        for depth in (2, 3)
        for r in suite(("cma_clip",))
    ]
    table = paper_tables(REPORTED, {"ablation": [*plain, *variants], "other": suite(("cma_clip",))})["table_2"]
    assert "suite other, mean ± std over 3 seeds, 400 test examples; also measured by ablation." in str(table.footnotes)
    only = paper_tables(REPORTED, {"ablation": variants})["table_2"]
    assert set(columns(only)["ours on catalog"]) == {"needs --suite default"}


@pytest.mark.parametrize(
    ("table", "trap"),
    [("table_4", "41 categories"), ("table_6", "never released"), ("table_2", "our reading")],
)
def test_known_traps_are_footnotes(tables, table, trap):
    assert trap in " ".join(tables[table].footnotes)


def test_layouts_name_what_exists():
    for name, layout in LAYOUTS.items():
        assert set(layout.counterparts) <= {row.method for row in REPORTED.tables[name].rows}
        ours = [*layout.counterparts.values(), *layout.also]
        assert set(ours) <= set(MODELS)
        assert len(ours) == len(set(ours))


def test_the_order_of_suites_and_records_changes_no_byte(tables):
    shuffled = {name: random.Random(0).sample(SUITES[name], len(SUITES[name])) for name in reversed(SUITES)}
    again = paper_tables(REPORTED, shuffled)
    for write in FORMATS.values():
        assert [write(table) for table in tables.values()] == [write(table) for table in again.values()]


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_latex_compiles_and_fits_the_page(tables, tmp_path):
    everything = {**tables, **paper_tables(REPORTED, {"paper": food101(ORDER)})}
    body = "\n\\clearpage\n".join(map(to_latex, everything.values()))
    head = "\\documentclass{article}\n\\usepackage{booktabs,graphicx}\n\\begin{document}\n"
    (tmp_path / "paper.tex").write_text(f"{head}{body}\\end{{document}}\n")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull \\hbox" not in done.stdout
