import json
import re

import pytest

from benchmarks import cli, datasets, pretraining
from benchmarks.datasets.catalog.product import FIRST_INDEX
from benchmarks.datasets.splits import Source
from cma_clip.backbone import load_backbone
from cma_clip.types import ExampleList
from tests.benchmarks.datasets.samples import product, write_products
from tests.cma_clip.test_contrastive import same_weights


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    many = [product(number, productDisplayName=f"Brand {number // 2} Shirt") for number in range(160)]
    return write_products(tmp_path_factory.mktemp("shop") / "products", many)


@pytest.fixture(autouse=True)
def small(monkeypatch, tiny):
    monkeypatch.setattr(pretraining, "ARCHITECTURE", pretraining.Path(tiny.removeprefix("random:local-dir:")))
    monkeypatch.setattr(pretraining, "CATALOG_PRODUCTS", 12)
    monkeypatch.setattr(pretraining, "POOL", 10)


def test_the_corpus_holds_training_titles_only(folder, tmp_path):
    found = pretraining.corpus(Source(folder, tmp_path), 0)
    texts = set(found.train.texts())
    assert not texts & set(found.splits.val.texts())
    assert not texts & set(found.splits.test.texts())
    assert set(found.splits.train.texts()) < texts
    assert len(found.train) == len(found.splits.train) + 12
    assert len(found.pool) == 10
    assert set(found.pool.ids()) < set(found.val.ids())


def test_catalogue_products_are_out_of_reach_of_every_split_and_say_everything():
    made = list(pretraining.pretraining_products(20, seed=0))
    assert all(item.index >= FIRST_INDEX["pretraining"] for item in made)
    assert all(tells == {"text": True, "image": True} for item in made for tells in item.tells.values())


def test_the_pool_depends_on_ids_alone(folder, tmp_path):
    val = datasets.load("fashion-products", Source(folder, tmp_path), {}).val
    pool = pretraining.retrieval_pool(val)
    assert pool.ids() == pretraining.retrieval_pool(val.select(list(range(len(val))))).ids()
    assert len(pool) == 10
    with pytest.raises(ValueError, match="needs a table of examples, not ExampleList"):
        pretraining.retrieval_pool(ExampleList(val))


@pytest.fixture
def cma_bench(monkeypatch, capsys, tmp_path, folder):
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        monkeypatch.setattr("sys.argv", ["cma-bench", *arguments, "--data", f"fashion-products={folder}"])
        cli.main()
        return capsys.readouterr().out

    return call


def test_pretrain_then_score(cma_bench, tmp_path):
    small = ["--hparam", "epochs=2", "batch_size=16"]
    told = cma_bench("pretrain", "--out", "one", *small)
    assert re.search(r"epoch 1: .*val/zero_shot_articleType 0\.\d+.*train/loss", told)
    cma_bench("pretrain", "--out", "two", "--runs", "others", "--tracking", "off", *small)
    first, second = load_backbone(f"local-dir:{tmp_path / 'one'}"), load_backbone(f"local-dir:{tmp_path / 'two'}")
    same_weights(first, second)
    with pytest.raises(SystemExit, match="exists; choose another folder"):
        cma_bench("pretrain", "--out", "one", *small)

    told = cma_bench("backbone", f"local-dir:{tmp_path / 'one'}", "--out", "scores.json")
    assert "test products with a text that it was trained on: 0\n" in told
    assert re.search(r"image_to_text recall@10 of 10: 100\.0 % \[72\.2, 100\.0\]", told)
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert 0 <= scores["zero_shot"]["articleType"]["low"] <= scores["zero_shot"]["articleType"]["value"]


@pytest.mark.filterwarnings("ignore")  # of the libraries behind MLflow's client
def test_pretraining_is_logged_to_mlflow(cma_bench, tmp_path):
    cma_bench("pretrain", "--out", "one", "--hparam", "epochs=2", "batch_size=16")
    import mlflow

    client = mlflow.MlflowClient(f"sqlite:///{tmp_path / 'runs' / 'mlflow.db'}")
    (run,) = client.search_runs(["1"], "tags.kind = 'experiment'")
    history = client.get_metric_history(run.info.run_id, "val/zero_shot_articleType")
    assert [metric.step for metric in history] == [0, 1]
    assert {"val/image_to_text_recall_at_1", "val/text_to_image_recall_at_10"} <= set(run.data.metrics)


def test_unknown_hyper_parameter(cma_bench):
    with pytest.raises(SystemExit, match="'epoch'; did you mean 'epochs'"):
        cma_bench("pretrain", "--out", "one", "--hparam", "epoch=2")


def test_backbones_are_listed_with_the_reason_why_not(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["cma-bench", "models", "--backbones"])
    cli.main()
    told = capsys.readouterr().out
    assert "tiny-product-clip: ready, ships with the project" in told
    assert "ViT-B-32-quickgelu/openai: not usable here: HF_HUB_OFFLINE is set" in told
