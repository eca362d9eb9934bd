"""The filled table is the source's own: every cell byte by byte as it was, what is new in the same form."""

import gzip
import json

import openpyxl
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pyarrow import parquet

from benchmarks.datasets.loading.splits import DataError
from benchmarks.datasets.reading import ReadOptions, read_table
from benchmarks.filling.writing import Changes, Source, check, note, write
from benchmarks.filling.writing.json_rows import members

ADDED = pa.schema([("color_suggested", pa.string()), ("color_confidence", pa.float64()), ("problem", pa.string())])
ROWS = 2
"""Of a block, so that few rows make several."""


def source_of(path, **options):
    settled = ReadOptions(**options)
    return Source(read_table(path, settled), settled)


def changes_of(source, filled=None, added=None, classes=("red", "blue"), schema=ADDED):
    """Column -> {row: value} that fills it; rows -> the added cells, by default the same everywhere."""
    count = source.raw.columns.num_rows
    fills = {name: [rows.get(n) for n in range(count)] for name, rows in (filled or {}).items()}
    cells = added or [("red", 0.912345678, None)] * count
    columns = {name: pa.array(values, pa.string()) for name, values in fills.items()}
    for name, values in zip(schema.names, zip(*cells, strict=True), strict=True):
        columns[name] = pa.array(values, schema.field(name).type)
    table = pa.table(columns)
    blocks = [table.slice(start, ROWS) for start in range(0, count, ROWS)]
    return Changes(dict.fromkeys(filled or {}, tuple(classes)), schema, blocks)


def filled_file(path, target, filled=None, added=None, **options):
    source = source_of(path, **options)
    changes = changes_of(source, filled, added)
    check(source, changes, target)
    write(source, changes, target)
    return target.read_bytes()


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_a_csv_keeps_every_byte_of_its_cells(tmp_path, encoding, end):
    old = [' id ;"größe";color;price', '7; "L ""x"""; ;1,50', "", ";;;", '8;"a', 'b";"";2,75', "9;é;N/A;3"]
    path = tmp_path / "a.csv"
    path.write_bytes(end.join(old).encode(encoding))
    new = filled_file(
        path, tmp_path / "b.csv", {"color": {0: "red", 2: "blue"}}, encoding=encoding.removesuffix("-sig")
    )
    suffix = ";red;0,912346;"
    expected = [
        ' id ;"größe";color;price;color_suggested;color_confidence;problem',
        f'7; "L ""x""";red;1,50{suffix}',
        "",
        ";;;;;;",
        '8;"a',
        f'b";"";2,75{suffix}',
        f"9;é;blue;3{suffix}",
    ]
    assert new == end.join(expected).encode(encoding)


def test_big_endian_with_its_mark_stays_so(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xfe\xff" + "name,color\nä,\n".encode("utf-16-be"))
    new = filled_file(path, tmp_path / "b.csv", {"color": {0: "red"}})
    assert new.startswith(b"\xfe\xff")
    assert new[2:].decode("utf-16-be").splitlines()[1] == "ä,red,red,0.912346,"


def test_a_file_that_quotes_everything_goes_on_so(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('"name","color"\n"x",""\n')
    new = filled_file(path, tmp_path / "b.csv", {"color": {0: "red"}}).decode()
    assert new == ('"name","color","color_suggested","color_confidence","problem"\n"x","red","red","0.912346",""\n')


def test_an_excel_separator_line_and_a_missing_last_line_end_stay(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("sep=|\nname|color\nx|")
    new = filled_file(path, tmp_path / "b.csv", {"color": {0: "red"}}).decode()
    assert new == "sep=|\nname|color|color_suggested|color_confidence|problem\nx|red|red|0.912346|"


def test_quotes_after_backslashes_are_written_so(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('name,color\n"5\\" x",\ny,\n')
    added = [('a "b"', 0.5, "back\\slash, comma"), ("red", 0.5, None)]
    target = tmp_path / "b.csv"
    new = filled_file(path, target, {"color": {0: 'a "b"'}}, added).decode()
    assert new.splitlines()[1] == r'"5\" x","a \"b\"","a \"b\"",0.500000,"back\\slash, comma"'
    assert read_table(target).columns["problem"][0].as_py() == "back\\slash, comma"


@pytest.mark.parametrize(
    ("separator", "price", "written"),
    [(";", "1", "0,912346"), (";", "1.5", "0.912346"), ("\t", "1", "0.912346"), ("\t", "1,5", "0,912346")],
)
def test_confidences_have_the_comma_of_the_other_numbers(tmp_path, separator, price, written):
    path = tmp_path / "a.csv"
    path.write_text(f"name{separator}price\nx{separator}{price}\ny{separator}2\n")
    assert written in filled_file(path, tmp_path / "b.csv").decode()


def test_gzip_in_and_out_are_equal_bytes_every_time(tmp_path):
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"name,color\nx,\n"))
    one = filled_file(path, tmp_path / "b.csv.gz", {"color": {0: "red"}})
    (tmp_path / "b.csv.gz").unlink()
    assert filled_file(path, tmp_path / "b.csv.gz", {"color": {0: "red"}}) == one
    assert gzip.decompress(one).splitlines()[1] == b"x,red,red,0.912346,"


def test_without_a_header_none_is_added(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("x,1\ny,2\n")
    assert filled_file(path, tmp_path / "b.csv", header=False).decode().splitlines()[0] == "x,1,red,0.912346,"


def test_a_class_that_the_encoding_lacks_is_refused_before_anything_is_written(tmp_path):
    path, target = tmp_path / "a.csv", tmp_path / "b.csv"
    path.write_bytes("größe;color\n1;\n".encode("cp1252"))
    source = source_of(path)
    changes = changes_of(source, {"color": {}}, classes=("red", "красный"))
    with pytest.raises(DataError, match=r"'красный' cannot be written in cp1252.*UTF-8.*\.parquet"):
        check(source, changes, target)
    check(source, changes, tmp_path / "b.jsonl")
    assert not target.exists()


@pytest.mark.parametrize(
    ("cells", "classes", "options", "told"),
    [
        ("Rock", ("weiß",), {}, True),
        ("Rock", ("white",), {}, False),
        ("Söckchen", ("weiß",), {}, False),
        ("Rock", ("weiß",), {"encoding": "cp1252"}, False),
    ],
)
def test_a_table_that_does_not_tell_its_encoding_is_pointed_out(tmp_path, cells, classes, options, told):
    path, target = tmp_path / "a.csv", tmp_path / "b.csv"
    path.write_text(f"name;color\n{cells};\n", encoding="utf-8")
    source = source_of(path, **options)
    changes = changes_of(source, {"color": {0: classes[0]}}, classes=classes)
    said = note(source, changes, target)
    assert (said is not None and "'weiß'" in said and "encoding=cp1252" in said) is told
    write(source, changes, target)
    assert (
        target.read_bytes().splitlines()[1].startswith(f"{cells};{classes[0]}".encode(options.get("encoding", "utf-8")))
    )


@pytest.mark.parametrize(("ending", "mark"), [("xlsx", b"\xef\xbb\xbf"), ("parquet", b"")])
def test_csv_from_excel_has_the_mark_that_excel_reads(tmp_path, ending, mark):
    path = tmp_path / f"a.{ending}"
    frame = pd.DataFrame({"größe": ["klein"]})
    frame.to_excel(path, index=False) if ending == "xlsx" else frame.to_parquet(path)
    assert filled_file(path, tmp_path / "b.csv").startswith(mark + "größe,".encode())


def test_a_problem_that_the_encoding_lacks_is_escaped(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("größe;color\n1;\n".encode("cp1252"))
    new = filled_file(path, tmp_path / "b.csv", added=[("red", 0.5, "photo missing: я.jpg")])
    assert new.splitlines()[1] == b"1;;red;0,500000;photo missing: \\u044f.jpg"


def test_a_file_that_lost_rows_meanwhile_is_noticed(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("name,color\nx,\ny,\n")
    source = source_of(path)
    path.write_text("name,color\nx,\n")
    with pytest.raises(DataError, match="changed while it was filled"):
        write(source, changes_of(source), tmp_path / "b.csv")


CELLS = st.text(st.sampled_from("ab \t\"\\,;|\r\n'é=0."), max_size=6)


@st.composite
def written_tables(draw):
    """(Text of a CSV file, options to read it, its rows as raw cells)."""
    separator = draw(st.sampled_from(",;\t|"))
    backslash = draw(st.booleans())
    width = draw(st.integers(2, 4))
    escapes = {"\\": "\\\\", '"': '\\"'} if backslash else {'"': '""'}

    def raw(cell):
        quoted = draw(st.booleans()) or any(c in cell for c in f'{separator}\r\n"\\') or cell != cell.strip()
        escaped = "".join(escapes.get(c, c) for c in cell)
        return draw(st.sampled_from(("", " ", "  "))) + f'"{escaped}"' if quoted else cell

    names = [raw(f"name{n}") for n in range(width - 1)] + ["color"]
    rows = [[raw(draw(CELLS)) for _ in range(width - 1)] + [""] for _ in range(draw(st.integers(1, 6)))]
    end = draw(st.sampled_from(("\n", "\r\n", "\r")))
    text = "".join(separator.join(row) + end for row in [names, *rows])
    if draw(st.booleans()):
        text = text.removesuffix(end)
    return text, {"separator": separator, "quotes": "backslash" if backslash else "doubled", "header": True}, rows


@given(written_tables(), st.sampled_from(("utf-8", "utf-8-sig", "utf-16", "cp1252")), st.data())
def test_any_table_keeps_its_cells_and_reads_back_with_what_is_new(tmp_path_factory, written, encoding, data):
    text, options, rows = written
    folder = tmp_path_factory.mktemp("tables")
    path, target = folder / "a.csv", folder / "b.csv"
    path.write_bytes(text.encode(encoding))
    try:
        source = source_of(path, **options, encoding=None if encoding != "cp1252" else encoding)
    except DataError as error:
        assume("no rows" not in str(error) and "blank lines" not in str(error))
        raise
    count = source.raw.columns.num_rows
    fills = {n: data.draw(st.sampled_from(("red", "a,b;c|d", 'q"u\\o', "x\ny"))) for n in range(0, count, 2)}
    write(source, changes_of(source, {"color": fills}), target)
    new = source_of(target, **options, encoding=None if encoding != "cp1252" else encoding).raw.columns
    old = source.raw.columns
    for name in old.column_names:
        kept = [n for n in range(count) if name != "color" or n not in fills]
        kept = pa.array(kept, pa.int64())
        assert new[name].take(kept).to_pylist() == old[name].take(kept).to_pylist()
    assert {n: new["color"][n].as_py() for n in fills} == fills
    assert new["color_suggested"].to_pylist() == ["red"] * count
    # And byte by byte: each row's own cells stand before the last of them, which is the color.
    whole = target.read_bytes().decode("utf-8" if encoding.startswith("utf-8") else encoding)
    place = 0
    for row in rows:
        own = options["separator"].join(row[:-1])
        place = whole.index(own, place) + len(own)


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
