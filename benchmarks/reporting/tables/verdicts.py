"""How CMA-CLIP stands among its rivals, in words below a table."""

from __future__ import annotations

from collections.abc import Iterable

from benchmarks.records.record import MEAN
from benchmarks.reporting.statistics.aggregate import Models, records_of, score, tasks_of
from benchmarks.reporting.statistics.leading import CMA_CLIP
from benchmarks.reporting.statistics.paired import groups_of
from benchmarks.reporting.statistics.significance import tied_with

AHEAD, LEVEL_WITH, BEHIND = "ahead", "no significant difference", "behind"
ALONE = {"tfidf_logistic": "words alone", "class_name_match": "class names in the text", "image_only": "photos alone"}
SAME_ON_TEXTS = "text_only"
"""The same network, which takes every photo for missing."""


def notes_on_cma_clip(models: Models, condition: str) -> Iterable[str]:
    """Whom CMA-CLIP beats in mean accuracy, who beats it, and what one modality alone reaches; none without a rival."""
    scores = {model: score(records, MEAN, "accuracy", condition) for model, records in models.items()}
    values = {model: 100 * found.value for model, found in scores.items() if found is not None and found.value >= 0}
    if CMA_CLIP in values and len(values) > 1:
        yield from _behind(values, _worth_of_photos(models, values))
        yield _verdicts(models, condition)


def _behind(values: dict[str, float], photos: str) -> Iterable[str]:
    best = max(values, key=lambda model: values[model])
    lead = values[best] - values[CMA_CLIP]
    if round(lead, 1) <= 0:
        return
    alone = ", ".join(f"{what} {values[model]:.1f} % ({model})" for model, what in ALONE.items() if model in values)
    yield (
        f"{CMA_CLIP} does not have the best mean: {best} is {lead:.1f} points ahead."
        + (f" Of one modality: {alone}." if alone else "")
        + photos
    )


def _worth_of_photos(models: Models, values: dict[str, float]) -> str:
    if SAME_ON_TEXTS not in values or not all(models[CMA_CLIP][0].facts.get("evidence", {}).get("test", {}).values()):
        return ""
    texts = values[SAME_ON_TEXTS]
    gain = values[CMA_CLIP] - texts
    ours, theirs = (models[model][0].experiment.hparams for model in (CMA_CLIP, SAME_ON_TEXTS))
    if ours != theirs:
        return (
            f" {CMA_CLIP}'s network on texts alone, with hyper-parameters of its own ({SAME_ON_TEXTS}), "
            f"has {texts:.1f} %, {-gain:+.1f} points."
        )
    return f" The same network has {texts:.1f} % of texts alone: photos are worth {gain:.1f} points to it."


def _verdicts(models: Models, condition: str) -> str:
    found = standing(models, condition)
    told = "; ".join(f"{verdict} {', '.join(map(quoted, which))}" for verdict, which in found.items() if which)
    return f"Against {CMA_CLIP} on the mean, by the paired bootstrap with Holm's correction: {told}."


def standing(models: Models, condition: str) -> dict[str, list[str]]:
    """AHEAD, LEVEL_WITH and BEHIND -> the rivals that are so in mean accuracy, as CMA-CLIP sees them.

    CMA-CLIP itself must have been measured.
    """
    scores = {model: score(records, MEAN, "accuracy", condition) for model, records in models.items()}
    values = {model: found.value for model, found in scores.items() if found is not None and found.value >= 0}
    outcomes = {model: [record.outcomes.get(condition, {}) for record in models[model]] for model in values}
    tied = tied_with(CMA_CLIP, outcomes, tasks_of(models, condition), groups_of(records_of(models)))
    ours = values[CMA_CLIP]
    return {
        AHEAD: [model for model in values if model not in tied and values[model] > ours],
        LEVEL_WITH: [model for model in values if model in tied],
        BEHIND: [model for model in values if model not in tied and values[model] < ours],
    }


def quoted(model: str) -> str:
    """Names of variants hold a comma."""
    return f'"{model}"' if "," in model else model
