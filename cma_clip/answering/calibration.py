"""Temperature scaling (Guo et al. 2017), of probabilities: not every model has logits."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq

from cma_clip.types import IGNORE

COOLEST, HOTTEST = 0.1, 10.0
"""The range of temperatures, our choice. A few rows that are all right would cool without end, all wrong heat so."""

SMALLEST = float(np.finfo(np.float32).eps)
"""A smaller probability counts as this one, as in the log loss: one exact 0 does not decide the temperature."""

FLAT = 1e-6
"""Log-probabilities that differ by less, the noise of float32, are one constant, which no temperature changes."""

Array = npt.NDArray[np.float64]


def temperature(probabilities: npt.NDArray[np.floating], labels: npt.NDArray[np.int64]) -> float:
    """The temperature of least log loss on rows Float[N C] with labels Int[N], to four decimals.

    Rows labelled IGNORE do not count. 1 where nothing can be learned: no label, or the same probability for every
    class. Otherwise from COOLEST (underconfident) to HOTTEST (overconfident).
    """
    known = labels != IGNORE
    logits, truth = _logits(probabilities[known]), labels[known]
    if not len(truth) or np.ptp(logits, axis=1).max() < FLAT:
        return 1.0
    own = logits[np.arange(len(truth)), truth].sum()

    def slope(inverse: float) -> float:
        """Of the log loss in the inverse temperature; rises, because the loss is convex in it."""
        return float((_softmax(logits * inverse) * logits).sum() - own)

    hottest, coolest = 1 / HOTTEST, 1 / COOLEST
    if slope(hottest) >= 0:
        return HOTTEST
    if slope(coolest) <= 0:
        return COOLEST
    return round(1 / brentq(slope, hottest, coolest), 4)


def calibrated(probabilities: npt.NDArray[np.floating], temperature: float) -> Array:
    """softmax(log p / T) of rows Float[N C]. Their order inside a row stays, and with it the accuracy."""
    return _softmax(_logits(probabilities) / temperature)


def _logits(probabilities: npt.NDArray[np.floating]) -> Array:
    return np.log(np.clip(probabilities.astype(np.float64), SMALLEST, 1.0))


def _softmax(logits: Array) -> Array:
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))
