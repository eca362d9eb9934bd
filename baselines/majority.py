"""The floor: always the class shares of the training split."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from cma_clip.callbacks import Report, silent
from cma_clip.classifier import JSON, Arrays, Classifier
from cma_clip.priors import class_shares
from cma_clip.types import Examples, Modality, Predictions
from cma_clip.version import Version


class Majority(Classifier):
    """Looks at nothing; every example gets the shares of the classes among the labelled training rows."""

    version = Version(1)
    values_file: ClassVar[str] = "majority.json"
    shares: dict[str, npt.NDArray[np.float32]]

    def fit(self, train: Examples, val: Examples, report: Report = silent) -> None:
        """Count."""
        self.shares = {t.name: class_shares(train.labels(t.name), len(t.classes)) for t in self.tasks}

    def predict(self, examples: Examples) -> Predictions:
        """The same row for every example."""
        probabilities = {name: np.tile(shares, (len(examples), 1)) for name, shares in self.shares.items()}
        return Predictions.of(self.tasks, examples, probabilities)

    @property
    def modalities(self) -> frozenset[Modality]:
        """None: it looks at nothing."""
        return frozenset()

    def state(self) -> tuple[dict[str, JSON], Arrays]:
        """The shares."""
        return {"shares": {name: shares.tolist() for name, shares in self.shares.items()}}, {}

    def restore(self, values: Mapping[str, Any], arrays: Arrays) -> None:
        """The inverse of `state`."""
        self.shares = {name: np.array(shares, dtype=np.float32) for name, shares in values["shares"].items()}
