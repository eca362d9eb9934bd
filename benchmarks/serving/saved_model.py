"""A model with its thresholds and its record, as it was saved, and what it says of a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks import models
from benchmarks.datasets.manifest import PhotoFolder
from benchmarks.names import choose
from benchmarks.records.record import Record
from benchmarks.serving.answers import NOTHING, Answered, TaskAnswers
from benchmarks.serving.inputs import Inputs, find_inputs, options_of
from benchmarks.serving.rows import Rows
from cma_clip.answering import Answering, Point
from cma_clip.answering.answering import DECIMALS
from cma_clip.classifier import Classifier
from cma_clip.places.copies import local_folder
from cma_clip.places.urls import place
from cma_clip.types import Predictions, Task

CHUNK = 256
"""Rows whose small photos and features are in memory at a time: 150 MB at 224 pixels and ViT-B's widths."""

PRECISION = 0.9

NO_THRESHOLDS = "the model was saved without thresholds: train it again to have answers filled"


@dataclass(frozen=True)
class SavedModel:
    """Answers tables. `predict` does all at once; `rows` and `answer` are its two halves, for chunks of a long table.

    Attributes:
        classifier: the model.
        answering: thresholds and temperatures from validation; None for a model saved before there were any.
        record: on what it was trained, and how good it is; None likewise.
    """

    classifier: Classifier
    answering: Answering | None = None
    record: Record | None = None

    def predict(
        self,
        frame: pd.DataFrame,
        precision: float = PRECISION,
        *,
        tasks: Sequence[str] | None = None,
        text: str | None = None,
        image: str | None = None,
        images: str | Path | PhotoFolder | None = None,
    ) -> pd.DataFrame:
        """The table with its empty cells filled where the precision is promised, and what the model says of each row.

        All columns stay, in their order, with the index. Of each task, cells with a value stay and empty ones are
        filled where the model answers; a task that is no column yet becomes one. After them come, for each task:

        - `<task>_suggested`: the class, for every row with evidence;
        - `<task>_confidence`: its calibrated probability;
        - `<task>_decision`: `kept` (the cell had a value), `filled`, `review` (below the threshold, or no threshold
          promises the precision), `no evidence` (the row has nothing that the model reads);
        - `<task>_text_weight`, `<task>_photo_weight`: in [0, 1], of models with modality weights;

        and `problem`: why a row has no evidence or less than it could. A name that is taken gets `_2`, `_3` ...;
        `attrs["notes"]` says so. A broken photo or another odd cell never stops the table.

        Args:
            frame: the table. A photo is a path, bytes, base64 text, an array UInt8[H W 3] or a PIL image.
            precision: the share of filled cells that has to be right, above 0 and below 1.
            tasks: those to answer; all by default.
            text: the column of the texts; by default the one in the table that the model was trained on, or `text`.
            image: the column of the photos, likewise; `image`.
            images: the folder of the photos. Paths are seen from it, names that differ in case or lie deeper are found
                too, and nothing outside is read. Without it, paths are followed to the letter, wherever they lead: from
                the folder of the training if it is here, or from the current one. Chunks of one table may share a
                `PhotoFolder`, which remembers what it found.

        Raises:
            ValueError: a precision out of range, an unknown task or column, no column that the model reads.
            TypeError: no DataFrame.
        """
        chosen, inputs = self._tasks(tasks, precision), self._inputs(frame, (text, image), images)
        chunks = (frame.iloc[start : start + CHUNK] for start in range(0, max(1, len(frame)), CHUNK))
        parts = [self._answered(Rows(chunk, inputs, self.classifier), precision, chosen) for chunk in chunks]
        return self._beside(frame, Answered.joined(parts))

    def rows(
        self,
        frame: pd.DataFrame,
        *,
        text: str | None = None,
        image: str | None = None,
        images: str | Path | PhotoFolder | None = None,
    ) -> Rows:
        """Some rows of a table as the model reads them; nothing is decoded yet. `Rows.prepare` may run ahead.

        The columns and the folder are those of `predict`.

        Raises:
            ValueError: as `predict`.
        """
        return Rows(frame, self._inputs(frame, (text, image), images), self.classifier)

    def answer(self, rows: Rows, precision: float = PRECISION, *, tasks: Sequence[str] | None = None) -> pd.DataFrame:
        """What `predict` gives, of these rows; all of them are in memory at once.

        Raises:
            ValueError: as `predict`.
        """
        return self._beside(rows.frame, self._answered(rows, precision, self._tasks(tasks, precision)))

    def promise(self, task: str, precision: float) -> Point | None:
        """The threshold of a task for a precision, with its validation counts; None where none can promise it.

        Raises:
            ValueError: an unknown task, a precision out of range.
        """
        self._tasks([task], precision)
        return None if self.answering is None else self.answering.promise(task, precision)

    def _inputs(
        self, frame: pd.DataFrame, named: tuple[str | None, str | None], images: str | Path | PhotoFolder | None
    ) -> Inputs:
        if not isinstance(frame, pd.DataFrame):
            raise TypeError(f"a table is a pandas DataFrame, found {type(frame).__name__}")
        return find_inputs(frame, self.classifier.modalities, options_of(self.record), named, images)

    def _tasks(self, names: Sequence[str] | None, precision: float) -> list[Task]:
        if not 0 < precision < 1:
            raise ValueError(f"a precision lies above 0 and below 1: {precision}")
        if isinstance(names, str):
            names = [names]
        known = {task.name: task for task in self.classifier.tasks}
        return [known[choose(name, known, "task")] for name in dict.fromkeys(known if names is None else names)]

    def _answered(self, rows: Rows, precision: float, tasks: Sequence[Task]) -> Answered:
        if not len(rows):
            nothing = np.zeros(0)
            empty = TaskAnswers(nothing.astype(object), nothing, nothing.astype(np.bool_))
            return Answered({task.name: empty for task in tasks}, [])
        rows.prepare()
        predictions = self.classifier.predict(rows)
        answers = {task.name: self._answer_task(task, predictions, rows, precision) for task in tasks}
        return Answered(answers, rows.problems())

    def _answer_task(self, task: Task, predictions: Predictions, rows: Rows, precision: float) -> TaskAnswers:
        probabilities, evidence = rows.mean(predictions.probabilities[task.name]), rows.evidence()
        if self.answering is None:
            best, confidence = (
                probabilities.argmax(axis=1),
                probabilities.max(axis=1).astype(np.float64).round(DECIMALS),
            )
            answered = np.zeros(len(best), dtype=np.bool_)
        else:
            answers = self.answering.answer(task.name, probabilities, precision)
            best, confidence, answered = answers.suggestion, answers.confidence, answers.answered
        weights = None
        if predictions.modality_weights is not None:
            means = rows.mean(predictions.modality_weights[task.name]).astype(np.float64).round(DECIMALS)
            weights = np.where(evidence[:, None], means, np.nan)
        return TaskAnswers(
            suggested=np.where(evidence, np.array(task.classes, dtype=object)[best], NOTHING),
            confidence=np.where(evidence, confidence, np.nan),
            answered=answered & evidence,
            weights=weights,
        )

    def _beside(self, frame: pd.DataFrame, answered: Answered) -> pd.DataFrame:
        unpromised = NO_THRESHOLDS if self.answering is None else None
        names = [task.name for task in self.classifier.tasks]
        return answered.beside(frame, options_of(self.record).missing, names, unpromised)


def load_model(folder: str | Path) -> SavedModel:
    """The model in a folder `runs/experiments/KEY/model`, which may be at a URL.

    Raises:
        ModelError: the folder holds no saved model, or a damaged one.
    """
    found = local_folder(place(str(folder)))
    return SavedModel(models.load(found), models.load_answering(found), models.load_record(found))
