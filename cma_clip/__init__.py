"""CMA-CLIP and the types and contract it shares with its baselines. Importing this imports nothing heavy.

`load_model` is the public door to a model that the benchmark saved; what it opens stands in `benchmarks.serving`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmarks.serving import load_model
    from cma_clip.classifier import Classifier, ClassifierConfig, Workspace
    from cma_clip.examples import ExampleList
    from cma_clip.model import CMAClip, CMAClipConfig
    from cma_clip.types import IGNORE, Example, Examples, Predictions, Task

__version__ = "0.1.0"

__all__ = [
    "IGNORE",
    "CMAClip",
    "CMAClipConfig",
    "Classifier",
    "ClassifierConfig",
    "Example",
    "ExampleList",
    "Examples",
    "Predictions",
    "Task",
    "Workspace",
    "__version__",
    "load_model",
]

HOMES = {
    "load_model": "benchmarks.serving",
    "ExampleList": "cma_clip.examples",
    **dict.fromkeys(("CMAClip", "CMAClipConfig"), "cma_clip.model"),
    **dict.fromkeys(("Classifier", "ClassifierConfig", "Workspace"), "cma_clip.classifier"),
    **dict.fromkeys(("IGNORE", "Example", "Examples", "Predictions", "Task"), "cma_clip.types"),
}
"""Name -> the module that has it; torch, pandas and the rest are imported with the first name that needs them."""


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any attribute of a module
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if HOMES[name].startswith("benchmarks"):
        from cma_clip.entry import refuse_strangers

        refuse_strangers()
    return getattr(import_module(HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
