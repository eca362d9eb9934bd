"""Features of frozen backbones, computed on an engine before the experiments that read them, once for all nodes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from benchmarks import datasets, models
from benchmarks.engines.task import Engine, Task, Tell
from benchmarks.processes import THREADS, quiet
from benchmarks.records.record import Experiment
from benchmarks.running.place import Place
from cma_clip.backbone.backbone import Backbone
from cma_clip.backbone.loading import load_backbone
from cma_clip.classifier import Workspace
from cma_clip.features.processing import Processor
from cma_clip.features.shards import compute_shards, join_shards, shards_of
from cma_clip.types import Examples


@dataclass(frozen=True)
class Read:
    """A data set as a backbone reads it; small, so that it travels between processes."""

    dataset: str
    dataset_options: Mapping[str, Any]
    backbone: str
    text_windows: int


def compute_features(experiments: Sequence[Experiment], place: Place, engine: Engine, tell: Tell) -> None:
    """Compute what several experiments would wait for, each task some shards; then join them.

    What is missed here, as the photos that a protocol changes or where a node is lost, the first experiment that needs
    it computes. Machines with caches of their own, as with runs at a URL, share whole features instead.
    """
    if place.workspace().published is not None or engine.at_once == 1:
        return
    for read in reads_of(experiments):
        splits = datasets.load(read.dataset, place.source(read.dataset), read.dataset_options)
        tasks = min(engine.at_once, max(map(shards_of, splits.parts().values())))
        if tasks == 1:
            continue
        label = f"features of {read.backbone} on {read.dataset}"
        shares = [
            Task(f"{label}, {k + 1}/{tasks}", compute, (read, place, (k, tasks)), engine.needs) for k in range(tasks)
        ]
        tell(f"{label}: {tasks} workers compute them")
        for step in (shares, [Task(label, join, (read, place), engine.needs)]):
            for ended in engine.run(step, tell):
                if ended.error is not None:
                    tell(
                        f"{ended.task.label}: {type(ended.error).__name__}: {ended.error}; experiments compute the rest"
                    )


def reads_of(experiments: Sequence[Experiment]) -> list[Read]:
    """What more than one experiment reads as a frozen backbone does, without repetition."""
    found: list[Read] = []
    for experiment in experiments:
        config: Any = models.resolve(experiment.model, experiment.hparams)[1]
        reads_both = hasattr(config, "backbone") and hasattr(config, "text_windows")
        if reads_both and getattr(config, "freeze", "all") == "all":
            found.append(Read(experiment.dataset, experiment.dataset_options, config.backbone, config.text_windows))
    return [read for number, read in enumerate(found) if read not in found[:number] and found.count(read) > 1]


def compute(read: Read, place: Place, share: tuple[int, int]) -> None:
    """What a worker does: some shards of all splits."""
    for backbone, processor, examples, workspace in _opened(read, place):
        compute_shards(backbone, processor, examples, workspace, share)


def join(read: Read, place: Place) -> None:
    """What one worker does at the end."""
    for backbone, processor, examples, workspace in _opened(read, place):
        join_shards(backbone, processor, examples, workspace)


def _opened(read: Read, place: Place) -> Iterator[tuple[Backbone, Processor, Examples, Workspace]]:
    quiet()
    torch.set_num_threads(THREADS)  # as experiments have: sums depend on it
    splits = datasets.load(read.dataset, place.source(read.dataset), read.dataset_options)
    backbone = load_backbone(read.backbone)
    backbone.freeze("all")
    processor = Processor(backbone, read.text_windows)
    for examples in splits.parts().values():
        yield backbone, processor, examples, place.workspace()
