"""The model card of a saved model: what it is, how good it is, what its answers promise, where not to trust it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.models import Description
from benchmarks.records.record import Finished, Record
from benchmarks.reporting.card.measured import answers, calibration, quality
from benchmarks.reporting.card.origin import code, data, how, limits, listed, sizes
from benchmarks.reporting.escaping import markdown_text
from benchmarks.reporting.table import Cell, Table, to_markdown
from cma_clip.types import Task

IN_WORDS: dict[str, str] = {
    "majority": "class shares of the training rows",
    "class_name_match": "class names found in the text",
    "tfidf_logistic": "TF-IDF and logistic regression",
    "tfidf_image_logistic": "TF-IDF and CLIP image embedding, one logistic regression",
    "zero_shot_image": "zero-shot CLIP on photos",
    "zero_shot_text": "zero-shot CLIP on texts",
    "zero_shot": "zero-shot CLIP on photos and texts",
    "fine_tuned_clip": "CLIP fine-tuned on pairs of photo and text",
    "flyp": "CLIP fine-tuned on the names of classes",
    "linear_probe": "linear probe of CLIP states",
    "lp_ft": "linear probe of CLIP states, then CLIP fine-tuned",
    "image_only": "transformer over image patches",
    "text_only": "transformer over text tokens",
    "late_fusion": "late fusion of a text model and an image model",
    "concat_fusion": "concat fusion of pooled CLIP states",
    "mmbt": "MMBT on CLIP tokens",
    "cma_clip_wo_ma": "CMA-CLIP without modality-wise attention",
    "cma_clip_wo_sa": "CMA-CLIP without sequence-wise attention",
    "cma_clip_wo_ma_sa": "CMA-CLIP without both attentions",
    "cma_clip": "CMA-CLIP",
}
"""The heading; a test holds it equal to the keys of `models.MODELS`."""

MODALITIES = {"image": "the photo", "text": "the text"}


def card(model: Description) -> str:
    """Markdown. Where a model was saved without a record or thresholds, it says that they are not known."""
    record = model.record
    promised = [*answers(record, model.answering), *calibration(record, model.answering)] if model.answering else _NONE
    if record is None:
        sections = [*_head(model), *_tasks(model.tasks), *promised, *_without_record(model)]
    else:
        numbers = [*quality(record), *promised, *limits(record), *how(record, model.finished)]
        sections = [*_head(model), *data(record), *_tasks(model.tasks), *numbers]
    return "\n".join(sections) + "\n"


_NONE = [
    "## Answers at a promised precision",
    "",
    "It was saved without thresholds: no answer of it comes with a promise. Train it again to have them.",
    "",
]


def _head(model: Description) -> list[str]:
    words = IN_WORDS[model.name]
    row = model.record.experiment.row if model.record else model.name
    tasks = ", ".join(markdown_text(task.name) for task in model.tasks)
    lines = [
        f"# {words[0].upper()}{words[1:]}",
        "",
        f"`{row}` of CMA-CLIP Bench answers {tasks}. {_reads(model.record)}",
    ]
    return [*lines, "", *(_trained_once_more(model.finished) if model.finished else [])]


def _reads(record: Record | None) -> str:
    if record is None or record.cost is None:
        return "What it reads of a row is not recorded."
    if not record.cost.reads:
        return "It looks at nothing: every row gets the same answer."
    reads = " and ".join(MODALITIES[name] for name in record.cost.reads)
    return f"It reads {reads}. A row that has nothing of this has no evidence, and its answer is a guess."


def _trained_once_more(finished: Finished) -> list[str]:
    return [
        f"After it was chosen, this model was trained once more on all {sum(finished.rows.values()):,} rows "
        f"({sizes(finished.rows)}){_epochs(finished.facts)}. Every number below is of the model before, which was "
        "trained on the train rows alone. So are the temperatures and thresholds: they were chosen with a model "
        "trained on fewer rows, and hold for this one only as far as it is no less accurate. They are not measured "
        "again, since no row is left that it has not seen.",
        "",
    ]


def _epochs(facts: Mapping[str, Any]) -> str:
    """As validation chose them; of late fusion each half has its own."""
    halves = {f" ({name})": half for name, half in facts.items() if isinstance(half, dict)}
    found = [f"{each['refit']['epochs']}{name}" for name, each in {"": facts, **halves}.items() if "refit" in each]
    return f", for as many epochs as validation chose: {', '.join(found)}" if found else ""


def _tasks(tasks: Sequence[Task]) -> list[str]:
    rows = tuple(
        (Cell(task.name), Cell(listed(task.classes)), Cell(f"{len(task.classes)}", len(task.classes))) for task in tasks
    )
    return ["## Tasks", "", to_markdown(Table("What it can answer", ("task", "classes", "number"), rows, labels=2))]


def _without_record(model: Description) -> list[str]:
    return [
        "## What is not known",
        "",
        "It was saved without a record: on which data it was trained and how good it is, its folder does not tell. "
        "Train it again to have both.",
        "",
        f"- Hyper-parameters: {code(model.config)}",
        f"- Seed of the model: {model.seed}",
    ]
