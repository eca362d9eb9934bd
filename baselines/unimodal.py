"""One modality only: what a model is worth that never looks at the photo, or never reads the text.

The network is CMA-CLIP's own with the other modality taken for missing, so that capacity and budget are equal.
"""

from __future__ import annotations

from typing import ClassVar

from cma_clip.classifier import ClassifierConfig
from cma_clip.model import CMAClip, CMAClipConfig, Reads


class TextOnlyConfig(CMAClipConfig):
    """Reads the text."""

    reads: Reads = "text"


class ImageOnlyConfig(CMAClipConfig):
    """Looks at the photo."""

    reads: Reads = "image"


class TextOnly(CMAClip):
    """A transformer over the text tokens and an MLP per task."""

    Config: ClassVar[type[ClassifierConfig]] = TextOnlyConfig


class ImageOnly(CMAClip):
    """A transformer over the image patches and an MLP per task."""

    Config: ClassVar[type[ClassifierConfig]] = ImageOnlyConfig
