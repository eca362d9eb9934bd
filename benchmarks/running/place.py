"""Where an experiment reads and writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from benchmarks.datasets.loading.splits import OnBadSample, Source
from benchmarks.records import store
from cma_clip.classifier import Workspace
from cma_clip.places.copies import local_data
from cma_clip.places.urls import is_url, on_node


@dataclass(frozen=True)
class Place:
    """Where an experiment reads and writes; each place may be at a URL, and is the same on every machine.

    Attributes:
        suite_dir: results/<suite>: records, tables, figures.
        runs_dir: checkpoints, models, predictions and caches; may be deleted at any time. At a URL it has models,
            predictions and features; the rest is in `work`.
        roots: data set -> the user's folder or file.
        devices: GPUs of each machine that train one network together; see `cma_clip.classifier.Workspace`.
        num_nodes: machines that do.
    """

    suite_dir: Path
    runs_dir: Path = Path("runs")
    roots: Mapping[str, Path] = field(default_factory=dict)
    on_bad_sample: OnBadSample = "error"
    progress: bool = False
    devices: int = 1
    num_nodes: int = 1

    @property
    def work(self) -> Path:
        """The folder of runs on this machine."""
        return on_node(self.runs_dir)

    def source(self, dataset: str) -> Source:
        """Where the loader of a data set reads; what is at a URL is copied to this machine first."""
        root = self.roots.get(dataset)
        local = None if root is None else _copied(root)
        return Source(local, self.work / "cache", self.on_bad_sample, self.progress)

    def workspace(self) -> Workspace:
        """Where a model keeps what it computes."""
        published = self.runs_dir / "cache" if is_url(self.runs_dir) else None
        return Workspace(
            cache=self.work / "cache",
            progress=self.progress,
            devices=self.devices,
            num_nodes=self.num_nodes,
            published=published,
        )

    def run_dir(self, key: str) -> Path:
        """The model and the predictions of an experiment."""
        return self.runs_dir / "experiments" / key

    def prepare(self) -> None:
        """Make the folders, so that one that is missing later is known to be gone.

        Raises:
            OSError: nothing can be written there, said before anything is computed.
        """
        for folder in self.folders():
            store.write_text(folder / ".place", "") if is_url(folder) else folder.mkdir(parents=True, exist_ok=True)

    def folders(self) -> tuple[Path, Path]:
        """What has to be there for anything to be written."""
        return self.suite_dir, self.runs_dir


@cache
def _copied(root: Path) -> Path:
    """Looked for once a process: to list many photos takes seconds."""
    return local_data(root)
