"""Red first or blue first, for the data sets whose files do not say it."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.data_checks.findings import Finding
from benchmarks.datasets.fashion_gen import channel_evidence
from benchmarks.datasets.fashion_gen.layout import find
from benchmarks.datasets.loading.splits import Source


def check_channels(name: str, source: Source) -> Iterator[Finding]:
    """What the photos of Fashion-Gen say about the order of their channels; nothing for other data sets."""
    if name == "fashion-gen":
        evidence = channel_evidence(find(source.root)["train"])
        yield Finding(
            check="channel-order",
            severity="info" if evidence.verdict == "rgb" else "warning",
            count=evidence.rgb + evidence.bgr,
            sentence=f"The photos are stored as {evidence.verdict or 'rgb or bgr, they do not tell'}: {evidence}.",
            advice="" if evidence.verdict == "rgb" else f"Load with the option channels={evidence.verdict or 'auto'}.",
        )
