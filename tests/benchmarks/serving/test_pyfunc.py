import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import tomllib
import urllib.request
from contextlib import suppress
from importlib.metadata import packages_distributions
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks import models
from benchmarks.records.record import Experiment
from benchmarks.serving import load_model
from benchmarks.serving.pyfunc import Served, _load_pyfunc, example, requirements
from benchmarks.tracking import default_uri, open_tracker
from tests.benchmarks.made_records import record
from tests.products import photo

ROOT = Path(__file__).parents[3]
PRECISION = 0.3


@pytest.fixture(scope="module")
def folder(saved, tmp_path_factory):
    """A saved model that reads both and weighs them, with its record and thresholds."""
    place = tmp_path_factory.mktemp("saved") / "model"
    models.save("cma_clip", saved("cma_clip").classifier, place, saved("cma_clip").answering)
    models.save_record(place, record())
    return place


def test_only_the_answers_are_sent_back(folder):
    frame = pd.DataFrame({"image": [photo("red"), None], "text": ["a shirt", None]})
    served, whole = _load_pyfunc(str(folder)).predict(frame, {"precision": PRECISION}), load_model(folder)
    expected = whole.predict(frame, PRECISION).drop(columns=["image", "text"])
    assert list(served) == list(expected)
    pd.testing.assert_series_equal(served["size_decision"], expected["size_decision"])
    assert served["color_confidence"].tolist() == [expected["color_confidence"].iloc[0], None]
    assert json.loads(json.dumps(served.to_dict("records"), allow_nan=False))[1]["problem"] == "neither photo nor text"


def test_one_of_the_two_columns_is_enough(saved):
    frame, model = pd.DataFrame({"text": ["red dress"]}), saved("tfidf_logistic")
    assert Served(model).predict(frame)["color_confidence"].equals(model.predict(frame)["color_confidence"])


def test_the_example_is_a_row_without_problems(folder):
    assert _load_pyfunc(str(folder)).predict(example())["problem"].tolist() == [None]


IMPORTED = """
import sys
from benchmarks.records.record import Experiment
from benchmarks.serving import load_model
from benchmarks.serving.pyfunc import example
load_model(sys.argv[1]).predict(example())
print(*{name.partition(".")[0] for name in sys.modules})
"""


BROUGHT = {"jinja2", "psutil"}
"""Of this project's dependencies, those that others import here for themselves."""


def test_requirements_are_what_a_fresh_process_imports(folder):
    command = [sys.executable, "-W", "ignore", "-c", IMPORTED, folder]
    modules = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    named = packages_distributions()
    imported = {plain(name) for module in modules for name in named.get(module, ())}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    ours = {plain(re.match(r"[\w-]+", line)[0]) for line in project}
    assert all(requirement.count("==") == 1 for requirement in requirements())
    stated = {plain(requirement.partition("==")[0]) for requirement in requirements()}
    assert stated == {"cma-clip-bench"} | (imported & ours) - BROUGHT


@pytest.mark.filterwarnings("ignore")  # of MLflow, on which environments it can describe
def test_mlflow_says_that_the_project_is_missing(folder, tmp_path):
    from mlflow.pyfunc import save_model

    wanted = requirements()
    save_model(tmp_path / "logged", loader_module="benchmarks.serving", data_path=folder, pip_requirements=wanted)
    without = tmp_path / "environment"  # everything that is installed here, but for the project
    without.mkdir()
    for installed in Path(pd.__file__).parents[1].iterdir():
        if "cma_clip_bench" not in installed.name:
            (without / installed.name).symlink_to(installed)
    code = f"import sys; sys.path.append({str(without)!r}); import mlflow; mlflow.pyfunc.load_model(sys.argv[1])"
    command = [sys.executable, "-I", "-S", "-c", code, tmp_path / "logged"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode != 0
    assert "cma-clip-bench (current: uninstalled, required: cma-clip-bench==" in done.stderr


def plain(name):
    return name.lower().replace("_", "-")


def free_port():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return bound.getsockname()[1]


def asked(port, path, body=None):
    request = urllib.request.Request(f"http://127.0.0.1:{port}/{path}", body, {"Content-Type": "application/json"})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
        return answer.read()


@pytest.fixture(scope="module")
def server(folder, tmp_path_factory):
    """MLflow's own server of the model as an experiment logs it; its port."""
    runs = tmp_path_factory.mktemp("runs")
    with open_tracker(default_uri(runs), "suite", runs).run(record().experiment, "key") as run:
        run.log_model(folder)
    (logged,) = runs.rglob("MLmodel")
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "models", "serve", "--env-manager", "local", "--workers", "1"]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])  # MLflow's `uvicorn`
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "MLFLOW_TRACKING_URI": default_uri(runs)}
    with (runs / "log").open("w") as log:
        process = subprocess.Popen(
            [*command, "--model-uri", logged.parent, "--host", "127.0.0.1", "--port", str(port)],
            cwd=runs, env=environment, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        for _ in range(240):
            try:
                asked(port, "ping")
                break
            except OSError:
                assert process.poll() is None, (runs / "log").read_text()
                time.sleep(0.5)
        else:
            pytest.fail((runs / "log").read_text())
        yield port
    finally:
        with suppress(ProcessLookupError):  # of a server that has ended the log is what matters
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=20)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
def test_the_server_says_what_the_model_says(server, folder, tmp_path):
    photo("red").save(tmp_path / "red.png")
    encoded = example()["image"][0]
    frame = pd.DataFrame(
        {
            "text": ["a large shirt", None, "a shirt", None, "a small dress"],
            "image": [str(tmp_path / "red.png"), encoded, f"data:image/png;base64,{encoded}", None, "nope.png"],
        }
    )
    split = {"columns": list(frame), "data": frame.astype(object).where(frame.notna(), None).to_numpy().tolist()}
    body = json.dumps({"dataframe_split": split, "params": {"precision": PRECISION}}).encode()
    told = pd.DataFrame(json.loads(asked(server, "invocations", body))["predictions"], dtype=object)
    expected = load_model(folder).predict(frame, PRECISION).drop(columns=["text", "image"])
    assert list(told) == list(expected)
    for name in expected:
        if expected[name].dtype == float:
            np.testing.assert_allclose(told[name].astype(float), expected[name], atol=1e-5)
        else:
            assert told[name].tolist() == expected[name].tolist()
    assert told["problem"].tolist() == [None, None, None, "neither photo nor text", "photo missing: nope.png"]
    plain = json.dumps({"dataframe_split": {"columns": ["text"], "data": [["a shirt"]]}}).encode()
    (answer,) = json.loads(asked(server, "invocations", plain))["predictions"]
    assert answer["size_decision"] in ("filled", "review")


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
def test_the_columns_of_the_own_table_are_answered_and_values_kept(saved, tmp_path):
    import mlflow

    place, runs = tmp_path / "model", tmp_path / "runs"
    options = {"labels": "color,size", "text": "Bezeichnung", "image": None}
    own = Experiment(dataset="manifest", model="tfidf_logistic", seed=0, dataset_options=options)
    models.save("tfidf_logistic", saved("tfidf_logistic").classifier, place, saved("tfidf_logistic").answering)
    models.save_record(place, record(experiment=own))
    with open_tracker(default_uri(runs), "suite", runs).run(own, "key") as run:
        run.log_model(place)
    (logged,) = runs.rglob("MLmodel")
    frame = pd.DataFrame(
        {"Bezeichnung": ["red dress", "a shirt"], "Preis": [1.5, 2], "color": [None, "red"], "size": np.nan}
    )
    answers = mlflow.pyfunc.load_model(str(logged.parent)).predict(frame)
    expected = Served(load_model(place)).predict(frame)
    pd.testing.assert_frame_equal(answers, expected)
    assert answers["color_decision"].tolist()[1] == "kept"
