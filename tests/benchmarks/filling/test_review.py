"""The review page of a table that a real model filled."""

import re

import pandas as pd
import pytest

from benchmarks import models
from benchmarks.answers import answering_of
from benchmarks.datasets.loading.splits import DataError
from benchmarks.filling import Question, Review, fill
from cma_clip.classifier import Workspace
from tests.products import TASKS, photo, products

ROWS = 40


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Reads the text, which tells the size and not the color."""
    folder = tmp_path_factory.mktemp("text") / "model"
    classifier = models.create("tfidf_logistic", {}, TASKS, 0, Workspace())
    classifier.fit(products(160, 1, holes=False), products(120, 2, holes=False))
    models.save("tfidf_logistic", classifier, folder, answering_of(classifier.predict(products(200, 3, holes=False))))
    return folder


@pytest.fixture
def table(tmp_path):
    """Of the sizes one in two is empty, one in four is right and one in four wrong; the first row has a photo."""
    said = [("small", "large")[n % 2] for n in range(ROWS)]
    cells = [("", "", said[n], said[1 - n % 2])[n // 2 % 4] for n in range(ROWS)]
    texts = [f"a {size} shirt" for size in said]
    images = ["0.png", "lost.png", *[""] * (ROWS - 2)]
    pd.DataFrame({"image": images, "text": texts, "size": cells}).to_csv(tmp_path / "shop.csv", index=False)
    photo("red").save(tmp_path / "0.png")
    return tmp_path / "shop.csv"


def cards(page, task, group):
    """(Row, cell, suggested) of the cards of a section."""
    section = page.split(f'<section class="group" data-group="{group}"')[[task.name for task in TASKS].index(task) + 1]
    section = section.split("</section>")[0]
    return re.findall(r'data-row="(\d+)".*? data-cell="(\w*)" data-suggested="(\w+)"', section)


def test_the_page_has_the_suspects_the_sample_and_the_photos(table, model):
    page = table.with_name("review.html")
    fill(table, model, table.with_name("new.csv"), Question(), Review(page))
    text = page.read_text(encoding="utf-8")
    old = pd.read_csv(table, keep_default_na=False)
    said = old["text"].str.split().str[1]
    empty, wrong = old["size"] == "", (old["size"] != "") & (old["size"] != said)
    suspects = cards(text, "size", "suspects")
    assert {(int(row), cell, model) for row, cell, model in suspects} == {
        (n + 2, old["size"][n], said[n]) for n in old.index[wrong]
    }
    assert {(int(row), model) for row, _, model in cards(text, "size", "sample")} == {
        (n + 2, said[n]) for n in old.index[empty]
    }
    assert cards(text, "color", "sample") == []
    assert len(cards(text, "color", "close")) == ROWS
    assert "No threshold promises 90 % for color" in text
    assert text.count("data:image/jpeg;base64,") == 1  # although the model reads the text alone
    assert "photo missing: lost.png" in text
    assert "Review of new.csv" in text
    assert sorted(path.name for path in table.parent.iterdir()) == ["0.png", "new.csv", "review.html", "shop.csv"]


def test_a_section_has_as_many_cells_as_asked_for(table, model):
    page = table.with_name("review.html")
    fill(table, model, table.with_name("new.csv"), Question(), Review(page, 4))
    text = page.read_text(encoding="utf-8")
    assert len(cards(text, "size", "suspects")) == 4
    assert len(cards(text, "color", "close")) == 4
    assert "6 more are not shown" in text


def test_another_spelling_of_the_same_is_no_suspect(table, model):
    old = pd.read_csv(table, keep_default_na=False)
    old["size"] = old["text"].str.split().str[1].str.upper() + "\u00a0"
    old.to_csv(table, index=False)
    page = table.with_name("review.html")
    fill(table, model, table.with_name("new.csv"), Question(), Review(page))
    assert cards(page.read_text(encoding="utf-8"), "size", "suspects") == []


@pytest.mark.parametrize(
    ("name", "rows", "message"),
    [
        ("new.csv", 60, "is the new table, too"),
        ("shop.csv", 60, "is the table itself"),
        ("0.png", 60, "exists; give another file, or --overwrite"),
        (".", 60, "is a folder; name a file"),
        ("review.html", 0, "--review-rows 0: a section of the page shows at least 1 cell"),
    ],
)
def test_a_page_that_cannot_be_is_refused_before_anything_is_done(table, model, name, rows, message):
    before = {path.name for path in table.parent.iterdir()}
    with pytest.raises(DataError, match=message):
        fill(table, model, table.with_name("new.csv"), Question(), Review(table.parent / name, rows))
    assert {path.name for path in table.parent.iterdir()} == before
