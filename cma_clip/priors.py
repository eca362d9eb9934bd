"""How often each class occurs: what a model says that knows nothing else."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cma_clip.types import IGNORE


def class_shares(labels: npt.NDArray[np.int64], num_classes: int) -> npt.NDArray[np.float32]:
    """Int[N] with IGNORE -> Float[C]: share of each class among the labelled rows."""
    counts = np.bincount(labels[labels != IGNORE], minlength=num_classes)
    return np.asarray(counts / counts.sum(), dtype=np.float32)


def inverse_shares(shares: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Float[C] -> Float[C]: weights that make every class count alike, with mean 1 over the classes that occur."""
    weights = np.divide(1, shares, out=np.zeros_like(shares), where=shares > 0)
    return np.asarray(weights / weights[shares > 0].mean(), dtype=np.float32)
