"""The rates behind `benchmarks/perf/scaling.py`, measured on one core; writes results/performance/scaling.{json,md}.

nox -s perf -- -k scaling
"""

import csv
import io
import subprocess
import sys
import time
from itertools import repeat
from pathlib import Path

import pytest
import torch
from PIL import Image

from benchmarks import models
from benchmarks.answers import answering_of
from benchmarks.datasets import catalog
from benchmarks.datasets.loading.splits import Source
from benchmarks.filling import Question, fill
from benchmarks.perf.peers.measuring import count_flops
from benchmarks.perf.peers.shapes import SHAPES, write_architecture
from benchmarks.perf.scaling import Rates, page
from benchmarks.running.environment import environment
from cma_clip.backbone.loading import load_backbone
from cma_clip.classifier import Workspace
from cma_clip.features.processing import Processor

RESULTS = Path(__file__).parents[2] / "results" / "performance"
PRODUCTS, ROWS, SIDE = 128, 4_000, 256


def per_call(action, items):
    """CPU seconds of each call, which other programs slow down less than the clock on the wall."""
    listed = list(items)
    start = time.process_time()
    for item in listed:
        action(item)
    return (time.process_time() - start) / len(listed)


@pytest.fixture(scope="module")
def products():
    options = catalog.CatalogOptions(num_train=PRODUCTS, num_val=50, num_test=50, image_size=SIDE)
    return catalog.load(Source(), options)


def jpeg(photo):
    out = io.BytesIO()
    photo.save(out, "JPEG", quality=90)
    return out.getvalue()


def seconds_of_a_filled_row(products, folder):
    """Read, decided and written, by a model that computes nothing."""
    model = models.create("majority", {}, products.tasks, 0, Workspace())
    model.fit(products.train, products.val)
    models.save("majority", model, folder / "model", answering_of(model.predict(products.val), None))
    took = []
    for rows in (1, ROWS):
        table = folder / f"{rows}.csv"
        with table.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["text", products.tasks[0].name])
            writer.writerows(zip(repeat("a red dress", rows), repeat("")))
        start = time.process_time()
        fill(table, folder / "model", folder / f"{rows}-filled.csv", Question())
        took.append(time.process_time() - start)
    return (took[1] - took[0]) / (ROWS - 1)


def seconds_to_the_first_batch():
    """What a command imports before it trains; the weights of a large tower come on top."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import benchmarks.running.run"], check=True)
    return time.perf_counter() - start


def test_write_the_page(benchmark, products, tmp_path):
    torch.set_num_threads(1)
    backbone = load_backbone(write_architecture(SHAPES["ViT-B-32"], tmp_path / "ViT-B-32"))
    processor = Processor(backbone)
    photos = [example.image for example in products.train]
    files = [jpeg(photo) for photo in photos]
    batch = processor.encode(products.train, Workspace()).batch(slice(0, 8), {})
    with torch.no_grad():
        forward = count_flops(lambda: backbone(batch)) / 8
    backbone.train()

    def step():
        features = backbone(batch)
        (features.image_embedding.sum() + features.text_embedding.sum()).backward()

    rates = Rates(
        environment=environment(),
        photo=per_call(lambda file: processor.image(Image.open(io.BytesIO(file)).convert("RGB")), files),
        resize=per_call(processor.image, photos),
        text=per_call(lambda text: processor.texts([text]), products.train.texts()),
        cell=seconds_of_a_filled_row(products, tmp_path),
        start=seconds_to_the_first_batch(),
        forward=forward,
        step=count_flops(step) / 8,
        parameters=sum(parameter.numel() for parameter in backbone.parameters()),
    )
    (RESULTS / "scaling.json").write_text(rates.model_dump_json(indent=1) + "\n", encoding="utf-8")
    (RESULTS / "scaling.md").write_text(page(rates), encoding="utf-8")
    benchmark.extra_info |= rates.model_dump(exclude={"environment"})
    benchmark.pedantic(lambda: None, rounds=1)
