"""Labels and texts: balance, classes that cannot be learnt, texts that give the answer away or are cut."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from benchmarks.data_checks.findings import Finding, Severity, TaskFacts
from benchmarks.data_checks.rows import Examined
from cma_clip.backbone.windows import TEXT_WINDOWS
from cma_clip.class_names import without
from cma_clip.features.processing import Processor
from cma_clip.types import IGNORE, Task

LEAKING = 0.5
"""From this share of texts that state their label a task is worth a warning."""
LOPSIDED = 0.9
"""From this share of the labels in one class, or of missing labels, a task is worth a warning."""
NAMED = 8
"""Most rare classes that a finding names."""
MANY = 0.01
"""From this share of cut texts the finding is a warning."""
NOT_A_CLASS = {"", "nan", "na", "n/a", "n.a.", "k.a.", "none", "null", "unknown", "not available", "-", "?"}


def facts(examined: Examined, task: Task) -> TaskFacts:
    """Counts per class, and how many texts say their label."""
    labels = examined.labels[task.name]
    known = np.bincount(labels[labels != IGNORE], minlength=len(task.classes)).tolist()
    counts = sorted(zip(task.classes, known, strict=True), key=lambda count: -count[1])
    stated = [
        (_exactly(text, task.classes[label]), without(text, [task.classes[label]]) != text)
        for text, label in zip(examined.texts, labels.tolist(), strict=True)
        if text is not None and label != IGNORE
    ]
    exact, loose = np.mean(stated, axis=0).tolist() if stated else (None, None)
    return TaskFacts(
        name=task.name,
        classes=dict(counts),
        missing=int((labels == IGNORE).sum()),
        labelled_texts=len(stated),
        in_text_exact=exact,
        in_text_loose=loose if exact is None else max(exact, loose),
    )


def _exactly(text: str, label: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(label)}(?!\w)", text, re.IGNORECASE) is not None


def check_leakage(task: TaskFacts) -> Iterator[Finding]:
    """Tasks whose label is said by most of the texts."""
    exact, loose = task.in_text_exact, task.in_text_loose
    if exact is not None and loose is not None and loose >= LEAKING:
        yield Finding(
            check="label-in-text",
            severity="warning",
            count=round(loose * task.labelled_texts),
            sentence=f"{task.name}: {exact:.1%} of the labelled texts hold their own label word by word, {loose:.1%} "
            f"if singular, plural, hyphens and spaces do not count.",
            advice="Compare with the model class_name_match, and train with the option titles=masked, before "
            "crediting a model with seeing.",
        )


def check_balance(task: TaskFacts) -> Iterator[Finding]:
    """Tasks that are nearly decided by one class, or nearly without labels."""
    (largest, most), *_, (smallest, fewest) = task.classes.items()
    rows = task.labelled + task.missing
    if most >= LOPSIDED * task.labelled or task.missing >= LOPSIDED * rows:
        yield Finding(
            check="class-balance",
            severity="warning",
            count=most,
            sentence=f"{task.name}: {len(task.classes)} classes, from {largest!r} ({most:,}, "
            f"{most / task.labelled:.1%} of the labels) to {smallest!r} ({fewest:,}); "
            f"{task.missing:,} of {rows:,} rows have no label.",
            advice="Read macro-F1 beside accuracy; consider class_weights=true.",
        )


def check_unseen(examined: Examined, task: Task) -> Iterator[Finding]:
    """Classes that only validation or test have; no model can predict them."""
    labels, in_train = examined.labels[task.name], np.array([part == "train" for part in examined.parts])
    learnt = set(labels[in_train].tolist())
    rows = [row for row, label in enumerate(labels.tolist()) if label not in learnt and label != IGNORE]
    if rows:
        names = sorted({task.classes[int(labels[row])] for row in rows})
        sentence = f"{task.name}: {len(rows):,} labels of {len(names)} classes occur in validation or test only: "
        advice = "No model can predict them: move examples to train, or drop the classes."
        yield examined.finding(
            "unseen-classes", "warning", [(row,) for row in rows], f"{sentence}{', '.join(names)}.", advice
        )


def check_names(examined: Examined, task: Task) -> Iterator[Finding]:
    """Classes whose name means a missing value."""
    labels = examined.labels[task.name]
    for index, name in enumerate(task.classes):
        rows = np.flatnonzero(labels == index)
        if name.strip().lower() in NOT_A_CLASS and len(rows):
            sentence = f"{task.name}: {len(rows):,} rows have the class {name!r}, which looks like a missing value."
            advice = "Leave the cell empty, so that it counts as a missing label."
            yield examined.finding("missing-as-class", "warning", [(int(row),) for row in rows], sentence, advice)


def check_dropped(examined: Examined) -> Iterator[Finding]:
    """What the loader took as missing because too few training rows have it."""
    for task, dropped in examined.splits.report.dropped_classes.items():
        if dropped:
            most = sorted(dropped.items(), key=lambda one: -one[1])[:NAMED]
            named = ", ".join(f"{name} {count:,}" for name, count in most)
            rest = f" and {len(dropped) - NAMED:,} more" if len(dropped) > NAMED else ""
            sentence = f"{task}: {sum(dropped.values()):,} labels of {len(dropped):,} rare classes count as missing"
            odd = [name for name in dropped if name.strip().lower() in NOT_A_CLASS]
            yield Finding(
                check="rare-classes",
                severity="info",
                count=sum(dropped.values()),
                sentence=f"{sentence}: {named}{rest}.",
                advice=f"{', '.join(map(repr, odd))} looks like a missing value: leave such cells empty."
                if odd
                else "",
            )


def check_truncation(examined: Examined) -> Iterator[Finding]:
    """Texts longer than the context of the backbone, and than all windows that are read of them."""
    rows = [row for row, text in enumerate(examined.texts) if text is not None]
    if not rows:
        return
    processor = Processor(examined.backbone, TEXT_WINDOWS)
    lengths = processor.lengths([examined.texts[row] or "" for row in rows])
    cut = [(row,) for row, length in zip(rows, lengths.tolist(), strict=True) if length > processor.text_tokens]
    half, most, longest = np.percentile(lengths, (50, 95, 100)).astype(int).tolist()
    sentence = (
        f"{len(cut):,} of {len(rows):,} texts ({len(cut) / len(rows):.2%}) are longer than the {processor.text_tokens} "
        f"tokens that are read of them; {(lengths > processor.context_length).sum():,} are longer than the "
        f"{processor.context_length} that {examined.backbone.id} reads at once. Tokens a text: median {half}, 95 % "
        f"have up to {most}, the longest {longest}."
    )
    severity: Severity = "warning" if len(cut) >= MANY * len(rows) else "info"
    advice = (
        "What is cut is not read: let more of it be read with the hyper-parameter text_windows, choose a backbone with "
        "a longer context, or shorten the texts."
        if severity == "warning"
        else ""
    )
    yield examined.finding("truncated-texts", severity, cut, sentence, advice)
