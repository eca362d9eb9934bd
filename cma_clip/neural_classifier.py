"""Everything that is a network, as a classifier: fit on cached features or on pixels, predict, save, load."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import lightning.pytorch as pl
import numpy as np
import numpy.typing as npt
import torch
from lightning.pytorch.callbacks import Callback
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader

from cma_clip.backbone.loading import load_backbone
from cma_clip.callbacks import Report, Trial, silent
from cma_clip.classifier import JSON, Arrays, Classifier, ClassifierConfig, Workspace
from cma_clip.features.batching import OrderedRows, RowBatches, ShuffledRows, loader
from cma_clip.features.boundary_states import boundary_table
from cma_clip.features.labelled import WHOLE, Labelled, Share, labelled_batches
from cma_clip.features.processing import FEATURES, Processor
from cma_clip.features.token_features import token_features
from cma_clip.learner import TRAINING, BestWeights, Learner
from cma_clip.network import FusionNetwork, TrainConfig, Widths
from cma_clip.priors import class_shares, inverse_shares
from cma_clip.trainer import EpochLimit, EpochReporter, Stopping, last_checkpoint, make_trainer
from cma_clip.types import Examples, Predictions, Task

ROWS = 512  # of a batch that is validated or predicted
FORMAT = 2
"""Of what is saved; in the first one heads were named by their tasks."""

ONCE = "runs once an example"


class NeuralClassifier(Classifier):
    """A classifier that is a network over backbone features. A model only supplies `build`."""

    parts = FEATURES | TRAINING
    Config: ClassVar[type[ClassifierConfig]] = TrainConfig
    arrays_file: ClassVar[str | None] = "network.safetensors"
    config: TrainConfig

    def setup(self) -> None:
        """Backbone and network, from the seed."""
        unknown = sorted(self.config.task_weights.keys() - {task.name for task in self.tasks})
        if unknown:
            names = ", ".join(task.name for task in self.tasks)
            raise ValueError(f"task_weights: no task is called {', '.join(map(repr, unknown))}; valid: {names}")
        self.backbone = load_backbone(self.config.backbone)
        self.backbone.freeze(self.config.freeze)
        self.processor = Processor(self.backbone, self.config.text_windows)
        self.priors: dict[str, npt.NDArray[np.float32]] = {}
        backbone = self.backbone
        widths = Widths(backbone.text_width, backbone.image_width, backbone.embedding_width, backbone.word_width)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            self.network = self.build(widths)
        if self.config.compile != "off":
            for module in (self.network, self.backbone):
                module.compile(backend=self.config.compile, dynamic=True)
        self._history: dict[str, JSON] = {}

    @abstractmethod
    def build(self, widths: Widths) -> FusionNetwork:
        """The network over features, freshly initialised from torch's global generator."""

    @property
    def trains_backbone(self) -> bool:
        """Whether every step runs the backbone, or its last blocks, instead of taking features from the cache."""
        return self.config.freeze != "all"

    def fit(self, train: Examples, val: Examples, report: Report = silent) -> None:
        """Train, stop early, keep the weights of the epoch with the best validation score (ties: the earliest)."""
        best = BestWeights()
        callbacks = [best, EpochReporter(report), Stopping(self.config.patience)]
        learner = self._train(train, val, callbacks, self.workspace)
        best.restore(learner)
        epochs = learner.trainer.current_epoch
        self._history = {
            "epochs": epochs,
            "best_epoch": best.epoch,
            "val_score": best.score,
            "samples_seen": epochs * len(train),
        }

    def refit(self, examples: Examples) -> None:
        """From the same initial weights, on the schedule of `max_epochs`, up to the epoch that validation chose."""
        history, limit = self._history, EpochLimit.chosen(self._history)
        self.setup()
        self._train(examples, None, [limit], self.workspace.below("refit"))
        self._history = {**history, "refit": {"epochs": limit.epochs, "rows": len(examples)}}

    def _train(self, train: Examples, val: Examples | None, callbacks: list[Callback], workspace: Workspace) -> Learner:
        if self.backbone.uncut is not None:
            warnings.warn(self.backbone.uncut, stacklevel=3)
        self.priors = {task.name: class_shares(train.labels(task.name), len(task.classes)) for task in self.tasks}
        trainer = self._trainer(callbacks, self.config.max_epochs, workspace)
        share = Share(trainer.global_rank, trainer.world_size)
        rows = loader(self._batches(train, share), ShuffledRows(len(train), self.config.batch_size, self.seed))
        val_rows = None if val is None else self._ordered(val, share)[0]
        learner = self._learner(train)
        learner.train()
        trainer.fit(learner, rows, val_rows, ckpt_path=last_checkpoint(workspace))
        learner.eval()
        return learner

    def predict(self, examples: Examples) -> Predictions:
        """Rows without any modality the network reads get the class shares of the training split.

        Raises:
            ValueError: there is no example.
        """
        if not len(examples):
            raise ValueError("there is no example to predict")
        rows, order = self._ordered(examples)
        outputs = self._trainer([], 0, self.workspace.alone).predict(self._learner(None), rows)
        assert outputs is not None
        found = _joined(outputs, torch.from_numpy(np.argsort(order)))
        probabilities = {task: values.numpy() for task, values in found["probabilities"].items()}
        for task, values in probabilities.items():
            values[~found["usable"].numpy()] = self.priors[task]
        weights = {task: values.numpy() for task, values in found["modality_weights"].items()}
        return Predictions.of(self.tasks, examples, probabilities, weights or None)

    def state(self) -> tuple[dict[str, JSON], Arrays]:
        """The network's weights and, if it was trained, the backbone's."""
        modules = {"network": self.network, **({"backbone": self.backbone} if self.trains_backbone else {})}
        arrays = {
            f"{part}.{name}": value.cpu().contiguous().numpy()
            for part, module in modules.items()
            for name, value in module.state_dict().items()
        }
        priors: JSON = {task: shares.tolist() for task, shares in self.priors.items()}
        return {"format": FORMAT, "priors": priors, "history": self._history}, arrays

    def restore(self, values: Mapping[str, Any], arrays: Arrays) -> None:
        """The inverse of `state`."""
        self.priors = {task: np.array(shares, dtype=np.float32) for task, shares in values["priors"].items()}
        self._history = values["history"]
        network = _below(arrays, "network.")
        if "format" not in values:
            network = _heads_by_position(network, self.tasks)
        self.network.load_state_dict(network)
        if self.trains_backbone:
            self.backbone.load_state_dict(_below(arrays, "backbone."))

    @classmethod
    def from_pretrained(cls, folder: str | Path) -> Self:
        """A saved model, by the name the field knows it under."""
        return cls.load(folder)

    def weights_fingerprint(self) -> str | None:
        """Hash of the backbone as it was before training."""
        return self.backbone.fingerprint

    def backbone_bytes(self) -> int:
        """The backbone's; where it was trained its own weights are needed too, to be told apart from others."""
        return self.backbone.num_bytes

    def shrink(self, photo: Image.Image) -> Image.Image | None:
        """As its backbone reads it."""
        return self.processor.shrink(photo)

    def cut_texts(self, examples: Examples) -> tuple[int, npt.NDArray[np.bool_]] | None:
        """What its backbone does not read of the texts."""
        return self.processor.text_tokens, self.processor.cut_texts(examples, self.workspace)

    def facts(self) -> dict[str, JSON]:
        """Epochs, the selected one, and how many parameters trained."""
        trained = [(n, p) for n, p in self.network.named_parameters() if p.requires_grad]
        backbone = [(n, p) for n, p in self.backbone.named_parameters() if p.requires_grad]
        return {
            **self._history,
            "trainable_parameters": sum(p.numel() for _, p in trained + backbone),
            "trainable_backbone_parameters": sum(p.numel() for _, p in backbone),
            "trainable": _summary([f"network.{n}" for n, _ in trained] + [f"backbone.{n}" for n, _ in backbone]),
            **({"frozen_part": self.backbone.uncut or ONCE} if isinstance(self.config.freeze, int) else {}),
        }

    @classmethod
    def search_space(cls, trial: Trial) -> dict[str, JSON]:
        """What every network tunes; models add their own."""
        return {
            "learning_rate": trial.suggest_float("learning_rate", 1e-4, 3e-3, log=True),
            "weight_decay": trial.suggest_float("weight_decay", 1e-3, 0.3, log=True),
            "dropout": trial.suggest_float("dropout", 0.0, 0.4),
            "batch_size": trial.suggest_categorical("batch_size", [64, 128, 256]),
            "modality_dropout": trial.suggest_float("modality_dropout", 0.0, 0.5),
            "token_noise": trial.suggest_float("token_noise", 0.0, 0.3),
        }

    def _batches(self, examples: Examples, share: Share = WHOLE) -> RowBatches[Labelled]:
        labels = {task.name: examples.labels(task.name) for task in self.tasks}
        table_of = boundary_table if self.trains_backbone else token_features
        return labelled_batches(table_of(self.backbone, self.processor, examples, self.workspace), labels, share)

    def _ordered(self, examples: Examples, share: Share = WHOLE) -> tuple[DataLoader[Labelled], npt.NDArray[np.int64]]:
        """Batches to validate or predict, and Int[N], the rows that they hold; of these a process has its share."""
        batches = self._batches(examples, share)
        rows = OrderedRows(len(examples), ROWS, batches.lengths)
        return loader(batches, rows), rows.order

    def _learner(self, train: Examples | None) -> Learner:
        weights = {}
        if train is not None and self.config.class_weights:
            weights = {name: torch.from_numpy(inverse_shares(shares)) for name, shares in self.priors.items()}
        return Learner(self.network, self.backbone if self.trains_backbone else None, self.config, weights, self.seed)

    def _trainer(self, callbacks: list[Callback], max_epochs: int, workspace: Workspace) -> pl.Trainer:
        return make_trainer(workspace, callbacks, max_epochs, self.config.precision, self.config.gradient_clip)


def _joined(outputs: Sequence[Any], places: Tensor) -> Any:  # noqa: ANN401 - as nested as what it gets
    """Tensors, or dictionaries of them, of several batches as one; row n stands at `places[n]` of all batches."""
    if isinstance(outputs[0], Tensor):
        return torch.cat(list(outputs))[places]
    return {name: _joined([output[name] for output in outputs], places) for name in outputs[0]}


def _below(arrays: Arrays, prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): torch.tensor(array) for name, array in arrays.items() if name.startswith(prefix)}


def _heads_by_position(state: Mapping[str, Tensor], tasks: Sequence[Task]) -> dict[str, Tensor]:
    """`heads.<task>.0.weight`, as the first format has it, -> `heads.<position>.0.weight`."""
    positions = {task.name: position for position, task in enumerate(tasks)}
    renamed = {}
    for name, value in state.items():
        if name.startswith("heads."):
            _, task, parameter = name.split(".", 2)
            name = f"heads.{positions[task]}.{parameter}"  # noqa: PLW2901 - the same parameter
        renamed[name] = value
    return renamed


def _summary(names: Sequence[str]) -> list[JSON]:
    """Parameter names shortened to the modules that hold them."""
    return list(dict.fromkeys(".".join(name.split(".")[:3]) for name in names))
