"""One modality only: what a model is worth that never looks at the photo, or never reads the text.

The network is CMA-CLIP's own with the other modality taken for missing, so that capacity and budget are equal.
"""

from __future__ import annotations

from typing import ClassVar

from cma_clip.classifier import ClassifierConfig
from cma_clip.model import CMAClip, CMAClipConfig, Reads
from cma_clip.version import Version


class TextOnlyConfig(CMAClipConfig):
    """Reads the text; with one modality there is nothing to weigh."""

    reads: Reads = "text"
    modality_attention: bool = False


class ImageOnlyConfig(CMAClipConfig):
    """Looks at the photo; with one modality there is nothing to weigh."""

    reads: Reads = "image"
    modality_attention: bool = False


class TextOnly(CMAClip):
    """A transformer over the text tokens and an MLP per task."""

    version = Version(2, "tokens of the other modality are not computed")
    Config: ClassVar[type[ClassifierConfig]] = TextOnlyConfig


class ImageOnly(CMAClip):
    """A transformer over the image patches and an MLP per task."""

    version = Version(2, "tokens of the other modality are not computed")
    Config: ClassVar[type[ClassifierConfig]] = ImageOnlyConfig
