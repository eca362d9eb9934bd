"""CMA-CLIP and the types and contract it shares with its baselines. Importing this imports no torch."""

from cma_clip.classifier import Classifier, ClassifierConfig, Workspace
from cma_clip.types import IGNORE, Example, ExampleList, Examples, Predictions, Task

__all__ = [
    "IGNORE",
    "Classifier",
    "ClassifierConfig",
    "Example",
    "ExampleList",
    "Examples",
    "Predictions",
    "Task",
    "Workspace",
]
