import csv
import gzip

import numpy as np
import pytest

from benchmarks.datasets.loading.splits import DataError
from benchmarks.datasets.reading import ReadOptions, column_names, read_table

ROWS = [
    ["image", "text", "color"],
    ["images/1.jpg", 'mug, 5" tall; plain', "red"],
    ["images/2.jpg", "für Küche, 5 €\nzwei Zeilen", "blau"],
    ["images/3.jpg", "a|b", "red"],
]

RUSSIAN = (
    b"text;\xf6\xe2\xe5\xf2\n"
    b"\xea\xf0\xe0\xf1\xed\xe0\xff \xea\xf0\xf3\xe6\xea\xe0;\xea\xf0\xe0\xf1\xed\xfb\xe9\n"  # in cp1251
)


def write(path, rows=ROWS, encoding="utf-8", before="", **style):
    with path.open("w", newline="", encoding=encoding) as file:
        file.write(before)
        csv.writer(file, **style).writerows(rows)
    return path


def rows_of(table):
    return [table.columns.column_names, *map(list, zip(*table.columns.to_pydict().values(), strict=True))]


@pytest.mark.parametrize(
    ("style", "found"),
    [
        ({}, "utf-8, separator ','"),
        ({"delimiter": ";", "encoding": "utf-8-sig"}, "utf-8, separator ';'"),
        ({"delimiter": "\t", "encoding": "utf-16"}, "utf-16, separator tab"),
        ({"delimiter": "\t", "encoding": "utf-16-le"}, "utf-16-le, separator tab"),
        ({"delimiter": "|", "encoding": "utf-16-be"}, "utf-16-be, separator '|'"),
        ({"delimiter": ";", "encoding": "cp1252"}, "cp1252, separator ';'"),
        ({"delimiter": ";", "before": "sep=;\r\n"}, "utf-8, separator ';'"),
        ({"lineterminator": "\n", "quoting": csv.QUOTE_ALL}, "utf-8, separator ','"),
        ({"escapechar": "\\", "doublequote": False}, "utf-8, separator ',', quotes after a backslash"),
    ],
)
def test_the_dialect_is_found_and_noted(tmp_path, style, found):
    table = read_table(write(tmp_path / "products.csv", **style))
    assert rows_of(table) == ROWS
    assert table.notes == (f"products.csv: {found}, 3 rows",)


def test_old_macintosh_line_ends_and_gzip(tmp_path):
    (tmp_path / "mac.csv").write_bytes(b"text,color\rMug,red\rCup,blue\r")
    assert rows_of(read_table(tmp_path / "mac.csv")) == [["text", "color"], ["Mug", "red"], ["Cup", "blue"]]
    packed = tmp_path / "products.tsv.gz"
    packed.write_bytes(gzip.compress(write(tmp_path / "plain.tsv", delimiter="\t").read_bytes()))
    assert rows_of(read_table(packed)) == ROWS


def test_blanks_go_and_numbers_stay_as_written(tmp_path):
    path = tmp_path / "products.csv"
    path.write_text('sku, text , size\n007, "a, b",1.10\n1e5,\u00a0mug\u200b ,12345678901234567890\n', encoding="utf-8")
    assert rows_of(read_table(path))[1:] == [["007", "a, b", "1.10"], ["1e5", "mug", "12345678901234567890"]]


def test_rows_are_numbered_as_a_spreadsheet_shows_them(tmp_path):
    path = tmp_path / "products.csv"
    path.write_text('text,color\n"two\nlines",red\n\n,\nCup,blue\n')
    table = read_table(path)
    assert [table.origins[row] for row in range(2)] == ["products.csv, row 2", "products.csv, row 5"]
    np.testing.assert_array_equal(table.origins.numbers, [2, 5])


def test_unnamed_empty_columns_are_left_out_and_others_get_a_name(tmp_path):
    path = tmp_path / "products.csv"
    path.write_text(",text,color,,\n0,Mug,red,,\n1,Cup,blue,,\n")
    table = read_table(path)
    assert table.columns.column_names == ["column_1", "text", "color"]
    assert any("2 columns without a name" in note for note in table.notes)
    assert any("'column_1'" in note for note in table.notes)


def test_commas_in_every_title_do_not_hide_semicolons(tmp_path):
    rows = [["text, short", "color"], *([f"mug, red, {n}", "red"] for n in range(9))]
    assert rows_of(read_table(write(tmp_path / "products.csv", rows, delimiter=";"))) == rows


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"\n\n", "nothing but blank lines"),
        (b"text,color\n", "no rows below the header"),
        (b"text,color\nMug,red\nCup,blue,x\n", r"row 3: 3 cells, the header has 2"),
        (b'text,color\nMug,red\n"Cup,blue\nPan,red\n', "row 3: a quoted cell that starts here never ends"),
        (b'text,color\n"Big" mug,red\n', r"row 2: ',' expected after"),
        (b"text,text\nMug,red\n", "column 'text' occurs twice"),
        (b"text,color\nMug\0,red\n", "line 2: a NUL character"),
        (b"images/1.jpg,Mug,red\nimages/2.jpg,Cup,red\n", "header=true .* header=false"),
        (b"Mug,red\nCup,red\n", "looks like data .'red'"),
        (b"a;b,c\nx;y,z\n", "separator ',', 2 columns; or with separator ';', 2 columns; say which: separator="),
        (RUSSIAN, "looks like windows-1251; .*encoding="),
    ],
)
def test_a_doubt_or_a_fault_is_one_error_with_the_way_out(tmp_path, content, message):
    path = tmp_path / "products.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_table(path)


def test_options_settle_doubts(tmp_path):
    path = tmp_path / "products.csv"
    path.write_bytes(b"a;b,c\nx;y,z\n")
    assert column_names(path, ReadOptions(separator="semicolon")) == ["a", "b,c"]
    path.write_bytes(RUSSIAN)
    assert column_names(path, ReadOptions(encoding="cp1251")) == ["text", RUSSIAN.decode("cp1251")[5:9]]
    path.write_bytes(b"Mug,red\nCup,red\n")
    assert rows_of(read_table(path, ReadOptions(header=False))) == [
        ["column_1", "column_2"],
        ["Mug", "red"],
        ["Cup", "red"],
    ]
    assert rows_of(read_table(path, ReadOptions(header=True))) == [["Mug", "red"], ["Cup", "red"]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (ReadOptions(encoding="utf-99"), "encoding=utf-99"),
        (ReadOptions(encoding="ascii"), "line 3: byte .* encoding=NAME"),
        (ReadOptions(separator="::"), "separator='::' must be a single character"),
    ],
)
def test_a_wrong_option_is_an_error(tmp_path, options, message):
    with pytest.raises(DataError, match=message):
        read_table(write(tmp_path / "products.csv"), options)


def test_an_unknown_column_names_the_others(tmp_path):
    path = write(tmp_path / "products.csv")
    with pytest.raises(DataError, match="colour"):
        read_table(path, columns=["colour"])
    assert read_table(path, columns=["color"]).columns.column_names == ["color"]
