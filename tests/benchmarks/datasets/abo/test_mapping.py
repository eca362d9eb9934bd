import re
from collections import Counter
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.datasets.abo import CARD, mapping
from benchmarks.datasets.abo.mapping import FILE, SHA256, VERSION, normalise, vocabularies
from benchmarks.datasets.loading.splits import DataError
from benchmarks.twins.abo import SPELLINGS

from .samples import CLASSES

LISTED = mapping._File.model_validate_json(FILE.read_text(encoding="utf-8")).attributes


def _label(attribute, *values):
    return vocabularies()[attribute].label(values)


def test_the_list_is_the_frozen_one_and_the_card_names_it():
    assert sha256(FILE.read_text(encoding="utf-8").encode()).hexdigest() == SHA256
    assert VERSION in CARD.labels
    assert SHA256[:16] in CARD.labels


def test_another_list_is_refused(monkeypatch, tmp_path):
    changed = tmp_path / "mapping.json"
    changed.write_text(FILE.read_text(encoding="utf-8").replace('"navy"', '"navi"'), encoding="utf-8")
    monkeypatch.setattr(mapping, "FILE", changed)
    vocabularies.cache_clear()
    with pytest.raises(DataError, match=r"mapping.json: sha256 \w{12} is not that of abo-mapping/v1"):
        vocabularies()


@pytest.mark.parametrize("attribute", LISTED)
def test_every_phrase_is_in_its_normal_form_and_has_one_class(attribute):
    listed = LISTED[attribute]
    for table in (listed.exact, {**listed.words, "": listed.ignored}):
        phrases = [phrase for own in table.values() for phrase in own]
        assert [phrase for phrase, count in Counter(phrases).items() if count > 1] == []
        assert [phrase for phrase in phrases if normalise(phrase) != phrase] == []
    assert listed.several is None or listed.several in listed.words


@pytest.mark.parametrize("attribute", LISTED)
def test_every_class_name_and_every_listed_phrase_is_read_as_its_class(attribute):
    for name in vocabularies()[attribute].classes:
        assert _label(attribute, name.title()) == name
    for name, phrases in LISTED[attribute].words.items():
        assert {_label(attribute, phrase.upper()) for phrase in phrases} == {name}


@pytest.mark.parametrize("attribute", SPELLINGS)
def test_what_sellers_of_the_twin_write_has_the_class_they_mean(attribute):
    for name, spellings in SPELLINGS[attribute].items():
        assert {_label(attribute, text) for text in spellings} == {CLASSES.get(name, name)}, name


@pytest.mark.parametrize(
    ("attribute", "value", "expected"),
    [
        ("color", "Multi", "multicolor"),
        ("color", "Multi-Coloured", "multicolor"),
        ("color", "Black/White", "multicolor"),
        ("color", "Navy Blue", "blue"),
        ("color", "Off-White", "off-white"),
        ("color", "Off-White / White", "multicolor"),
        ("color", "BLACK_00826", "black"),
        ("color", "Reddish", None),
        ("color", "Natural", None),
        ("color", "Oil-Rubbed Bronze", "bronze"),
        ("color", "\uff32\uff25\uff24", "red"),
        ("color", "", None),
        ("pattern", "Buffalo Plaid Check", "checked"),
        ("pattern", "Floral Stripe", None),
        ("pattern", "Solid Wood", None),
        ("pattern", "Diamond", "geometric"),
        ("style", "Mid-Century Modern", "mid-century"),
        ("style", "Modern Farmhouse", "farmhouse"),
        ("style", "Modern Rustic", None),
        ("style", "Classic", "traditional"),
        ("style", "7", None),
        ("style", "Phone Case", None),
        ("material", "100% Cotton", "cotton"),
        ("material", "Faux Leather", "faux leather"),
        ("material", "Gold-Plated Brass", "metal"),
        ("material", "Cotton & Polyester", None),
    ],
)
def test_a_value_has_the_class_of_its_words(attribute, value, expected):
    assert _label(attribute, value) == expected


def test_several_values_are_read_together():
    assert _label("color", "Red", "dark red") == "red"
    assert _label("color", "Red", "Green") == "multicolor"
    assert _label("color", "Red", "As shown") == "red"
    assert _label("material", "Leather", "Rubber") is None
    assert _label("style") is None


@given(st.text(max_size=30))
def test_the_normal_form_is_stable(text):
    once = normalise(text)
    assert normalise(once) == once
    assert re.fullmatch(r"|\S+( \S+)*", once)


@given(st.sampled_from(("red", "Blue ", " GREEN", "no colour word")), st.sampled_from((", ", "-", "/", " & ")))
def test_the_order_of_words_does_not_matter(word, separator):
    assert _label("color", f"{word}{separator}black") == _label("color", f"black{separator}{word}")
