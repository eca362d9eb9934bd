"""A saved model answers a table: one implementation behind `fill`, `predict`, MLflow's pyfunc and Python.

MLflow finds the loader of its models by this module's name.
"""

from benchmarks.serving.pyfunc import _load_pyfunc
from benchmarks.serving.rows import Rows
from benchmarks.serving.saved_model import SavedModel, load_model

__all__ = ["Rows", "SavedModel", "_load_pyfunc", "load_model"]
