"""The weights that ship: open_clip alone can use them, and this project's adapter says the same."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch

from cma_clip.backbone.loading import SHIPPED, load_backbone
from cma_clip.features.processing import Processor, example_batch
from tests.products import products

FOLDERS = sorted(path for path in SHIPPED.iterdir() if path.is_dir())
shipped = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)

OTHERS = "cma_clip baselines benchmarks lightning pydantic datasets mlflow transformers optuna"

ALONE = """
import json, sys

class Absent:  # as where only open_clip_torch is installed
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in sys.argv[4].split():
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())
import open_clip, torch
from PIL import Image

model, _, preprocess = open_clip.create_model_and_transforms("local-dir:" + sys.argv[1])
tokenizer = open_clip.get_tokenizer("local-dir:" + sys.argv[1])
model.eval()
with torch.no_grad():
    image = model.encode_image(preprocess(Image.open(sys.argv[2]))[None], normalize=True)[0]
    text = model.encode_text(tokenizer([sys.argv[3]]), normalize=True)[0]
print(json.dumps([image.tolist(), text.tolist()]))
"""


@shipped
def test_open_clip_alone_gives_the_embeddings_that_the_adapter_gives(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "weights")
    (example,) = products(1, holes=False)
    example.image.save(tmp_path / "photo.png")
    command = [sys.executable, "-c", ALONE, tmp_path / "weights", tmp_path / "photo.png", example.text, OTHERS]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    alone = json.loads(done.stdout.splitlines()[-1])
    backbone = load_backbone(folder.name)
    batch = example_batch(Processor(backbone), [example], [])
    with torch.no_grad():
        ours = backbone.encode_image(batch.pixel_values)[2][0], backbone.encode_text(batch.input_ids)[0]
    for expected, found in zip(alone, ours, strict=True):
        np.testing.assert_allclose(found, expected, atol=2e-5)


@shipped
def test_they_are_small(folder):
    assert sum(path.stat().st_size for path in folder.iterdir()) < 32e6


@pytest.mark.parametrize("file", ["open_clip_config.json", "open_clip_model.safetensors", "trained_on.safetensors"])
@shipped
def test_they_are_complete(folder, file):
    assert (folder / file).is_file()


@shipped
def test_the_card_names_the_frozen_split(folder):
    from benchmarks.datasets.fashion_products import FROZEN

    card = (folder / "README.md").read_text()
    assert json.loads(FROZEN.read_text())["sha256"] in card
