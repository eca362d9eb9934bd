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
    unconverged: list[JSON]

    def fit(self, train: Examples, val: Examples, report: Report = silent) -> None:
        """Vocabulary and weights from the training split; the validation split is not needed.

        Without a word that occurs often enough, what is learnt are the shares of the classes.
        """
        self._learn(self._words(train), train)

    def predict(self, examples: Examples) -> Predictions:
        """Softmax over the classes of each task."""
        features = self._features(examples)
        return Predictions.of(self.tasks, examples, predict_logistic(features, self.arrays, self.tasks))

    def _words(self, train: Examples) -> Any:  # noqa: ANN401 - sparse, N x D
        """Learn the vocabulary and its weights; returns what it says of the training split."""
        texts = _texts(train)
        self.vectoriser = self._new_vectoriser()
        try:
            return self.vectoriser.fit_transform(texts)
        except ValueError:  # scikit-learn's way to say that there is none
            self.vectoriser = self._new_vectoriser(NO_WORDS)
            return self.vectoriser.fit_transform(texts)

    def _learn(self, features: Any, train: Examples) -> None:  # noqa: ANN401
        self.arrays, self.unconverged = fit_logistic(features, train, self.tasks, self.config.C, self.config.max_iter)

    def _features(self, examples: Examples) -> Any:  # noqa: ANN401 - sparse, N x D
        return self.vectoriser.transform(_texts(examples))

    @property
    def modalities(self) -> frozenset[Modality]:
        """Texts."""
        return frozenset(("text",))

    def state(self) -> tuple[dict[str, JSON], Arrays]:
        """The vocabulary, its weights and those of the classes."""
        words: JSON = {word: int(column) for word, column in self.vectoriser.vocabulary_.items()}
        return {"vocabulary": words, "unconverged": self.unconverged}, {
            **self.arrays,
            "idf": self.vectoriser.idf_.astype(np.float64),
        }

    def restore(self, values: Mapping[str, Any], arrays: Arrays) -> None:
        """The inverse of `state`."""
        words = len(values["vocabulary"])
        check_saved(arrays, self.tasks, words, {"idf": words})
        self._restore_words(values, arrays)

    def _restore_words(self, values: Mapping[str, Any], arrays: Arrays) -> None:
        self.vectoriser = self._new_vectoriser(values["vocabulary"])
        self.vectoriser.idf_ = arrays["idf"]
        self.arrays = {name: array for name, array in arrays.items() if name != "idf"}
        self.unconverged = values.get("unconverged", [])

    def facts(self) -> dict[str, JSON]:
        """Size of the model, and tasks whose regression had not converged."""
        size = sum(int(array.size) for array in self.arrays.values())
        return {"trainable_parameters": size, "unconverged": self.unconverged}

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
