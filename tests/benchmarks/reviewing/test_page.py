import base64
import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.stats import binom

from benchmarks.datasets.loading.images import data_uri
from benchmarks.reviewing.page import needed, to_html
from benchmarks.reviewing.selection import Selection
from benchmarks.reviewing.thumbnails import QUALITY, SIDE
from tests.benchmarks.reviewing.filled_tables import ABOUT, SEASON, TASKS, columns_of, filled_table, write_photos

HOSTILE = '</script><script>alert(1)</script> {{ 7 * 7 }} {% raw %} "\' onload="x" &amp; <b>'


class Read(HTMLParser):
    """Tags with their attributes, and the text between them."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.text, self.inside = [], [], None
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.inside = tag
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        if self.inside not in ("script", "style"):
            self.text.append(data)

    @property
    def cards(self):
        return [attrs for _, attrs in self.tags if attrs.get("class") == "card"]

    @property
    def words(self):
        return " ".join(" ".join(self.text).split())


def page_of(table, most=60, folder=Path(), tasks=TASKS):
    selection = Selection(tasks, most)
    selection.add(table)
    columns = columns_of(folder)
    return to_html(selection, ABOUT, columns if "image" in table.columns else replace(columns, image=None))


def test_a_card_says_what_there_is_to_know():
    table = filled_table(60)
    read = Read(page_of(table))
    cards = [card for card in read.cards if card["data-task"] == "color"]
    suspect = next(card for card in cards if card["data-cell"])
    row = int(suspect["data-row"])
    assert suspect["data-cell"] == table.loc[row, "color"].strip()
    assert suspect["data-suggested"] == table.loc[row, "color_suggested"]
    assert float(suspect["data-confidence"]) == table.loc[row, "color_confidence"]
    assert (
        f"product {row} row {row} · id P{row} cell: {suspect['data-cell']} model: {suspect['data-suggested']} "
        in read.words
    )
    assert f"confidence {table.loc[row, 'color_confidence']:.3f} threshold 0.600 text " in read.words
    assert "rare, or spelt in another way" in read.words
    assert "text cut at 32 tokens" in read.words


def test_counts_of_what_is_not_shown_are_stated():
    table = filled_table(400)
    read = Read(page_of(table, most=10))
    filled = int((table["color_decision"] == "filled").sum())
    assert f"A sample of the filled 10 of {filled}" in read.words
    assert f"{filled - 10} more are not shown" in read.words
    assert " 0 more are not shown" not in read.words
    assert "No threshold promises 90 % for season, so nothing was filled." in read.words
    assert len([card for card in read.cards if card["data-task"] == "color"]) == 30


def test_the_page_promises_only_what_some_threshold_does():
    table = filled_table(60)
    promise = "The promise: of the cells filled for a task, at least 90 % are right, with a confidence of 90 %."
    assert promise in Read(page_of(table)).words
    words = Read(page_of(table, tasks=(SEASON,))).words
    assert "promise:" not in words
    assert "Nothing was filled: no threshold promises 90 % for any task." in words


def test_the_summary_counts_every_decision():
    table = filled_table(400)
    counted = table["color_decision"].value_counts()
    row = " ".join(str(counted[decision]) for decision in ("kept", "filled", "review", "no evidence"))
    assert f"color {row} 0.600" in Read(page_of(table)).words


def test_no_text_of_the_table_is_anything_but_text():
    """Titles, ids, cells and problems with everything that HTML, JavaScript and jinja2 give a meaning to."""
    plain, hostile = filled_table(60), filled_table(60)
    for column in ("title", "sku", "problem"):
        plain[column], hostile[column] = "T", HOSTILE
    for column in ("color", "color_suggested"):
        plain[column] = [cell and f"T{row}" for row, cell in plain[column].items()]
        hostile[column] = [cell and f"{HOSTILE}{row}" for row, cell in hostile[column].items()]
    page, expected = Read(page_of(hostile)), Read(page_of(plain))
    assert [tag for tag, _ in page.tags] == [tag for tag, _ in expected.tags]
    assert [sorted(attrs) for _, attrs in page.tags] == [sorted(attrs) for _, attrs in expected.tags]
    assert HOSTILE in page.words
    assert "49" not in page.cards[0]["data-id"]
    assert {card["data-id"] for card in page.cards} == {HOSTILE}


def test_nothing_is_fetched():
    page = page_of(filled_table(60))
    assert re.findall(r"(?:src|href|url|import)\s*[=(]\s*[\"']?\s*(?:https?:)?//", page) == []
    assert "default-src 'none'" in page


def test_a_photo_is_inside_once_and_a_missing_one_has_its_reason(tmp_path):
    table = write_photos(filled_table(60), tmp_path)
    table["problem"] = None
    page = page_of(table, folder=tmp_path)
    read = Read(page)
    carded = {int(card["data-row"]) for card in read.cards}
    shown = {int(attrs["data-photo"]) for tag, attrs in read.tags if tag == "img"}
    assert shown == {row for row in carded if row % 5 and row % 7 and row % 11}
    assert page.count("data:image/jpeg;base64,") == len(shown)
    assert "photo missing: 7.jpg" in read.words
    assert "photo cannot be decoded: 11.jpg is not an image in a format known to Pillow" in read.words
    assert "no photo" in read.words
    assert str(tmp_path) not in page


@pytest.mark.parametrize("size", [(1200, 800), (800, 1200), (40, 30)])
def test_thumbnails_are_small_and_never_enlarged(size):
    image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (*size[::-1], 3), np.uint8))
    found = Image.open(io.BytesIO(base64.b64decode(data_uri(image, SIDE, QUALITY).partition(",")[2])))
    assert max(found.size) == min(160, max(size))
    assert found.format == "JPEG"
    assert image.size == size


@pytest.mark.parametrize(("target", "level"), [(0.5, 0.9), (0.9, 0.9), (0.95, 0.9), (0.99, 0.95)])
def test_so_many_checked_cells_show_the_precision_and_one_fewer_does_not(target, level):
    for wrong, checked in enumerate(needed(target, level)):
        by_luck = [binom.sf(n - wrong - 1, n, target) for n in (checked - 1, checked)]
        assert by_luck[0] > 1 - level >= by_luck[1]


def test_an_empty_table_has_a_page():
    table = filled_table(30)
    table["color_decision"], table["season_decision"] = "kept", "kept"
    table["color_suggested"], table["season_suggested"] = table["color"], table["season"]
    words = Read(page_of(table)).words
    assert "The model contradicts no cell that has a value." in words
    assert "No cell was empty, or none had evidence." in words
    assert "Nothing was filled." in words
