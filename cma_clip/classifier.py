"""The contract that every model keeps: CMA-CLIP, a logistic regression and a class-name match are peers."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from PIL import Image
from pydantic import BaseModel, ConfigDict
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from cma_clip.callbacks import Report, Trial, silent
from cma_clip.examples import ExampleList
from cma_clip.types import BOTH, Examples, Modality, Predictions, Task
from cma_clip.version import Version

Arrays = dict[str, npt.NDArray[Any]]
JSON = str | int | float | bool | None | list[Any] | dict[str, Any]

UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, SafetensorError)
"""What a damaged file of a saved model raises: on reading it, on a value of another type, in `load_state_dict`."""


class ClassifierConfig(BaseModel):
    """The hyper-parameters of a model. Frozen; an unknown field is an error that names it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def of_saved(cls, values: Mapping[str, Any]) -> Self:
        """Of a saved model, which names all that was known when it was trained: what is absent is as it was then."""
        then = {"text_windows": 1} if "text_windows" in cls.model_fields else {}
        return cls.model_validate({**then, **values})


@dataclass(frozen=True)
class Workspace:
    """Where a model works: the files it may keep, of which None keeps nothing, and the machines it trains on.

    None of it changes a prediction but for rounding, and what training draws at random on several devices. Paths may
    be texts.

    Attributes:
        cache: encoded images, tokens and features, shared by all models, named by their content.
        published: where at a URL machines with caches of their own find each other's features.
        checkpoints: this run's own folder; a training killed there continues from it.
        progress: show progress bars.
        devices: GPUs of each machine that train one network together; without a GPU, processes.
        num_nodes: machines that do. A program that trains on several of either runs once a device, and all of it does:
            Lightning starts it again on its own machine; on others torchrun or SLURM has to. They share `checkpoints`.
    """

    cache: Path | None = None
    checkpoints: Path | None = None
    progress: bool = False
    devices: int = 1
    num_nodes: int = 1
    published: Path | None = None

    def __post_init__(self) -> None:
        for name in ("cache", "checkpoints"):
            if isinstance(path := getattr(self, name), str):
                object.__setattr__(self, name, Path(path))

    @property
    def alone(self) -> Workspace:
        """The same for what every process does by itself."""
        return replace(self, devices=1, num_nodes=1)

    def below(self, name: str) -> Workspace:
        """The same with checkpoints in a folder of their own, for a second training of one model."""
        return self if self.checkpoints is None else replace(self, checkpoints=self.checkpoints / name)


class Classifier(ABC):
    """Learns all tasks from the training split, selects on the validation split, predicts.

    A model never sees the test split before `predict`. The same (tasks, config, seed) and the same
    examples give the same predictions on the same machine.

    Attributes:
        version: every model states its own, a subclass too.
        parts: versions of what it shares with other models and what decides its numbers as well.
    """

    version: ClassVar[Version]
    parts: ClassVar[Mapping[str, Version]] = {}
    Config: ClassVar[type[ClassifierConfig]] = ClassifierConfig
    values_file: ClassVar[str] = "classifier.json"
    arrays_file: ClassVar[str | None] = None
    """What `save` writes below its folder; without a file for arrays a model has none."""

    def __init__(
        self,
        tasks: Sequence[Task],
        config: ClassifierConfig | None = None,
        seed: int = 0,
        workspace: Workspace | None = None,
    ):
        self.tasks = tuple(tasks)
        self.config = self.Config() if config is None else config
        self.seed = seed
        self.workspace = workspace or Workspace()
        self.setup()

    def setup(self) -> None:  # noqa: B027 - not every model has something to build
        """Build what a model has before it is fitted: a backbone, a network. The end of the constructor."""

    @abstractmethod
    def fit(self, train: Examples, val: Examples, report: Report = silent) -> None:
        """Learn. A missing label is never a training signal."""

    def refit(self, examples: Examples) -> None:
        """Train once more from the start, on other rows, keeping what validation chose; nothing is validated.

        After `fit(train, val)`, `refit(train)` predicts the same bits. This is for models to which validation decides
        nothing; the others state how they keep it.

        Raises:
            ValueError: a model that has to be fitted before, and is not.
        """
        self.fit(examples, ExampleList([]))

    @abstractmethod
    def predict(self, examples: Examples) -> Predictions:
        """Probabilities for every task and example, labelled or not."""

    def state(self) -> tuple[dict[str, JSON], Arrays]:
        """What was learned: values for JSON, and arrays by name. `restore` takes them back."""
        return {}, {}

    def restore(self, values: Mapping[str, Any], arrays: Arrays) -> None:  # noqa: B027 - not every model learns
        """The inverse of `state`."""

    def save(self, folder: str | Path) -> None:
        """`write`; where the folder cannot be written an OSError says where the model is instead: nothing is lost."""
        try:
            self.write(Path(folder))
        except (OSError, TypeError, SafetensorError) as error:
            kept = Path(mkdtemp(prefix="cma-clip-"))
            self.write(kept)
            raise OSError(f"{folder!s} cannot be written ({_in_short(error)}); the model is saved in {kept}") from error

    def write(self, folder: Path) -> None:
        """One JSON file and, if the model has arrays, one of safetensors; never pickle."""
        values, arrays = self.state()
        saved = {
            "tasks": [task.as_json() for task in self.tasks],
            "config": self.config.model_dump(mode="json"),
            "seed": self.seed,
            "backbone_fingerprint": self.weights_fingerprint(),
            **values,
        }
        folder.mkdir(parents=True, exist_ok=True)
        if self.arrays_file:
            save_file(arrays, folder / self.arrays_file)
        (folder / self.values_file).write_text(json.dumps(saved, indent=1))

    @classmethod
    def load(cls, folder: str | Path, workspace: Workspace | None = None) -> Self:
        """The inverse of `save`: predicts the same bits.

        Raises:
            ValueError: the folder holds no whole model of this class, or it was trained on other weights than are here.
        """
        folder = Path(folder)
        try:
            saved = json.loads((folder / cls.values_file).read_text(encoding="utf-8"))
            config = cls.Config.of_saved(saved.get("config", {}))
            tasks = [Task.from_json(task) for task in saved["tasks"]]
            seed = int(saved["seed"])
            arrays = load_file(folder / cls.arrays_file) if cls.arrays_file else {}
        except UNREADABLE as error:
            raise ValueError(f"{folder} holds no saved {cls.__name__}: {_in_short(error)}") from error
        model = cls(tasks, config, seed, workspace)
        found = model.weights_fingerprint()
        if (trained_on := saved.get("backbone_fingerprint", found)) != found:
            name = getattr(config, "backbone", "its backbone")
            raise ValueError(
                f"{folder}: trained on weights {trained_on} of {name}; those found here are {found}: train it again, "
                f"or load it with the release of this project that it was trained with"
            )
        try:
            model.restore(saved, arrays)
        except UNREADABLE as error:
            raise ValueError(f"{folder} holds no whole {cls.__name__}: {_in_short(error)}") from error
        return model

    @classmethod
    def search_space(cls, trial: Trial) -> dict[str, JSON]:
        """Hyper-parameters to try, drawn from `trial`; empty where there is nothing to tune."""
        return {}

    def keep_checkpoints(self, folder: str | Path) -> None:
        """Let `fit` and `refit` keep their state in `folder` after every epoch and go on from what they find there."""
        self.workspace = replace(self.workspace, checkpoints=Path(folder))

    def weights_fingerprint(self) -> str | None:
        """Hash of the pretrained weights that the model starts from; None if it starts from none."""
        return None

    def backbone_bytes(self) -> int:
        """Size of the pretrained weights that `load` needs beside the saved folder; 0 if it needs none."""
        return 0

    @property
    def modalities(self) -> frozenset[Modality]:
        """What it reads of an example; a row without any of it has no evidence."""
        return BOTH

    def shrink(self, photo: Image.Image) -> Image.Image | None:
        """An RGB photo, as small as `predict` needs it: with it the prediction is the same bits.

        None where `predict` needs it whole.
        """
        return None

    def cut_texts(self, examples: Examples) -> tuple[int, npt.NDArray[np.bool_]] | None:
        """(the most tokens it reads of a text, Bool[N]: which of these texts are longer).

        None for a model that reads no text through a backbone.
        """
        return None

    def facts(self) -> dict[str, JSON]:
        """What a record should know of the finished training: epochs, trainable parameters, choices made."""
        return {}


def _in_short(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else " ".join(str(error).split())[:300]
