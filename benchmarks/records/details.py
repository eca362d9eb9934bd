"""How a task of the clean test split was answered, row by row and class by class: what metrics sum up."""

from __future__ import annotations

import base64
import zlib
from typing import TYPE_CHECKING, Self

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Counts = npt.NDArray[np.int64]

BINS = 15
"""Of equal width over the confidences, (low, high], as in the expected calibration error."""


class Mistake(BaseModel):
    """A wrong answer.

    Attributes:
        text: of the example, shortened; empty without one.
        confidence: the probability of the answer, uncalibrated.
        photo: data URI of a JPEG of at most 64 pixels a side; empty where there is none, or the data set's card does
            not allow copies.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    text: str
    label: str
    answer: str
    confidence: float
    photo: str = ""


class Details(BaseModel):
    """One task of one model.

    Attributes:
        classes: their names.
        confusions: base64 of the deflated Int32[K 3], rows of (label, answer, examples); pairs that never occurred are
            left out, right answers are not.
        reliability: for every bin of BINS that holds an example (examples, mean confidence, share of right answers),
            by rising confidence.
        mistakes: the most confident first; of seed 0 only.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    classes: tuple[str, ...]
    confusions: str
    reliability: tuple[tuple[int, float, float], ...]
    mistakes: tuple[Mistake, ...] = ()

    @classmethod
    def of(
        cls,
        classes: tuple[str, ...],
        labels: Counts,
        probabilities: npt.NDArray[np.floating],
        mistakes: tuple[Mistake, ...] = (),
    ) -> Self:
        """Of labels Int[N], all known, and probabilities Float[N C]."""
        import numpy as np

        answers = probabilities.argmax(1)
        pairs, counts = np.unique(np.stack([labels, answers], axis=1), axis=0, return_counts=True)
        packed = zlib.compress(np.column_stack([pairs, counts]).astype("<i4").tobytes(), 9)
        return cls(
            classes=classes,
            confusions=base64.b64encode(packed).decode(),
            reliability=_reliability(probabilities.max(1), answers == labels),
            mistakes=mistakes,
        )

    def counts(self) -> Counts:
        """Int[K 3]: (label, answer, examples)."""
        import numpy as np

        flat = np.frombuffer(zlib.decompress(base64.b64decode(self.confusions)), dtype="<i4")
        return flat.reshape(-1, 3).astype(np.int64)


def _reliability(
    confidence: npt.NDArray[np.floating], right: npt.NDArray[np.bool_]
) -> tuple[tuple[int, float, float], ...]:
    import numpy as np

    bins = np.clip(np.ceil(confidence.astype(np.float64) * BINS).astype(np.int64) - 1, 0, BINS - 1)
    members = [bins == number for number in np.unique(bins)]
    return tuple(
        (int(own.sum()), round(float(confidence[own].mean()), 6), round(float(right[own].mean()), 6)) for own in members
    )
