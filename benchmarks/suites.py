"""Named lists of experiments. Imports no torch."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from benchmarks.datasets import DATASETS, check_names
from benchmarks.names import choose
from benchmarks.records.record import CLEAN, Experiment

FLOORS = ("majority", "class_name_match", "tfidf_logistic")
ZERO_SHOT = ("zero_shot_image", "zero_shot_text", "zero_shot", "fine_tuned_clip", "linear_probe")
NETWORKS = (
    "image_only",
    "text_only",
    "late_fusion",
    "concat_fusion",
    "mmbt",
    "cma_clip_wo_ma",
    "cma_clip_wo_sa",
    "cma_clip_wo_ma_sa",
    "cma_clip",
)
MODEL_ORDER = (*FLOORS, *ZERO_SHOT, *NETWORKS)
"""The order of every table and figure; a test holds it equal to the keys of `models.MODELS`."""

SHARED = ("backbone", "text_windows")
"""Of a suite's budget, what the models over CLIP as it is get too: all rows of a table read the same."""

Variant = tuple[str, str, Mapping[str, Any]]


@dataclass(frozen=True)
class Suite:
    """A question, as data sets x models x seeds.

    Attributes:
        datasets: data set -> its options where they differ from the defaults.
        budget: hyper-parameters that every network gets alike.
        hparams: model -> hyper-parameters of its own.
        variants: (model, what its row is called beside the model's name, changed hyper-parameters), as in an ablation.
        protocol: what the test split goes through, see `benchmarks.perturbations`.
        tuned: data set -> model -> hyper-parameters that were chosen on its validation split.
        tuned_by: data set -> on what and with which budget they were chosen.
        tuned_with: the suite whose choices it takes where it has none of its own: the same models in both.
        twin_rows: of the procedural copies that stand in for data sets without a folder; 0 for none.
    """

    question: str
    datasets: Mapping[str, Mapping[str, Any]]
    models: Sequence[str] = MODEL_ORDER
    seeds: Sequence[int] = (0, 1, 2)
    budget: Mapping[str, Any] = field(default_factory=dict)
    hparams: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    tuned: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    tuned_by: Mapping[str, str] = field(default_factory=dict)
    tuned_with: str = ""
    variants: Sequence[Variant] = ()
    protocol: str = CLEAN
    twin_rows: int = 0


ABLATIONS: tuple[Variant, ...] = (
    ("cma_clip", "2 layers", {"depth": 2}),
    ("cma_clip", "3 layers", {"depth": 3}),
    ("cma_clip", "a vector per modality", {"keyless_vectors": "per_modality"}),
    ("cma_clip", "no word embeddings", {"word_embeddings": False}),
    ("cma_clip", "last block fine-tuned", {"freeze": 1}),
    ("cma_clip", "fine-tuned", {"freeze": "none"}),
)
"""What the paper's two attentions are made of, one change at a time; the models w/o MA and w/o SA are beside them."""

FEW_EPOCHS_OF_TOWERS: Mapping[str, Mapping[str, Any]] = {"fine_tuned_clip": {"max_epochs": 3}}
"""Our choice: an epoch that trains both towers costs ten over cached features. On whole titles the last of the three is
mostly the best, so more might give it more."""
IN_MINUTES: Mapping[str, Mapping[str, Any]] = {"fine_tuned_clip": {"max_epochs": 3, "freeze": 2}}
"""Likewise; and the last two blocks of each tower train: of 2, 4 and 8 the best on validation, and the cheapest."""

SUITES: dict[str, Suite] = {
    "default": Suite(
        question="Does cross-modality attention pay where the relevance of each modality is known?",
        datasets={"catalog": {}},
        hparams=IN_MINUTES,
    ),
    "smoke": Suite(
        question="Does everything run?",
        datasets={"catalog": {"num_train": 160, "num_val": 60, "num_test": 80}},
        seeds=(0,),
        budget={"max_epochs": 2},
    ),
    "fashion-products": Suite(
        question="Does it pay on real product photos and titles?",
        datasets={"fashion-products": {"train_rows": 12000}},
        budget={"max_epochs": 8},  # our choice: what three seeds of every model take in half an hour on two cores
        hparams=FEW_EPOCHS_OF_TOWERS,
    ),
    "ablation": Suite(
        question="Which part of CMA-CLIP pays?",
        datasets={"catalog": {}},
        models=("cma_clip_wo_ma_sa", "cma_clip_wo_sa", "cma_clip_wo_ma", "cma_clip"),
        variants=ABLATIONS,
    ),
    "robustness": Suite(
        question="What do noise and a missing modality cost?",
        datasets={"catalog": {}},
        models=(
            *("tfidf_logistic", "zero_shot", "linear_probe", "image_only", "text_only"),
            *("late_fusion", "concat_fusion", "mmbt", "cma_clip_wo_ma", "cma_clip_wo_sa", "cma_clip"),
        ),
        variants=[
            (model, "modality dropout", {"modality_dropout": 0.3}) for model in ("late_fusion", "mmbt", "cma_clip")
        ],
        protocol="robustness",
    ),
    "fashion-products-masked": Suite(
        question="Does it pay on real products whose titles do not state the answer?",
        datasets={"fashion-products": {"train_rows": 12000, "titles": "masked"}},
        budget={"max_epochs": 8},
        hparams=FEW_EPOCHS_OF_TOWERS,
        tuned_with="fashion-products",
    ),
    "paper": Suite(
        question="The paper's comparisons, on its public data sets and the open stand-in for MRWPA.",
        datasets={"food101": {"split": "mmbt"}, "fashion-gen": {}, "abo": {}},
    ),
    "food101-titles": Suite(
        question="What do the page titles of Food-101 tell by themselves?",
        datasets={"food101": {"images": False}},
        models=FLOORS,
        seeds=(0,),
    ),
    "food101-titles-clean": Suite(
        question="Likewise, with escapes decoded and wrappers removed.",
        datasets={"food101": {"images": False, "wording": "clean"}},
        models=FLOORS,
        seeds=(0,),
    ),
    "twins": Suite(
        question="Does every model run on every layout? (The numbers say nothing about the real data.)",
        datasets={
            **{"fashion-products": {"min_count": 2}, "food101": {"split": "mmbt"}},
            **{"fashion-gen": {}, "abo": {"min_count": 2}, "mrwpa": {}},
        },
        seeds=(0,),
        budget={"max_epochs": 2},
        twin_rows=240,
    ),
    "manifest": Suite(
        question="Which model for my catalogue?",
        datasets={"manifest": {}},
    ),
}


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
        takers = (*ZERO_SHOT, *NETWORKS) if name in SHARED else NETWORKS
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


def hparams_of(suite: Suite, model: str) -> dict[str, Any]:
    """What a suite gives a model, whatever the data: the budget of every network, then the model's own."""
    budget = suite.budget if model in NETWORKS else {}
    if model in ZERO_SHOT:
        budget = {name: suite.budget[name] for name in SHARED if name in suite.budget}
    return {**budget, **suite.hparams.get(model, {})}


def experiments(suite: Suite) -> list[Experiment]:
    """All cells, seed by seed, so that an interrupted suite has complete comparisons first."""
    return list(_experiments(suite))


def _experiments(suite: Suite) -> Iterable[Experiment]:
    rows: list[Variant] = [*((model, "", {}) for model in suite.models), *suite.variants]
    for dataset, options in suite.datasets.items():
        for seed in suite.seeds:
            for model, variant, changes in rows:
                tuned = suite.tuned.get(dataset, {}).get(model, {})
                yield Experiment(
                    dataset=dataset,
                    model=model,
                    seed=seed,
                    dataset_options=dict(options),
                    hparams={**hparams_of(suite, model), **tuned, **changes},
                    protocol=suite.protocol,
                    variant=variant,
                    tuned=suite.tuned_by.get(dataset, "") if tuned else "",
                )
