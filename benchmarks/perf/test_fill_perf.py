"""Products a second of `cma-bench fill` on real photos and titles, where the time goes, and the plain loop beside it.

    CMA_BENCH_DATA=DIR nox -s perf -- -k fill

with DIR/fashion-products/{styles.csv,images.tar.gz}. CMA-CLIP on ViT-B-32 with random weights, and in the plain loop
`transformers`' CLIPModel of the same shape: the speed does not depend on what was learned.
"""

import csv
import os
import tarfile
import time
from itertools import islice
from pathlib import Path

import pytest
import torch

from benchmarks import models
from benchmarks.answers import answering_of
from benchmarks.datasets.loading.images import decode
from benchmarks.filling import Question, fill
from benchmarks.serving import load_model
from cma_clip.classifier import Workspace
from cma_clip.examples import ExampleList
from cma_clip.features.token_features import token_features
from cma_clip.types import Example, Task

FASHION = Path(os.environ.get("CMA_BENCH_DATA", "")) / "fashion-products"
pytestmark = pytest.mark.skipif(
    not (FASHION / "images.tar.gz").is_file(),
    reason="CMA_BENCH_DATA does not name a folder with fashion-products/images.tar.gz",
)
ROWS = 128
BACKBONES = ("random:ViT-B-32", "tiny-product-clip")


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory):
    """A table of the first products, its season column empty, beside their photos."""
    folder = tmp_path_factory.mktemp("catalogue")
    with (FASHION / "styles.csv").open(encoding="utf-8", newline="") as file:
        products = list(islice(csv.DictReader(file), ROWS))
    wanted = {f"images/{product['id']}.jpg" for product in products}
    with tarfile.open(FASHION / "images.tar.gz") as packed:
        packed.extractall(folder, (found for found in packed if found.name.removeprefix("./") in wanted), filter="data")
    with (folder / "products.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "text", "season"])
        writer.writerows([f"images/{product['id']}.jpg", product["productDisplayName"], ""] for product in products)
    return folder


def titles(folder):
    with (folder / "products.csv").open(encoding="utf-8", newline="") as file:
        return [(folder / row["image"], row["text"]) for row in csv.DictReader(file)]


@pytest.fixture(scope="module", params=BACKBONES)
def model(request, catalogue, tmp_path_factory):
    """Trained for one epoch on a few of them."""
    folder = tmp_path_factory.mktemp("model")
    rows = titles(catalogue)[:48]
    examples = ExampleList(
        Example(str(n), str(n), decode(photo, "perf"), text, {"season": n % 2}) for n, (photo, text) in enumerate(rows)
    )
    tasks = [Task("season", ("Summer", "Winter"))]
    hparams = {"backbone": request.param, "max_epochs": 1}
    classifier = models.create("cma_clip", hparams, tasks, 0, Workspace())
    classifier.fit(examples, examples)
    models.save("cma_clip", classifier, folder, answering_of(classifier.predict(examples), None))
    return folder


def per_second(benchmark, run):
    """Also by the clock of the processor, which other programs of the machine do not slow down."""
    start = time.process_time()
    benchmark.pedantic(run, rounds=1, iterations=1, warmup_rounds=0)
    benchmark.extra_info["products_per_second"] = ROWS / benchmark.stats.stats.median
    benchmark.extra_info["products_per_cpu_second"] = ROWS / (time.process_time() - start)


def test_fill_end_to_end(benchmark, catalogue, model, tmp_path):
    per_second(benchmark, lambda: fill(catalogue / "products.csv", model, tmp_path / "out.csv", Question()))


def test_where_the_time_goes(benchmark, catalogue, model):
    """CPU seconds of decoding, of encoding and of the heads; `fill` decodes one part while it encodes another."""
    import pandas as pd

    saved = load_model(model)
    rows = saved.rows(pd.read_csv(catalogue / "products.csv"), images=catalogue)
    start = time.process_time()
    rows.prepare()
    decoded = time.process_time()
    table = token_features(saved.classifier.backbone, saved.classifier.processor, rows, Workspace())
    encoded = time.process_time()
    network = saved.classifier.network.cpu().eval()
    with torch.inference_mode():
        for begin in range(0, ROWS, 128):
            network(table.batch(slice(begin, begin + 128)))
    done = time.process_time()
    benchmark.extra_info |= {"decoding": decoded - start, "encoding": encoded - decoded, "heads": done - encoded}
    benchmark.pedantic(lambda: None, rounds=1)


@pytest.mark.parametrize("batch", [1, 32])
def test_the_plain_loop(benchmark, catalogue, batch):
    """As one writes it: open, preprocess, tokenise, both towers; one product at a time, or in batches."""
    import open_clip
    from PIL import Image
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel

    network, processor = CLIPModel(CLIPConfig()).eval(), CLIPImageProcessor()  # the default configuration is ViT-B/32
    tokenizer = open_clip.get_tokenizer("ViT-B-32")  # the vocabulary of transformers' own has to be downloaded

    def loop():
        rows = titles(catalogue)
        for start in range(0, len(rows), batch):
            photos = [Image.open(photo).convert("RGB") for photo, _ in rows[start : start + batch]]
            pixels = processor(photos, return_tensors="pt")["pixel_values"]
            ids = tokenizer([text for _, text in rows[start : start + batch]])
            ids = ids[:, : int((ids != 0).sum(dim=1).max())]  # padded to the longest, as `padding=True` does
            with torch.inference_mode():
                network(input_ids=ids, pixel_values=pixels)

    per_second(benchmark, loop)
