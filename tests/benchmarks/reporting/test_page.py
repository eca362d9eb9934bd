"""The page opens offline and shows what the tables, figures and records say."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from benchmarks.records.record import Experiment
from benchmarks.reporting.advice import advice
from benchmarks.reporting.outputs import all_figures, all_tables
from benchmarks.reporting.page import render, reproduction
from benchmarks.suites import experiments, select
from tests.benchmarks.made_records import record, suite, with_tasks
from tests.benchmarks.reporting.names import NAMES

ORDER = ("text_only", "cma_clip")
VOID = {"meta", "img"}


class Page(HTMLParser):
    """Checks that tags nest, and collects rows, text and every address."""

    def __init__(self, html):
        super().__init__()
        self.open, self.rows, self.text, self.addresses = [], [], [], []
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.addresses += [value for name, value in attrs if name in ("src", "href")]
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data


def page_of(records, reproduce="nox -s benchmark", cards=None):
    html = render("default", all_tables(records, ORDER), all_figures(records, ORDER), records, reproduce, cards)
    return html, Page(html)


@pytest.fixture(scope="module")
def records():
    return suite(ORDER, seeds=(0, 1))


def test_what_to_take_stands_above_the_tables(records):
    advised = advice(records, ORDER, "default", Path("runs"))
    html = render("default", all_tables(records, ORDER), {}, records, "", advised=advised)
    page = Page(html)
    for sentence in advised[0].sentences:
        assert sentence in page.text
    assert html.index(">Which model to take<") < html.index('id="tables"')
    assert 'href="#pick"' not in page_of(records)[0]


def test_every_cell_of_every_table_is_there(records):
    _, page = page_of(records)
    for table in all_tables(records, ORDER).values():
        for row in table.rows:
            marked = [cell.text + (" ≈" if cell.tied else "") for cell in row]
            assert marked in page.rows
        assert all(note in page.text for note in table.footnotes)
        assert table.title in page.text


def test_a_footnote_is_printed_once_and_its_number_stands_under_every_table_that_has_it(records):
    html, page = page_of(records)
    for table in all_tables(records, ORDER).values():
        assert [page.text.count(note) for note in table.footnotes] == [1] * len(table.footnotes)
    numbers = set(re.findall(r'href="#note-(\d+)"', html))
    assert numbers == set(re.findall(r'id="note-(\d+)"', html))
    assert len(re.findall('href="#note-1"', html)) > 1


def test_captions_are_sentences(records):
    _, page = page_of(records)
    for name, figure in all_figures(records, ORDER).items():
        assert figure.get_label() in page.text
        assert name not in page.text


def test_the_agreement_with_the_reference_is_shown_if_there_is_one(records):
    tables, figures = all_tables(records, ORDER), all_figures(records, ORDER)
    with_one = render("default", tables, figures, records, "", agreement="10 of 12 cells fall inside")
    assert "10 of 12 cells fall inside" in Page(with_one).text
    assert "committed reference" not in page_of(records)[0]


def test_the_page_loads_nothing(records):
    html, page = page_of(records)
    assert page.addresses
    assert all(address.startswith(("#", "data:image/svg+xml;base64,")) for address in page.addresses)
    assert not re.search(r"https?://|@import|<script|<link", html)


def test_figures_are_inline(records):
    _, page = page_of(records)
    inline = [address for address in page.addresses if address.startswith("data:")]
    assert len(inline) == len(all_figures(records, ORDER))


def test_names_from_data_are_text_never_markup():
    report = {
        "rows": 10,
        "bad_samples": ["row 3: <script>alert(1)</script>"],
        "dropped_classes": {"color": {"<b>teal</b>": 2}},
        "notes": ["a & b"],
    }
    html, page = page_of([record(data_report=report)], "echo '<i>' && true", {"catalog": {"title": "<u>Cat</u>"}})
    assert not re.search(r"<script|<b>|<i>|<u>", html)
    for text in ("row 3: <script>alert(1)</script>", "<b>teal</b> (2)", "a & b", "echo '<i>' && true", "<u>Cat</u>"):
        assert text in page.text


def test_every_name_of_a_task_is_shown_as_it_is():
    names = list(NAMES.values())
    for three in zip(names[::3], names[1::3], names[2::3], strict=True):
        _, page = page_of([with_tasks(made, *three) for made in suite(ORDER, seeds=(0,))])
        assert ["model", *three, "mean"] in page.rows


def test_environments_are_counted(records):
    other = record(seed=2, environment={"cpu": "B Processor", "libraries": {"torch": "2.15"}, "accelerators": []})
    _, page = page_of([*records, other])
    assert [text for text in page.text if re.fullmatch(r"\d+ records?", text)] == ["4 records", "1 record"]
    assert {"A Processor", "B Processor", "torch 2.15", "none"} <= set(page.text)


def test_the_order_of_the_records_changes_no_byte(records):
    assert page_of(records)[0] == page_of(records[::-1])[0]


def asked(name, models=(), seeds=(), options=None, hparams=None):
    return experiments(select(name, models, seeds, options or {}, hparams or {}))


def test_a_suite_as_it_is_needs_nothing_else():
    assert reproduction("default", asked("default"), []) == "nox -s benchmark -- --suite default"
    assert reproduction("ablation", asked("ablation"), []) == "nox -s benchmark -- --suite ablation"
    assert reproduction("paper", asked("paper"), ["abo"]) == "nox -s benchmark -- --suite paper --data abo=DIR"


def test_what_was_asked_for_is_told():
    listed = asked("manifest", ["cma_clip", "majority"], [4], {"labels": ["color"]}, {"max_epochs": 3})
    assert reproduction("manifest", listed, ["manifest"]) == (
        "nox -s benchmark -- --suite manifest --data manifest=DIR --models majority cma_clip --seeds 4 "
        "--option 'labels=[\"color\"]' --hparam max_epochs=3"
    )
    assert "--option abo.min_count=2" in reproduction("paper", asked("paper", options={"abo.min_count": 2}), [])


def test_tuned_hyper_parameters_are_not_repeated():
    tuned = [Experiment(dataset="catalog", model="mmbt", seed=0, hparams={"depth": 2}, tuned="5 trials")]
    assert reproduction("default", tuned, []) == "nox -s benchmark -- --suite default --models mmbt --seeds 0 --tuned"


def test_single_experiments_are_commands_of_their_own():
    one = Experiment(dataset="catalog", model="mmbt", seed=1, protocol="plain", hparams={"depth": 2})
    assert reproduction("single", [one], []) == (
        "cma-bench run --dataset catalog --model mmbt --seed 1 --protocol plain --hparam depth=2"
    )
