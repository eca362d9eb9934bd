"""The floor: always the class shares of the training split."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from cma_clip.classifier import Classifier, Report, Workspace, silent
from cma_clip.priors import class_shares
from cma_clip.types import Examples, Predictions, Task

FILE = "majority.json"


class Majority(Classifier):
    """Looks at nothing; every example gets the shares of the classes among the labelled training rows."""

    shares: dict[str, npt.NDArray[np.float32]]

    def fit(self, train: Examples, val: Examples, report: Report = silent) -> None:
        """Count."""
        self.shares = {t.name: class_shares(train.labels(t.name), len(t.classes)) for t in self.tasks}

    def predict(self, examples: Examples) -> Predictions:
        """The same row for every example."""
        return Predictions(
            ids=examples.ids(),
            labels={task.name: examples.labels(task.name) for task in self.tasks},
            probabilities={name: np.tile(shares, (len(examples), 1)) for name, shares in self.shares.items()},
        )

    def save(self, folder: Path) -> None:
        """One JSON file."""
        folder.mkdir(parents=True, exist_ok=True)
        saved = {"tasks": [task.as_json() for task in self.tasks], "seed": self.seed}
        saved["shares"] = {name: shares.tolist() for name, shares in self.shares.items()}
        (folder / FILE).write_text(json.dumps(saved))

    @classmethod
    def load(cls, folder: Path, workspace: Workspace | None = None) -> Self:
        """The inverse of `save`."""
        saved = json.loads((folder / FILE).read_text())
        model = cls([Task.from_json(task) for task in saved["tasks"]], None, saved["seed"], workspace)
        model.shares = {name: np.array(shares, dtype=np.float32) for name, shares in saved["shares"].items()}
        return model
