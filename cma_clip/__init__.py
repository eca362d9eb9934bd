"""CMA-CLIP and the types and contract it shares with its baselines. Each is imported when it is asked for.

`load_model` is the public door to a model that the benchmark saved; what it opens stands in `benchmarks.serving`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmarks.serving import load_model
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
    "load_model",
]

HOMES = {
    "load_model": "benchmarks.serving",
    **dict.fromkeys(("Classifier", "ClassifierConfig", "Workspace"), "cma_clip.classifier"),
    **dict.fromkeys(("IGNORE", "Example", "ExampleList", "Examples", "Predictions", "Task"), "cma_clip.types"),
}
"""Name -> the module that has it."""


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any attribute of a module
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(HOMES[name]), name)
