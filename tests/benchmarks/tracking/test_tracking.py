import json
import os
import platform
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from mlflow.tracking import MlflowClient

from benchmarks import models
from benchmarks.datasets.loading.splits import Card, LoadReport, Splits
from benchmarks.records.record import Estimate
from benchmarks.tracking import OFF, NoTracker, TrackingWarning, default_uri, open_tracker
from benchmarks.tracking.tracked_run import MOST_METRICS
from benchmarks.tracking.view import VIEW_TAG
from cma_clip.classifier import Workspace
from cma_clip.examples import ExampleList
from cma_clip.types import Example, Task
from tests.benchmarks.made_records import estimate, record

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:sqlalchemy", "ignore::DeprecationWarning:mlflow")

COLOR = Task("color", ("red", "blue"))


@pytest.fixture(scope="session")
def runs_dir(tmp_path_factory):
    """One database for all tests, since creating one takes seconds; each test has its own suite in it."""
    return tmp_path_factory.mktemp("runs")


@pytest.fixture
def suite(request):
    return request.node.name


@pytest.fixture
def tracker(runs_dir, suite):
    return open_tracker(default_uri(runs_dir), suite, runs_dir)


@pytest.fixture
def client(runs_dir):
    return MlflowClient(default_uri(runs_dir))


def runs_of(client, suite, kind="experiment"):
    experiment = client.get_experiment_by_name("cma-clip-bench")
    return client.search_runs([experiment.experiment_id], f"tags.suite = '{suite}' and tags.kind = '{kind}'")


def splits():
    parts = {
        part: ExampleList(Example(f"{part}{n}", f"{part}{n}", None, "dress", {"color": n % 2}) for n in range(4))
        for part in ("train", "val", "test")
    }
    card = Card("Dresses", "photo", "title", "color", "random", "made up", "CC0")
    return Splits(name="dresses", **parts, tasks=(COLOR,), card=card, fingerprint="f" * 64, report=LoadReport(rows=12))


def track(tracker, done, epochs=(0, 1)):
    with tracker.run(done.experiment, done.key) as run:
        run.log_data(splits(), {"rows": 12})
        for epoch in epochs:
            run.log_epoch(epoch, {"val/score": 0.1 * epoch, "train/loss": 1.0})
        run.log_record(done)


def chosen(done, **hparams):
    return done.model_copy(update={"experiment": done.experiment.model_copy(update={"hparams": hparams})})


def reopened(runs_dir, suite):
    """As a new process would open it."""
    open_tracker.cache_clear()
    return open_tracker(default_uri(runs_dir), suite, runs_dir)


def test_an_experiment_is_mirrored(tracker, client, suite):
    done = chosen(record("mmbt", seed=3), depth=2)
    track(tracker, done)
    (parent,), (child,) = runs_of(client, suite, "suite"), runs_of(client, suite)
    assert child.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert child.data.tags["node"] == platform.node()
    assert (child.info.status, parent.info.status) == ("FINISHED", "FINISHED")
    assert child.info.run_name == "mmbt, seed 3, catalog"
    assert child.data.params == {"depth": "2", "dataset": "catalog", "model": "mmbt", "seed": "3"}
    tags = {name: child.data.tags[name] for name in ("dataset", "model", "seed", "protocol", "key")}
    assert tags == {"dataset": "catalog", "model": "mmbt", "seed": "3", "protocol": "clean", "key": done.key}
    accuracy = done.metrics["clean"]["color"]["accuracy"].value
    assert child.data.metrics["test/color/accuracy"] == pytest.approx(accuracy)
    assert child.data.metrics["seconds/fit"] == done.seconds["fit"]
    mean = done.metrics["clean"]["mean"]
    summary = {"accuracy": mean["accuracy"].value, "seconds": done.seconds["fit"]}
    assert {name: child.data.metrics[name] for name in summary} == summary
    history = client.get_metric_history(child.info.run_id, "val/score")
    assert [(metric.step, metric.value) for metric in history] == [(0, 0.0), (1, 0.1)]
    dataset = child.inputs.dataset_inputs[0].dataset
    assert (dataset.name, dataset.digest) == ("dresses", "f" * 36)
    assert json.loads(dataset.profile) == {"train": 4, "val": 4, "test": 4}
    assert json.loads(dataset.source) == {"source": "made up", "options": {"rows": 12}}
    assert [file.path for file in client.list_artifacts(child.info.run_id)] == ["record.json"]


def test_a_suite_run_again_adds_nothing(runs_dir, tracker, client, suite):
    done = record()
    track(tracker, done)
    before = runs_of(client, suite)[0]
    track(reopened(runs_dir, suite), done)
    (after,) = runs_of(client, suite)
    assert after.to_dictionary() == before.to_dictionary()
    assert len(client.get_metric_history(after.info.run_id, "val/score")) == 2
    assert len(runs_of(client, suite, "suite")) == 1


KILLED = """
import sys, time
from pathlib import Path
from benchmarks.tracking import default_uri, open_tracker
from tests.benchmarks.made_records import record
runs_dir, suite, wait = Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
done = record()
with open_tracker(default_uri(runs_dir), suite, runs_dir).run(done.experiment, done.key) as run:
    run.log_epoch(0, {"val/score": 0.0})
    run.log_epoch(1, {"val/score": 0.1})
    print("logged", flush=True)
    time.sleep(600)
"""


def test_a_killed_run_is_tidied_up_and_continued(runs_dir, tracker, client, suite):
    process = subprocess.Popen([sys.executable, "-c", KILLED, runs_dir, suite], stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout.readline() == "logged\n"
        reopened(runs_dir, suite)
        assert runs_of(client, suite)[0].info.status == "RUNNING"  # its process is alive
        assert runs_of(client, suite, "suite")[0].info.status == "RUNNING"
        process.send_signal(signal.SIGKILL)
    tracker = reopened(runs_dir, suite)
    assert runs_of(client, suite)[0].info.status == "KILLED"
    assert runs_of(client, suite, "suite")[0].info.status == "FINISHED"
    track(tracker, record(), epochs=(1, 2))  # epoch 1 is trained again: its checkpoint had not been written
    (run,) = runs_of(client, suite)
    assert run.info.status == "FINISHED"
    assert [metric.step for metric in client.get_metric_history(run.info.run_id, "val/score")] == [0, 1, 2]


@pytest.mark.parametrize(("error", "status"), [(ValueError, "FAILED"), (KeyboardInterrupt, "KILLED")])
def test_a_run_ends_as_its_experiment_did(tracker, client, suite, error, status):
    done = record()
    with pytest.raises(error), tracker.run(done.experiment, done.key):
        raise error
    assert runs_of(client, suite)[0].info.status == status
    assert runs_of(client, suite, "suite")[0].info.status == "FINISHED"


def test_names_and_values_that_mlflow_refuses_are_logged_all_the_same(tracker, client, suite):
    nothing = Estimate(value=float("nan"), low=float("nan"), high=float("nan"), n=0)
    tasks = {name: {"f1": estimate(0.5)} for name in ("größe (cm)", "a/b", "..", "style")}
    many = {f"{n}": {"f1": estimate(0.5)} for n in range(MOST_METRICS)}
    done = record(metrics={"clean": {**tasks, "empty": {"f1": nothing}}, "noisy": many})
    done = chosen(done, **{"prompt (long)": "x" * 10_000})
    with tracker.run(done.experiment, done.key) as run:
        run.log_record(done)
    logged = runs_of(client, suite)[0].data
    names = {"größe _x0028_cm_x0029_", "a/b", "_x002E__x002E_", "style", "empty"}
    assert {name for name in logged.metrics if name.startswith("test")} == {f"test/{name}/f1" for name in names}
    assert sum(name.startswith("noisy") for name in logged.metrics) == MOST_METRICS
    assert logged.params["prompt _x0028_long_x0029_"].startswith("xxx")


def test_outputs_are_artifacts_of_the_suite(tracker, client, suite, tmp_path):
    for name in ("tables/accuracy.md", "figures/accuracy.png", "report.html", "records/catalog/a.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("content")
    tracker.log_outputs(
        tmp_path, {"suite/catalog/accuracy/mmbt": 0.5, "suite/catalog/accuracy/mmbt, 2 layers": 0.6}, "Take mmbt."
    )
    parent = runs_of(client, suite, "suite")[0].info.run_id
    expected = {"suite/catalog/accuracy/mmbt": 0.5, "suite/catalog/accuracy/mmbt_x002C_ 2 layers": 0.6}
    assert client.get_run(parent).data.metrics == expected
    assert client.get_run(parent).data.tags["mlflow.note.content"] == "Take mmbt."
    assert {file.path for file in client.list_artifacts(parent)} == {"tables", "figures", "report.html"}
    assert [file.path for file in client.list_artifacts(parent, "figures")] == ["figures/accuracy.png"]


def test_a_new_database_has_one_experiment_with_its_view(tracker, client, suite):
    (experiment,) = client.search_experiments()
    assert experiment.name == "cma-clip-bench"
    view = json.loads(experiment.tags[VIEW_TAG])
    assert json.loads(view["state"])["orderByKey"] == "metrics.`accuracy`"


@pytest.mark.parametrize("tracker_of", [lambda folder: open_tracker(OFF, "suite", folder), lambda _: NoTracker()])
def test_off_tracks_nothing(tmp_path, tracker_of):
    tracker = tracker_of(tmp_path / "runs")
    track(tracker, record())
    tracker.log_outputs(tmp_path, {"suite/catalog/accuracy/mmbt": 0.5})
    assert tracker.uri == OFF
    assert list(tmp_path.iterdir()) == []


PARALLEL = """
import sys
from pathlib import Path
from benchmarks.tracking import default_uri, open_tracker
from tests.benchmarks.made_records import suite as records
runs_dir, name, model = Path(sys.argv[1]), *sys.argv[2:]
for done in records([model], range(4)):
    with open_tracker(default_uri(runs_dir), name, runs_dir).run(done.experiment, done.key) as run:
        run.log_epoch(0, {"val/score": 0.0})
        run.log_record(done)
"""


def test_processes_share_a_suite_in_silence(runs_dir, tracker, client, suite):
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PARALLEL, runs_dir, suite, model],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for model in ("mmbt", "majority")
    ]
    assert [process.communicate()[0] for process in processes] == ["", ""]
    assert [run.info.status for run in runs_of(client, suite)] == ["FINISHED"] * 8
    assert len(runs_of(client, suite, "suite")) == 1


PREDICT = """
import sys, mlflow, pandas
frame = pandas.DataFrame({"image": [None], "text": ["dress"]})
print(mlflow.pyfunc.load_model(sys.argv[1]).predict(frame).to_json(orient="records"))
"""


def test_a_logged_model_predicts_in_a_fresh_process(runs_dir, tracker, client, suite, tmp_path):
    done, data = record("majority"), splits()
    classifier = models.create("majority", {}, [COLOR], 0, Workspace())
    classifier.fit(data.train, data.val)
    models.save("majority", classifier, tmp_path / "model")
    (tmp_path / "model" / models.CARD_FILE).write_text(f"# The card\n{'long ' * 3000}")
    with tracker.run(done.experiment, done.key) as run:
        run.log_model(tmp_path / "model")
    (child,) = runs_of(client, suite)
    assert child.info.status == "FINISHED"
    command = [sys.executable, "-W", "ignore", "-c", PREDICT, f"runs:/{child.info.run_id}/majority-seed-0-catalog"]
    there = {**os.environ, "MLFLOW_TRACKING_URI": default_uri(runs_dir)}
    done = subprocess.run(command, env=there, capture_output=True, text=True, check=True)
    (answer,) = json.loads(done.stdout)
    assert (answer["color_suggested"], answer["color_confidence"], answer["color_decision"]) == ("red", 0.5, "review")
    logged = next(runs_dir.rglob("MLmodel"))
    assert "loader_module: benchmarks.serving" in logged.read_text()
    (found,) = client.get_run(child.info.run_id).outputs.model_outputs
    assert client.get_logged_model(found.model_id).tags["mlflow.note.content"].startswith("# The card\nlong ")
    assert len(next(logged.parent.rglob(models.CARD_FILE)).read_text()) == 15_011
    assert not list(runs_dir.rglob("*.pkl"))


def free_port():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return bound.getsockname()[1]


def test_a_dead_server_costs_one_warning(tmp_path):
    uri = f"http://127.0.0.1:{free_port()}"
    start = time.monotonic()
    with pytest.warns(TrackingWarning, match=f"MLflow at {uri} failed, tracking is off: .*refused") as caught:
        tracker = open_tracker(uri, "suite", tmp_path)
    assert len(caught) == 1
    track(open_tracker(uri, "suite", tmp_path), record())  # a second warning would be an error here
    tracker.log_outputs(tmp_path, {"suite/catalog/accuracy/mmbt": 0.5})
    assert tracker.uri == OFF
    assert time.monotonic() - start < 15


def test_an_unusable_folder_costs_one_warning(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.warns(TrackingWarning, match="file") as caught:
        track(open_tracker(default_uri(tmp_path / "file"), "suite", tmp_path / "file"), record())
    assert len(caught) == 1


@pytest.fixture
def server(tmp_path):
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{tmp_path}/served.db", "--artifacts-destination", tmp_path / "files"]
    uri = f"http://127.0.0.1:{port}"
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(f"{uri}/health").close()
                break
            except OSError:
                time.sleep(0.25)
        yield uri, process
    finally:
        if process.poll() is None:
            _stop(process)


def _stop(process):
    """The server and its workers."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_a_server_that_dies_costs_one_warning_and_no_result(server, tmp_path, capfd):
    uri, process = server
    tracker = open_tracker(uri, "suite", tmp_path)
    track(tracker, record(seed=0))
    tracker.log_outputs(tmp_path, {"suite/catalog/accuracy/mmbt": 0.5})
    assert tracker.uri == uri
    (child,) = runs_of(MlflowClient(uri), "suite")
    assert child.data.metrics["test/color/accuracy"] > 0
    assert capfd.readouterr() == ("", "")
    done = record(seed=1)
    with tracker.run(done.experiment, done.key) as run:
        run.log_epoch(0, {"val/score": 0.0})
        _stop(process)
        with pytest.warns(TrackingWarning, match=uri):
            run.log_epoch(1, {"val/score": 0.0})
        run.log_record(done)  # a second warning would be an error here
    assert tracker.uri == OFF
