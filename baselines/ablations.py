"""The paper's ablations (table 6): CMA-CLIP without one of its attentions, or both: configurations, not copies."""

from __future__ import annotations

from typing import ClassVar

from cma_clip.classifier import ClassifierConfig
from cma_clip.model import CMAClip, CMAClipConfig
from cma_clip.version import Version


class WithoutMAConfig(CMAClipConfig):
    """The two CLS outputs are averaged."""

    modality_attention: bool = False


class WithoutSAConfig(CMAClipConfig):
    """The backbone's CLS states go straight to modality-wise attention."""

    sequence_attention: bool = False


class WithoutBothConfig(CMAClipConfig):
    """The backbone's CLS states are averaged."""

    modality_attention: bool = False
    sequence_attention: bool = False


class WithoutMA(CMAClip):
    """Sequence-wise attention only."""

    version = Version(1)
    Config: ClassVar[type[ClassifierConfig]] = WithoutMAConfig


class WithoutSA(CMAClip):
    """Modality-wise attention only."""

    version = Version(1)
    Config: ClassVar[type[ClassifierConfig]] = WithoutSAConfig


class WithoutBoth(CMAClip):
    """No attention beyond the backbone's."""

    version = Version(1)
    Config: ClassVar[type[ClassifierConfig]] = WithoutBothConfig
