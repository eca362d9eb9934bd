"""TF-IDF and logistic regression: what titles tell by their words alone. Hard to beat on shop titles."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from pydantic import Field
from safetensors.numpy import load_file, save_file
from sklearn.feature_extraction.text import TfidfVectorizer

from baselines.logistic import Arrays, fit_logistic, predict_logistic
from cma_clip.classifier import JSON, Classifier, ClassifierConfig, Report, Trial, Workspace, silent
from cma_clip.types import Examples, Predictions, Task

NO_WORDS = {"": 0}
"""A vocabulary that no text has a word of."""


class TfidfConfig(ClassifierConfig):
    """Words and pairs of words; C is the inverse strength of the L2 penalty."""

    C: float = Field(10.0, gt=0)
    ngrams: int = Field(2, ge=1, le=3)
    min_count: int = Field(1, ge=1)
    max_iter: int = Field(200, ge=1)


class TfidfLogistic(Classifier):
    """Reads texts only; a missing text is an empty one and leaves the class biases."""

    Config: ClassVar[type[ClassifierConfig]] = TfidfConfig
    config: TfidfConfig
    vectoriser: TfidfVectorizer
    arrays: Arrays

    def fit(self, train: Examples, val: Examples, report: Report = silent) -> None:
        """Vocabulary and weights from the training split; the validation split is not needed.

        Without a word that occurs often enough, what is learnt are the shares of the classes.
        """
        self.vectoriser = self._new_vectoriser()
        texts = _texts(train)
        try:
            features = self.vectoriser.fit_transform(texts)
        except ValueError:  # scikit-learn's way to say that there is none
            self.vectoriser = self._new_vectoriser(NO_WORDS)
            features = self.vectoriser.fit_transform(texts)
        self.arrays = fit_logistic(features, train, self.tasks, self.config.C, self.config.max_iter)

    def predict(self, examples: Examples) -> Predictions:
        """Softmax over the classes of each task."""
        features = self.vectoriser.transform(_texts(examples))
        labels = {task.name: examples.labels(task.name) for task in self.tasks}
        return Predictions(examples.ids(), labels, predict_logistic(features, self.arrays, self.tasks))

    def save(self, folder: Path) -> None:
        """Vocabulary as JSON, everything else as safetensors."""
        folder.mkdir(parents=True, exist_ok=True)
        save_file({**self.arrays, "idf": self.vectoriser.idf_.astype(np.float64)}, folder / "tfidf.safetensors")
        words = {word: int(column) for word, column in self.vectoriser.vocabulary_.items()}
        saved = {
            "tasks": [task.as_json() for task in self.tasks],
            "config": self.config.model_dump(mode="json"),
            "seed": self.seed,
            "vocabulary": words,
        }
        (folder / "tfidf.json").write_text(json.dumps(saved))

    @classmethod
    def load(cls, folder: Path, workspace: Workspace | None = None) -> Self:
        """The inverse of `save`."""
        saved = json.loads((folder / "tfidf.json").read_text())
        tasks = [Task.from_json(task) for task in saved["tasks"]]
        model = cls(tasks, TfidfConfig.model_validate(saved["config"]), saved["seed"], workspace)
        model.arrays = load_file(folder / "tfidf.safetensors")
        model.vectoriser = model._new_vectoriser(saved["vocabulary"])
        model.vectoriser.idf_ = model.arrays.pop("idf")
        return model

    def facts(self) -> dict[str, JSON]:
        """Size of the model."""
        return {"trainable_parameters": sum(int(array.size) for array in self.arrays.values())}

    @classmethod
    def search_space(cls, trial: Trial) -> dict[str, JSON]:
        """Penalty and n-grams."""
        return {"C": trial.suggest_float("C", 0.1, 100.0, log=True), "ngrams": trial.suggest_int("ngrams", 1, 3)}

    def _new_vectoriser(self, vocabulary: dict[str, int] | None = None) -> Any:  # noqa: ANN401 - scikit-learn's own
        return TfidfVectorizer(
            ngram_range=(1, self.config.ngrams),
            min_df=self.config.min_count,
            sublinear_tf=True,
            token_pattern=r"(?u)\b\w+\b",
            vocabulary=vocabulary,
        )


def _texts(examples: Examples) -> list[str]:
    return [text or "" for text in examples.texts()]
