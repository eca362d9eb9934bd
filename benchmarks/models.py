"""Every model by name. The order is that of the tables: floors first, CMA-CLIP and its ablations last."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from baselines import BASELINES
from benchmarks.names import UnknownName, choose
from benchmarks.records import store
from benchmarks.records.record import Finished, Record
from cma_clip.answering import Answering
from cma_clip.classifier import UNREADABLE, Classifier, ClassifierConfig, Workspace
from cma_clip.model import CMAClip
from cma_clip.types import Task

MODELS: dict[str, type[Classifier]] = {**BASELINES, "cma_clip": CMAClip}

NAME_FILE = "model.json"
ANSWERING_FILE = "answering.json"
RECORD_FILE = "record.json"
FINISHED_FILE = "finished.json"
CARD_FILE = "README.md"
"""Where readers and model hubs look for a model card."""

Saved = TypeVar("Saved", bound=BaseModel)


class ModelError(ValueError):
    """A model or hyper-parameter that does not exist; the message names the valid ones."""


def resolve(name: str, hparams: Mapping[str, Any]) -> tuple[type[Classifier], ClassifierConfig]:
    """The class and its complete, validated configuration.

    Raises:
        ModelError: an unknown model, an unknown hyper-parameter, a value out of range.
    """
    try:
        model = MODELS[choose(name, MODELS, "model")]
        for field in hparams:
            choose(field, model.Config.model_fields, f"hyper-parameter of {name}")
        return model, model.Config.model_validate(hparams)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ModelError(f"{name}: {where}={first['input']!r}: {first['msg']}") from error
    except UnknownName as error:
        raise ModelError(str(error)) from error


def create(name: str, hparams: Mapping[str, Any], tasks: Sequence[Task], seed: int, workspace: Workspace) -> Classifier:
    """A model ready to fit."""
    model, config = resolve(name, hparams)
    return model(tasks, config, seed, workspace)


def save(name: str, classifier: Classifier, folder: Path, answering: Answering | None = None) -> None:
    """The model, its name, so that `load` knows the class, and what validation says about its answers."""
    classifier.write(folder)
    if answering is not None:
        store.write_text(folder / ANSWERING_FILE, answering.model_dump_json())
    store.write_text(folder / NAME_FILE, json.dumps({"model": name}))


def save_record(folder: Path, record: Record) -> None:
    """The record of a saved model beside it: on what it was trained, and how good it is."""
    store.write_text(folder / RECORD_FILE, record.model_dump_json(indent=1))


def load_record(folder: Path) -> Record | None:
    """What `save_record` wrote; None for a model saved before there was such a file.

    Raises:
        ModelError: the file is damaged.
    """
    return _optional(folder / RECORD_FILE, Record)


def save_finished(folder: Path, finished: Finished) -> None:
    """How a model was trained once more, beside the record of the one that was measured."""
    store.write_text(folder / FINISHED_FILE, finished.model_dump_json(indent=1))


def load_finished(folder: Path) -> Finished | None:
    """What `save_finished` wrote; None for a model as it was measured.

    Raises:
        ModelError: the file is damaged.
    """
    return _optional(folder / FINISHED_FILE, Finished)


@dataclass(frozen=True)
class Description:
    """What a saved model's folder tells without its weights; each of the last three None where it does not.

    Attributes:
        name: in MODELS.
        config: the model's complete configuration.
    """

    name: str
    tasks: tuple[Task, ...]
    seed: int
    config: Mapping[str, Any]
    record: Record | None
    answering: Answering | None
    finished: Finished | None


def describe(folder: Path) -> Description:
    """What a saved model is.

    Raises:
        ModelError: the folder holds no saved model.
    """
    name = _name(folder)
    try:
        saved = json.loads((folder / MODELS[name].values_file).read_text(encoding="utf-8"))
        tasks = tuple(Task.from_json(task) for task in saved["tasks"])
        config = MODELS[name].Config.of_saved(saved.get("config", {})).model_dump(mode="json")
        seed = int(saved["seed"])
    except UNREADABLE as error:
        raise ModelError(f"{folder} holds no whole {name}: {error}") from error
    return Description(name, tasks, seed, config, load_record(folder), load_answering(folder), load_finished(folder))


def load(folder: Path, workspace: Workspace | None = None) -> Classifier:
    """A saved model, whatever its class.

    Raises:
        ModelError: the folder holds no saved model.
    """
    return MODELS[_name(folder)].load(folder, workspace)


def _name(folder: Path) -> str:
    try:
        name: str = json.loads((folder / NAME_FILE).read_text())["model"]
        return choose(name, MODELS, "model")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{folder} holds no model saved by this project: {error}") from error


def load_answering(folder: Path) -> Answering | None:
    """What was saved with the model about its answers; None for a model saved before there was such a file.

    Raises:
        ModelError: the file is damaged.
    """
    return _optional(folder / ANSWERING_FILE, Answering)


def _optional(path: Path, kind: type[Saved]) -> Saved | None:
    if not path.is_file():
        return None
    try:
        return kind.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read: {str(error).splitlines()[0]}; train the model again") from error
