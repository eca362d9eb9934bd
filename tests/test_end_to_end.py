"""What a user does, as the user does it: the installed command, in an empty folder."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mlflow import MlflowClient
from PIL import Image

from benchmarks.records import store
from benchmarks.suites import MODEL_ORDER

COMMAND = Path(sys.executable).with_name("cma-bench")
DATA = ["--option", "num_train=64", "num_val=24", "num_test=32", "image_size=32"]


def hparams(tiny, **more):
    values = {"backbone": tiny, "width": 24, "heads": 2, "depth": 1, "batch_size": 16, **more}
    return ["--hparam", *(f"{name}={value}" for name, value in values.items())]


def cma_bench(*arguments, cwd):
    return subprocess.run([COMMAND, *arguments], cwd=cwd, capture_output=True, text=True, check=False)


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def smoke(tiny, tmp_path_factory):
    """A folder in which the suite has run twice, what the command said, and what it had written after each run."""
    folder = tmp_path_factory.mktemp("project")
    suite = ["suite", "--suite", "smoke", "--models", "majority", "cma_clip", "--workers", "1"]
    asked = [*suite, *DATA, *hparams(tiny, max_epochs=2)]
    said, written = [], []
    for tracking in ("sqlite", "off"):
        said.append(cma_bench(*asked, "--tracking", tracking, cwd=folder))
        written.append(contents(folder / "results" / "smoke"))
    return folder, said, written


def test_a_suite_leaves_records_tables_figures_and_a_report(smoke):
    folder, (first, _), (written, _) = smoke
    assert (first.returncode, first.stderr) == (0, "")
    assert "catalog/cma_clip/seed-0: mean accuracy" in first.stdout
    assert "| cma_clip" in first.stdout
    names = {path.as_posix() for path in written}
    assert sum(name.startswith("records/catalog/") for name in names) == 2
    tables = {Path(name).stem for name in names if name.startswith("tables/")}
    assert tables
    assert {f"tables/{stem}.{kind}" for stem in tables for kind in ("md", "csv", "tex")} <= names
    figures = {Path(name).stem for name in names if name.startswith("figures/")}
    assert figures
    assert {f"figures/{stem}.{kind}" for stem in figures for kind in ("svg", "png")} <= names
    assert b"cma_clip" in written[Path("report.html")]
    assert (folder / "runs" / "mlflow.db").is_file()


def test_every_number_of_a_table_is_that_of_a_record(smoke):
    folder, _, _ = smoke
    records = {record.experiment.model: record for record in store.load_records(folder / "results" / "smoke")}
    table = (folder / "results" / "smoke" / "tables" / "catalog-accuracy.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(table.splitlines())
    measured = {row["model"]: row for row in rows if row["mean"] != "\N{EN DASH}"}
    assert set(measured) == set(records) == {"majority", "cma_clip"}
    for model, row in measured.items():
        for task in ("color", "pattern", "style", "mean"):
            accuracy = records[model].metrics["clean"][task]["accuracy"].value
            assert float(row[task]) == pytest.approx(100 * accuracy)


def test_a_suite_run_again_trains_nothing_and_changes_no_byte(smoke):
    folder, (_, second), (before, after) = smoke
    assert second.returncode == 0
    assert after.keys() == before.keys()
    assert [str(path) for path in before if after[path] != before[path]] == []
    assert len(list((folder / "runs" / "experiments").iterdir())) == 2


def test_tables_are_checked_against_the_records(smoke):
    folder, _, _ = smoke
    asked = ["tables", "--suite", "smoke"]
    assert cma_bench(*asked, "--check", cwd=folder).returncode == 0
    table = folder / "results" / "smoke" / "tables" / "catalog-accuracy.md"
    truth = table.read_text()
    table.write_text(truth.replace("cma_clip", "our_model"))
    stale = cma_bench(*asked, "--check", cwd=folder)
    assert stale.returncode == 1
    assert "stale tables: catalog-accuracy.md; run `cma-bench tables`" in stale.stderr
    assert table.read_text() != truth  # checking writes nothing
    assert cma_bench(*asked, cwd=folder).returncode == 0
    assert table.read_text() == truth
    assert cma_bench(*asked, "--check", cwd=folder).returncode == 0


def test_a_saved_model_classifies_a_product(smoke):
    folder, _, _ = smoke
    (model,) = (path.parent for path in folder.glob("runs/experiments/*/model/network.safetensors"))
    answer = cma_bench("predict", "--model", model, "--text", "a red dress", cwd=folder)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert [line.partition(":")[0] for line in answer.stdout.splitlines()] == ["color", "pattern", "style"]


SERVE = """
import json, sys
import mlflow, pandas as pd

(run,) = mlflow.search_runs(["1"], f"tags.model = '{sys.argv[1]}'", output_format="list")
model = mlflow.pyfunc.load_model(f"runs:/{run.info.run_id}/model")
photo = open(sys.argv[2], "rb").read()
frame = pd.DataFrame({"image": [sys.argv[2], photo, None], "text": ["a red dress", "a red dress", "a red dress"]})
print(json.dumps(model.predict(frame).to_dict("list")))
"""


def serve(name, photo, folder):
    environment = {**os.environ, "MLFLOW_TRACKING_URI": f"sqlite:///{folder / 'runs' / 'mlflow.db'}"}
    command = [sys.executable, "-W", "ignore", "-c", SERVE, name, photo]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_the_logged_model_serves_photos_and_titles_in_a_fresh_process(smoke):
    folder, _, _ = smoke
    Image.effect_noise((40, 30), 90).convert("RGB").save(folder / "photo.png")
    served = serve("cma_clip", folder / "photo.png", folder)
    parts = ("", "_suggested", "_confidence", "_decision", "_text_weight", "_photo_weight")
    assert set(served) == {"problem"} | {f"{task}{part}" for task in ("color", "pattern", "style") for part in parts}
    for values in served.values():
        assert values[0] == values[1]  # a path, or what the file holds
    (model,) = (path.parent for path in folder.glob("runs/experiments/*/model/network.safetensors"))
    for row, photo in ((0, ["--image", "photo.png"]), (2, [])):
        said = cma_bench("predict", "--model", model, "--text", "a red dress", *photo, cwd=folder).stdout
        answer = f"color: {served['color_suggested'][row]} ({served['color_confidence'][row]:.3f}; "
        assert said.startswith(f"{answer}to review: validation promises 90% precision at no threshold)")  # of 24 rows


@pytest.mark.filterwarnings("ignore")  # of the libraries behind MLflow's client
def test_what_ran_untracked_is_mirrored_by_the_next_run_that_tracks(tmp_path):
    asked = ["run", "--dataset", "catalog", "--model", "majority", *DATA, "--tracking"]
    assert cma_bench(*asked, "off", cwd=tmp_path).returncode == 0
    assert not (tmp_path / "runs" / "mlflow.db").exists()
    for _ in range(2):  # and once only
        assert cma_bench(*asked, "sqlite", cwd=tmp_path).returncode == 0
    client = MlflowClient(f"sqlite:///{tmp_path / 'runs' / 'mlflow.db'}")
    (run,) = client.search_runs(["1"], "tags.kind = 'experiment'")
    (record,) = store.load_records(tmp_path / "results" / "single")
    assert run.data.metrics["clean/mean/accuracy"] == record.metrics["clean"]["mean"]["accuracy"].value
    assert run.info.status == "FINISHED"


def test_every_layout_goes_through_the_whole_harness(tiny, tmp_path):
    """The suite `twins`: loaders, subsets and products of one data set each, in one report."""
    asked = [
        "suite",
        "--suite",
        "twins",
        "--models",
        "tfidf_logistic",
        "cma_clip",
        "--workers",
        "1",
        "--tracking",
        "off",
    ]
    done = cma_bench(*asked, *hparams(tiny, max_epochs=1), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    records = store.load_records(tmp_path / "results" / "twins")
    conditions = {record.experiment.dataset: set(record.metrics) for record in records}
    assert conditions == {
        "fashion-products": {"clean"},
        "food101": {"clean", "deduplicated"},
        "fashion-gen": {"clean", "product-level"},
        "abo": {"clean"},
        "mrwpa": {"clean"},
    }
    tables = {path.stem for path in (tmp_path / "results" / "twins" / "tables").glob("*.md")}
    assert {"food101-deduplicated-accuracy", "fashion-gen-product-level-accuracy"} <= tables


def test_a_killed_training_ends_as_if_it_had_not_been_killed(tiny, tmp_path):
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    which = ["run", "--dataset", "catalog", "--model", "cma_clip", "--tracking", "off"]
    asked = [*which, *DATA, *hparams(tiny, max_epochs=8, patience=8)]
    for folder in (killed, whole):
        folder.mkdir()
    kept = "runs/experiments/*/checkpoints/epoch=*.ckpt"
    process = subprocess.Popen([COMMAND, *asked], cwd=killed, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not list(killed.glob(kept)):
        assert process.poll() is None
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert store.load_records(killed / "results" / "single") == []
    assert "epoch=7.ckpt" not in {path.name for path in killed.glob(kept)}  # something was left to do
    for folder in (killed, whole):
        assert cma_bench(*asked, cwd=folder).returncode == 0
    (resumed,), (straight,) = (store.load_records(folder / "results" / "single") for folder in (killed, whole))
    for name in ("key", "metrics", "outcomes", "modality_weights", "facts"):
        assert getattr(resumed, name) == getattr(straight, name)
    assert not list(killed.glob(kept))


def test_the_papers_suite_runs_every_model_on_a_twin_as_on_the_real_thing(tiny, tmp_path):
    twin = tmp_path / "fashion-gen"
    assert cma_bench("data", "make-twin", "fashion-gen", twin, "--rows", "120", cwd=tmp_path).returncode == 0
    asked = ["suite", "--suite", "paper", "--data", f"fashion-gen={twin}", "--seeds", "0", "--workers", "1"]
    budget = ["--hparam", f"backbone={tiny}", "max_epochs=1"]
    done = cma_bench(*asked, *budget, "--tracking", "off", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "abo is left out: it needs --data abo=DIR" in done.stdout
    records = store.load_records(tmp_path / "results" / "paper")
    assert {record.experiment.model for record in records} == set(MODEL_ORDER)
    assert {frozenset(record.metrics) for record in records} == {frozenset({"clean", "product-level"})}

    few = [*asked, "--models", "majority", "--tracking", "off", "--results", "few"]
    broken = cma_bench(*few, "--data", f"fashion-gen={twin}", f"abo={tmp_path}", cwd=tmp_path)
    assert broken.returncode == 1
    assert "1 of 2 experiments failed:\nabo cannot be loaded: " in broken.stderr
    assert len(store.load_records(tmp_path / "few" / "paper")) == 1


def test_a_reader_that_has_seen_enough_gets_no_traceback():
    with subprocess.Popen([COMMAND, "suites"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        complaint = process.stderr.read()
    assert (process.returncode, complaint) == (141, b"")
