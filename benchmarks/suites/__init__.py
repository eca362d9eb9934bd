"""Named lists of experiments. Imports no torch."""

from benchmarks.suites.order import FLOORS, MODEL_ORDER, NETWORKS
from benchmarks.suites.registry import SUITES
from benchmarks.suites.selection import select, with_data
from benchmarks.suites.suite import Suite, experiments, hparams_of

__all__ = [
    "FLOORS",
    "MODEL_ORDER",
    "NETWORKS",
    "SUITES",
    "Suite",
    "experiments",
    "hparams_of",
    "select",
    "with_data",
]
