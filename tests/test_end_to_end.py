"""What a user does, as the user does it: the installed command, in an empty folder."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.records import store
from tests.installed_command import DATA, cma_bench, contents, hparams, installed


@pytest.fixture(scope="module")
def smoke(tiny, tmp_path_factory):
    """A folder in which the suite has run twice, what the command said, and what it had written after each run."""
    folder = tmp_path_factory.mktemp("project")
    suite = ["suite", "--suite", "smoke", "--models", "majority", "cma_clip", "--workers", "1"]
    asked = [*suite, *DATA, *hparams(tiny, max_epochs=2)]
    said, written = [], []
    for command, tracking in ((installed, "sqlite"), (cma_bench, "off")):
        said.append(command(*asked, "--tracking", tracking, cwd=folder))
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
model = mlflow.pyfunc.load_model(f"runs:/{run.info.run_id}/{sys.argv[1]}-seed-0-catalog")
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
