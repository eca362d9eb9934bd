"""A list of experiments: what a suite is made of, and the experiments that it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from benchmarks.records.record import CLEAN, Experiment
from benchmarks.suites.order import MODELS_OF_ANY_SUITE, NETWORKS, SHARED

Variant = tuple[str, str, Mapping[str, Any]]
Point = tuple[Mapping[str, Any], Mapping[str, Any]]


@dataclass(frozen=True)
class Suite:
    """A question, as data sets x models x seeds.

    Attributes:
        datasets: data set -> its options where they differ from the defaults.
        budget: hyper-parameters that every network gets alike.
        hparams: model -> hyper-parameters of its own; of those that it tunes, where its first trial starts.
        variants: (model, what its row is called beside the model's name, changed hyper-parameters), as in an ablation.
        protocol: what the test split goes through, see `benchmarks.perturbations`.
        tuned: data set -> model -> hyper-parameters that were chosen on its validation split.
        tuned_by: data set -> on what and with which budget they were chosen.
        curve: of a learning curve, options of its data sets and the budget of its networks at each point.
        yes_or_no: whether the question is if CMA-CLIP is ahead, which a report answers with yes or no.
        twin_rows: of the procedural copies that stand in for data sets without a folder; 0 for none.
    """

    question: str
    datasets: Mapping[str, Mapping[str, Any]]
    models: Sequence[str] = MODELS_OF_ANY_SUITE
    seeds: Sequence[int] = (0, 1, 2)
    budget: Mapping[str, Any] = field(default_factory=dict)
    hparams: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    tuned: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    tuned_by: Mapping[str, str] = field(default_factory=dict)
    variants: Sequence[Variant] = ()
    protocol: str = CLEAN
    curve: Sequence[Point] = ()
    yes_or_no: bool = False
    twin_rows: int = 0


def hparams_of(suite: Suite, model: str) -> dict[str, Any]:
    """What a suite gives a model, whatever the data: the budget of every network, then the model's own."""
    budget = suite.budget if model in NETWORKS else {}
    shared = {name: suite.budget[name] for name, models in SHARED.items() if model in models and name in suite.budget}
    return {**budget, **shared, **suite.hparams.get(model, {})}


def experiments(suite: Suite) -> list[Experiment]:
    """All cells, seed by seed, so that an interrupted suite has complete comparisons first."""
    return list(_experiments(suite))


def _experiments(suite: Suite) -> Iterable[Experiment]:
    rows: list[Variant] = [*((model, "", {}) for model in suite.models), *suite.variants]
    points: Sequence[Point] = suite.curve or [({}, {})]
    for dataset, seed, (options, budget) in product(suite.datasets, suite.seeds, points):
        for model, variant, changes in rows:
            tuned = suite.tuned.get(dataset, {}).get(model, {})
            yield Experiment(
                dataset=dataset,
                model=model,
                seed=seed,
                dataset_options={**suite.datasets[dataset], **options},
                hparams={**hparams_of(suite, model), **(budget if model in NETWORKS else {}), **tuned, **changes},
                protocol=suite.protocol,
                variant=variant,
                tuned=suite.tuned_by.get(dataset, "") if tuned else "",
            )
