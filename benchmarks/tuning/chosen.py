"""What a study has chosen: one small file, the only source of the tuning tables, figures and of `suite --tuned`.

Imports neither torch nor Optuna.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from benchmarks.records import store
from benchmarks.suites import Suite, hparams_of

FOLDER = "tuned"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Tried(_Frozen):
    """A finished trial; a pruned one has no score."""

    number: int
    state: Literal["complete", "pruned"]
    score: float | None
    seconds: float
    params: dict[str, Any]


class Tuned(_Frozen):
    """The best of a study's trials on the validation split, and what it was chosen from.

    Attributes:
        params: the chosen hyper-parameters, nothing else: what `suite --tuned` gives the model.
        score: mean over tasks of the accuracy on the validation split.
        default_score: of the model's own defaults; None if their training did not end well.
        number: the chosen trial.
        fixed: hyper-parameters that all trials had.
        budget: `trials` or `seconds`, the same for every model.
        trials: all finished ones, in order.
        space: name -> distribution, as Optuna writes it.
        fingerprints: data and weights.
        versions: name -> version of the model, the data set and what they share with others.
    """

    dataset: str
    dataset_options: dict[str, Any]
    model: str
    params: dict[str, Any]
    score: float
    default_score: float | None
    number: int
    fixed: dict[str, Any]
    budget: dict[str, float]
    trials: list[Tried]
    space: dict[str, Any]
    fingerprints: dict[str, str | None]
    versions: dict[str, int] = Field(default_factory=dict)


def save(folder: Path, tuned: Tuned) -> None:
    """<folder>/<data set>/<model>.json."""
    text = json.dumps(tuned.model_dump(mode="json"), sort_keys=True, indent=1)
    store.write_text(folder / tuned.dataset / f"{tuned.model}.json", text + "\n")


def load(folder: Path) -> list[Tuned]:
    """All that is in a folder, by data set and model.

    Raises:
        FileNotFoundError: there is nothing.
        ValueError: a file that is not what `save` writes; names it.
    """
    found = []
    for path in sorted(folder.glob("*/*.json")):
        try:
            found.append(Tuned.model_validate_json(path.read_text(encoding="utf-8")))
        except (OSError, ValidationError) as error:
            reason = str(error).splitlines()[0]
            raise ValueError(f"{path} holds no tuned configuration: {reason}; run `cma-bench tune` again") from error
    if not found:
        raise FileNotFoundError(f"{folder} holds no tuned configurations; run `cma-bench tune` first")
    return found


def with_tuned(suite: Suite, name: str, folder: Path | None, results: Path) -> tuple[Suite, str]:
    """The suite with the tuned hyper-parameters of a folder, and a sentence on what has none.

    Without a folder: those of the suite itself, else the committed ones.
    """
    folder = folder or _tuned_folder(name, results)
    found = [tuned for tuned in load(folder) if tuned.model in suite.models]
    tuned = hparams(found, suite.datasets, partial(hparams_of, suite))
    lacking = [
        f"{model} on {dataset}"
        for dataset in suite.datasets
        for model in suite.models
        if model not in tuned.get(dataset, {})
    ]
    sentence = f"hyper-parameters from {folder}; defaults for {', '.join(lacking) or 'none'}"
    return replace(suite, tuned=tuned, tuned_by=origins(found)), sentence


def _tuned_folder(name: str, results: Path) -> Path:
    folders = [root / name / FOLDER for root in (results, results / "reference")]
    return next((folder for folder in folders if folder.is_dir()), folders[0])


def hparams(
    found: Sequence[Tuned],
    options: Mapping[str, Mapping[str, Any]],
    fixed: Callable[[str], Mapping[str, Any]],
) -> dict[str, dict[str, dict[str, Any]]]:
    """Data set -> model -> chosen hyper-parameters, for the given data sets with their options.

    `fixed` tells what the suite gives a model besides.

    Raises:
        ValueError: something was tuned on the data set with other options, or beside other fixed hyper-parameters.
    """
    chosen: dict[str, dict[str, dict[str, Any]]] = {}
    for tuned in found:
        if tuned.dataset not in options:
            continue
        if tuned.dataset_options != dict(options[tuned.dataset]):
            raise ValueError(
                f"{tuned.model} was tuned on {tuned.dataset} with the options {tuned.dataset_options}, "
                f"not {dict(options[tuned.dataset])}"
            )
        given = {name: value for name, value in fixed(tuned.model).items() if name not in tuned.params}
        if tuned.fixed != given:
            raise ValueError(
                f"{tuned.model} was tuned on {tuned.dataset} beside {tuned.fixed}, not {given}: "
                f"leave --hparam as it was then, or run `cma-bench tune` with this one"
            )
        chosen.setdefault(tuned.dataset, {})[tuned.model] = tuned.params
    return chosen


def origins(found: Sequence[Tuned]) -> dict[str, str]:
    """Data set -> on what, and with which budget a model, its hyper-parameters were chosen."""
    return {tuned.dataset: _origin(tuned) for tuned in found}


def _origin(tuned: Tuned) -> str:
    units = {"trials": "trials", "seconds": "seconds of trials"}
    budget = ", ".join(f"{value:g} {units[unit]}" for unit, value in tuned.budget.items())
    options = ", ".join(f"{name}={value}" for name, value in tuned.dataset_options.items())
    return f"{budget} a model on {tuned.dataset}" + (f" ({options})" if options else "")
