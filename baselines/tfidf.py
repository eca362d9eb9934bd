"""TF-IDF and logistic regression: what titles tell by their words alone. Hard to beat on shop titles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from pydantic import Field
from sklearn.feature_extraction.text import TfidfVectorizer

from baselines.logistic import check_saved, fit_logistic, predict_logistic
from cma_clip.callbacks import Report, Trial, silent
from cma_clip.classifier import JSON, Arrays, Classifier, ClassifierConfig
from cma_clip.types import Examples, Modality, Predictions
from cma_clip.version import Version

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

    version = Version(1)
    Config: ClassVar[type[ClassifierConfig]] = TfidfConfig
    values_file: ClassVar[str] = "tfidf.json"
    arrays_file: ClassVar[str | None] = "tfidf.safetensors"
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
        return Predictions.of(self.tasks, examples, predict_logistic(features, self.arrays, self.tasks))

    @property
    def modalities(self) -> frozenset[Modality]:
        """Texts."""
        return frozenset(("text",))

    def state(self) -> tuple[dict[str, JSON], Arrays]:
        """The vocabulary, its weights and those of the classes."""
        words: JSON = {word: int(column) for word, column in self.vectoriser.vocabulary_.items()}
        return {"vocabulary": words}, {**self.arrays, "idf": self.vectoriser.idf_.astype(np.float64)}

    def restore(self, values: Mapping[str, Any], arrays: Arrays) -> None:
        """The inverse of `state`."""
        check_saved(arrays, self.tasks, len(values["vocabulary"]), ("idf",))
        self.vectoriser = self._new_vectoriser(values["vocabulary"])
        self.vectoriser.idf_ = arrays["idf"]
        self.arrays = {name: array for name, array in arrays.items() if name != "idf"}

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
