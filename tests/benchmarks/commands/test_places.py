"""Commands whose results, runs and data are in an object store, as two nodes see it."""

import threading
import time
from functools import partial

from benchmarks.commands.options import CommonOptions
from benchmarks.records.record import Experiment
from benchmarks.records.store import load_predictions, load_records
from benchmarks.running.place import Place
from benchmarks.running.run import run
from benchmarks.tracking import OFF, open_tracker
from cma_clip.places.claims import claim
from cma_clip.places.folders import is_there
from tests.installed_command import cma_bench as in_a_process
from tests.object_store import enter, environment

SIZES = ["num_train=80", "num_val=60", "num_test=20", "image_size=32"]


def test_what_one_node_has_trained_another_tables_picks_and_uses(cma_bench, bucket, tmp_path, monkeypatch):
    at = ["--results", bucket / "results", "--runs", bucket / "runs"]
    asked = ["suite", "--suite", "smoke", "--workers", "1", "--tracking", "off", "--models", "majority,tfidf_logistic"]
    done = in_a_process(*asked, "--option", *SIZES, *at, cwd=tmp_path, first=partial(enter, environment()))
    assert done.returncode == 0, done.stderr
    printed = done.stdout
    records = load_records(bucket / "results" / "smoke")
    assert {record.experiment.model for record in records} == {"majority", "tfidf_logistic"}
    for record in records:
        run_dir = bucket / "runs" / "experiments" / record.key
        assert is_there(run_dir / "model")
        assert len(load_predictions(run_dir / "predictions").ids) == 20
    report = bucket / "results" / "smoke" / "report.html"
    written = report.read_bytes()
    assert not list((tmp_path).glob("s3*"))  # no folder here is called like the URL
    assert not list(bucket.glob("**/*.claim"))

    monkeypatch.setenv("CMA_BENCH_CACHE", str(tmp_path / "another node"))
    picked, code = cma_bench("pick", "smoke", *at)
    assert code is None
    assert printed.endswith(picked)
    report.unlink()
    assert cma_bench("tables", "--suite", "smoke", *at)[1] is None
    assert report.read_bytes() == written
    assert cma_bench("tables", "--check", "--suite", "smoke", "--results", bucket / "results")[1] is None
    assert "color:" in cma_bench("predict", "--model", "smoke", "--text", "a red dress", *at)[0]
    finished, code = cma_bench("finish", "smoke", *at)
    assert code is None
    folder = next(line for line in finished.splitlines() if "holds the model" in line).split(" ")[0]
    assert folder == str(bucket / "runs" / "finished" / "smoke-catalog" / "model")
    assert "trained once more" in cma_bench("card", folder)[0]
    there = Place(bucket / "results" / "smoke", bucket / "runs")
    assert [run(record.experiment, there, open_tracker(OFF, "smoke", tmp_path)) for record in records] == records


def test_data_at_a_url(cma_bench, bucket):
    shop = bucket / "data" / "shop.csv"
    shop.write_bytes(b"title,color\n" + b"red dress,red\nblue dress,blue\n" * 40)
    printed, code = cma_bench("data", "show", "manifest", "--data", f"manifest={shop}")
    assert code is None
    assert f"--data manifest={shop}" in printed
    assert "FileNotFound" not in printed
    missing = f"manifest={bucket}/nothing.csv"
    assert "nothing.csv: nothing is there" in cma_bench("data", "show", "manifest", "--data", missing)[1]


def test_what_cannot_be_at_a_url_says_so(cma_bench, bucket):
    asked = ["tune", "--suite", "smoke", "--trials", "1", "--models", "tfidf_logistic", "--option", *SIZES]
    assert "a URL holds no journal; give --storage" in cma_bench(*asked, "--runs", bucket / "runs")[1]
    fill = ["fill", "shop.csv", "--model", "smoke", "--out", bucket / "filled.csv"]
    assert "filled part by part beside the new file; give a path" in cma_bench(*fill)[1]
    assert "on this machine alone" in CommonOptions(runs=bucket / "runs").tracking_note()
    assert CommonOptions().tracking_note() is None
    assert CommonOptions(runs=bucket / "runs", tracking="http://server").tracking_note() is None


def test_a_bucket_that_is_not_there_is_said_before_anything_is_trained(cma_bench):
    asked = ["run", "--dataset", "catalog", "--model", "majority", "--tracking", "off", "--option", *SIZES]
    _, code = cma_bench(*asked, "--results", "s3://no-such-bucket/results")
    assert code.startswith("cma-bench: s3://no-such-bucket/results/single/.place cannot be written")


def test_a_shared_folder_that_is_gone_for_a_moment_delays_a_record_and_loses_nothing(tmp_path):
    options = {"num_train": 64, "num_val": 24, "num_test": 32, "image_size": 32}
    asked = Experiment(dataset="catalog", model="tfidf_logistic", seed=0, dataset_options=options, hparams={})
    expected = run(asked, Place(tmp_path / "results", tmp_path / "runs"), open_tracker(OFF, "single", tmp_path))
    shared, away = tmp_path / "shared", tmp_path / "away"
    there = Place(shared / "results", tmp_path / "other runs")
    there.prepare()
    worker = threading.Thread(target=run, args=(asked, there, open_tracker(OFF, "single", tmp_path)))
    with claim(there.run_dir(expected.key)):  # it is about to train
        worker.start()
        time.sleep(1)
        shared.rename(away)
    time.sleep(1.5)
    assert worker.is_alive()
    assert not shared.exists()
    away.rename(shared)
    worker.join(60)
    (record,) = load_records(shared / "results")
    assert record.metrics == expected.metrics
    assert is_there(there.run_dir(record.key) / "model")
