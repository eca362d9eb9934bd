"""`import benchmarks as bench`: what a notebook does in two lines."""

import subprocess
import sys

import pandas as pd
import pytest

import benchmarks as bench
from benchmarks.datasets import DATASETS
from benchmarks.records import store

SMALL = {"num_train": 64, "num_val": 24, "num_test": 32, "image_size": 32}


def test_the_import_is_light():
    code = "import sys, benchmarks; sys.exit(bool({'torch', 'pandas', 'numpy', 'pydantic'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_data_set_is_a_table(folder, capfd):
    frame = bench.load_data("catalog", runs="kept", **SMALL).frame()
    assert frame["split"].value_counts().to_dict() == {"train": 64, "val": 24, "test": 32}
    assert frame.index.is_unique
    splits = bench.load_data("catalog", runs="kept", **SMALL)
    for task in splits.tasks:
        assert set(frame[task.name].dropna()) <= set(task.classes)
        assert frame[task.name].isna().sum() == sum((p.labels(task.name) < 0).sum() for p in splits.parts().values())
    assert frame["photo"].dtype == bool
    assert [path.name for path in folder.iterdir()] == ["kept"]
    assert capfd.readouterr() == ("", "")


def test_a_table_of_ones_own_is_named_by_a_text(folder):
    rows = [(f"{color} dress {n}", color, "x") for n in range(40) for color in ("red", "blue")]
    pd.DataFrame(rows, columns=["text", "text_color", "photo"]).assign(photo=["a", "b"] * 40).to_csv("products.csv")
    frame = bench.load_data("manifest", "products.csv", labels=["text_color", "photo"], image=None).frame()
    assert set(frame["text_color"]) == {"red", "blue"}
    assert set(frame["photo_label"]) == {"a", "b"}
    assert not frame["photo"].any()


def test_no_option_of_a_data_set_is_hidden_by_the_door():
    own = {"dataset", "source", "runs", "progress", "on_bad_sample"}
    assert [name for name, dataset in DATASETS.items() if own & dataset.options.model_fields.keys()] == []


def test_an_experiment_is_a_table_and_so_are_all_of_a_folder(folder, capfd):
    record = bench.run("catalog", "majority", options=SMALL, results="kept", suite="mine")
    frame = record.frame()
    row = frame.set_index(["condition", "task", "metric"]).loc[("clean", "color", "accuracy")]
    accuracy = record.metrics["clean"]["color"]["accuracy"]
    assert (row["value"], row["n"]) == (accuracy.value, accuracy.n)
    assert row["low"] <= row["value"] <= row["high"]
    assert capfd.readouterr() == ("", "")
    assert not (folder / "runs" / "mlflow.db").exists()
    bench.run("catalog", "tfidf_logistic", options=SMALL, results="kept", suite="mine")
    everything = bench.results("kept/mine").frame()
    assert everything.groupby("model").size().to_dict() == {"majority": len(frame), "tfidf_logistic": len(frame)}
    order = ["condition", "task", "metric"]
    found, known = (table.sort_values(order, ignore_index=True) for table in (everything, frame))
    pd.testing.assert_frame_equal(found[found["model"] == "majority"].reset_index(drop=True), known)


def test_a_record_that_is_there_is_not_computed_again(folder):
    first, second = (bench.run("catalog", "majority", options=SMALL) for _ in range(2))
    assert first == second == store.load_records(folder / "results" / "single")[0]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: bench.load_data("catalogue"), "unknown data set 'catalogue'; did you mean 'catalog'"),
        (lambda: bench.load_data("catalog", num_trian=3), "unknown option of catalog 'num_trian'; did you mean"),
        (lambda: bench.run("catalog", "cmaclip"), "unknown model 'cmaclip'; did you mean 'cma_clip'"),
        (lambda: bench.run("catalog", "majority", protocol="qmf"), "unknown protocol 'qmf'"),
        (lambda: bench.results("results/defalt"), "results/defalt has no records"),
        (lambda: bench.results(3), "PathLike"),
    ],
)
def test_what_is_wrong_is_said_first(call, said, folder):
    with pytest.raises((ValueError, TypeError), match=said):
        call()
    assert list(folder.iterdir()) == []
