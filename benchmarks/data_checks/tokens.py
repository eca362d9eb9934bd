"""How long the texts are for a tokeniser, and how many it would cut."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.data_checks.findings import Finding, Severity
from benchmarks.data_checks.rows import Examined
from cma_clip.features.processing import Processor

CLIP_CONTEXT = 77
"""Tokens that the text towers of CLIP read, begin and end marks included (Radford et al. 2021)."""
MANY = 0.01
"""From this share of cut texts the finding is a warning."""


def check_truncation(examined: Examined) -> Iterator[Finding]:
    """Texts longer than the context of the backbone, and than CLIP's own."""
    rows = [row for row, text in enumerate(examined.texts) if text is not None]
    if not rows:
        return
    lengths = Processor(examined.backbone).lengths([examined.texts[row] or "" for row in rows])
    context, name = examined.backbone.context_length, examined.backbone.id
    cut = [(row,) for row, length in zip(rows, lengths.tolist(), strict=True) if length > context]
    half, most, longest = np.percentile(lengths, (50, 95, 100)).astype(int).tolist()
    sentence = (
        f"{len(cut):,} of {len(rows):,} texts ({len(cut) / len(rows):.2%}) are longer than the {context} tokens that "
        f"{name} reads; {(lengths > CLIP_CONTEXT).sum():,} are longer than CLIP's {CLIP_CONTEXT}. Tokens a text: "
        f"median {half}, 95 % have up to {most}, the longest {longest}."
    )
    severity: Severity = "warning" if len(cut) >= MANY * len(rows) else "info"
    advice = (
        "What is cut is not read: choose a backbone with a longer context, or shorten the texts."
        if severity == "warning"
        else ""
    )
    yield examined.finding("truncated-texts", severity, cut, sentence, advice)
