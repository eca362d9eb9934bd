import io
import json

import pyarrow as pa
import pytest
from pyarrow import parquet

from benchmarks.datasets.loading.readers import read_records
from benchmarks.datasets.loading.splits import DataError

WANTED = {"text": "text", "kind": "labels"}


def _read(tmp_path, name, data):
    path = tmp_path / name
    path.write_bytes(data)
    return read_records(path, WANTED)


def _parquet(rows):
    buffer = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(rows), buffer)
    return buffer.getvalue()


def test_cells_with_commas_quotes_and_line_breaks(tmp_path):
    records = _read(tmp_path, "a.csv", '\ufefftext,other,kind\r\n"a, ""b""\nc",x,1\r\n\r\nd,y,\r\n'.encode())
    assert [record.cells for record in records] == [{"text": 'a, "b"\nc', "kind": "1"}, {"text": "d", "kind": None}]
    assert [record.origin for record in records] == ["a.csv, row 2", "a.csv, row 4"]


def test_a_json_row_may_lack_a_column(tmp_path):
    records = _read(tmp_path, "a.jsonl", b'{"text": "a", "kind": 1}\n\n{"text": "b"}\n')
    assert [record.cells["kind"] for record in records] == ["1", None]
    assert records[1].origin == "a.jsonl, row 3"


def test_a_text_of_10_000_long_words_is_whole_in_every_format(tmp_path):
    text = "Donaudampfschiffahrt " * 9_999 + "Ende"
    files = {
        "a.csv": f"text,kind\n{text},1\n".encode(),
        "a.jsonl": json.dumps({"text": text, "kind": 1}).encode(),
        "a.parquet": _parquet([{"text": text, "kind": 1}]),
    }
    for name, data in files.items():
        assert [record.cells["text"] for record in _read(tmp_path, name, data)] == [text]


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.csv", b"", "row 1: no column names"),
        ("a.csv", b"text,kind,text\n", "row 1: column 'text' occurs twice"),
        ("a.csv", b"text,kind\na,1\nb\n", "row 3: 1 cells, the header has 2: \\['b'\\]"),
        ("a.csv", b"text,kind\na,1,2\n", "row 2: 3 cells, the header has 2"),
        ("a.csv", b'text,kind\na,1\n"b,2\n', "row 3: unexpected end of data"),
        ("a.csv", b"text,Kind\na,1\n", "option labels: unknown column 'kind'; did you mean 'Kind'.*Valid: text, Kind"),
        ("a.csv", b"text,kind\na,1\ncaf\xe9,2\n", "line 3: byte 17 of the file, 0xe9, is not UTF-8.*iconv"),
        ("a.jsonl", b'{"text": "caf\xe9"}', "line 1: byte 13 of the file, 0xe9, is not UTF-8"),
        ("a.jsonl", b'{"text": "a"}\n{"text": \n', "row 2: cannot be read as JSON"),
        ("a.jsonl", b'{"text": ' + b"9" * 5000 + b"}", "row 1: cannot be read as JSON: .*5000 digits"),
        ("a.jsonl", b"[" * 100_000, "row 1: cannot be read as JSON: .*recursion"),
        ("a.jsonl", rb'{"text": "a\ud800", "kind": 1}', r"row 1, column 'text': 'a\\ud800' is not Unicode text"),
        ("a.jsonl", b'["a", 1]', "row 1: expected an object, found"),
        ("a.jsonl", b'{"text": "a", "kind": ["x"]}', r"row 1, column 'kind': \['x'\] is not text or a number"),
        ("a.jsonl", b"", "unknown column 'text'"),
        ("a.parquet", b"PAR1 but no more", "cannot be read as Parquet"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, name, data, message):
    with pytest.raises(DataError, match=rf"{name}.*{message}"):
        _read(tmp_path, name, data)
