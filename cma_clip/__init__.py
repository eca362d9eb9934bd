"""CMA-CLIP and the types and contract it shares with its baselines. Importing this imports no torch and no pandas.

`load_model` is the public door to a model that the benchmark saved; what it opens stands in `benchmarks.serving`.
"""

from typing import TYPE_CHECKING, Any

from cma_clip.classifier import Classifier, ClassifierConfig, Workspace
from cma_clip.types import IGNORE, Example, ExampleList, Examples, Predictions, Task

if TYPE_CHECKING:
    from benchmarks.serving import load_model

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
    "load_model",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any attribute of a module
    if name != "load_model":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from benchmarks.serving import load_model

    return load_model
