import json
import math
import subprocess
import sys
import threading

import numpy as np
import pytest

from benchmarks.records import store
from benchmarks.records.record import Estimate, Experiment
from cma_clip.types import IGNORE, Predictions
from tests.benchmarks.made_records import record


def made_at(timestamp, key="0123456789abcdef", **changes):
    return record("cma_clip", key=key, environment={"timestamp": timestamp}, **changes)


def test_a_reader_sees_the_old_file_or_the_new_one(tmp_path):
    path = tmp_path / "file"
    contents = [bytes([letter]) * 200_000 for letter in b"ab"]
    store.write_bytes(path, contents[0])
    writer = threading.Thread(target=lambda: [store.write_bytes(path, contents[i % 2]) for i in range(30)])
    writer.start()
    while writer.is_alive():
        assert path.read_bytes() in contents
    writer.join()


def test_a_write_that_fails_leaves_nothing_behind(tmp_path):
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="taken"):
        store.write_text(tmp_path / "taken", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_a_record_is_found_by_its_experiment_and_key(tmp_path):
    saved = record("mmbt", seed=2)
    store.save_record(tmp_path, saved)
    path = tmp_path / "records" / "catalog" / "mmbt" / f"seed-2-{saved.key[:8]}.json"
    assert path == store.record_path(tmp_path, saved.experiment, saved.key)
    assert store.find_record(tmp_path, saved.experiment, saved.key) == saved
    assert store.find_record(tmp_path, saved.experiment, "f" * 16) is None
    assert store.find_record(tmp_path, saved.experiment, saved.key[:8] + "f" * 8) is None


def test_a_record_by_which_nothing_can_be_chosen_is_loaded_but_not_found(tmp_path):
    old = record("mmbt", validation=None, cost=None)
    store.save_record(tmp_path, old)
    assert store.load_records(tmp_path) == [old]
    assert store.find_record(tmp_path, old.experiment, old.key) is None


def test_equal_records_are_equal_bytes(tmp_path):
    first, second = made_at("now", config={"a": 1, "b": 2}), made_at("now", config={"b": 2, "a": 1})
    store.save_record(tmp_path / "1", first)
    store.save_record(tmp_path / "2", second)
    texts = [store.record_path(tmp_path / n, first.experiment, first.key).read_text() for n in "12"]
    assert texts[0] == texts[1]
    assert texts[0].endswith("}\n")


def test_undefined_metrics_survive(tmp_path):
    undefined = Estimate(value=math.nan, low=-math.inf, high=math.inf, n=0)
    store.save_record(
        tmp_path, made_at("now", metrics={"clean": {"color": {"ece": undefined}}}, facts={"loss": math.nan})
    )
    (loaded,) = store.load_records(tmp_path)
    ece = loaded.metrics["clean"]["color"]["ece"]
    assert math.isnan(ece.value)
    assert (ece.low, ece.high) == (-math.inf, math.inf)
    assert math.isnan(loaded.facts["loss"])


def test_the_newest_record_of_an_experiment_counts(tmp_path):
    options = [{"depth": 2, "width": 64}, {"width": 64, "depth": 2}]  # the same experiment, written differently
    experiments = [Experiment(dataset="catalog", model="cma_clip", seed=0, hparams=hparams) for hparams in options]
    new = made_at("2026-02-01T00:00:00+00:00", key="1" * 16, experiment=experiments[0])
    old = made_at("2026-01-01T00:00:00+00:00", key="2" * 16, experiment=experiments[1])
    other = record("majority", seed=1)
    for saved in (new, old, other):
        store.save_record(tmp_path, saved)
    assert store.load_records(tmp_path) == [new, other]
    assert store.find_record(tmp_path, old.experiment, old.key) == old


def test_records_come_in_the_same_order_however_they_were_written(tmp_path):
    records = [record(model, seed) for model in ("mmbt", "majority") for seed in (1, 0)]
    for saved in records:
        store.save_record(tmp_path / "1", saved)
    for saved in reversed(records):
        store.save_record(tmp_path / "2", saved)
    assert store.load_records(tmp_path / "1") == store.load_records(tmp_path / "2")
    assert len(store.load_records(tmp_path / "1")) == 4


def test_no_records_is_an_empty_list(tmp_path):
    assert store.load_records(tmp_path / "nowhere") == []


BAD = {
    "half": (b'{"key": "01', "EOF"),
    "foreign": (b'{"key": "01"}', "experiment: Field required"),
    "binary": (b"\xff\xfe\x00", "utf-8"),
}


@pytest.mark.parametrize(("content", "reason"), BAD.values(), ids=BAD)
def test_a_file_that_is_no_record_is_named(tmp_path, content, reason):
    path = tmp_path / "records" / "catalog" / "mmbt" / "seed-0-01234567.json"
    store.write_bytes(path, content)
    with pytest.raises(store.StoreError, match=reason) as caught:
        store.load_records(tmp_path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def some_predictions(weights=None):
    return Predictions(
        ids=("a", "ü"),
        labels={"color": np.array([1, IGNORE]), "size/eu": np.array([0, 1])},
        probabilities={
            "color": np.array([[0.25, 0.75], [1, 0]], np.float32),
            "size/eu": np.array([[0.5, 0.5, 0], [0, 0, 1]], np.float32),
        },
        modality_weights=weights,
    )


@pytest.mark.parametrize("weights", [None, {"color": np.array([[0.3, 0.7], [1, 0]], np.float32)}])
def test_predictions_are_loaded_bit_for_bit(tmp_path, weights):
    saved = some_predictions(weights)
    store.save_predictions(tmp_path, saved)
    loaded = store.load_predictions(tmp_path)
    assert loaded.ids == saved.ids
    for ours, theirs in (
        (saved.labels, loaded.labels),
        (saved.probabilities, loaded.probabilities),
        (saved.modality_weights or {}, loaded.modality_weights or {}),
    ):
        assert set(ours) == set(theirs)
        for task in ours:
            np.testing.assert_array_equal(ours[task], theirs[task], strict=True)


def test_broken_predictions_are_named(tmp_path):
    store.save_predictions(tmp_path, some_predictions())
    (tmp_path / "ids.json").write_text(json.dumps(["a"]))
    with pytest.raises(store.StoreError, match=f"{tmp_path} holds no predictions .* 1 ids"):
        store.load_predictions(tmp_path)
    (tmp_path / "predictions.safetensors").write_bytes(b"half")
    with pytest.raises(store.StoreError, match=str(tmp_path)):
        store.load_predictions(tmp_path)


def test_missing_and_changed_files_are_stale(tmp_path):
    texts = {"same.md": "1\n", "changed.md": "2\n", "missing.md": "3\n"}
    store.save_texts(tmp_path, {"same.md": "1\n", "changed.md": "2\r\n"})
    assert store.stale(tmp_path, texts) == ["changed.md", "missing.md"]
    store.save_texts(tmp_path, texts)
    assert store.stale(tmp_path, texts) == []


def test_importing_it_imports_nothing_heavy():
    heavy = "{'torch', 'pandas', 'matplotlib', 'mlflow', 'numpy'}"
    code = f"import sys, benchmarks.records.store; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
