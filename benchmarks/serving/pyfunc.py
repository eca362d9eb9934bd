"""Saved models behind MLflow's pyfunc: a DataFrame of texts and photos in, the answers to its rows out."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import pandas as pd
from PIL import Image

from benchmarks.serving.inputs import options_of
from benchmarks.serving.saved_model import PRECISION, SavedModel, load_model

NEEDED = (
    "cma-clip-bench",
    "torch", "torchvision", "open_clip_torch", "timm", "lightning", "safetensors", "pyarrow", "filelock", "numpy",
    "pillow", "scikit-learn", "scipy", "pandas", "huggingface_hub", "pydantic", "tqdm",
)  # fmt: skip
"""What loading a model and predicting with it imports. This project itself is on no index: where it is not installed,
MLflow names it as what is missing."""


class Served:
    """What `mlflow.pyfunc.load_model(uri)` calls."""

    def __init__(self, model: SavedModel):
        self.model = model

    def columns(self) -> list[str]:
        """Of the table that the model was trained on: its text and photo, and the tasks, whose values are kept."""
        options = options_of(self.model.record)
        tasks = [task.name for task in self.model.classifier.tasks]
        return list(dict.fromkeys(name for name in (options.text, options.image, *tasks) if name is not None))

    def predict(self, frame: pd.DataFrame, params: Mapping[str, Any] | None = None) -> pd.DataFrame:
        """The columns that `SavedModel.predict` adds to a table; those of the table itself are not sent back.

        `image` and `text` are the columns, or those of the table that the model was trained on; a photo is a path (as
        the process that serves sees it), base64 or bytes. What is missing is None, NaN being no JSON. Of `params`,
        `precision` counts.

        Raises:
            ValueError: as `SavedModel.predict`.
        """
        precision = float((params or {}).get("precision", PRECISION))
        text, image = (name if name in frame.columns else None for name in ("text", "image"))
        answers = self.model.predict(frame, precision, text=text, image=image).iloc[:, len(frame.columns) :]
        without = {str(name): answers[name].astype(object) for name in answers if answers[name].isna().any()}
        return answers.assign(**{name: cells.where(cells.notna(), None) for name, cells in without.items()})


def example() -> pd.DataFrame:
    """What a request may look like: a title, and a photo of one pixel as base64."""
    file = io.BytesIO()
    Image.new("RGB", (1, 1), "red").save(file, "PNG")
    return pd.DataFrame({"text": ["Red striped dress"], "image": [base64.b64encode(file.getvalue()).decode()]})


def _load_pyfunc(path: str) -> Served:
    """MLflow's entry point."""
    return Served(load_model(path))


def requirements() -> list[str]:
    """What serving needs; stated, since inferring it takes minutes."""
    return [f"{name}=={version(name)}" for name in NEEDED]
