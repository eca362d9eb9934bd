"""Models that were saved and logged by earlier versions of this project.

`fixtures/saved_models` and `fixtures/mlflow_model` were written at commit 42415c1, where networks named their heads by
task and MLflow's loader was `benchmarks.serving`. They are never written again. `fixtures/backbones` holds the weights
that shipped then.
"""

import importlib
import json
import shutil
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from safetensors.numpy import load_file, save_file

from benchmarks import cli, models
from benchmarks.pretraining.pretrain import export
from cma_clip.backbone import loading
from cma_clip.examples import ExampleList

FIXTURES = Path(__file__).parent / "fixtures"
SAVED = FIXTURES / "saved_models"
THEN = json.loads((SAVED / "predictions.json").read_text(encoding="utf-8"))


@pytest.fixture(autouse=True)
def shipped_then(monkeypatch):
    monkeypatch.setattr(loading, "SHIPPED", FIXTURES / "backbones")


@pytest.fixture(scope="module")
def examples():
    images = [Image.open(SAVED / row["image"]).convert("RGB") if row["image"] else None for row in THEN["rows"]]
    return ExampleList.of(images, [row["text"] for row in THEN["rows"]])


@pytest.mark.parametrize("name", THEN["probabilities"])
def test_a_saved_model_says_what_it_said(name, examples, tmp_path):
    shutil.copytree(SAVED / name, tmp_path / "then")
    model = models.load(tmp_path / "then")
    assert getattr(model.config, "text_windows", 1) == 1  # as when it was trained
    models.save(name, model, tmp_path / "now")
    for folder in ("then", "now"):
        now = models.load(tmp_path / folder).predict(examples).probabilities
        assert list(now) == list(THEN["probabilities"][name])
        for task, probabilities in THEN["probabilities"][name].items():
            np.testing.assert_allclose(now[task], probabilities, atol=1e-4)


@pytest.mark.parametrize("name", ["cma_clip", "tfidf_logistic"])
def test_predict_reads_the_folder(name, capsys, monkeypatch):
    row = THEN["rows"][0]
    product = ["--image", str(SAVED / row["image"]), "--text", row["text"]]
    monkeypatch.setattr("sys.argv", ["cma-bench", "predict", "--model", str(SAVED / name), *product])
    cli.main()
    answer = capsys.readouterr().out
    for task, probabilities in THEN["probabilities"][name].items():
        assert f"({max(probabilities[0]):.3f})" in next(line for line in answer.splitlines() if line.startswith(task))


def test_other_weights_of_that_name_are_named_with_the_way_out(monkeypatch, tmp_path):
    export(loading.load_backbone("random:tiny-product-clip"), [], tmp_path / "tiny-product-clip")
    monkeypatch.setattr(loading, "SHIPPED", tmp_path)
    with pytest.raises(ValueError, match=r"cma_clip: trained on weights \w+ of tiny-product-clip; .* train it again"):
        models.load(SAVED / "cma_clip")


@pytest.mark.parametrize("file", ["tfidf.json", "tfidf.safetensors"])
def test_half_a_model_is_named(file, tmp_path):
    shutil.copytree(SAVED / "tfidf_logistic", tmp_path / "model")
    (tmp_path / "model" / file).unlink()
    with pytest.raises(ValueError, match=f"model holds no saved TfidfLogistic: .*{file}"):
        models.load(tmp_path / "model")


@pytest.mark.filterwarnings("ignore::DeprecationWarning:mlflow", "ignore::UserWarning:mlflow")
def test_a_model_logged_before_its_loader_moved_is_served():
    assert "loader_module: benchmarks.serving" in (FIXTURES / "mlflow_model" / "MLmodel").read_text()
    served = mlflow.pyfunc.load_model(str(FIXTURES / "mlflow_model"))
    texts = [row["text"] for row in THEN["rows"]]
    answer = served.predict(pd.DataFrame({"image": [None] * len(texts), "text": texts}).dropna(subset=["text"]))
    expected = np.array(THEN["probabilities"]["tfidf_logistic"]["color"])[[0, 2]]
    np.testing.assert_allclose(answer["color_confidence"], expected.max(axis=1), atol=1e-4)


def _without_a_key(path):
    saved = json.loads(path.read_text(encoding="utf-8"))
    del saved["seed"]
    path.write_text(json.dumps(saved), encoding="utf-8")


def _without_an_array(path):
    arrays = load_file(path)
    del arrays[min(arrays)]
    save_file(arrays, path)


def _with_a_shorter_array(path):
    arrays = load_file(path)
    arrays[min(arrays)] = arrays[min(arrays)].ravel()[:1].copy()
    save_file(arrays, path)


DAMAGES = {
    "empty": (".json .safetensors", lambda path: path.write_bytes(b"")),
    "cut": (".json .safetensors", lambda path: path.write_bytes(path.read_bytes()[:-40])),
    "list": (".json", lambda path: path.write_text("[]", encoding="utf-8")),
    "null": (".json", lambda path: path.write_text("null", encoding="utf-8")),
    "without a key": (".json", _without_a_key),
    "without an array": (".safetensors", _without_an_array),
    "with a shorter array": (".safetensors", _with_a_shorter_array),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", THEN["probabilities"])
def test_a_damaged_model_is_one_clear_error(name, damage, tmp_path):
    endings, spoil = DAMAGES[damage]
    for number, file in enumerate(sorted((SAVED / name).iterdir())):
        if file.suffix in endings.split() and file.name != models.NAME_FILE:
            folder = tmp_path / f"model-{number}"
            shutil.copytree(SAVED / name, folder)
            spoil(folder / file.name)
            with pytest.raises(ValueError, match=rf"model-{number} holds no (saved|whole) \w+: .") as caught:
                models.load(folder)
            assert "\n" not in str(caught.value)


@pytest.mark.parametrize("module", ["benchmarks.serving", "benchmarks.tracking.pyfunc"])
def test_every_loader_that_a_logged_model_ever_named_is_there(module):
    loaded = importlib.import_module(module)._load_pyfunc(str(SAVED / "tfidf_logistic"))
    answer = loaded.predict(pd.DataFrame({"text": [THEN["rows"][0]["text"]]}))
    expected = max(THEN["probabilities"]["tfidf_logistic"]["color"][0])
    assert answer["color_confidence"].tolist() == [pytest.approx(expected, abs=1e-4)]
