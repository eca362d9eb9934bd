"""Saved models behind MLflow's pyfunc: DataFrame[image, text] in, classes and their probabilities out."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.datasets.images import decode
from cma_clip.classifier import Classifier
from cma_clip.types import Example, ExampleList

if TYPE_CHECKING:
    import pandas as pd


class Served:
    """What `mlflow.pyfunc.load_model(uri)` calls."""

    def __init__(self, classifier: Classifier):
        self.classifier = classifier

    def predict(self, frame: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Columns `image` (file path, encoded bytes or missing) and `text` (or missing).

        Returns per task `<task>` (class name) and `<task>_probability`.

        Raises:
            ValueError: a row with neither, a column that is not there.
            DataError: an image that cannot be decoded; names the row.
        """
        import pandas as pd

        unknown = {"image", "text"} - set(frame.columns)
        if unknown:
            raise ValueError(f"the input needs columns image and text; missing: {', '.join(sorted(unknown))}")
        examples = [_example(number, row) for number, row in enumerate(frame.to_dict("records"))]
        predictions = self.classifier.predict(ExampleList(examples))
        columns: dict[str, Any] = {}
        for task in self.classifier.tasks:
            probabilities = predictions.probabilities[task.name]
            columns[task.name] = [task.classes[best] for best in probabilities.argmax(axis=1)]
            columns[f"{task.name}_probability"] = probabilities.max(axis=1)
        return pd.DataFrame(columns, index=frame.index)


def _load_pyfunc(path: str) -> Served:
    """MLflow's entry point."""
    from benchmarks.models import load

    return Served(load(Path(path)))


def _example(number: int, row: dict[Any, Any]) -> Example:
    image, text = _given(row["image"]), _given(row["text"])
    if image is None and text is None:
        raise ValueError(f"row {number} has neither an image nor a text")
    origin = f"row {number}"
    picture = None if image is None else decode(image if isinstance(image, bytes) else Path(str(image)), origin)
    return Example(str(number), str(number), picture, None if text is None else str(text))


def _given(value: object) -> object | None:
    """None for everything a DataFrame may say for missing."""
    import pandas as pd

    return None if value is None or value is pd.NA or value != value or value == "" else value  # noqa: PLR0124


def signature() -> Any:  # noqa: ANN401 - mlflow's own
    """Input columns for the UI; outputs depend on the tasks."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema
    from mlflow.types.schema import AnyType

    columns = [ColSpec(AnyType(), "image", required=False), ColSpec("string", "text", required=False)]
    return ModelSignature(inputs=Schema(columns))


def requirements() -> list[str]:
    """What serving needs beside this project itself; stated, since inferring it takes minutes."""
    return [f"{name}=={version(name)}" for name in ("torch", "torchvision", "open_clip_torch", "lightning")]
