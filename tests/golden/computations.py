"""A tiny fixed computation for every registry entry and every shared part, and the versions that decide it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from hashlib import sha256
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import torch
from torch import nn

from benchmarks import datasets, models, versions
from benchmarks.datasets import DATASETS
from benchmarks.datasets.hub import SPECS
from benchmarks.datasets.loading.masking import MASKING
from benchmarks.datasets.loading.splits import Source
from benchmarks.metrics import EVALUATION, GROUP_INTERVALS, METRICS, evaluate
from benchmarks.models import MODELS
from benchmarks.perturbations import PERTURBATIONS, PROTOCOLS, at
from benchmarks.perturbations.view import Perturbed
from benchmarks.records.record import CLEAN, MEAN, Experiment
from benchmarks.running.evaluation import by_group, modality_weights
from benchmarks.running.place import Place
from benchmarks.running.run import run
from benchmarks.tracking import OFF, open_tracker
from benchmarks.twins import TWINS, make_twin
from cma_clip.augmentation import augment_features
from cma_clip.backbone.backbone import Backbone
from cma_clip.backbone.loading import load_backbone
from cma_clip.class_names import without
from cma_clip.classifier import Workspace
from cma_clip.contrastive.module import ContrastiveConfig
from cma_clip.contrastive.training import CONTRASTIVE, fit_contrastive
from cma_clip.examples import ExampleList
from cma_clip.features.processing import FEATURES, Processor
from cma_clip.features.token_features import NAMES, token_features
from cma_clip.learner import TRAINING
from cma_clip.network import FusionNetwork, Output, TrainConfig
from cma_clip.neural_classifier import NeuralClassifier
from cma_clip.types import IGNORE, Examples, Predictions
from tests.architectures import write_architecture
from tests.benchmarks.datasets.hub_copies import write_saved
from tests.benchmarks.datasets.samples import write_manifest
from tests.products import TASKS, changed, products

EXACT, PIXELS, COMPUTED, TRAINED = 0.0, 0.5, 1e-6, 1e-4
"""How far numbers may lie from the committed ones. Of a training: measured with OpenBLAS' Nehalem and Haswell kernels,
ATen's default and AVX2 code, oneDNN limited to SSE 4.1 and AVX2, and NumPy without AVX, they differed by at most 4e-6,
while ReLU for GELU in the task heads moves them by 3e-2 or more. Mean pixels, from 0 to 255, did not differ; other
builds of libjpeg may round otherwise. Texts, labels, ids and defaults are exact."""

Numbers = dict[str, list[float] | str]


@dataclass(frozen=True)
class Computation:
    """What is computed for an entry, what decides it, and how far it may differ between processors."""

    numbers: Callable[[], Numbers]
    versions: Mapping[str, int]
    tolerance: float


@cache
def _folder() -> Path:
    return Path(mkdtemp(prefix="golden-"))


@cache
def _backbone() -> str:
    return write_architecture(_folder() / "vit", "vit")


def _shop():
    return products(24, seed=1), products(12, seed=2), products(8, seed=3)


def _digest(*values: object) -> str:
    return sha256(repr(values).encode()).hexdigest()[:12]


def _defaults(fields) -> Numbers:
    return {
        f"default {name}": "required" if info.is_required() else str(info.get_default(call_default_factory=True))
        for name, info in fields.items()
    }


def _model(name: str) -> Numbers:
    fields = MODELS[name].Config.model_fields
    small = {"backbone": _backbone(), "max_epochs": 2, "batch_size": 8, "learning_rate": 5e-3, "width": 16}
    small |= {"heads": 2, "hidden": 16}
    train, val, test = _shop()
    hparams = {field: value for field, value in small.items() if field in fields}
    model = models.create(name, hparams, TASKS, 0, Workspace())
    model.fit(train, val)
    return _probabilities(model.predict(test)) | _defaults(fields)


def _probabilities(predictions) -> Numbers:
    found = {task: values[:, 0].tolist() for task, values in predictions.probabilities.items()}
    weights = predictions.modality_weights or {}
    return found | {f"{task}, weight of the text": values[:, 0].tolist() for task, values in weights.items()}


OPTIONS = {
    "abo": {"min_count": 1},
    "catalog": {"num_train": 30, "num_val": 10, "num_test": 10, "image_size": 32},
    "fashion-products": {"min_count": 1},
    "manifest": {"labels": ["colour"], "split": "split"},
    **{name: {"min_count": 1} for name in SPECS},
}
SEPARATE = {"manifest": write_manifest, **{name: partial(write_saved, name) for name in SPECS}}
"""Data sets without a twin that a folder stands in for."""


def _source(name: str) -> Source:
    root = _folder() / "data" / name
    if not DATASETS[name].needs_root and name not in SEPARATE:
        return Source(None, _folder() / "cache")
    if not root.exists():
        root.parent.mkdir(exist_ok=True)
        if name in TWINS:
            make_twin(name, root, 60, seed=0)
        else:
            SEPARATE[name](root)
    return Source(root, _folder() / "cache")


def _dataset(name: str, options: Mapping[str, object]) -> Numbers:
    splits = datasets.load(name, _source(name), options)
    found: Numbers = {f"{task.name}": _digest(task.classes) for task in splits.tasks}
    for part, examples in splits.parts().items():
        found[part] = _digest(
            examples.ids(), examples.groups(), examples.texts(), list(map(dict, examples.label_rows()))
        )
        shown = [examples[row].image for row in range(min(3, len(examples)))]
        found[f"pixels of {part}"] = [float(np.asarray(image).mean()) for image in shown if image is not None]
    found |= {f"subset {subset}": _digest(rows.tolist()) for subset, rows in splits.subsets.items()}
    found |= {f"relevance of {task}": sorted(shares.values()) for task, shares in (splits.relevance or {}).items()}
    return found if splits.per_group is None else found | {"test units": _digest(splits.test_units())}


def _perturbation(name: str) -> Numbers:
    examples = products(8, seed=4, holes=False)
    found = Perturbed(examples, at(name, 3))
    pixels = [np.asarray(example.image, dtype=np.float64) for example in found if example.image is not None]
    return {
        "texts": _digest(found.texts()),
        "texts of one word": _digest(Perturbed(changed(examples, text="shirt"), at(name, 5)).texts()),
        "photos": _digest(found.image_present().tolist()),
        "pixels": [value for image in pixels for value in (image.mean(), image.std(), image[:8, :8].mean())],
        "parameters": _digest(PERTURBATIONS[name].parameters),
    }


def _protocol(name: str) -> Numbers:
    found = PROTOCOLS[name]
    conditions = [*found.conditions, *([] if found.train is None else [found.train])]
    return {condition.name: repr(condition.steps) for condition in conditions}


def _metric(name: str) -> Numbers:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 60)
    scores = rng.random((60, 3)) + 0.8 * np.eye(3)[labels]
    # Too sure here and not sure enough there, so that the bins matter to ECE.
    mixed = rng.random((60, 3)) ** 2 + 0.2 * np.eye(3)[labels]
    labels[:5] = IGNORE
    found = {"value": scores, "value of mixed scores": mixed}
    return {key: [METRICS[name](values / values.sum(1, keepdims=True), labels)] for key, values in found.items()}


EVALUATED = Experiment(dataset="manifest", model="tfidf_logistic", seed=3, dataset_options=OPTIONS["manifest"])


def _evaluation() -> Numbers:
    """A whole run, seeds and bootstrap included; and groups of rows counted as one."""
    place = Place(_folder() / "results", _folder() / "runs", {"manifest": _source("manifest").root})
    record = run(EVALUATED, place, open_tracker(OFF, "golden", place.runs_dir))
    found = record.metrics[CLEAN][MEAN]
    numbers: Numbers = {
        name: [found[name].value, found[name].low, found[name].high] for name in ("accuracy", "macro_f1", "ece")
    }
    grouped = by_group(_predictions(), ("a", "b", "b", "a", "b", "c"))
    weights = [value for pair in modality_weights(_predictions()).values() for value in pair]
    return numbers | {
        "labels of groups": str(grouped.labels["size"].tolist()),
        "means of groups": grouped.probabilities["size"].flatten().tolist(),
        "mean weights": weights,
    }


def _group_intervals() -> Numbers:
    """Two of the groups have two rows each."""
    found, _ = evaluate(_predictions(), groups=("a", "b", "b", "a", "c", "d"))
    return {name: [estimate.low, estimate.high] for name, estimate in found["size"].items()}


def _predictions() -> Predictions:
    rng = np.random.default_rng(1)
    labels = np.array([1, 0, IGNORE, 1, 0, IGNORE])
    rows = rng.dirichlet([1, 1], size=(2, len(labels))).astype(np.float32)
    return Predictions(tuple("123456"), {"size": labels}, {"size": rows[0]}, {"size": rows[1]})


class _Linear(FusionNetwork):
    """A layer on the pooled states: numbers that change with the loop alone."""

    def __init__(self, widths):
        super().__init__()
        self.heads = nn.ModuleDict({task.name: nn.Linear(widths.image, len(task.classes)) for task in TASKS})

    def forward(self, features):
        return Output({task: head(features.image_cls) for task, head in self.heads.items()})


class _Loop(NeuralClassifier):
    def build(self, widths):
        return _Linear(widths)


def _training() -> Numbers:
    train, val, test = _shop()
    config = TrainConfig(
        backbone=_backbone(),
        max_epochs=3,
        batch_size=8,
        learning_rate=1e-2,
        modality_dropout=0.3,
        token_noise=0.1,
        label_smoothing=0.1,
        class_weights=True,
        task_weights={"size": 2.0},
    )
    model = _Loop(TASKS, config, seed=0)
    model.fit(train, val)
    facts = {name: str(value) for name, value in model.facts().items() if name in ("epochs", "best_epoch")}
    nothing = model.predict(changed(test, image=None, text=None)).probabilities  # the shares of the classes
    return (
        _probabilities(model.predict(test))
        | facts
        | {f"{task} of nothing": values[0].tolist() for task, values in nothing.items()}
        | _augmentation(model, train)
    )


def _augmentation(model: _Loop, train: Examples) -> Numbers:
    """What becomes of both modalities; `_Linear` reads one."""
    rows = token_features(model.backbone, model.processor, train, Workspace()).batch(list(range(len(train))))
    torch.manual_seed(0)
    features = augment_features(rows, modality_dropout=0.5, token_noise=0.1)
    return {
        "kept texts": str(features.text_present.int().tolist()),
        "kept photos": str(features.image_present.int().tolist()),
        "noise": [float((features.text_cls - rows.text_cls).std()), float((features.image_cls - rows.image_cls).std())],
    }


def _features() -> Numbers:
    backbone = load_backbone(_backbone())
    features = token_features(backbone, Processor(backbone), products(8, seed=5), Workspace()).batch(slice(None))
    return {name: _sizes(getattr(features, name).numpy()) for name in NAMES} | _whole_texts(backbone)


def _whole_texts(backbone: Backbone) -> Numbers:
    """Of texts of 3 windows, of which 2 are read, and of some that fit."""
    examples = ExampleList(
        replace(one, text=f"{one.text} " * (1 + row % 2 * 10))
        for row, one in enumerate(products(4, seed=5, holes=False))
    )
    table = token_features(backbone, Processor(backbone, 2), examples, Workspace())
    features = table.batch(slice(None))
    found = {name: getattr(features, name).numpy() for name in ("text_tokens", "word_embeddings", "text_mask")}
    found |= {name: table.pooled(name) for name in ("text_cls", "text_embedding")}
    return {f"{name} of whole texts": _sizes(values) for name, values in found.items()}


def _sizes(rows: np.ndarray) -> list[float]:
    return [np.abs(row.astype(np.float64)).mean() for row in rows]


def _contrastive() -> Numbers:
    backbone = load_backbone(_backbone())
    config = ContrastiveConfig(epochs=3, batch_size=8, learning_rate=1e-3)
    trained = fit_contrastive(backbone, (products(24, seed=6), products(12, seed=7)), config, 0, Workspace())
    processor = Processor(backbone)
    with torch.inference_mode():
        pixels = torch.from_numpy(np.stack([processor.image(example.image) for example in products(4, 8, holes=False)]))
        images = backbone.encode_image(pixels)[2]
        texts = backbone.encode_text(torch.from_numpy(processor.texts(["a small shirt", "a large box"])).long())
    found = {name: [value] for name, value in trained.metrics.items() if name == "train/loss"}
    return (
        found
        | {"similarities": (images @ texts.T).flatten().tolist(), "pairs": str(trained.pairs)}
        | _defaults(ContrastiveConfig.model_fields)
    )


def _data(name: str) -> Computation:
    options = OPTIONS.get(name, {})
    numbers = partial(_with_defaults, name, options)
    return Computation(numbers, versions.of_data(name, options), PIXELS)


def _with_defaults(name: str, options: Mapping[str, object]) -> Numbers:
    return _dataset(name, options) | _defaults(DATASETS[name].options.model_fields)


MASKED = {**OPTIONS["catalog"], "titles": "masked"}
STATED = ("An off-white T Shirt", "shirts, navy blue", "Navy box", "redo red-ish RED")


def _masking() -> Numbers:
    names = ["white", "Tshirt", "shirt", "navy blue", "red"]
    return _dataset("catalog", MASKED) | {"names in words": _digest([without(text, names) for text in STATED])}


COMPUTATIONS: dict[str, Computation] = {
    **{name: Computation(partial(_model, name), {name: m.version, **m.parts}, TRAINED) for name, m in MODELS.items()},
    **{name: _data(name) for name in DATASETS},
    **{name: Computation(partial(_perturbation, name), {name: p.version}, PIXELS) for name, p in PERTURBATIONS.items()},
    **{
        name: Computation(partial(_protocol, name), versions.of_protocol(name), EXACT)
        for name in PROTOCOLS
        if name != CLEAN
    },
    **{name: Computation(partial(_metric, name), {name: m.version}, COMPUTED) for name, m in METRICS.items()},
    "training": Computation(_training, TRAINING | FEATURES, TRAINED),
    "contrastive training": Computation(_contrastive, CONTRASTIVE | FEATURES, TRAINED),
    "features": Computation(_features, FEATURES, TRAINED),
    "masking": Computation(_masking, MASKING | versions.of_data("catalog", {}), PIXELS),
    "loading": Computation(
        partial(_dataset, "manifest", {"labels": ["colour"]}), versions.of_data("manifest", {}), PIXELS
    ),
    "evaluation": Computation(_evaluation, EVALUATION | versions.of_experiment(EVALUATED), COMPUTED),
    "group intervals": Computation(_group_intervals, GROUP_INTERVALS, COMPUTED),
}
