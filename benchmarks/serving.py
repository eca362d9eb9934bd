"""Where models that were logged to MLflow before `benchmarks.tracking.pyfunc` look for their loader; do not remove."""

from benchmarks.tracking.pyfunc import _load_pyfunc

__all__ = ["_load_pyfunc"]
