"""For any table in any of the dialects the rows come back equal, or one error names the row or the option."""

import csv
import io

import openpyxl
from hypothesis import assume, example, given
from hypothesis import strategies as st

from benchmarks.datasets.loading.splits import DataError
from benchmarks.datasets.reading import read_table
from benchmarks.datasets.reading.table import BLANKS

LETTERS = st.text(st.sampled_from('aB7é€,;|\t"\\\n .-='), max_size=8) | st.text(
    st.characters(codec="utf-8", exclude_characters="\r\0", exclude_categories=["Cs"]), max_size=8
)
WRITERS = st.fixed_dictionaries(
    {
        "delimiter": st.sampled_from([",", ";", "\t", "|"]),
        "lineterminator": st.sampled_from(["\n", "\r\n"]),
        "quoting": st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    }
)
ENCODINGS = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])


@st.composite
def tables(draw):
    width = draw(st.integers(2, 4))
    names = draw(st.lists(LETTERS, min_size=width, max_size=width, unique_by=lambda name: name.strip(BLANKS)))
    return [names, *draw(st.lists(st.lists(LETTERS, min_size=width, max_size=width), min_size=1, max_size=6))]


def written(rows, encoding, backslash, style):
    """The bytes; rejected where they mean another table as well: no reader can know."""
    text = io.StringIO()
    quotes = {"escapechar": "\\", "doublequote": False} if backslash else {}
    csv.writer(text, **style, **quotes).writerows(rows)
    cells = "".join(cell for row in rows for cell in row)
    assume(not backslash or '"' in cells or "\\" not in cells)  # nothing tells a doubled backslash from two
    assume(not text.getvalue().startswith(("sep=", '"sep=', "\ufeff", "\ufffe")))
    try:
        data = text.getvalue().encode(encoding)
    except UnicodeEncodeError:
        assume(False)
    if encoding == "cp1252" and not data.isascii():
        assume(not data.startswith((b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")) and not is_utf8(data))
    return data


def is_utf8(data):
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def stripped(rows):
    """What a table holds: no blanks around cells, no blank lines, no unnamed empty columns."""
    rows = [[cell.strip(BLANKS) for cell in row] for row in rows]
    rows = [row for row in rows if any(row)]
    if not rows:
        return []
    kept = [n for n, name in enumerate(rows[0]) if name or any(row[n] for row in rows[1:])]
    header = [rows[0][n] or f"column_{n + 1}" for n in kept]
    return [header, *([row[n] for n in kept] for row in rows[1:])]


@given(rows=tables(), encoding=ENCODINGS, backslash=st.booleans(), style=WRITERS)
@example([["a;b", "c"], ["x;y", "z"]], "utf-8", False, {"delimiter": ","})
@example([["", ":"], ["", "\n\\\\"]], "utf-8", False, {"delimiter": ","})
@example([[',"\n', "00", "", "0"], ["", "", "", ""]], "utf-8", True, {"delimiter": ";", "lineterminator": "\n"})
@example([["text", "size"], ["tablet", '5" screen']], "utf-8", True, {"delimiter": ";"})
@example([["text", "folder"], ["a, b", "C:\\"]], "cp1252", False, {"delimiter": ",", "quoting": csv.QUOTE_ALL})
def test_rows_come_back_equal_or_one_error_names_row_or_option(tmp_path_factory, rows, encoding, backslash, style):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(written(rows, encoding, backslash, style))
    back = read_back(path)
    if isinstance(back, DataError):
        assert str(back).startswith(str(path))
        assert any(part in str(back) for part in (", row ", ", line ", "encoding=", "separator=", "quotes=", "empty"))
    else:
        assert back == stripped(rows)


def read_back(path):
    """All rows, the header first, or the error."""
    try:
        table = read_table(path).columns
    except DataError as error:
        return error
    return [table.column_names, *map(list, zip(*table.to_pydict().values(), strict=True))]


@given(rows=tables(), style=WRITERS)
def test_ordinary_tables_are_read_not_refused(tmp_path_factory, rows, style):
    """Under names that no separator can cut, nothing is in doubt."""
    rows = [[f"name {n}" for n in range(len(rows[0]))], *([f"k{k}", *row[1:]] for k, row in enumerate(rows[1:]))]
    assume(not any("\\" in cell for row in rows for cell in row))
    path = tmp_path_factory.getbasetemp() / "ordinary.csv"
    path.write_bytes(written(rows, "utf-8", False, style))
    assert read_back(path) == stripped(rows)


def test_blank_rows_are_counted(tmp_path):
    (tmp_path / "a.csv").write_text("text,color\n\nmug,red\n,\n , \nlamp,blue\n,\n")
    (tmp_path / "a.jsonl").write_text('{"text": "mug"}\n\n\n{"text": "lamp"}\n\n')
    (tmp_path / "b.csv").write_text("text,color\nmug,red\n")
    book = openpyxl.Workbook()
    for row in (["text", "color"], ["mug", "red"], [" ", None], ["lamp", "blue"]):
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    notes = {path.name: read_table(path).notes[1:] for path in sorted(tmp_path.iterdir())}
    assert notes == {
        "a.csv": ("a.csv: 4 blank rows are left out",),
        "a.jsonl": ("a.jsonl: 2 blank rows are left out",),
        "a.xlsx": ("a.xlsx: 1 blank row is left out",),
        "b.csv": (),
    }
