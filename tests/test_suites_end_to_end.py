"""Suites by the installed command: untracked, killed, of every layout, and the paper's."""

import subprocess
import time

import pytest
from mlflow import MlflowClient

from benchmarks.records import store
from benchmarks.suites.order import MODELS_OF_ANY_SUITE
from tests.installed_command import COMMAND, DATA, begun, cma_bench, hparams


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
    assert run.data.metrics["test/mean/accuracy"] == record.metrics["clean"]["mean"]["accuracy"].value
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
    process = begun(*asked, cwd=killed)
    while not list(killed.glob(kept)):
        assert process.is_alive()
        time.sleep(0.005)
    process.kill()
    process.join()
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
    assert {record.experiment.model for record in records} == set(MODELS_OF_ANY_SUITE)
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
