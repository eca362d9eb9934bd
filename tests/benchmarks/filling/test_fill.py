"""A table filled by a real model: what stays, what is filled, what is said, and what a killed run goes on with."""

import itertools
import os
import shutil
import signal
from functools import partial

import numpy as np
import pandas as pd
import pytest

from benchmarks import models
from benchmarks.answers import answering_of
from benchmarks.datasets.loading.splits import DataError
from benchmarks.filling import Question, TableOptions, Work, answer_table, fill, run
from benchmarks.serving import load_model
from cma_clip.classifier import Workspace
from tests.benchmarks.made_records import record
from tests.installed_command import cma_bench
from tests.products import TASKS, photo, products


def trained(folder, name, hparams=None):
    classifier = models.create(name, hparams or {}, TASKS, 0, Workspace())
    classifier.fit(products(160, 1, holes=False), products(120, 2, holes=False))
    answering = answering_of(classifier.predict(products(200, 3, holes=False)), None)
    models.save(name, classifier, folder, answering)
    return folder


@pytest.fixture(scope="module")
def reads_text(tmp_path_factory):
    """Knows the size, which titles tell, and guesses the color."""
    return trained(tmp_path_factory.mktemp("text") / "model", "tfidf_logistic")


@pytest.fixture(scope="module")
def reads_photos(tmp_path_factory, tiny):
    return trained(tmp_path_factory.mktemp("photos") / "model", "linear_probe", {"backbone": tiny})


TEXTS = ("a small shirt", "a large shirt", "a small very long dress and a box", "a large very long dress and a box")


def table(path, rows=10, sep=";"):
    frame = pd.DataFrame(
        {
            "id": [f"00{n}" for n in range(rows)],
            "text": [TEXTS[n % 4] for n in range(rows)],
            "size": [("", "large", "N/A", "tiny", "")[n % 5] for n in range(rows)],
        }
    )
    frame.to_csv(path, sep=sep, index=False)
    return frame


def read(path, sep=";"):
    return pd.read_csv(path, sep=sep, dtype=str, keep_default_na=False)


def test_kept_cells_stay_and_empty_ones_are_filled(tmp_path, reads_text):
    old = table(tmp_path / "a.csv")
    told = fill(tmp_path / "a.csv", reads_text, tmp_path / "b.csv", Question())
    new = read(tmp_path / "b.csv")
    assert new[["id", "text"]].equals(old[["id", "text"]])
    is_kept = old["size"].isin(["large", "tiny"])
    assert new["size"][is_kept].tolist() == old["size"][is_kept].tolist()
    assert new["size"][~is_kept].tolist() == [text.split()[1] for text in old["text"][~is_kept]]
    assert new["size_decision"].tolist() == ["kept" if kept else "filled" for kept in is_kept]
    assert new["color"].tolist() == [""] * 10
    assert set(new["color_decision"]) == {"review"}
    expected = load_model(reads_text).predict(pd.DataFrame({"text": old["text"]}))
    confidence = new["size_confidence"].str.replace(",", ".").astype(float)
    assert np.allclose(confidence, expected["size_confidence"], atol=1e-6)
    assert list(new.columns) == [
        *("id", "text", "size", "color", "color_suggested", "color_confidence", "color_decision"),
        *("size_suggested", "size_confidence", "size_decision", "problem"),
    ]
    assert "| size  |    4 |      6 |" in told
    assert "at least 90 % of each task's are right, with a confidence of 90%" in told
    assert "not after a shift, not for each class by itself" in told
    assert "color: no threshold promises 90 %" in told
    # Rows 1 and 6 say large in cell and text alike or not; rows 3 and 8 are no class.
    assert "size: of 4 kept cells that would be filled, 25.0% agree; below the promise" in told
    assert "size: 50.0% of the kept cells are no class of the model: 'tiny' 2" in told
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "b.csv"]


def test_chosen_tasks_alone_are_answered(tmp_path, reads_text):
    table(tmp_path / "a.csv")
    fill(tmp_path / "a.csv", reads_text, tmp_path / "b.csv", Question(tasks=("size",)))
    assert list(read(tmp_path / "b.csv").columns) == [
        *("id", "text", "size", "size_suggested", "size_confidence", "size_decision", "problem")
    ]


def test_names_that_are_taken_get_a_number(tmp_path, reads_text):
    frame = table(tmp_path / "a.csv")
    frame["size_decision"], frame["problem"] = "mine", "none"
    frame.to_csv(tmp_path / "a.csv", sep=";", index=False)
    told = fill(tmp_path / "a.csv", reads_text, tmp_path / "b.csv", Question(tasks=("size",)))
    assert "The name 'size_decision' is taken: the column is called 'size_decision_2'." in told
    assert "The name 'problem' is taken: the column is called 'problem_2'." in told
    new = read(tmp_path / "b.csv")
    assert set(new["size_decision"]) == {"mine"}
    assert set(new["size_decision_2"]) == {"kept", "filled"}
    assert new["problem_2"].tolist() == [""] * 10


def test_words_that_mean_empty_can_be_named(tmp_path, reads_text):
    table(tmp_path / "a.csv")
    question = Question(tasks=("size",), table=TableOptions.of({"missing": "tiny"}))
    fill(tmp_path / "a.csv", reads_text, tmp_path / "b.csv", question)
    assert set(read(tmp_path / "b.csv")["size"]) == {"small", "large"}


def test_a_table_without_an_empty_cell_stays_as_it_is(tmp_path, reads_text):
    frame = table(tmp_path / "a.csv").assign(size="small", color="red")
    frame.to_csv(tmp_path / "a.csv", sep=";", index=False)
    told = fill(tmp_path / "a.csv", reads_text, tmp_path / "b.csv", Question())
    assert read(tmp_path / "b.csv")[list(frame.columns)].equals(frame)
    assert "| size  |   10 |      0 |" in told


def test_a_table_without_rows_is_refused(tmp_path, reads_text):
    (tmp_path / "a.csv").write_text("text,size\n")
    with pytest.raises(DataError, match="no rows below the header"):
        fill(tmp_path / "a.csv", reads_text, tmp_path / "b.csv", Question())


def test_missing_and_broken_photos_are_problems_with_their_rows(tmp_path, reads_photos):
    (tmp_path / "p").mkdir()
    colors = ["red", "green", "blue", "red", "green"]
    for n, color in enumerate(colors[:3]):
        photo(color, n).save(tmp_path / "p" / f"{n}.png")
    (tmp_path / "p" / "3.png").write_bytes(b"no photo")
    frame = pd.DataFrame({"image": [f"p/{n}.png" for n in range(5)], "text": [None] * 4 + [""], "color": None})
    frame.to_csv(tmp_path / "a.csv", index=False)
    told = fill(tmp_path / "a.csv", reads_photos, tmp_path / "b.csv", Question(tasks=("color",)))
    new = read(tmp_path / "b.csv", ",")
    assert new["color_suggested"].tolist()[:3] == colors[:3]
    assert new["color_decision"].tolist()[3:] == ["no evidence"] * 2
    assert "photo missing: 1 rows, as a.csv, row 6: photo missing: p/4.png" in told
    assert new["problem"][3].startswith("photo cannot be decoded")


def test_a_lacking_column_is_named_with_those_that_are_there(tmp_path, reads_text):
    frame = table(tmp_path / "a.csv").rename(columns={"text": "title"})
    frame.to_csv(tmp_path / "a.csv", sep=";", index=False)
    with pytest.raises(
        DataError, match=r"column 'text', which the table lacks; its columns: id, title, size.*--text title"
    ):
        fill(tmp_path / "a.csv", reads_text, tmp_path / "b.csv", Question())
    with pytest.raises(DataError, match=r"--text unknown column 'titel'; did you mean 'title'"):
        fill(tmp_path / "a.csv", reads_text, tmp_path / "b.csv", Question(text="titel"))
    fill(tmp_path / "a.csv", reads_text, tmp_path / "b.csv", Question(text="title"))


def test_a_file_that_exists_is_refused_unless_it_may_be_replaced(tmp_path, reads_text):
    table(tmp_path / "a.csv")
    (tmp_path / "b.csv").write_text("precious")
    with pytest.raises(DataError, match="exists; give another file, or --overwrite"):
        fill(tmp_path / "a.csv", reads_text, tmp_path / "b.csv", Question())
    assert (tmp_path / "b.csv").read_text() == "precious"
    fill(tmp_path / "a.csv", reads_text, tmp_path / "b.csv", Question(), overwrite=True)
    with pytest.raises(DataError, match="is the table itself"):
        fill(tmp_path / "a.csv", reads_text, tmp_path / "a.csv", Question(), overwrite=True)


def test_two_runs_do_not_write_the_same_file(tmp_path, reads_text):
    table(tmp_path / "a.csv")
    with Work.beside(tmp_path / "b.csv"), pytest.raises(DataError, match="another cma-bench fill"):
        fill(tmp_path / "a.csv", reads_text, tmp_path / "b.csv", Question())


def test_a_folder_that_is_no_model_is_one_error(tmp_path):
    table(tmp_path / "a.csv")
    with pytest.raises(models.ModelError, match="holds no model saved by this project"):
        fill(tmp_path / "a.csv", tmp_path, tmp_path / "b.csv", Question())


def test_less_evidence_than_in_validation_is_told(tmp_path, reads_text):
    shutil.copytree(reads_text, tmp_path / "model")
    models.save_record(
        tmp_path / "model", record("tfidf_logistic", facts={"evidence": {"val": {"text": 1, "image": 1}}})
    )
    frame = table(tmp_path / "a.csv")
    frame.loc[frame.index % 2 == 0, "text"] = ""
    frame.to_csv(tmp_path / "a.csv", sep=";", index=False)
    told = fill(tmp_path / "a.csv", tmp_path / "model", tmp_path / "b.csv", Question())
    assert "Rows without text: 50.0% here, 0.0% in the validation split; the promise may not hold." in told
    assert "Rows without" not in fill(tmp_path / "a.csv", reads_text, tmp_path / "c.csv", Question())


def test_unknown_options_of_a_table_are_named():
    with pytest.raises(ValueError, match="unknown option of a table 'sep'"):
        TableOptions.of({"sep": ";"})


def killed(at):
    """This process reads parts of 8 rows and is killed at the n-th time that it makes sure of a file; 0 for never."""
    run.TEXT_ROWS = 8
    sync, times = os.fsync, itertools.count(1)

    def fsync(handle):
        if next(times) == at:
            os.kill(os.getpid(), signal.SIGKILL)
        sync(handle)

    os.fsync = fsync


def test_a_run_that_is_killed_several_times_ends_with_the_same_bytes(tmp_path, reads_text, monkeypatch):
    table(tmp_path / "a.csv", 60)
    monkeypatch.setattr(run, "TEXT_ROWS", 8)
    fill(tmp_path / "a.csv", reads_text, tmp_path / "whole.csv", Question())
    asked = ("fill", tmp_path / "a.csv", "--model", reads_text, "--out", tmp_path / "b.csv")
    # The key and 8 parts, then the new file and its mark: killed after 2 parts, after 4, and beside the new file.
    for at in (4, 4, 7):
        assert cma_bench(*asked, cwd=tmp_path, first=partial(killed, at)).returncode == -signal.SIGKILL
        assert not (tmp_path / "b.csv").exists()
    last = cma_bench(*asked, cwd=tmp_path, first=partial(killed, 0))
    assert last.returncode == 0, last.stderr
    assert "60 rows had been answered before" in last.stdout
    assert (tmp_path / "b.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "b.csv", "whole.csv"]


def test_another_input_model_or_option_starts_anew(tmp_path, reads_text):
    out, question = tmp_path / "b.csv", Question()
    table(tmp_path / "a.csv")
    with Work.beside(out) as work:
        assert answer_table(tmp_path / "a.csv", reads_text, work, question).notes[1:] == ()
        again = answer_table(tmp_path / "a.csv", reads_text, work, question)
        assert again.notes[1:] == ("10 rows had been answered before.",)
        other = answer_table(tmp_path / "a.csv", reads_text, work, Question(precision=0.8))
        assert "started anew" in other.notes[1]
        table(tmp_path / "a.csv", 11)
        assert "started anew" in answer_table(tmp_path / "a.csv", reads_text, work, Question(precision=0.8)).notes[1]
        shutil.copytree(reads_text, tmp_path / "model")
        (tmp_path / "model" / "more").write_text("x")
        changed = answer_table(tmp_path / "a.csv", tmp_path / "model", work, Question(precision=0.8))
        assert "started anew" in changed.notes[1]
