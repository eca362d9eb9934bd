"""What a run that cannot end well leaves behind, and what it says."""

import errno
import re

import pytest

from benchmarks import models
from benchmarks.answers import answering_of
from benchmarks.datasets.loading.splits import DataError
from benchmarks.filling import Question, Work, answer_table, fill, run
from cma_clip.classifier import Workspace
from cma_clip.examples import ExampleList
from cma_clip.types import Example, Task
from tests.benchmarks.filling.test_fill import reads_text, table  # noqa: F401 - the fixture


def test_nothing_is_left_of_a_refused_run(tmp_path, reads_text):  # noqa: F811
    table(tmp_path / "a.csv")
    text = (tmp_path / "a.csv").read_text()
    (tmp_path / "a.csv").write_text(text + "9;" + "x" * 40_000 + ";\n")
    with pytest.raises(DataError, match="32,767 letters"):
        fill(tmp_path / "a.csv", reads_text, tmp_path / "b.xlsx", Question())
    with pytest.raises(DataError, match=r"'\.pdf' is none"):
        fill(tmp_path / "a.csv", reads_text, tmp_path / "b.pdf", Question())
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_a_stopped_run_keeps_its_parts_and_no_copy_of_the_table(tmp_path, reads_text):  # noqa: F811
    table(tmp_path / "a.csv")
    with Work.beside(tmp_path / "b.csv") as work:
        answer_table(tmp_path / "a.csv", reads_text, work, Question())
    left = sorted(path.name for path in (tmp_path / ".b.csv.fill").iterdir() if path.name != "lock")
    assert left == ["key", "parts"]


def test_a_table_that_changes_while_it_is_filled_is_not_written(tmp_path, reads_text):  # noqa: F811
    table(tmp_path / "a.csv")
    with Work.beside(tmp_path / "b.csv") as work:
        filled = answer_table(tmp_path / "a.csv", reads_text, work, Question())
        lines = (tmp_path / "a.csv").read_text().splitlines()
        (tmp_path / "a.csv").write_text("\n".join([lines[0], *reversed(lines[1:])]) + "\n")
        with pytest.raises(DataError, match="changed while it was filled"):
            run.write_out(filled, work)
    assert not (tmp_path / "b.csv").exists()


def test_decimals_are_filled_with_the_comma_of_their_column(tmp_path):
    titles = ("thin cable", "thick cable") * 60
    rows = ExampleList(Example(str(n), str(n), None, title, {"size": n % 2}) for n, title in enumerate(titles))
    classifier = models.create("tfidf_logistic", {}, [Task("size", ("0.5", "2.5"))], 0, Workspace())
    classifier.fit(rows, rows)
    models.save("tfidf_logistic", classifier, tmp_path / "model", answering_of(classifier.predict(rows), None))
    (tmp_path / "a.csv").write_text("text;size\nthin cable;0,50\nthin cable;\nthick cable;\n")
    told = fill(tmp_path / "a.csv", tmp_path / "model", tmp_path / "b.csv", Question())
    lines = (tmp_path / "b.csv").read_text().splitlines()
    assert [line.split(";")[1] for line in lines[1:]] == ["0,50", "0,5", "2,5"]
    assert "no class of the model" not in told


def test_a_full_disk_is_said_with_the_way_out(tmp_path):
    with pytest.raises(DataError, match="no space is left beside it; free some"), Work.beside(tmp_path / "b.csv"):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_task_called_as_the_weight_of_another_is_no_weight(tmp_path):
    titles, tasks = ("a red shirt", "a blue shirt") * 60, (Task("a", ("x", "y")), Task("a_text_weight", ("x", "y")))
    labels = ({"a": 0, "a_text_weight": 1}, {"a": 1, "a_text_weight": 0})
    rows = ExampleList([Example(str(n), str(n), None, title, labels[n % 2]) for n, title in enumerate(titles)])
    classifier = models.create("tfidf_logistic", {}, tasks, 0, Workspace())
    classifier.fit(rows, rows)
    models.save("tfidf_logistic", classifier, tmp_path / "model", answering_of(classifier.predict(rows), None))
    (tmp_path / "a.csv").write_text("text,a\na red shirt,\na blue shirt,y\n")
    told = fill(tmp_path / "a.csv", tmp_path / "model", tmp_path / "b.csv", Question())
    assert re.search(r"\| a +\| +1 \| +1 \|", told)
    assert re.search(r"\| a_text_weight +\| +0 \| +2 \|", told)


@pytest.mark.parametrize("given", [".", "s-*.csv"])
def test_a_file_of_the_table_is_never_written_over(tmp_path, reads_text, given):  # noqa: F811
    for name in ("s-1.csv", "s-2.csv"):
        table(tmp_path / name)
    before = (tmp_path / "s-2.csv").read_bytes()
    with pytest.raises(DataError, match="is a part of the table"):
        fill(tmp_path / given, reads_text, tmp_path / "s-2.csv", Question(), overwrite=True)
    assert (tmp_path / "s-2.csv").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["s-1.csv", "s-2.csv"]
