import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlflow.entities import Metric, Param
from mlflow.tracking import MlflowClient

from benchmarks.tracking.names import LONGEST_NAME, mlflow_name

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:sqlalchemy", "ignore::DeprecationWarning:mlflow")

NAMES = st.text(st.sampled_from("ab_x0/.|: -é颜\U0001f600") | st.characters(codec="utf-8"), max_size=12)
LONG = st.tuples(NAMES, st.integers(100, 300)).map(lambda drawn: drawn[0] * drawn[1])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("clean/color/accuracy", "clean/color/accuracy"),
        ("val/color.main/accuracy", "val/color.main/accuracy"),
        ("clean/颜色/f1", "clean/颜色/f1"),
        ("clean/x|y/f1", "clean/x_x007C_y/f1"),
        ("clean/x_x007C_y/f1", "clean/x_x005F_x007C_y/f1"),
        ("clean//f1", "clean/_x_/f1"),
        ("clean/../f1", "clean/_x002E__x002E_/f1"),
        ("snow_white", "snow_white"),
    ],
)
def test_names_stay_readable(name, expected):
    assert mlflow_name(name) == expected


@given(st.lists(NAMES | LONG, unique=True, max_size=30))
def test_different_names_stay_different(names):
    mapped = [mlflow_name(name) for name in names]
    assert len(set(mapped)) == len(names)
    assert all(len(name) <= LONGEST_NAME for name in mapped)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mlflow")
    client = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    return client, client.create_experiment("names", artifact_location=folder.as_uri())


@settings(max_examples=20, deadline=None)
@given(st.lists(NAMES | LONG, unique=True, min_size=1, max_size=20))
def test_mlflow_takes_every_name(store, names):
    client, experiment = store
    run = client.create_run(experiment).info.run_id
    mapped = [mlflow_name(name) for name in names]
    client.log_batch(run, [Metric(name, 0.5, 0, 0) for name in mapped], [Param(name, "1") for name in mapped])
    logged = client.get_run(run).data
    assert set(logged.metrics) == set(logged.params) == set(mapped)
