"""The filled table is the source's own: every cell byte by byte as it was, what is new in the same form."""

import gzip

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from benchmarks.datasets.loading.splits import DataError
from benchmarks.datasets.reading import read_table
from benchmarks.filling.writing import check, note, write
from tests.benchmarks.filling.filled_files import changes_of, filled_file, source_of


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
