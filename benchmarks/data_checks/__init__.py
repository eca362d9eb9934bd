"""`cma-bench data check`: looks at every row and image of a data set and says what a reader of its numbers must know.

`check` finds, `page` shows. An error means that the data cannot be used as they are, or that test images are in
training; a warning, that numbers on them need a caveat; everything else is information.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from benchmarks.data_checks import duplicates, files, labels, suspects
from benchmarks.data_checks.findings import SEVERITIES, Finding, Findings, Part, TaskFacts
from benchmarks.data_checks.loading import load_anyway
from benchmarks.data_checks.rows import Examined, examine
from benchmarks.datasets.loading.splits import Source, Splits
from cma_clip.backbone.loading import load_backbone

__all__ = ["CHECKS", "Finding", "Findings", "check"]

BACKBONE = "tiny-product-clip"

CHECKS: tuple[Callable[[Examined], Iterator[Finding]], ...] = (
    files.check_readable,
    files.check_missing,
    files.check_colour,
    files.check_sizes,
    duplicates.check_identical_images,
    duplicates.check_near_duplicates,
    duplicates.check_texts,
    labels.check_dropped,
    labels.check_truncation,
    suspects.check_suspects,
)
"""What looks at all rows; what looks at one task, or at one data set, is called in `_find`."""


def check(name: str, source: Source, options: Mapping[str, Any], backbone: str = BACKBONE) -> Findings:
    """Load a data set without what cannot be read or would be refused, and look at all of it.

    `backbone` says how many tokens are read, how large images are, and which images are similar.

    Raises:
        DataError: the data set cannot be loaded at all.
        BackboneError: unknown backbone, or its weights cannot be had.
    """
    start = time.perf_counter()
    model = load_backbone(backbone)
    splits, refused = load_anyway(name, source, options)
    examined = examine(splits, model, source.progress)
    tasks = tuple(labels.facts(examined, task) for task in splits.tasks)
    found = [*refused, *_find(examined, tasks, source)]
    said = {finding.sentence for finding in found}
    notes = [note for note in splits.report.notes if note not in said]
    found += [Finding(check="loader-note", severity="info", count=1, sentence=note) for note in notes]
    return Findings(
        dataset=name,
        title=splits.card.title,
        options=dict(options),
        fingerprint=splits.fingerprint,
        backbone=backbone,
        parts=_parts(splits),
        tasks=tasks,
        findings=tuple(sorted(found, key=lambda finding: SEVERITIES.index(finding.severity))),
        seconds=round(time.perf_counter() - start, 1),
    )


def _find(examined: Examined, tasks: tuple[TaskFacts, ...], source: Source) -> Iterator[Finding]:
    for look in CHECKS:
        yield from look(examined)
    for facts, task in zip(tasks, examined.splits.tasks, strict=True):
        yield from labels.check_leakage(facts)
        yield from labels.check_balance(facts)
        yield from labels.check_unseen(examined, task)
        yield from labels.check_names(examined, task)
    yield from files.check_channels(examined.splits.name, source)


def _parts(splits: Splits) -> tuple[Part, ...]:
    return tuple(
        Part(
            name=name,
            examples=len(examples),
            images=int(examples.image_present().sum()),
            texts=sum(text is not None for text in examples.texts()),
        )
        for name, examples in splits.parts().items()
    )
