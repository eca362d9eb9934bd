"""Saved models behind MLflow's pyfunc: DataFrame[image, text] in, classes and their probabilities out."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.datasets.loading.images import decode
from cma_clip.classifier import Classifier
from cma_clip.types import Example, ExampleList, Predictions

if TYPE_CHECKING:
    import pandas as pd
    from PIL import Image

COLUMNS = ("image", "text")


class Served:
    """What `mlflow.pyfunc.load_model(uri)` calls."""

    def __init__(self, classifier: Classifier):
        self.classifier = classifier

    def predict(self, frame: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Columns `image` (file path or encoded bytes) and `text`; None and NaN are missing, as is an empty text.

        Returns per task `<task>` (class name) and `<task>_probability` in [0, 1], with the index of the input.

        Raises:
            ValueError: a column that is not there; a row with neither modality, or with a value of another
                type (names the row, counted from 0).
            DataError: an image that cannot be decoded; names the row.
        """
        import pandas as pd

        predictions = self.predictions(frame)
        columns: dict[str, Any] = {}
        for task in self.classifier.tasks:
            probabilities = predictions.probabilities[task.name]
            columns[task.name] = [task.classes[best] for best in probabilities.argmax(axis=1)]
            columns[f"{task.name}_probability"] = probabilities.max(axis=1)
        return pd.DataFrame(columns, index=frame.index)

    def predictions(self, frame: pd.DataFrame) -> Predictions:
        """The probabilities of every class; takes and raises what `predict` does."""
        missing = [name for name in COLUMNS if name not in frame.columns]
        if missing:
            raise ValueError(f"the input needs columns image and text; missing: {', '.join(missing)}")
        rows = zip(frame["image"], frame["text"], strict=True)
        return self.classifier.predict(
            ExampleList([_example(number, image, text) for number, (image, text) in enumerate(rows)])
        )


def _load_pyfunc(path: str) -> Served:
    """MLflow's entry point."""
    from benchmarks.models import load

    return Served(load(Path(path)))


def requirements() -> list[str]:
    """What serving needs beside this project itself; stated, since inferring it takes minutes."""
    return [f"{name}=={version(name)}" for name in ("torch", "torchvision", "open_clip_torch", "lightning")]


def _example(number: int, image: object, text: object) -> Example:
    origin = f"row {number}"
    picture, words = _picture(image, origin), _words(text, origin)
    if picture is None and words is None:
        raise ValueError(f"{origin} has neither an image nor a text")
    return Example(id=str(number), group=str(number), image=picture, text=words)


def _picture(image: object, origin: str) -> Image.Image | None:
    if _is_missing(image):
        return None
    if isinstance(image, bytes | bytearray):
        return decode(bytes(image), origin)
    if isinstance(image, str | Path):
        return decode(Path(image), origin)
    raise ValueError(f"{origin}: an image is a file path or encoded bytes, found {type(image).__name__}")


def _words(text: object, origin: str) -> str | None:
    if _is_missing(text):
        return None
    if isinstance(text, str):
        return text
    raise ValueError(f"{origin}: a text is a string, found {type(text).__name__}: {text!r}")


def _is_missing(value: Any) -> bool:  # noqa: ANN401 - whatever a user's DataFrame holds
    """An empty string, and whatever pandas calls missing."""
    import pandas as pd

    return value == "" if isinstance(value, str) else pd.api.types.is_scalar(value) and bool(pd.isna(value))
