"""On a manifest where each attribute is told by one modality only, every model fails where it must, and only there."""

import json

import numpy as np
import pytest
from PIL import Image

from benchmarks.records.record import Experiment
from benchmarks.running.place import Place
from benchmarks.running.run import run
from benchmarks.tracking import NoTracker

COLORS = {"red": (200, 30, 30), "blue": (30, 30, 200), "green": (30, 160, 30)}
SIZES = ("small", "large")
ROWS = 360

MODELS = {  # model -> (knows the colour, which only the photo shows; knows the size, which only the title names)
    "majority": (False, False),
    "tfidf_logistic": (False, True),
    "text_only": (False, True),
    "image_only": (True, False),
    "late_fusion": (True, True),
    "concat_fusion": (True, True),
    "mmbt": (True, True),
    "cma_clip": (True, True),
}


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    folder = tmp_path_factory.mktemp("manifest")
    rng = np.random.default_rng(0)
    lines = []
    for row in range(ROWS):
        color, size = rng.choice(list(COLORS)), rng.choice(SIZES)
        noise = rng.integers(-25, 25, (24, 20, 3))
        pixels = np.clip(np.array(COLORS[color]) + noise, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{row}.png")
        lines.append({"image": f"{row}.png", "text": f"{size} box number {row}", "color": color, "size": size})
    path = folder / "products.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    return path


@pytest.fixture(scope="module")
def architecture(tmp_path_factory):
    folder = tmp_path_factory.mktemp("architecture")
    config = {
        "embed_dim": 32,
        "vision_cfg": {"image_size": 32, "layers": 1, "width": 64, "head_width": 32, "patch_size": 16},
        "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
    }
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": config, "preprocess_cfg": {}}))
    return f"random:local-dir:{folder}"


@pytest.mark.parametrize("model", MODELS)
def test_model_fails_exactly_where_its_modality_is_silent(model, manifest, architecture, tmp_path):
    shape = (
        {"width": 64, "heads": 2, "depth": 1}
        if model in ("text_only", "image_only", "late_fusion", "cma_clip", "mmbt")
        else {}
    )
    epochs = 40 if model == "concat_fusion" else 12  # pooled states of random towers: cheap to read, slow to learn
    neural = {"backbone": architecture, "max_epochs": epochs, "patience": epochs, "batch_size": 32}
    neural["learning_rate"] = 2e-3
    hparams = {} if model in ("majority", "tfidf_logistic") else {**neural, **shape}
    options = {"labels": ["color", "size"]}
    experiment = Experiment(dataset="manifest", model=model, seed=0, dataset_options=options, hparams=hparams)
    place = Place(tmp_path / "results", tmp_path / "runs", {"manifest": manifest})

    metrics = run(experiment, place, NoTracker()).metrics["clean"]

    knows_color, knows_size = MODELS[model]
    color, size = metrics["color"]["accuracy"].value, metrics["size"]["accuracy"].value
    assert (color > 0.8) if knows_color else (color < 0.55)  # chance is 1/3 of about 70 test rows
    assert (size > 0.8) if knows_size else (size < 0.70)  # chance is 1/2
