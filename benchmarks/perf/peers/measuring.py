"""What is timed, and how: contestants take turns, so that whatever else the machine does meets all of them."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Literal

import torch
from pydantic import BaseModel
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode
from transformers import CLIPModel

from benchmarks.datasets import catalog
from benchmarks.datasets.loading.splits import Source
from benchmarks.perf.peers.plain import Examples, PlainCMAClip, fit
from benchmarks.perf.peers.shapes import CONTEXT, SHAPES, clip_config, write_architecture
from cma_clip.backbone.backbone import Backbone, Freeze
from cma_clip.classifier import Workspace
from cma_clip.features.processing import Processor
from cma_clip.model import CMAClip, CMAClipConfig
from cma_clip.types import Examples as Products

ROUNDS = 3
VAL_ROWS = 8
GEMM_SIZE = 2048
Contestant = Literal["ours", "padded", "trimmed"]
"""`padded`: the plain loop at 77 tokens, as is the habit; `trimmed`: the plain loop at the length of its batches."""


@dataclass(frozen=True)
class Case:
    """A training, and how many times as fast as a plain loop ours should be.

    Attributes:
        rows: of the training split.
        goals: for all epochs together, by contestant.
    """

    name: str
    shape: str
    freeze: Freeze
    rows: int
    batch_size: int
    epochs: int
    goals: Mapping[Contestant, float] = field(default_factory=dict)


END_TO_END = {"padded": 1.4, "trimmed": 1.0}
CASES = (
    Case("end to end", "ViT-B-32", "none", 32, 16, 1, END_TO_END),
    Case("heads", "ViT-B-32", "all", 16, 16, 10, {"padded": 20}),
    Case("last block", "ViT-B-32", 1, 16, 16, 10, {"padded": 4}),
    Case("end to end", "tiny", "none", 128, 64, 1, END_TO_END),
    Case("heads", "tiny", "all", 128, 64, 10, {"padded": 20}),
    Case("last block", "tiny", 1, 128, 64, 10, {"padded": 4}),
)


class Timing(BaseModel):
    """Of one contestant.

    Attributes:
        rounds: per round the seconds from the start to the end of each epoch; the last one is that of the whole fit.
        flops: of a whole fit.
    """

    rounds: list[list[float]]
    flops: int


class Measured(BaseModel):
    """A case with what it took. The GEMM, in FLOPs a second, takes its turn in every round."""

    name: str
    shape: str
    samples: int
    epochs: int
    goals: dict[Contestant, float]
    gemm: list[float]
    timings: dict[Contestant, Timing]


Run = Callable[[], list[float]]
"""A fit from the start; returns a round of `Timing`."""


def measure(case: Case, folder: Path, rounds: int = ROUNDS) -> Measured:
    """All contestants of a case, in turns; `folder` keeps what is prepared before.

    Counting the FLOPs is each one's first run, which is not timed.
    """
    runs = contestants(case, folder)
    flops = {name: count_flops(run) for name, run in runs.items()}
    times: dict[Contestant, list[list[float]]] = {name: [] for name in runs}
    gemm = []
    for _ in range(rounds):
        gemm.append(gemm_flops_per_second())
        for name, run in runs.items():
            times[name].append(run())
    return Measured(
        name=case.name,
        shape=case.shape,
        samples=case.rows * case.epochs,
        epochs=case.epochs,
        goals=dict(case.goals),
        gemm=gemm,
        timings={name: Timing(rounds=times[name], flops=flops[name]) for name in runs},
    )


def contestants(case: Case, folder: Path) -> dict[Contestant, Run]:
    """Ours and both plain loops, with everything loaded, decoded and tokenised."""
    options = catalog.CatalogOptions(num_train=case.rows, num_val=VAL_ROWS, num_test=1)
    splits = catalog.load(Source(cache=folder / "data"), options)
    shape = SHAPES[case.shape]
    config = CMAClipConfig(
        backbone=write_architecture(shape, folder / case.shape),
        freeze=case.freeze,
        batch_size=case.batch_size,
        max_epochs=case.epochs,
        patience=case.epochs,
    )
    workspace = Workspace(folder / "cache")
    model = CMAClip(splits.tasks, config, 0, workspace)
    network = PlainCMAClip(CLIPModel(clip_config(shape)), [len(task.classes) for task in splits.tasks], config)
    network.freeze(case.freeze)
    tasks = [task.name for task in splits.tasks]
    train, val = (plain_examples(model.backbone, part, tasks, workspace) for part in (splits.train, splits.val))

    def ours() -> list[float]:
        forget_features(folder / "cache")
        return timed(lambda after_epoch: model.fit(splits.train, splits.val, lambda *_: after_epoch()))

    def plain(trims: bool) -> list[float]:
        return timed(lambda after_epoch: fit(network, train, val, config, trims, after_epoch))

    return {"ours": ours, "padded": lambda: plain(False), "trimmed": lambda: plain(True)}


def plain_examples(backbone: Backbone, products: Products, tasks: list[str], workspace: Workspace) -> Examples:
    """What our fit reads, as the plain loop takes it; photos and tokens are then in the cache for ours too."""
    encoded = Processor(backbone).encode(products, workspace)
    pixels = torch.tensor(encoded.pixels).div(255).sub(backbone.pixel_mean).div(backbone.pixel_std)
    ids = backbone.tokenizer([text or "" for text in products.texts()], context_length=CONTEXT)
    return Examples(pixels, ids, [torch.from_numpy(products.labels(task)) for task in tasks])


def forget_features(cache: Path) -> None:
    """So that every fit computes its own. Photos and tokens stay: they are prepared for all contestants."""
    for kept in cache.iterdir():
        if kept.is_dir() and kept.name not in ("images", "tokens"):
            shutil.rmtree(kept)


def timed(fit: Callable[[Callable[[], None]], None]) -> list[float]:
    """Seconds to the end of each epoch, the last one to the end of the fit."""
    ends: list[float] = []
    start = time.process_time()
    fit(lambda: ends.append(time.process_time() - start))
    return [*ends[:-1], time.process_time() - start]


def count_flops(run: Run) -> int:
    """Of matrix products and convolutions, attention among them: the counter does not know a CPU's own kernel of it."""
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops()


def gemm_flops_per_second(repeats: int = 5) -> float:
    """What the machine does at best: a product of two square matrices in single precision."""
    a, b, out = (torch.rand(GEMM_SIZE, GEMM_SIZE) for _ in range(3))
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        torch.mm(a, b, out=out)
        seconds.append(time.process_time() - start)
    return 2 * GEMM_SIZE**3 / median(seconds)
