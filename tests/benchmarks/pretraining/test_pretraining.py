import json
import re
import time

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image

from benchmarks import cli, datasets
from benchmarks.datasets.catalog.product import FIRST_INDEX
from benchmarks.datasets.loading.splits import Source
from benchmarks.pretraining import corpus
from benchmarks.pretraining import score as backbones
from benchmarks.pretraining.pretrain import export
from benchmarks.pretraining.score import recall_by_labels
from cma_clip.backbone.loading import load_backbone, mismatch
from cma_clip.backbone.provenance import save_trained_on, trained_rows
from cma_clip.examples import ExampleList
from cma_clip.features.processing import Processor
from cma_clip.types import Example
from tests import installed_command
from tests.architectures import KINDS
from tests.benchmarks.datasets.samples import product, write_products
from tests.cma_clip.test_contrastive import same_weights


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    many = [product(number, productDisplayName=f"Brand {number // 2} Shirt") for number in range(160)]
    return write_products(tmp_path_factory.mktemp("shop") / "products", many)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(corpus, "POOL", 10)


def test_the_corpus_holds_training_titles_only(folder, tmp_path):
    found = corpus.corpus("fashion-products", {}, Source(folder, tmp_path), catalog=12, seed=0)
    texts = set(found.train.texts())
    assert not texts & set(found.splits.val.texts())
    assert not texts & set(found.splits.test.texts())
    assert set(found.splits.train.texts()) < texts
    assert len(found.train) == len(found.splits.train) + 12
    assert len(found.pool) == 10
    assert set(found.pool.ids()) < set(found.splits.val.ids())


def test_the_corpus_has_a_name_by_which_its_photos_are_cached(folder, tmp_path):
    def name(catalog, seed):
        return corpus.corpus("fashion-products", {}, Source(folder, tmp_path), catalog, seed).train.fingerprint

    assert name(12, 0) == name(12, 0) is not None
    assert len({name(12, 0), name(12, 1), name(11, 0), name(0, 0)}) == 4


def test_catalogue_products_are_out_of_reach_of_every_split_and_say_everything():
    made = list(corpus.pretraining_products(20, seed=0))
    assert all(item.index >= FIRST_INDEX["pretraining"] for item in made)
    assert all(tells == {"text": True, "image": True} for item in made for tells in item.tells.values())


def test_the_pool_depends_on_ids_alone_and_holds_pairs_only():
    def examples(order):
        made = {name: Example(name, name, Image.new("RGB", (4, 4)), f"title {name}") for name in map(str, range(40))}
        made |= {"dark": Example("dark", "dark", None, "title"), "mute": Example("mute", "mute", made["0"].image, "")}
        return ExampleList(made[name] for name in order)

    ids = [*map(str, range(40)), "dark", "mute"]
    chosen = [corpus.Chosen(found, corpus.pool_rows(found)) for found in (examples(ids), examples(ids[::-1]))]
    assert len(chosen[0]) == 10
    assert set(chosen[0].ids()) == set(chosen[1].ids())
    assert not set(chosen[0].ids()) & {"dark", "mute"}
    for pool in chosen:
        assert pool.texts() == [example.text for example in pool] == [f"title {name}" for name in pool.ids()]
        assert pool.image_present().all()


@pytest.fixture
def cma_bench(monkeypatch, capsys, tmp_path, folder, tiny):
    monkeypatch.chdir(tmp_path)

    def call(command, *arguments, **roots):
        small = ["--start", tiny, "--catalog", "12"] if command == "pretrain" and "--start" not in arguments else []
        data = ["--data", *(f"{name}={root}" for name, root in {"fashion-products": folder, **roots}.items())]
        monkeypatch.setattr("sys.argv", ["cma-bench", command, *arguments, *small, *data])
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
    known = scores["by_labels"]
    assert list(known)[:2] == ["articleType", "articleType + baseColour"]
    assert f"one who knows articleType and nothing else: {100 * known['articleType']:.1f} %" in told


def test_a_backbone_is_scored_on_any_data_set(cma_bench, tiny):
    options = "num_train=24", "num_val=12", "num_test=12"
    told = cma_bench("backbone", tiny, "--dataset", "catalog", "--option", *options)
    assert "on the test split of catalog" in told
    assert "zero-shot accuracy of photos, pattern: " in told


def test_what_knowing_labels_gives_by_hand():
    """Of four products the first two are alike in both tasks, the third shares the colour; a twin is no mistake."""
    labels = {"color": np.array([0, 0, 0, 1]), "style": np.array([2, 2, 3, 2])}
    expected = {"color": (1 / 3 + 1 / 3 + 1 / 3 + 1) / 4, "color + style": (1 / 2 + 1 / 2 + 1 + 1) / 4}
    assert recall_by_labels(labels, np.array([1, 2, 3, 4])) == pytest.approx(expected)
    assert recall_by_labels(labels, np.array([1, 1, 3, 4]))["color + style"] == 1


def test_a_pretraining_killed_by_the_system_ends_with_the_same_weights(tiny, folder, tmp_path):
    asked = [
        "pretrain",
        "--start",
        tiny,
        "--catalog",
        "12",
        "--tracking",
        "off",
        "--data",
        f"fashion-products={folder}",
    ]
    asked += ["--hparam", "epochs=12", "batch_size=8"]
    process = installed_command.begun(*asked, "--out", "one", cwd=tmp_path)
    while not list(tmp_path.glob("runs/pretraining/*/epoch=*.ckpt")):
        assert process.is_alive()
        time.sleep(0.005)
    process.kill()
    process.join()
    assert not (tmp_path / "one").exists()
    begun = [int(path.stem.removeprefix("epoch=")) for path in tmp_path.glob("runs/pretraining/*/epoch=*.ckpt")]
    assert max(begun) < 11  # something was left to do

    again = installed_command.cma_bench(*asked, "--out", "one", cwd=tmp_path)
    assert "epoch 0:" not in again.stdout
    assert "epoch 11:" in again.stdout
    assert not list(tmp_path.glob("runs/pretraining/*"))
    assert installed_command.cma_bench(*asked, "--out", "two", cwd=tmp_path).returncode == 0
    same_weights(load_backbone(f"local-dir:{tmp_path / 'one'}"), load_backbone(f"local-dir:{tmp_path / 'two'}"))


def test_training_goes_on_from_a_backbone_and_remembers_what_that_was_trained_on(cma_bench, tmp_path):
    small = ["--hparam", "epochs=1", "batch_size=16", "--tracking", "off"]
    cma_bench("pretrain", "--out", "one", *small)
    first = f"local-dir:{tmp_path / 'one'}"
    options = "num_train=24", "num_val=12", "num_test=12"
    cma_bench(
        "pretrain",
        "--out",
        "two",
        "--start",
        first,
        "--dataset",
        "catalog",
        "--catalog",
        "0",
        *small,
        "--option",
        *options,
    )
    second = f"local-dir:{tmp_path / 'two'}"
    assert load_backbone(first).fingerprint != load_backbone(second).fingerprint
    titles = ["Brand 0 Shirt", "Brand 1 Shirt", "Brand 2 Shirt", "Brand 3 Shirt", "Brand 4 Shirt", "Brand 5 Shirt"]
    assert trained_rows(second, titles) == trained_rows(first, titles) > 0
    clip, _, _ = open_clip.create_model_and_transforms(second)  # needs nothing of ours
    with torch.no_grad():
        assert clip.encode_text(open_clip.get_tokenizer(second)(["a red shirt"])).shape[0] == 1


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_tower_is_written_so_that_it_can_be_read(architectures, kind, tmp_path):
    backbone = load_backbone(architectures[kind])
    export(backbone, ["red shirt"], tmp_path)
    loaded = load_backbone(f"local-dir:{tmp_path}")
    assert not list(tmp_path.glob("*.partial"))
    ids = torch.from_numpy(Processor(backbone).texts(["a red shirt", "blue box"])).long()
    assert Processor(loaded).texts(["a red shirt", "blue box"]).tolist() == ids.tolist()
    torch.testing.assert_close(loaded.encode_text(ids), backbone.encode_text(ids), atol=5e-3, rtol=0)


def test_without_a_pair_nothing_is_written(cma_bench, tmp_path, tiny):
    rows = "".join(f"{number},,a shirt {number},{('red', 'blue')[number % 2]}\n" for number in range(40))
    (tmp_path / "products.csv").write_text(f"id,image,text,color\n{rows}")
    asked = ["--dataset", "manifest", "--catalog", "0", "--option", 'labels=["color"]', "--start", tiny]
    with pytest.raises(SystemExit, match=r"at least two examples with both a photo and a text; there are 0 among the"):
        cma_bench("pretrain", "--out", "one", *asked, manifest=tmp_path / "products.csv")
    assert not (tmp_path / "one").exists()
    with pytest.raises(SystemExit, match="no test product has both a photo and a text"):
        cma_bench("backbone", tiny, *asked[:2], *asked[4:6], manifest=tmp_path / "products.csv")


def test_masked_titles_hide_no_product_that_was_trained_on(cma_bench, folder, tmp_path):
    """Neither where the backbone read whole titles and is tested on masked ones, nor the other way round."""
    small = ["--hparam", "epochs=1", "batch_size=16"]
    cma_bench("pretrain", "--out", "masked", "--option", "titles=masked", *small)
    splits = datasets.load("fashion-products", Source(folder, tmp_path / "cache"), {})
    titles = [title for title in splits.train.texts() if title]
    assert trained_rows(f"local-dir:{tmp_path / 'masked'}", titles) == len(titles)

    cma_bench("pretrain", "--out", "whole", *small)
    save_trained_on(splits.test.texts(), tmp_path / "whole")
    told = cma_bench("backbone", f"local-dir:{tmp_path / 'whole'}", "--option", "titles=masked")
    assert f"test products with a text that it was trained on: {len(splits.test)}\n" in told


def test_an_architecture_of_open_clip_becomes_a_folder_it_can_load(tmp_path):
    backbone = load_backbone("random:RN50")
    export(backbone, [], tmp_path)
    loaded = load_backbone(f"local-dir:{tmp_path}")
    assert json.dumps(loaded.preprocess_cfg) == json.dumps(backbone.preprocess_cfg)
    for (name, mine), theirs in zip(backbone.named_parameters(), loaded.parameters(), strict=True):
        assert torch.equal(mine.half().float(), theirs), name


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


def test_fetched_weights_are_ready_only_where_the_architecture_fits(monkeypatch, capsys):
    """The hub has one file for ViT-B-32/openai and for ViT-B-32-quickgelu/openai; the first would be refused."""
    monkeypatch.setattr(backbones, "in_cache", lambda architecture, tag: tag == "openai" and "B-32" in architecture)
    monkeypatch.setattr("sys.argv", ["cma-bench", "models", "--backbones"])
    cli.main()
    told = capsys.readouterr().out
    assert "ViT-B-32-quickgelu/openai: ready, fetched before" in told
    assert "ViT-B-32/openai: ready" not in told
    usable = sum(mismatch(*pair) is None for pair in open_clip.list_pretrained())
    assert f"... and {usable - len(backbones.FAMILIES)} more" in told
