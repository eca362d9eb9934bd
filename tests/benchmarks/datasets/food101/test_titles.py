import pytest

from benchmarks.datasets.food101.titles import clean, read_titles
from benchmarks.datasets.loading.splits import DataError


@pytest.mark.parametrize(
    ("title", "wanted"),
    [
        (r"Jos\xc3\xa9 Pizarro", "José Pizarro"),
        (r"not UTF-8: \xe9t\xe9", r"not UTF-8: \xe9t\xe9"),
        ("Pur&amp;eacute;e &#187; A&nbsp; B", "Purée » A B"),
        ("b'Nan\\'s Pie'", "Nan's Pie"),
        ('b"Nan\'s Pie"', "Nan's Pie"),
        ("[[\"The Food Lab's Apple Pie", "The Food Lab's Apple Pie"),
        ('[["Baby Back Ribs"]', "Baby Back Ribs"),
        ("[['Grandmother']]", "Grandmother"),
        (r"Ramen | \t\t\tAL.com", "Ramen | AL.com"),
        ("best pie [recipe]", "best pie [recipe]"),
        ("", ""),
    ],
)
def test_clean(title, wanted):
    assert clean(title) == wanted
    assert clean(wanted) == wanted


def test_a_quoted_title_may_hold_a_line_break(tmp_path):
    path = tmp_path / "titles.csv"
    path.write_bytes(b'pho_1.jpg,"Pho,\r\nthe soup",pho\r\n\r\npho_2.jpg,Pho,pho\r\n')
    assert [(p.title, p.origin) for p in read_titles(path, "train")] == [
        ("Pho,\nthe soup", "titles.csv, row 1"),
        ("Pho", "titles.csv, row 4"),
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("image,title,label", "row 2: unknown class 'label'"),
        ("pho_2.jpg,pho", "row 2: 'pho_2.jpg,pho' cannot be read as file,title,class"),
        ("pho_2.jpg,Pho,fo", r"row 2: unknown class 'fo'.*Valid: apple_pie"),
        ('pho_2.jpg,"Pho\nthe soup', r"row 2: 'pho_2.jpg,\"Pho.*cannot be read as file,title,class"),
        ("../pho_2.jpg,Pho,pho", r"row 2: file '../pho_2.jpg' is not a plain file name"),
    ],
)
def test_a_malformed_row_is_named(tmp_path, line, message):
    path = tmp_path / "titles.csv"
    path.write_text(f"pho_1.jpg,Pho,pho\n{line}\n")
    with pytest.raises(DataError, match=message):
        read_titles(path, "train")
