"""Backbones: which are usable here, and how good one is before anything is trained on it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import open_clip
import torch
from scipy.stats import binomtest

from baselines.zero_shot import ZeroShotImage, ZeroShotImageConfig
from benchmarks import datasets
from benchmarks.datasets.loading.masking import as_is
from benchmarks.datasets.loading.splits import Source
from benchmarks.metrics import evaluate
from benchmarks.pretraining.corpus import pool_rows
from benchmarks.records.record import Estimate
from cma_clip.backbone.hub import in_cache, unreachable
from cma_clip.backbone.loading import SHIPPED, mismatch
from cma_clip.backbone.provenance import text_key, trained_rows
from cma_clip.classifier import Workspace
from cma_clip.contrastive.loss import partner_ranks
from cma_clip.features.token_features import token_features

FAMILIES = ("ViT-B-32-quickgelu/openai", "ViT-B-16-SigLIP/webli", "MobileCLIP-S1/datacompdr")
"""Hub ids that stand for all of them in the listing."""


@dataclass(frozen=True)
class BackboneScores:
    """Held-out scores of a backbone as it is.

    Attributes:
        retrieval: "image_to_text recall@1" ... among `pool` products, with 95 % Wilson intervals over the queries.
        by_labels: what recall@1 would be for one who knows labels and nothing else; see `recall_by_labels`.
        zero_shot: task -> accuracy of photos against the class prompts, with 95 % bootstrap intervals.
        trained_rows: how many of the products' texts the backbone was trained on; None if its folder does not say.
    """

    backbone: str
    fingerprint: str
    dataset: str
    pool: int
    retrieval: Mapping[str, Estimate]
    by_labels: Mapping[str, float]
    zero_shot: Mapping[str, Estimate]
    trained_rows: int | None

    def lines(self) -> list[str]:
        """One sentence a number."""
        seen = "unknown" if self.trained_rows is None else f"{self.trained_rows:,}"
        head = [
            f"{self.backbone} ({self.fingerprint}) on the test split of {self.dataset}",
            f"test products with a text that it was trained on: {seen}",
        ]
        named = {f"retrieval, {name} of {self.pool:,}": _percent(value) for name, value in self.retrieval.items()}
        named |= {
            f"retrieval, recall@1 of one who knows {tasks} and nothing else": f"{100 * value:.1f} %"
            for tasks, value in self.by_labels.items()
        }
        named |= {f"zero-shot accuracy of photos, {task}": _percent(value) for task, value in self.zero_shot.items()}
        return head + [f"{name}: {value}" for name, value in named.items()]

    def as_json(self) -> str:
        """For a file."""
        plain = {**vars(self)}
        for name in ("retrieval", "zero_shot"):
            plain[name] = {key: value.model_dump() for key, value in plain[name].items()}
        return json.dumps(plain, indent=1) + "\n"


def score_backbone(backbone_id: str, dataset: str, options: Mapping[str, Any], source: Source) -> BackboneScores:
    """Retrieval among a fixed pool of test products and zero-shot accuracy on all of them; trains nothing.

    Raises:
        ValueError: no test product has both a photo and a text.
    """
    torch.set_num_threads(1)  # as benchmarks.run: sums depend on the number of threads
    splits = datasets.load(dataset, source, options)
    workspace = Workspace(source.cache, progress=source.progress)
    pool = pool_rows(splits.test)
    if not len(pool):
        raise ValueError(f"{dataset}: no test product has both a photo and a text, so there is nothing to find")
    model = ZeroShotImage(splits.tasks, ZeroShotImageConfig(backbone=backbone_id), workspace=workspace)
    estimates, _ = evaluate(model.predict(splits.test))
    arrays = token_features(model.backbone, model.processor, splits.test, workspace).arrays  # `predict` computed them
    image, text = (torch.from_numpy(np.array(arrays[f"{side}_embedding"][pool])).float() for side in ("image", "text"))
    texts = splits.test.texts()
    keys = torch.tensor([text_key(texts[row] or "") for row in pool])
    retrieval = {
        f"{way} recall@{k}": _share(int((ranks < k).sum()), len(pool))
        for way, ranks in partner_ranks(image, text, keys).items()
        for k in (1, 5, 10)
    }
    return BackboneScores(
        backbone=backbone_id,
        fingerprint=model.backbone.fingerprint,
        dataset=dataset,
        pool=len(pool),
        retrieval=retrieval,
        by_labels=recall_by_labels(
            {task.name: splits.test.labels(task.name)[pool] for task in splits.tasks}, keys.numpy()
        ),
        zero_shot={task: found["accuracy"] for task, found in estimates.items()},
        trained_rows=trained_rows(backbone_id, as_is(splits.test).texts()),
    )


def recall_by_labels(labels: Mapping[str, npt.NDArray[np.int64]], text_keys: npt.NDArray[np.int64]) -> dict[str, float]:
    """Expected recall@1 of one who knows the labels of every photo and nothing else: a scale for that of a backbone.

    It picks one at random of the products that share all known labels; as in `partner_ranks`, another product of the
    same text is no mistake. The first entry knows the first task, the next one the second task too, and so on. A
    missing label is taken as a class of its own.

    Args:
        labels: task -> Int[N].
        text_keys: Int[N], equal for equal texts.
    """
    found = {}
    candidates = text_keys[:, None] != text_keys[None, :]
    known: list[str] = []
    for task, column in labels.items():
        candidates &= column[:, None] == column[None, :]
        known.append(task)
        found[" + ".join(known)] = float((1 / (1 + candidates.sum(axis=1))).mean())
    return found


def usable() -> list[str]:
    """One line a backbone that ships or was fetched, one a family of the hub, each with why not if it is not usable."""
    lines = []
    for folder in sorted(path for path in SHIPPED.iterdir() if path.is_dir()):
        size = sum(file.stat().st_size for file in folder.iterdir()) / 1e6
        lines.append(f"{folder.name}: ready, ships with the project ({size:.0f} MB)")
    tags = [pair for pair in open_clip.list_pretrained() if mismatch(*pair) is None]
    cached = [f"{architecture}/{tag}" for architecture, tag in tags if in_cache(architecture, tag)]
    lines += [f"{name}: ready, fetched before" for name in cached]
    reason = unreachable()
    others = [name for name in FAMILIES if name not in cached]
    lines += [f"{name}: {'not usable here: ' + reason if reason else 'will be fetched'}" for name in others]
    lines += [
        f"... and {len(tags) - len(cached) - len(others)} more ARCHITECTURE/TAG of open_clip's hub, likewise",
        "local-dir:FOLDER: weights of your own (open_clip_config.json and open_clip_model.safetensors in it)",
        "random:ARCHITECTURE: untrained weights, for tests",
    ]
    return lines


def _share(found: int, queries: int) -> Estimate:
    interval = binomtest(found, queries).proportion_ci(method="wilson")
    return Estimate(value=found / queries, low=float(interval.low), high=float(interval.high), n=queries)


def _percent(value: Estimate) -> str:
    return f"{100 * value.value:.1f} % [{100 * value.low:.1f}, {100 * value.high:.1f}] (n {value.n:,})"
