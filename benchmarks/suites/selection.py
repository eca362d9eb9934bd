"""A suite narrowed to what was asked for, and to the data that are there."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from benchmarks.datasets import DATASETS, check_names
from benchmarks.names import choose
from benchmarks.suites.order import MODEL_ORDER, NETWORKS, SHARED
from benchmarks.suites.registry import SUITES
from benchmarks.suites.suite import Suite


def select(
    name: str, models: Sequence[str], seeds: Sequence[int], options: Mapping[str, Any], hparams: Mapping[str, Any]
) -> Suite:
    """The suite by name, narrowed to the given models and seeds (all of its own if empty).

    `options` are added to those of each of its data sets, or of one: abo.min_count; `hparams` to the budget of every
    network.

    Raises:
        UnknownName: an unknown suite, model or data set, with the valid names.
        ValueError: a hyper-parameter that none of the models would get.
    """
    suite = SUITES[choose(name, SUITES, "suite")]
    for option in options:
        if "." in option:
            choose(option.partition(".")[0], suite.datasets, "data set of the suite")
    chosen = [choose(model, MODEL_ORDER, "model") for model in models]
    narrowed = replace(
        suite,
        models=[model for model in MODEL_ORDER if model in chosen] if chosen else suite.models,
        variants=[variant for variant in suite.variants if not chosen or variant[0] in chosen],
        seeds=list(seeds) or suite.seeds,
        datasets={dataset: {**own, **_options_of(dataset, options)} for dataset, own in suite.datasets.items()},
        budget={**suite.budget, **hparams},
    )
    _refuse_unheard(narrowed, hparams)
    return narrowed


def _refuse_unheard(suite: Suite, hparams: Collection[str]) -> None:
    models = {*suite.models, *(model for model, _, _ in suite.variants)}
    for name in hparams:
        takers = (*SHARED.get(name, ()), *NETWORKS)
        if models.isdisjoint(takers):
            raise ValueError(
                f"hyper-parameter {name!r} would change nothing: none of {', '.join(sorted(models))} takes part in the "
                f"budget of {', '.join(takers)}; `cma-bench run --hparam` gives it to one model"
            )


def _options_of(dataset: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Those for all data sets, and those with this one's name before them."""
    shared = {name: value for name, value in options.items() if "." not in name}
    prefix = f"{dataset}."
    return shared | {name.removeprefix(prefix): value for name, value in options.items() if name.startswith(prefix)}


def with_data(suite: Suite, given: Collection[str]) -> Suite:
    """The suite on the data sets that are there: of several, those without the folder they need are left out.

    Raises:
        KeyError: an option that one of these does not have.
        ValueError: none is there; names what to bring.
    """
    lacking = [name for name in suite.datasets if DATASETS[name].needs_root and name not in given]
    there = {name: options for name, options in suite.datasets.items() if name not in lacking}
    if not there:
        raise ValueError(
            f"the suite needs data: {' '.join(f'--data {name}=DIR' for name in lacking)}, at least one of them"
        )
    for name, options in there.items():
        check_names(name, options)
    return replace(suite, datasets=there)
