import pytest

from benchmarks.datasets.loading.splits import DataError
from benchmarks.datasets.reading.encoding import read_utf8
from benchmarks.datasets.reading.json_rows import read_objects
from benchmarks.datasets.reading.values import cell


@pytest.mark.parametrize("data", ["\ufeffcafé\n".encode(), "café\n".encode()])
def test_text_in_utf8_has_no_mark(tmp_path, data):
    (tmp_path / "a.txt").write_bytes(data)
    assert read_utf8(tmp_path / "a.txt") == "café\n"


def test_another_encoding_is_refused_with_the_line(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"text\na\ncaf\xe9\n")
    with pytest.raises(DataError, match=r"a.txt, line 3: byte 10 of the file, 0xe9, is not UTF-8.*iconv"):
        read_utf8(tmp_path / "a.txt")


def test_objects_have_the_number_of_their_line_and_numbers_as_written(tmp_path):
    (tmp_path / "a.jsonl").write_text('\ufeff{"a": 1.10, "b": ["x"]}\n\n{"a": null}')
    assert list(read_objects(tmp_path / "a.jsonl")) == [(1, {"a": "1.10", "b": ["x"]}), (3, {"a": None})]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"a": ', "row 2: cannot be read as JSON"),
        ("[" * 100_000, "row 2: cannot be read as JSON: .*recursion"),
        ("[1]", "row 2: expected an object"),
    ],
)
def test_what_is_no_object_is_named(tmp_path, line, message):
    (tmp_path / "a.jsonl").write_text(f'{{"a": 1}}\n{line}')
    with pytest.raises(DataError, match=message):
        list(read_objects(tmp_path / "a.jsonl"))


@pytest.mark.parametrize(("value", "text"), [(" a ", "a"), (1, "1"), (None, None), ("NaN", None), (" ", None)])
def test_a_value_is_text_or_nothing(value, text):
    assert cell(value) == text


@pytest.mark.parametrize(
    ("value", "message"), [(["a"], "not text"), ({}, "not text"), (b"a", "not text"), ("\ud800", "Unicode")]
)
def test_a_value_that_is_several_or_no_text_is_refused(value, message):
    with pytest.raises(ValueError, match=message):
        cell(value)
