"""FLYP, "finetune like you pretrain" (Goyal et al. 2023, arXiv 2212.00638): contrastive training on class names.

The paper trains photos against "a photo of a {class}" by CLIP's own loss, in both towers, and then answers by prompts.
Ours where there are several tasks and titles: the caption is one of the product's labels, drawn anew in every step;
titles are trained against captions as photos are, since both are compared with prompts in the end; and a product that a
caption is right for too is no negative (the paper leaves it in).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from lightning.pytorch.callbacks import Callback
from torch import Tensor

from baselines.trained_towers import TrainedTowers
from cma_clip.backbone.backbone import Backbone
from cma_clip.classifier import Workspace
from cma_clip.contrastive.loss import SharedTextLoss
from cma_clip.contrastive.module import ContrastiveConfig, FurtherLoss, Probe
from cma_clip.contrastive.pairs import Caption, Captions, caption_arrays
from cma_clip.contrastive.training import Trained, fit_contrastive
from cma_clip.types import Examples, Task
from cma_clip.version import Version


class FLYP(TrainedTowers):
    """Photos and titles against the names of their classes."""

    version = Version(1)

    def _train(
        self,
        examples: tuple[Examples, Examples],
        workspace: Workspace,
        callbacks: Sequence[Callback],
        probe: Probe | None = None,
    ) -> Trained:
        captions = class_names(self.tasks, self.seed)
        return fit_contrastive(
            self.backbone,
            examples,
            self._contrastive(),
            self.seed,
            workspace,
            callbacks,
            probe,
            self._title_loss(examples[0], captions),
            captions,
        )

    def _contrastive(self) -> ContrastiveConfig:
        return super()._contrastive().model_copy(update={"fragment_rate": 1.0})  # never all names at once

    def _title_loss(self, train: Examples, captions: Captions) -> FurtherLoss | None:
        """Of a batch of titles, drawn at random; None where none has a label or no title is compared."""
        said, texts = captions(train), train.texts()
        rows = [row for row, text in enumerate(texts) if said[row] and text and text.strip()]
        if not rows or self.config.reads == "image":
            return None
        ids = torch.from_numpy(self.processor.texts([texts[row] for row in rows]).astype(np.int64))
        found, words = map(torch.from_numpy, caption_arrays(self.processor, [said[row] for row in rows]))
        count = min(self.config.batch_size, len(rows))

        def loss(backbone: Backbone) -> Tensor:
            some = torch.randint(len(rows), (count,))
            variant = torch.randint(1, found.shape[1], (count,))
            device = backbone.logit_scale.device
            tower = backbone.text_tower
            title, caption = (
                tower.in_groups(tower, chosen.long().to(device))[3] for chosen in (ids[some], found[some, variant])
            )
            right = words[some, 0].to(device), words[some, variant].to(device)
            value: Tensor = SharedTextLoss()(title, caption, backbone.logit_scale.exp(), *right)
            return value

        return loss


def class_names(tasks: Sequence[Task], seed: int) -> Captions:
    """Of every example with a label: the names of all its classes, then for each task its class in one of the prompts.

    A task without a label repeats another one of the example.
    """

    def of(examples: Examples) -> list[list[Caption]]:
        return [_captions(tasks, labels, np.random.default_rng([seed, row])) for row, labels in _labelled(examples)]

    return of


def _labelled(examples: Examples) -> list[tuple[int, dict[str, int]]]:
    return [(row, dict(labels)) for row, labels in enumerate(examples.label_rows())]


def _captions(tasks: Sequence[Task], labels: dict[str, int], rng: np.random.Generator) -> list[Caption]:
    known = [task for task in tasks if task.name in labels]
    if not known:
        return []
    names = {task.name: task.classes[labels[task.name]] for task in known}
    shown = [known[number % len(known)] for number in range(len(tasks))]
    prompts = [task.prompts[int(rng.integers(len(task.prompts)))] for task in shown]
    return [
        Caption(" ".join(names.values()), "{}"),
        *(Caption(names[task.name], prompt) for task, prompt in zip(shown, prompts, strict=True)),
    ]
