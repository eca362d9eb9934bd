"""`cma-bench pretrain` and `backbone`: train a backbone, and measure one."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tyro.conf import Positional

from benchmarks.commands.options import CommonOptions, Pairs, pairs
from benchmarks.processes import is_first_device, quiet

if TYPE_CHECKING:
    from benchmarks.datasets.loading.splits import Source


@dataclass(frozen=True)
class PretrainOptions:
    """What a backbone is pretrained on, and from where.

    Attributes:
        dataset: its training split's photos and titles are trained on, its validation split is watched.
        option: options of the data set.
        catalog: number of generated products to add, from an index range that no evaluation draws from.
        class_names: how many of ImageNet's class names a step trains on as well.
        image_size: pixels a side of the photos, of convolutional towers; None for those of the start.
        start: a backbone id; by default EfficientNet-Lite0 with ImageNet's weights and MiniLM's words.
        seed: of the order, the augmentation and the generated products.
    """

    dataset: str = "fashion-products"
    option: Pairs = ()
    catalog: int = 8_000
    class_names: int = 0
    image_size: int | None = None
    start: str = "imagenet+minilm"
    seed: int = 0


def pretrain(common: CommonOptions, out: Path, corpus: PretrainOptions, hparam: Pairs = ()) -> None:
    """Train a backbone contrastively on photos and titles of training splits; by default the tiny product CLIP.

    Args:
        common: folders; needs --data NAME=DIR for data sets that are not embedded.
        out: folder for the model, in open_clip's local-dir format.
        corpus: what is trained on, and from where.
        hparam: of the training, e.g. epochs=20 devices=2; see cma_clip.contrastive.module.ContrastiveConfig.
    """
    from benchmarks.datasets import check_names

    options = pairs(corpus.option)
    check_names(corpus.dataset, options)
    source = common.source(corpus.dataset)
    print(pretrain_clip(corpus, options, pairs(hparam), source, out, common))


def pretrain_clip(
    pretraining: PretrainOptions,
    options: Mapping[str, Any],
    hparams: Mapping[str, Any],
    source: Source,
    out: Path,
    common: CommonOptions,
) -> str:
    """Train and export a backbone, reporting every epoch to the terminal and to MLflow."""
    from benchmarks import versions
    from benchmarks.pretraining.corpus import corpus
    from benchmarks.pretraining.pretrain import check_free, configure, export, pretrain
    from benchmarks.pretraining.start import resized, start_backbone
    from benchmarks.records.record import Experiment, key_of
    from benchmarks.tracking import open_tracker
    from benchmarks.tracking.connection import OFF
    from cma_clip.classifier import Workspace
    from cma_clip.contrastive.training import CONTRASTIVE
    from cma_clip.features.processing import FEATURES

    quiet()
    config = configure(hparams)
    check_free(out)
    first = is_first_device()
    backbone = start_backbone(pretraining.start)
    if pretraining.image_size is not None:
        backbone = resized(backbone, pretraining.image_size)
    experiment = Experiment(
        dataset=pretraining.dataset,
        model=pretraining.start,
        seed=pretraining.seed,
        dataset_options=dict(options),
        hparams={
            **config.model_dump(mode="json"),
            "catalog": pretraining.catalog,
            "class_names": pretraining.class_names,
            "image_size": backbone.image_size[0],
        },
    )
    found = corpus(pretraining.dataset, options, source, pretraining.catalog, pretraining.seed)
    fingerprints = {"data": found.splits.fingerprint, "weights": backbone.fingerprint}
    taking_part = {
        **versions.of_data(pretraining.dataset, options),
        **versions.of_data("catalog", {}),
        **CONTRASTIVE,
        **FEATURES,
    }
    key = key_of(experiment, fingerprints, taking_part)
    workspace = Workspace(source.cache, common.work / "pretraining" / key, source.progress)
    tracker = open_tracker(common.tracking_uri() if first else OFF, "pretraining", common.work)
    with tracker.run(experiment, key) as tracked:

        def tell(epoch: int, values: Mapping[str, float]) -> None:
            cells = ", ".join(f"{name} {value:.4f}" for name, value in values.items())
            if first:
                print(f"epoch {epoch}: {cells}", flush=True)
                tracked.log_epoch(epoch, values)

        pretrain(backbone, found, config, pretraining.seed, workspace, tell, pretraining.class_names)
    if first:
        export(backbone, found.texts(), out)
        shutil.rmtree(common.work / "pretraining" / key, ignore_errors=True)
    return f"{out} holds the model; use it as backbone=local-dir:{out}" if first else ""


def backbone(
    common: CommonOptions,
    name: Positional[str] = "tiny-product-clip",
    dataset: str = "fashion-products",
    option: Pairs = (),
    out: Path | None = None,
) -> None:
    """Zero-shot accuracy and retrieval of a backbone on held-out products.

    Args:
        common: folders; needs --data NAME=DIR for data sets that are not embedded.
        name: a backbone id, see `cma-bench models --backbones`.
        dataset: its test split is scored.
        option: options of the data set.
        out: also write the numbers as JSON.
    """
    from benchmarks.datasets import check_names

    options = pairs(option)
    check_names(dataset, options)
    source = common.source(dataset)
    from benchmarks.pretraining.score import score_backbone
    from benchmarks.records.store import write_text

    quiet()
    scores = score_backbone(name, dataset, options, source)
    if out is not None:
        write_text(out, scores.as_json())
    print("\n".join(scores.lines()))
