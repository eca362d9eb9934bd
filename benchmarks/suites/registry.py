"""The suites by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.suites.order import FLOORS, FURTHER_FINE_TUNING, MODEL_ORDER
from benchmarks.suites.suite import Point, Suite, Variant

ABLATIONS: tuple[Variant, ...] = (
    ("cma_clip", "2 layers", {"depth": 2}),
    ("cma_clip", "3 layers", {"depth": 3}),
    ("cma_clip", "a vector per modality", {"keyless_vectors": "per_modality"}),
    ("cma_clip", "no word embeddings", {"word_embeddings": False}),
    ("cma_clip", "last block fine-tuned", {"freeze": 1}),
    ("cma_clip", "fine-tuned", {"freeze": "none"}),
)
"""What the paper's two attentions are made of, one change at a time; the models w/o MA and w/o SA are beside them."""

FINE_TUNED = ("fine_tuned_clip", *FURTHER_FINE_TUNING)
FEW_EPOCHS_OF_TOWERS: Mapping[str, Mapping[str, Any]] = {model: {"max_epochs": 3} for model in FINE_TUNED}
"""Our choice: an epoch that trains both towers costs ten over cached features. Tuning tries more."""
IN_MINUTES: Mapping[str, Mapping[str, Any]] = {model: {"max_epochs": 3, "freeze": 2} for model in FINE_TUNED}
"""Likewise; and the last two blocks of each tower train: 2 was better than 4 on validation, and is cheaper."""

LEARNING_CURVE: tuple[Point, ...] = tuple(
    ({"train_rows": rows, "val_rows": rows // 7}, {"max_epochs": epochs, "patience": max(4, epochs // 4)})
    for rows, epochs in {250: 100, 500: 80, 1000: 50, 2000: 30, 4000: 16, 8000: 10, 12000: 8}.items()
)
"""As many validation rows as whoever labels so many products would have: splits are 70 to 10. Of few rows an epoch is
few steps, so that there are more of them (our choice)."""

SUITES: dict[str, Suite] = {
    "default": Suite(
        question="Does cross-modality attention pay where the relevance of each modality is known?",
        yes_or_no=True,
        datasets={"catalog": {}},
        hparams=IN_MINUTES,
    ),
    "smoke": Suite(
        question="Does everything run?",
        datasets={"catalog": {"num_train": 160, "num_val": 60, "num_test": 80}},
        models=MODEL_ORDER,
        seeds=(0,),
        budget={"max_epochs": 2},
        hparams=IN_MINUTES,
    ),
    "fashion-products": Suite(
        question="Does cross-modality attention pay on real product photos and titles?",
        yes_or_no=True,
        datasets={"fashion-products": {"train_rows": 12000}},
        models=MODEL_ORDER,
        budget={"max_epochs": 8},  # our choice: what three seeds of every model take in half an hour on two cores
        hparams=FEW_EPOCHS_OF_TOWERS,
    ),
    "ablation": Suite(
        question="Which part of CMA-CLIP pays?",
        datasets={"catalog": {}},
        models=("tfidf_image_logistic", "cma_clip_wo_ma_sa", "cma_clip_wo_sa", "cma_clip_wo_ma", "cma_clip"),
        variants=ABLATIONS,
    ),
    "robustness": Suite(
        question="What do noise and a missing modality cost?",
        datasets={"catalog": {}},
        models=(
            *("tfidf_logistic", "tfidf_image_logistic", "zero_shot", "linear_probe", "image_only", "text_only"),
            *("late_fusion", "concat_fusion", "mmbt", "cma_clip_wo_ma", "cma_clip_wo_sa", "cma_clip"),
        ),
        variants=[
            (model, "modality dropout", {"modality_dropout": 0.3}) for model in ("late_fusion", "mmbt", "cma_clip")
        ],
        protocol="robustness",
    ),
    "fashion-products-masked": Suite(
        question="Does cross-modality attention pay on real products whose titles do not state the answer?",
        yes_or_no=True,
        datasets={"fashion-products": {"train_rows": 12000, "titles": "masked"}},
        models=MODEL_ORDER,
        budget={"max_epochs": 8},
        hparams=FEW_EPOCHS_OF_TOWERS,
    ),
    "learning-curve": Suite(
        question="How many products must be labelled?",
        datasets={"fashion-products": {"class_rows": 12000}},
        models=(
            *("majority", "class_name_match", "tfidf_logistic", "tfidf_image_logistic", "linear_probe", "image_only"),
            *("text_only", "late_fusion", "concat_fusion", "mmbt", "cma_clip_wo_ma", "cma_clip"),
        ),
        curve=LEARNING_CURVE,
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
        models=MODEL_ORDER,
        seeds=(0,),
        budget={"max_epochs": 2},
        twin_rows=240,
    ),
    "manifest": Suite(
        question="Which model for my catalogue?",
        datasets={"manifest": {}},
    ),
}
