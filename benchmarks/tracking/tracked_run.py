"""One experiment as an MLflow run."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.datasets.loading.splits import Splits
from benchmarks.models import CARD_FILE
from benchmarks.records.record import CLEAN, MEAN, Record
from benchmarks.tracking.connection import Connection
from benchmarks.tracking.names import mlflow_name, model_name
from benchmarks.tracking.view import SUMMARY
from cma_clip.places.copies import local_folder

if TYPE_CHECKING:
    import pandas as pd

TEST = "test"
"""What the clean test split is called here."""

NOTE = "mlflow.note.content"
"""Tag that the UI shows as a description, of a run or a model."""

LONGEST_VALUE = 6000
"""Characters of a parameter's value; MLflow refuses more."""

LONGEST_NOTE = 8000
"""Characters of a tag's value; MLflow refuses more. The whole card is among the model's files."""

MOST_METRICS = 1000
"""Metrics in one request; MLflow refuses more."""


class TrackedRun:
    """What an experiment tells of itself while it runs. Without a run of MLflow nothing is kept of it."""

    def __init__(self, connection: Connection, run_id: str | None = None, name: str = ""):
        self.connection, self.client, self.run_id, self.name = connection, connection.client, run_id, name
        self._logged_epochs: set[int] = set()

    def log_epoch(self, epoch: int, values: Mapping[str, float]) -> None:
        """Metrics of a finished epoch; the epoch is the step."""
        if self.run_id and epoch not in self._logged_epochs:
            self.connection.attempt(lambda: self.log_metrics(values, epoch))

    def log_data(self, splits: Splits, options: Mapping[str, Any]) -> None:
        """The data set as an input of the run: name, content hash, sizes, classes and options; not the data."""
        if self.run_id:
            self.connection.attempt(lambda: self._log_input(splits, options))

    def log_record(self, record: Record) -> None:
        """Its metrics and seconds, and the record as an artifact.

        Metrics of the clean test split are test/<task>/<metric>, those under noise <condition>/<task>/<metric>; beside
        them stand those of `view.SUMMARY`.
        """
        if self.run_id:
            self.connection.attempt(lambda: self._log_record(record))

    def log_metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """By name, in as few requests as MLflow takes; for use in an attempt."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        metrics = [Metric(mlflow_name(name), float(value), now, step) for name, value in values.items()]
        for start in range(0, len(metrics), MOST_METRICS):
            self.client.log_batch(self.run_id, metrics=metrics[start : start + MOST_METRICS])

    def log_trial(self, state: str, score: float | None) -> None:
        """How a trial of a study ended, as a tag, and its validation score as `score` if it has one."""
        if self.run_id:
            self.connection.attempt(lambda: self._log_trial(state, score))

    def log_model(self, folder: Path) -> None:
        """The model saved in `folder`, under the run's name, as a pyfunc without pickle.

        Loading it needs this project installed.
        """
        if self.run_id:
            self.connection.attempt(lambda: self._log_pyfunc(folder))

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Hyper-parameters and options; logging the same again changes nothing."""
        from mlflow.entities import Param

        logged = [Param(mlflow_name(name), str(value)[:LONGEST_VALUE]) for name, value in params.items()]
        self.client.log_batch(self.run_id, params=logged)

    def find_logged_epochs(self) -> None:
        """What a killed process had logged: an epoch that is trained again is not drawn twice."""
        self._logged_epochs = {metric.step for metric in self.client.get_metric_history(self.run_id, "val/score")}

    def _log_record(self, record: Record) -> None:
        values = {
            f"{TEST if condition == CLEAN else condition}/{task}/{metric}": estimate.value
            for condition, tasks in record.metrics.items()
            for task, metrics in tasks.items()
            for metric, estimate in metrics.items()
        }
        seconds = {f"seconds/{stage}": value for stage, value in record.seconds.items()}
        self.log_metrics({**values, **seconds, **_summary(record)})
        self.client.log_text(self.run_id, record.model_dump_json(indent=1), "record.json")

    def _log_trial(self, state: str, score: float | None) -> None:
        self.client.set_tag(self.run_id, "state", state)
        if score is not None:
            self.log_metrics({"score": score}, 0)

    def _log_input(self, splits: Splits, options: Mapping[str, Any]) -> None:
        from mlflow.entities import Dataset, DatasetInput, InputTag

        columns = {"image": "binary", "text": "string"}
        columns |= {task.name: f"{len(task.classes)} classes" for task in splits.tasks}
        dataset = Dataset(
            name=splits.name,
            digest=splits.fingerprint[:36],
            source_type="cma-clip-bench",
            source=json.dumps({"source": splits.card.source, "options": dict(options)}),
            profile=json.dumps({part: len(examples) for part, examples in splits.parts().items()}),
            schema=json.dumps({"mlflow_colspec": [{"name": n, "type": t} for n, t in columns.items()]}),
        )
        inputs = [DatasetInput(dataset, tags=[InputTag("mlflow.data.context", "train, val, test")])]
        self.client.log_inputs(self.run_id, inputs)

    def _log_pyfunc(self, saved: Path) -> None:
        import mlflow

        from benchmarks.serving.pyfunc import Served, example, requirements
        from benchmarks.serving.saved_model import PRECISION, load_model

        folder = local_folder(saved)
        mlflow.set_tracking_uri(self.connection.uri)
        served = Served(load_model(folder))
        answers = served.predict(example())
        with mlflow.start_run(run_id=self.run_id):
            mlflow.pyfunc.log_model(
                name=model_name(self.name),
                loader_module="benchmarks.serving",
                data_path=str(folder),
                signature=_signature(answers, served.columns()),
                input_example=(example(), {"precision": PRECISION}),
                pip_requirements=requirements(),
                tags=_description(folder),
            )


def _summary(record: Record) -> dict[str, float]:
    """SUMMARY, as far as the record has it."""
    means = record.metrics.get(CLEAN, {}).get(MEAN, {})
    found = [means.get("accuracy"), means.get("answered_at_90_precision")]
    values = [*(None if one is None else one.value for one in found), record.seconds.get("fit")]
    return {name: value for name, value in zip(SUMMARY, values, strict=True) if value is not None}


def _description(folder: Path) -> dict[str, str]:
    """The model's card, as the UI's description of a logged model; none for a model saved before there were cards."""
    card = folder / CARD_FILE
    return {NOTE: card.read_text(encoding="utf-8")[:LONGEST_NOTE]} if card.is_file() else {}


def _signature(answers: pd.DataFrame, own: Iterable[str]) -> Any:  # noqa: ANN401 - mlflow's own
    """Columns of a request and of an answer like the one given; any may be missing.

    MLflow drops columns that are not named here: so are those of the table that the model was trained on.
    """
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema
    from mlflow.types.schema import AnyType
    from pandas.api.types import is_float_dtype

    from benchmarks.serving.saved_model import PRECISION

    inputs = [ColSpec("string", "text", required=False), ColSpec(AnyType(), "image", required=False)]
    inputs += [ColSpec(AnyType(), name, required=False) for name in own if name not in ("text", "image")]
    kinds = {name: "double" if is_float_dtype(answers[name]) else "string" for name in answers}
    outputs = [ColSpec(kind, name, required=False) for name, kind in kinds.items()]
    return ModelSignature(Schema(inputs), Schema(outputs), ParamSchema([ParamSpec("precision", "double", PRECISION)]))
