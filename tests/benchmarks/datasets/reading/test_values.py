import pyarrow as pa
import pytest

from benchmarks.datasets.reading.values import clean_text, settle_labels


def settle(*cells, **options):
    return settle_labels(pa.chunked_array([list(cells)], pa.string()), **options)


@pytest.mark.parametrize(
    ("cells", "decimal_comma", "classes"),
    [
        (["0", "0.0", "1.50", "1.5"], False, ["0", "0", "1.5", "1.5"]),
        (["0", "0,0", "-0"], True, ["0", "0", "0"]),
        (["10", "100"], False, ["10", "100"]),
        (["0", "0,0"], False, ["0", "0,0"]),
        (["007", "7"], False, ["007", "7"]),
        (["1e5", "100000"], False, ["1e5", "100000"]),
        (["1.1", "1.10", "1.10.2"], False, ["1.1", "1.10", "1.10.2"]),
        (["12345678901234567890", "12345678901234567891"], False, ["12345678901234567890", "12345678901234567891"]),
        (["True", "TRUE", "false"], False, ["true", "true", "false"]),
        (["True", "maybe"], False, ["True", "maybe"]),
        (["light\u00a0blue", "light blue", "light  \u200bblue"], False, ["light blue"] * 3),
    ],
)
def test_what_is_one_class(cells, decimal_comma, classes):
    assert settle(*cells, decimal_comma=decimal_comma).values.to_pylist() == classes


def test_missing_words_are_counted_and_do_not_hide_numbers():
    settled = settle("1", "NA", "1.0", "", "-", "NA", None)
    assert settled.values.to_pylist() == ["1", None, "1", None, None, None, None]
    assert settled.missing == {"": 2, "-": 1, "NA": 2}
    assert settle("NA", "?", "x", words=["?"]).values.to_pylist() == ["NA", None, "x"]


def test_classes_that_differ_in_case_or_blanks_only_are_noted():
    cells = ["Red"] * 3 + ["red", "light blue", "lightblue", "light blue"]
    (note,) = settle(*cells).notes
    assert note.endswith("`Red` 3, `red` 1; `light blue` 2, `lightblue` 1: one class with fold_case=true")
    assert settle(*cells, fold_case=True).values.to_pylist() == ["Red"] * 4 + ["light blue"] * 3


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("<p>Ships&nbsp;free</p><ul><li>One &amp; more</li></ul> red", "Ships free One & more red"),
        ("b<b>o</b>ld <a href='x>y'>link</a><br/>end", "bold link end"),
        ("<style>p {x}</style><script>a<b</script>kept<!-- not -->", "kept"),
        ("&lt;p&gt;Feed&lt;/p&gt; 5 &lt; 6 &#233; 7", "Feed 5 < 6 é 7"),
        *(
            (text, text)
            for text in ("x < 5 & y > 3", "List<Brand> <3 AT&T", "a <b and c> d", "R&D; &copy 2", "two  blanks")
        ),
    ],
)
def test_only_real_markup_is_taken_out(text, clean):
    texts, changed = clean_text(pa.chunked_array([[text, None], ["plain"]], pa.string()))
    assert texts.to_pylist() == [clean, None, "plain"]
    assert changed == (text != clean)
