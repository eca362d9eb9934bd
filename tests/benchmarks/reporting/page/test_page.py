"""The page opens offline and shows what the tables, figures and records say."""

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from benchmarks.records.details import Details, Mistake
from benchmarks.reporting.advice import advice
from benchmarks.reporting.figures.style import to_svg
from benchmarks.reporting.notes import footnotes
from benchmarks.reporting.outputs import all_figures, all_tables
from benchmarks.reporting.page import render
from benchmarks.reporting.statistics.aggregate import by_dataset
from benchmarks.suites import SUITES
from tests.benchmarks.made_records import record, suite, with_tasks
from tests.benchmarks.reporting.names import NAMES
from tests.benchmarks.reporting.tables.test_learning_curve import MODELS, RECORDS

ORDER = ("text_only", "cma_clip")
VOID = {"meta", "img", "input"}


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


def page_of(records, figures=None, **more):
    """Without figures, which take seconds to draw."""
    html = render("default", records, ORDER, all_tables(records, ORDER), figures or {}, **more)
    return html, Page(html)


@pytest.fixture(scope="module")
def records():
    return suite(ORDER, seeds=(0, 1))


@pytest.fixture(scope="module")
def figures(records):
    made = all_figures([detailed(made) for made in records], ORDER)
    return {name: (to_svg(figure), figure.get_label()) for name, figure in made.items()}


@pytest.fixture(scope="module")
def drawn(records, figures):
    """The page of records with answers by class, with its figures."""
    return page_of([detailed(made) for made in records], figures)


def test_it_begins_with_the_question_and_the_verdict(drawn):
    html, page = drawn
    text = "".join(page.text)
    order = [
        SUITES["default"].question,
        "CMA-CLIP is ahead of all others",
        "All models",
        "Task by task",
        "tables of catalog",
    ]
    places = [text.index(part) for part in order]
    assert places == sorted(places)
    assert html.index('id="figure-catalog-accuracy"') < html.index("All models")
    assert "CMA-CLIP Bench" in re.search("<title>(.*)</title>", html)[1]


def test_what_to_take_is_told_with_its_reasons(records):
    advised = advice(records, ORDER, "default", Path("runs"))
    _, page = page_of(records, advised=advised)
    for sentence in advised[0].sentences:
        assert sentence in page.text
    assert "Which model to take" not in page_of(records)[1].text


def test_every_cell_of_every_table_is_there(records):
    _, page = page_of(records)
    for table in all_tables(records, ORDER).values():
        for row in table.rows:
            marked = [cell.text + (" ≈" if cell.tied else "") for cell in row]
            assert marked in page.rows
        assert all(note in page.text for note in table.footnotes)
        assert table.title in page.text


def test_the_first_table_has_every_model_by_accuracy_with_what_it_costs(records):
    _, page = page_of(records)
    head = next(row for row in page.rows if "training, s" in row)
    assert head == ["model", "accuracy, %", "training, s", "a product, ms", "files, MB", "family"]
    first, second = page.rows[page.rows.index(head) + 1 :][:2]
    assert (first[0], second[0], first[-1]) == ("cma_clip", "text_only", "CMA-CLIP")
    assert first[3:5] == ["1.0", "12.5"]


def test_notes_stand_below_their_table_and_those_of_all_tables_once(records):
    _, page = page_of(records)
    tables = all_tables(records, ORDER).values()
    shared = footnotes(by_dataset(records, ORDER)["catalog"])
    assert shared
    assert [page.text.count(note) for note in shared] == [1] * len(shared)
    own = {note for table in tables for note in table.footnotes} - set(shared)
    assert all(page.text.count(note) == sum(note in table.footnotes for table in tables) for note in own)


def test_cautions_stand_beside_the_verdict(records):
    mixed = [*records[:-1], records[-1].model_copy(update={"fingerprints": {"data": "other", "weights": None}})]
    html, _ = page_of(mixed)
    assert html.index("Caution: the rows mix 2 versions of the data") < html.index("All models")


def test_captions_are_sentences(drawn, figures):
    _, page = drawn
    for name, (_, caption) in figures.items():
        assert caption in page.text
        assert name not in page.text


def test_the_agreement_with_the_reference_is_one_line_and_the_rest_is_folded(records):
    html, page = page_of(records, agreement="10 of 12 cells fall inside\n  outside: a\n  outside: b")
    assert "Against the committed reference: 10 of 12 cells fall inside" in page.text
    assert html.index("What is not as expected") < html.index("outside: a")
    assert "committed reference" not in page_of(records)[0]


def detailed(made, mistake_text="a shirt"):
    """The record with answers by class: of 30 rows 10 are right, 20 of one class are taken for the other."""
    labels = np.array([0] * 20 + [1] * 10)
    probabilities = np.tile([0.2, 0.8], (30, 1))
    wrong = Mistake(id="row <7>", text=mistake_text, label="red", answer="blue", confidence=0.8, photo=PHOTO)
    found = Details.of(("red", "blue"), labels, probabilities, (wrong,))
    return made.model_copy(update={"details": dict.fromkeys(("color", "pattern", "style"), found)})


PHOTO = "data:image/jpeg;base64,/9j/4AAQ"


def test_tasks_have_confusions_classes_and_mistakes_with_their_photos(drawn):
    _, page = drawn
    assert ["red", "", "100"] in page.rows
    assert ["red", "20", "0", "n/a", "0"] in page.rows
    assert ["blue", "10", "100", "33", "50"] in page.rows
    assert page.text.count("row <7>") == 3
    assert page.addresses.count(PHOTO) == 3
    assert any(text.startswith("Reliability on catalog") for text in page.text)


def test_older_records_say_why_these_are_missing(records):
    _, page = page_of(records)
    assert any(text.startswith("Made before confusions") for text in page.text)
    assert not any(text.startswith("Made before") for text in page_of([detailed(made) for made in records])[1].text)


def test_the_page_loads_nothing(drawn):
    html, page = drawn
    assert page.addresses
    assert all(address.startswith(("#", "data:image/")) for address in page.addresses)
    assert not re.search(r"https?://|@import|<script src|<link|url\(", html)


def test_figures_are_inline(drawn, figures):
    _, page = drawn
    inline = [address for address in page.addresses if address.startswith("data:image/svg+xml;base64,")]
    assert len(inline) == len(figures)


def test_names_from_data_are_text_never_markup():
    report = {
        "rows": 10,
        "bad_samples": ["row 3: <script>alert(1)</script>"],
        "dropped_classes": {"color": {"<b>teal</b>": 2}},
        "notes": ["a & b"],
    }
    html, page = page_of([detailed(record(data_report=report), "</script><i>{{ 1 }}")])
    assert not re.search(r"<script>alert|<b>|<i>", html)
    assert html.count("<script>") == 1
    for text in ("row 3: <script>alert(1)</script>", "<b>teal</b> (2)", "a & b", "</script><i>{{ 1 }}"):
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


def test_the_page_of_a_learning_curve_is_about_its_most_training_rows():
    html = render("learning-curve", RECORDS, MODELS, all_tables(RECORDS, MODELS), {})
    page = Page(html)
    assert any("made from 12 records" in text for text in page.text)
    answered = [row for row in page.rows if row[-1] in ("CMA-CLIP", "one modality, floors")]
    assert [row[0] for row in answered] == ["cma_clip", "tfidf_logistic"]
    assert answered[0][1].startswith("89.1 ± 0.1")  # of 4,000 rows; with 250 it has 60 %


def test_the_order_of_the_records_changes_no_byte(records):
    assert page_of(records)[0] == page_of(records[::-1])[0]
