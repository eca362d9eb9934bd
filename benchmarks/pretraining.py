"""Contrastive pretraining of the tiny CLIP that ships with the project: corpus, recipe, export.

Only training splits are read: photos and titles of fashion-products' frozen training split, and products of the
catalogue from an index range that no evaluation ever draws from. Labels are never read.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import save_file

from benchmarks import datasets
from benchmarks.datasets.catalog import pretraining_products
from benchmarks.datasets.splits import Source
from benchmarks.seeding import seed_of
from cma_clip.backbone import SHIPPED, Backbone, load_backbone
from cma_clip.classifier import Report, Workspace
from cma_clip.contrastive import ContrastiveConfig, fit_contrastive
from cma_clip.types import Example, Examples

ARCHITECTURE = SHIPPED / "tiny-product-clip"
CATALOG_PRODUCTS = 12_000


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


def corpus(source: Source, seed: int) -> tuple[Examples, Examples]:
    """(training pairs, validation pairs); the validation pairs are fashion-products' validation split."""
    splits = datasets.load("fashion-products", source, {})
    return Joined([splits.train, CatalogPairs(CATALOG_PRODUCTS, seed)]), splits.val


def pretrain(
    source: Source, config: ContrastiveConfig, seed: int, runs_dir: Path, report: Report
) -> tuple[Backbone, dict[str, float]]:
    """Train from random weights; a run that was killed continues. Returns the model and its last validation."""
    torch.set_num_threads(1)  # as benchmarks.run: sums depend on the number of threads
    train, val = corpus(source, seed)
    backbone = load_backbone(f"random:local-dir:{ARCHITECTURE}")
    workspace = Workspace(runs_dir / "cache", runs_dir / "pretraining" / str(seed), source.progress)
    found = fit_contrastive(backbone, train, val, config, seed_of("pretraining", seed), workspace, report)
    return backbone, found


def export(backbone: Backbone, folder: Path, metrics: dict[str, float]) -> None:
    """open_clip's local-dir format, weights in half precision."""
    folder.mkdir(parents=True, exist_ok=True)
    if folder.resolve() != ARCHITECTURE.resolve():
        shutil.copy(ARCHITECTURE / "open_clip_config.json", folder)
    state = {name: value.half().contiguous() for name, value in backbone.clip.state_dict().items()}
    save_file(state, folder / "open_clip_model.safetensors")
    (folder / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")
