"""Contrastive pretraining of a backbone: recipe, what is watched, export.

Labels are never trained on; those of validation products are read to report zero-shot accuracy after every epoch.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from open_clip.tokenizer import HFTokenizer
from safetensors.torch import save_file

from baselines.zero_shot import class_embeddings
from benchmarks.datasets.loading.splits import Splits
from benchmarks.names import choose
from benchmarks.pretraining.corpus import Corpus
from benchmarks.pretraining.imagenet import NamedPrototypes, classifier, named_prototypes
from benchmarks.seeding import seed_of
from cma_clip.backbone.backbone import Backbone
from cma_clip.backbone.loading import local_dir_config
from cma_clip.backbone.provenance import save_trained_on
from cma_clip.callbacks import Report
from cma_clip.classifier import Workspace
from cma_clip.contrastive.module import ContrastiveConfig, Probe
from cma_clip.contrastive.training import fit_contrastive
from cma_clip.features.processing import Processor
from cma_clip.trainer import EpochReporter
from cma_clip.types import IGNORE

WEIGHTS = "open_clip_model.safetensors"
PHOTOS = 4_096
"""On so many photos prototypes are estimated."""


def configure(hparams: Mapping[str, Any]) -> ContrastiveConfig:
    """The recipe with some values changed.

    Raises:
        ValueError: an unknown name or a value out of range.
    """
    for name in hparams:
        choose(name, ContrastiveConfig.model_fields, "hyper-parameter of pretraining")
    return ContrastiveConfig.model_validate(hparams)


def zero_shot_probe(splits: Splits, workspace: Workspace) -> Probe:
    """Zero-shot accuracy of the validation split's photos, of products with a photo and a label."""
    encoded: list[torch.Tensor] = []
    shown = splits.val.image_present()

    def probe(backbone: Backbone) -> Mapping[str, float]:
        processor = Processor(backbone)
        if not encoded:
            encoded.append(torch.from_numpy(np.array(processor.encode(splits.val, workspace).pixels[shown])))
        device = backbone.logit_scale.device
        with torch.no_grad():
            pieces = [backbone.encode_image(piece.to(device))[2].cpu() for piece in torch.split(encoded[0], 512)]
        images = torch.cat(pieces).numpy()
        found = {}
        for task in splits.tasks:
            labels = splits.val.labels(task.name)[shown]
            if (labels == IGNORE).all():
                continue
            guesses = (images @ class_embeddings(backbone, processor, task).T).argmax(axis=1)
            found[f"zero_shot_{task.name}"] = float((guesses == labels)[labels != IGNORE].mean())
        return found

    return probe


def class_name_loss(backbone: Backbone, found: Corpus, count: int, workspace: Workspace) -> NamedPrototypes:
    """The loss over `count` of ImageNet's class names a step, prototypes estimated on photos of the corpus.

    Raises:
        ValueError: a backbone with another trunk.
    """
    processor, model = Processor(backbone), classifier()
    trunk: Any = getattr(backbone.clip.visual, "trunk", None)
    if type(trunk) is not type(model):
        raise ValueError(f"{backbone.id}: class names need the trunk of EfficientNet-Lite0; use class_names=0")
    photos = processor.encode_images(found.train, workspace)
    shown = np.flatnonzero(photos["image_present"])
    rows = np.sort(np.random.default_rng(0).permutation(shown)[:PHOTOS])
    with torch.inference_mode():
        pooled = [
            model.forward_head(model.forward_features(backbone.normalised(pixels)), pre_logits=True)  # type: ignore[operator]
            for pixels in torch.split(torch.from_numpy(np.array(photos["pixels"][rows])), 256)
        ]
    return named_prototypes(torch.cat(pooled), processor.texts, count)


def pretrain(  # noqa: PLR0913, PLR0917 - the parts of one training
    backbone: Backbone,
    found: Corpus,
    config: ContrastiveConfig,
    seed: int,
    workspace: Workspace,
    report: Report,
    class_names: int = 0,
) -> None:
    """Train `backbone` in place on the corpus; a run that was killed continues from the workspace's checkpoint.

    Args:
        backbone: trained in place.
        found: what is trained on and watched.
        config: the recipe.
        seed: of the order and the augmentation.
        workspace: caches and checkpoints.
        report: hears of every epoch.
        class_names: how many of ImageNet's class names a step trains on as well; see `benchmarks.pretraining.imagenet`.

    Raises:
        ValueError: fewer than two examples have both a photo and a text, so that nothing could be learnt.
    """
    torch.set_num_threads(1)  # as benchmarks.run: sums depend on the number of threads
    outcome = fit_contrastive(
        backbone,
        (found.train, found.pool),
        config,
        seed_of("pretraining", seed),
        workspace,
        [EpochReporter(report)],
        zero_shot_probe(found.splits, workspace),
        class_name_loss(backbone, found, class_names, workspace) if class_names else None,
    )
    if outcome.pairs < 2:
        raise ValueError(
            f"contrastive training needs at least two examples with both a photo and a text; there are {outcome.pairs} "
            f"among the {len(found.train)} of the training split"
        )


def check_free(folder: Path) -> None:
    """Before hours of training.

    Raises:
        ValueError: the folder has weights already.
    """
    if (folder / WEIGHTS).exists():
        raise ValueError(f"{folder / WEIGHTS} exists; choose another folder, or delete it first")


def export(backbone: Backbone, texts: Iterable[str | None], folder: Path) -> None:
    """open_clip's local-dir format, weights in half precision, and the keys of the `texts` trained on.

    The weights come last and whole: a folder that was begun and not finished is not taken for a model. A tokeniser of
    Hugging Face is written beside them; the settings of a text tower of theirs open_clip reads by its name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    config = json.dumps(local_dir_config(backbone), indent=2)
    (folder / "open_clip_config.json").write_text(config + "\n", encoding="utf-8")
    if isinstance(backbone.tokenizer, HFTokenizer):
        backbone.tokenizer.tokenizer.save_pretrained(folder)
    save_trained_on(texts, folder, before=backbone.id)
    state = {name: value.half().contiguous() for name, value in backbone.clip.state_dict().items()}
    save_file(state, folder / f"{WEIGHTS}.partial")
    (folder / f"{WEIGHTS}.partial").replace(folder / WEIGHTS)
