"""JSON, Parquet, Excel, and any format made of any other: values, types and formats stay as they were."""

import json

import openpyxl
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from benchmarks.datasets.loading.splits import DataError
from benchmarks.datasets.reading import ReadOptions
from benchmarks.filling.writing import Source, check
from benchmarks.filling.writing.json_rows import members
from tests.benchmarks.filling.filled_files import ADDED, changes_of, filled_file, source_of


def test_json_lines_keep_the_text_of_every_value(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(
        '{"id": 1.10, "color": null,"n": {"a": [1, 2]}}\r\n\n  {"color" : "red", "id":2e5} \n{"id": "ü\\u00fc"}\n{}',
        encoding="utf-8",
        newline="",
    )
    new = filled_file(path, tmp_path / "b.jsonl", {"color": {0: "blue", 2: "red"}}).decode()
    tail = '"color_suggested": "red", "color_confidence": 0.912345678, "problem": null}'
    assert new == (
        '{"id": 1.10, "color": "blue","n": {"a": [1, 2]}, ' + tail + "\r\n\n  "
        '{"color" : "red", "id":2e5, ' + tail + ' \n{"id": "ü\\u00fc", "color": "red", ' + tail + "\n{" + tail
    )


def test_a_json_array_keeps_the_text_of_every_value(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('[ {"id": 1.10, "stars": null},\n\n {"id": 2, "stars": 4}]\n')
    new = filled_file(path, tmp_path / "b.json", {"stars": {0: "5"}}).decode()
    tail = ', "color_suggested": "red", "color_confidence": 0.912345678, "problem": null}'
    assert new == '[ {"id": 1.10, "stars": 5' + tail + ',\n\n {"id": 2, "stars": 4' + tail + "]\n"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.text(max_size=4), JSON, max_size=4), st.booleans(), st.sampled_from((None, 1)))
def test_the_members_of_any_object_are_found(value, ascii_only, indent):
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    assert {name: json.loads(text[begin:end]) for name, begin, end in members(text)} == value


def test_parquet_keeps_types_and_metadata(tmp_path):
    path, target = tmp_path / "a.parquet", tmp_path / "b.parquet"
    features = {
        "color": {"names": ["red", "blue"], "_type": "ClassLabel"},
        "photo": {"_type": "Image"},
    }
    table = pa.table(
        {
            "price": pa.array([1.10, None, 3.0]),
            "color": pa.array([0, None, 1], pa.int64()),
            "kind": pa.array(["a", None, "b"]).dictionary_encode(),
            "photo": [{"bytes": b"1", "path": None}] * 3,
            "days": pa.array([1, 2, 3], pa.date32()),
        }
    ).replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    parquet.write_table(table, path)
    filled_file(path, target, {"color": {1: "blue"}, "kind": {1: "b"}})
    new = parquet.read_table(target)
    assert new.select(["price", "photo", "days"]).equals(table.select(["price", "photo", "days"]))
    assert new["color"].to_pylist() == [0, 1, 1]
    assert new["kind"].to_pylist() == ["a", "b", "b"]
    assert new.schema.field("kind").type == table.schema.field("kind").type
    assert new.column_names == [*table.column_names, *ADDED.names]
    told = json.loads(new.schema.metadata[b"huggingface"])["info"]["features"]
    assert told["color"] == features["color"]
    assert told["color_confidence"] == {"dtype": "float64", "_type": "Value"}


def test_an_answer_that_is_no_value_of_its_parquet_column_is_refused(tmp_path):
    path = tmp_path / "a.parquet"
    parquet.write_table(pa.table({"stars": pa.array([1, None])}), path)
    source = source_of(path)
    with pytest.raises(DataError, match=r"column 'stars' holds int64.*blue.*\.csv"):
        check(source, changes_of(source, {"stars": {}}), tmp_path / "b.parquet")
    check(source, changes_of(source, {"stars": {}}, classes=("1", "2")), tmp_path / "b.parquet")


def test_a_workbook_keeps_its_formats_and_sheets(tmp_path):
    path, target = tmp_path / "a.xlsx", tmp_path / "b.xlsx"
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append([])
    sheet.append(["id", "color", None, "price"])
    sheet.append([7, None, None, 1.5])
    sheet.append([])
    sheet.append([8, "red", None, 2])
    sheet["D3"].number_format = "0.00"
    book.create_sheet("notes")["A1"] = "=1+1"
    book.save(path)
    one = filled_file(path, target, {"color": {0: "blue"}})
    new = openpyxl.load_workbook(target)
    rows = [[cell.value for cell in row] for row in new.worksheets[0].iter_rows()]
    assert rows[1] == ["id", "color", None, "price", "color_suggested", "color_confidence", "problem"]
    assert rows[2] == [7, "blue", None, 1.5, "red", 0.912345678, None]
    assert rows[4] == [8, "red", None, 2, "red", 0.912345678, None]
    assert new.worksheets[0]["D3"].number_format == "0.00"
    assert new["notes"]["A1"].value == "=1+1"
    target.unlink()
    assert filled_file(path, target, {"color": {0: "blue"}}) == one


def text_table(target):
    """Any written file as rows of texts, by readers that are not this project's."""
    ending = target.suffix
    if ending == ".parquet":
        return pd.read_parquet(target)
    if ending == ".xlsx":
        return pd.read_excel(target, dtype=object, engine="openpyxl")
    if ending == ".json":
        return pd.DataFrame(json.loads(target.read_text()))
    if ending == ".jsonl":
        return pd.DataFrame([json.loads(line) for line in target.read_text().splitlines()])
    return pd.read_csv(target, sep="\t" if ending == ".tsv" else ",", dtype=object)


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".txt", ".json", ".jsonl", ".parquet", ".xlsx"])
@pytest.mark.parametrize("start", ["csv", "jsonl", "parquet", "xlsx", "shards"])
def test_any_format_becomes_any_other(tmp_path, start, ending):
    frame = pd.DataFrame({"id": ["007", "=1", "a,b\t;"], "color": [None, "red", None], "n": ["1.10", "2", "ü"]})
    path = tmp_path / f"a.{start}"
    if start == "csv":
        frame.to_csv(path, index=False, sep="|")
    elif start == "jsonl":
        frame.to_json(path, orient="records", lines=True)
    elif start == "parquet":
        frame.to_parquet(path)
    elif start == "xlsx":
        frame.to_excel(path, index=False)
        assume_text = openpyxl.load_workbook(path)
        assume_text.active["A3"].data_type = "s"
        assume_text.save(path)
    else:
        frame.iloc[:1].to_csv(tmp_path / "s-1.csv", index=False)
        frame.iloc[1:].to_csv(tmp_path / "s-2.csv", index=False)
        path = tmp_path / "s-*.csv"
    target = tmp_path / f"b{ending}"
    filled_file(path, target, {"color": {2: "blue"}})
    new = (
        text_table(target) if not (start == "csv" and ending == ".csv") else pd.read_csv(target, sep="|", dtype=object)
    )
    new = new.astype(object).where(new.notna() & (new != ""), None)
    assert new["id"].tolist() == frame["id"].tolist()
    assert new["color"].tolist() == [None, "red", "blue"]
    assert new["n"].tolist() == frame["n"].tolist()
    assert [float(str(value).replace(",", ".")) for value in new["color_confidence"]] == pytest.approx([0.912346] * 3)


def test_shards_go_on_in_their_dialect(tmp_path):
    (tmp_path / "s-1.csv").write_bytes("größe;color\n1;\n".encode("cp1252"))
    (tmp_path / "s-2.csv").write_bytes("größe;color\n2;\n".encode("cp1252"))
    new = filled_file(tmp_path / "s-*.csv", tmp_path / "b.csv", {"color": {1: "red"}})
    assert new.decode("cp1252").splitlines()[1:] == ["1;;red;0,912346;", "2;red;red;0,912346;"]


def test_encoded_photos_go_to_parquet_only(tmp_path):
    path = tmp_path / "a.parquet"
    parquet.write_table(pa.table({"photo": [b"1"], "color": ["red"]}), path)
    source = source_of(path)
    with pytest.raises(DataError, match=r"'photo' holds encoded photos.*\.parquet"):
        check(source, changes_of(source), tmp_path / "b.csv")


def test_an_ending_that_is_no_format_is_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("name,color\nx,\n")
    source = source_of(path)
    with pytest.raises(DataError, match=r"'\.pdf' is none; valid are \.csv"):
        check(source, changes_of(source), tmp_path / "b.pdf")


def workbook(path, *rows, change=lambda sheet: None):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    change(book.active)
    book.save(path)
    return path


def test_numbers_go_into_a_column_of_numbers_in_excel_and_text_is_no_formula(tmp_path):
    path = workbook(tmp_path / "a.xlsx", ["id", "size", "color"], [1, 2.5, "red"], [2, None, None])
    filled_file(path, tmp_path / "b.xlsx", {"size": {1: "4"}, "color": {1: "=red"}})
    row = openpyxl.load_workbook(tmp_path / "b.xlsx").active[3]
    assert [cell.value for cell in row[:3]] == [2, 4, "=red"]
    assert row[2].data_type == "s"


def merge(sheet):
    sheet.merge_cells("B2:B3")


def compute(sheet):
    sheet["B3"] = '=IF(A3=2,"red","")'


@pytest.mark.parametrize(
    ("change", "message"),
    [(merge, r"cells B2:B3 of column 'color' are merged"), (compute, r"row 3: 'color' is a formula without a value")],
)
def test_cells_of_a_workbook_that_only_look_empty_are_not_filled(tmp_path, change, message):
    path = workbook(tmp_path / "a.xlsx", ["id", "color"], [1, "blue"], [2, None], change=change)
    with pytest.raises(DataError, match=message):
        filled_file(path, tmp_path / "b.xlsx", {"color": {1: "red"}})


def test_a_problem_with_a_control_character_is_escaped_in_excel(tmp_path):
    path = workbook(tmp_path / "a.xlsx", ["id", "color"], [1, None])
    filled_file(path, tmp_path / "b.xlsx", added=[("red", 0.5, "photo missing: \x07.jpg")])
    assert openpyxl.load_workbook(tmp_path / "b.xlsx").active["E2"].value == "photo missing: \\x07.jpg"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\x07b", r"a\.csv, row 2: Excel cannot hold column 'id', which has a control"),
        ("x" * 40_000, "32,767 letters"),
    ],
)
def test_texts_that_excel_cannot_hold_are_refused_before_anything_is_written(tmp_path, text, message):
    path = tmp_path / "a.csv"
    path.write_text(f"id,color\n{text},\n")
    source = source_of(path)
    with pytest.raises(DataError, match=message):
        check(source, changes_of(source), tmp_path / "b.xlsx")


def test_a_workbook_for_macros_is_made_of_one_only(tmp_path):
    path = workbook(tmp_path / "a.xlsx", ["id", "color"], [1, None])
    with pytest.raises(DataError, match=r"no macros that \.xlsm is for"):
        filled_file(path, tmp_path / "b.xlsm")


def test_of_two_members_of_one_name_the_last_is_filled(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"color": "red", "n": 1, "color": null}\n')
    new = filled_file(tmp_path / "a.jsonl", tmp_path / "b.jsonl", {"color": {0: "blue"}}).decode()
    assert new.startswith('{"color": "red", "n": 1, "color": "blue", ')


def test_a_parquet_column_without_any_value_becomes_one_of_strings(tmp_path):
    table = pa.table({"id": [1, 2, 3], "color": pa.nulls(3), "other": pa.nulls(3)})
    parquet.write_table(table, tmp_path / "a.parquet")
    filled_file(tmp_path / "a.parquet", tmp_path / "b.parquet", {"color": {2: "red"}})
    new = parquet.read_table(tmp_path / "b.parquet")
    assert new["color"].to_pylist() == [None, None, "red"]
    assert new.schema.field("other").type == pa.null()


def test_a_file_that_changed_since_it_was_read_is_noticed(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("id,color\n1,\n2,\n")
    source = Source.read(path, ReadOptions())
    source.check_unchanged()
    path.write_text("id,color\n2,\n1,\n")
    with pytest.raises(DataError, match=r"a\.csv changed while it was filled"):
        source.check_unchanged()
