"""Contrastive pretraining of the tiny CLIP that ships with the project: corpus, recipe, export.

Only training splits are read: photos and titles of fashion-products' frozen training split, and products of the
catalogue from an index range that no evaluation ever draws from. Labels are never trained on; those of validation
products are read to report zero-shot accuracy after every epoch.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from safetensors.torch import save_file

from baselines.zero_shot import class_embeddings
from benchmarks import datasets
from benchmarks.datasets.catalog import pretraining_products
from benchmarks.datasets.splits import DataError, Source, Splits
from benchmarks.datasets.table import TableExamples
from benchmarks.names import choose
from benchmarks.seeding import seed_of
from cma_clip.backbone import SHIPPED, Backbone, load_backbone
from cma_clip.classifier import Report, Workspace
from cma_clip.contrastive import ContrastiveConfig, Probe, fit_contrastive
from cma_clip.processing import Processor
from cma_clip.provenance import save_trained_on
from cma_clip.trainer import EpochReporter
from cma_clip.types import IGNORE, Example, Examples

ARCHITECTURE = SHIPPED / "tiny-product-clip"
CATALOG_PRODUCTS = 8_000
WEIGHTS = "open_clip_model.safetensors"
POOL = 1_000
"""Recall is among so many held-out products."""


class Joined(Examples):
    """Several sequences of examples one after the other."""

    def __init__(self, parts: Sequence[Examples]):
        self.parts = parts
        self._places = [(part, index) for part in parts for index in range(len(part))]

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: int) -> Example:
        part, own = self._places[index]
        return part[own]

    def texts(self) -> list[str | None]:
        """From the parts, without decoding an image."""
        return [text for part in self.parts for text in part.texts()]


class CatalogPairs(Examples):
    """Photos and titles of catalogue products that are never evaluated on."""

    def __init__(self, count: int, seed: int):
        products = pretraining_products(count, seed)
        self._pairs: list[tuple[Image.Image, str]] = [
            (made.image, made.title) for made in products if made.image is not None and made.title
        ]

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, index: int) -> Example:
        image, title = self._pairs[index]
        name = f"catalog-pretraining-{index}"
        return Example(name, name, image, title)

    def texts(self) -> list[str | None]:
        """The titles."""
        return [title for _, title in self._pairs]


@dataclass(frozen=True)
class Corpus:
    """Pairs to train on, and validation products of fashion-products to watch: all of them, and the pool."""

    train: Examples
    val: Examples
    pool: Examples
    splits: Splits


def configure(hparams: Mapping[str, Any]) -> ContrastiveConfig:
    """The recipe with some values changed.

    Raises:
        ValueError: an unknown name or a value out of range.
    """
    try:
        for name in hparams:
            choose(name, ContrastiveConfig.model_fields, "hyper-parameter of pretraining")
        return ContrastiveConfig.model_validate(hparams)
    except KeyError as error:
        raise ValueError(str(error.args[0])) from error


def corpus(source: Source, seed: int) -> Corpus:
    """Reads the training and validation splits of fashion-products and draws the catalogue's products."""
    splits = datasets.load("fashion-products", source, {})
    train = Joined([splits.train, CatalogPairs(CATALOG_PRODUCTS, seed)])
    return Corpus(train, splits.val, retrieval_pool(splits.val), splits)


def pool_rows(examples: Examples) -> npt.NDArray[np.int64]:
    """The rows of POOL products that have a photo and a title, chosen by their ids alone; all if there are fewer."""
    present = [bool(text) and shown for text, shown in zip(examples.texts(), examples.image_present(), strict=True)]
    ids = examples.ids()
    order = sorted(np.flatnonzero(present), key=lambda row: seed_of("retrieval", ids[row]))
    return np.sort(np.array(order[:POOL], dtype=np.int64))


def retrieval_pool(examples: Examples) -> Examples:
    """The examples of `pool_rows`."""
    if not isinstance(examples, TableExamples):
        raise DataError(f"retrieval needs a table of examples, not {type(examples).__name__}")
    return examples.select(pool_rows(examples))


def zero_shot_probe(val: Examples, splits: Splits, workspace: Workspace) -> Probe:
    """Zero-shot accuracy of photos on every task of `splits`, labelled products only."""
    encoded: list[torch.Tensor] = []

    def probe(backbone: Backbone) -> Mapping[str, float]:
        processor = Processor(backbone)
        if not encoded:
            encoded.append(torch.from_numpy(np.array(processor.encode(val, workspace).pixels)))
        device = backbone.logit_scale.device
        with torch.no_grad():
            pieces = [backbone.encode_image(piece.to(device))[2].cpu() for piece in torch.split(encoded[0], 512)]
        images = torch.cat(pieces).numpy()
        found = {}
        for task in splits.tasks:
            labels = val.labels(task.name)
            guesses = (images @ class_embeddings(backbone, processor, task).T).argmax(axis=1)
            found[f"zero_shot_{task.name}"] = float((guesses == labels)[labels != IGNORE].mean())
        return found

    return probe


def pretrain(
    source: Source, config: ContrastiveConfig, seed: int, runs_dir: Path, report: Report
) -> tuple[Backbone, Corpus]:
    """Train from random weights; a run that was killed continues."""
    torch.set_num_threads(1)  # as benchmarks.run: sums depend on the number of threads
    found = corpus(source, seed)
    backbone = load_backbone(f"random:local-dir:{ARCHITECTURE}")
    workspace = Workspace(runs_dir / "cache", runs_dir / "pretraining" / str(seed), source.progress)
    probe = zero_shot_probe(found.val, found.splits, workspace)
    fit_contrastive(
        backbone,
        (found.train, found.pool),
        config,
        seed_of("pretraining", seed),
        workspace,
        [EpochReporter(report)],
        probe,
    )
    return backbone, found


def check_free(folder: Path) -> None:
    """Before hours of training.

    Raises:
        ValueError: the folder has weights already.
    """
    if (folder / WEIGHTS).exists():
        raise ValueError(f"{folder / WEIGHTS} exists; choose another folder, or delete it first")


def export(backbone: Backbone, train: Examples, folder: Path) -> None:
    """open_clip's local-dir format, weights in half precision, and the keys of the texts trained on."""
    folder.mkdir(parents=True, exist_ok=True)
    if folder.resolve() != ARCHITECTURE.resolve():
        shutil.copy(ARCHITECTURE / "open_clip_config.json", folder)
    save_trained_on(train.texts(), folder)
    state = {name: value.half().contiguous() for name, value in backbone.clip.state_dict().items()}
    save_file(state, folder / WEIGHTS)
