"""Where models that were logged to MLflow before `benchmarks.serving` look for their loader; do not remove."""

from benchmarks.serving.pyfunc import _load_pyfunc

__all__ = ["_load_pyfunc"]
