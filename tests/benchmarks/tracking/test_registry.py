"""The pick of a suite in MLflow's registry: a real database, a real model, loaded as a shop would."""

from itertools import product

import mlflow
import pandas as pd
import pytest
from mlflow.tracking import MlflowClient

from benchmarks import models
from benchmarks.datasets import DATASETS
from benchmarks.suites import SUITES
from benchmarks.tracking import OFF, default_uri, open_tracker
from benchmarks.tracking.registry import registered_name
from cma_clip.classifier import Workspace
from cma_clip.examples import ExampleList
from cma_clip.types import Example, Task
from tests.benchmarks.made_records import record

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")

COLOR = Task("color", ("red", "blue"))


@pytest.fixture(scope="module")
def runs_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture
def folder(tmp_path):
    examples = ExampleList(Example(f"{n}", f"{n}", None, "dress", {"color": 0}) for n in range(4))
    classifier = models.create("majority", {}, [COLOR], 0, Workspace())
    classifier.fit(examples, examples)
    models.save("majority", classifier, tmp_path / "model")
    return tmp_path / "model"


def tracked(runs_dir, done, folder=None):
    tracker = open_tracker(default_uri(runs_dir), "smoke", runs_dir)
    with tracker.run(done.experiment, done.key) as run:
        if folder is not None:
            run.log_model(folder)
    return tracker


def versions(runs_dir, name):
    client = MlflowClient(default_uri(runs_dir))
    found = client.search_model_versions(f"name = '{name}'")
    full = [client.get_model_version(name, one.version) for one in found]  # a search tells no alias
    return sorted((int(one.version), one.description, list(one.aliases)) for one in full)


def test_the_champion_can_be_loaded_and_is_registered_once(runs_dir, folder, capfd):
    done = record("majority")
    tracker = tracked(runs_dir, done, folder)
    capfd.readouterr()
    tracker.register(done.key, "smoke", "catalog", "Take it.\nIt is cheap.")
    tracker.register(done.key, "smoke", "catalog", "Take it again.")
    assert capfd.readouterr() == ("", "")
    assert versions(runs_dir, "smoke-catalog") == [(1, "Take it again.", ["champion"])]
    mlflow.set_tracking_uri(default_uri(runs_dir))
    model = mlflow.pyfunc.load_model("models:/smoke-catalog@champion")
    answers = model.predict(pd.DataFrame({"image": [None], "text": ["dress"]}))
    assert list(answers["color_suggested"]) == ["red"]


def test_another_pick_is_the_next_champion_and_the_first_can_come_back(runs_dir, folder):
    one, two = record("mmbt", seed=1), record("mmbt", seed=2)
    for done in (one, two):
        tracked(runs_dir, done, folder).register(done.key, "smoke", "abo", done.key)
    assert versions(runs_dir, "smoke-abo") == [(1, one.key, []), (2, two.key, ["champion"])]
    tracked(runs_dir, one).register(one.key, "smoke", "abo", one.key)
    assert versions(runs_dir, "smoke-abo") == [(1, one.key, ["champion"]), (2, two.key, [])]


def test_a_run_without_a_model_and_an_unknown_key_register_nothing(runs_dir):
    done = record("text_only")
    tracker = tracked(runs_dir, done)
    tracker.register(done.key, "smoke", "mrwpa", "no model")
    tracker.register("f" * 16, "smoke", "mrwpa", "no run")
    assert versions(runs_dir, "smoke-mrwpa") == []
    assert tracker.uri != OFF


def test_off_registers_nothing(tmp_path):
    open_tracker(OFF, "smoke", tmp_path).register("f" * 16, "smoke", "catalog", "nothing")
    assert list(tmp_path.iterdir()) == []


def test_names_are_one_to_one():
    names = [registered_name(suite, dataset) for suite, dataset in product(SUITES, DATASETS)]
    assert len(set(names)) == len(names)
