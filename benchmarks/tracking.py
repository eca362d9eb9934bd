"""MLflow: a mirror of what the records say, for comparing in its UI. The only file that imports mlflow.

Tracking that fails costs one warning, never a result. A suite is a parent run, an experiment its child.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar

from benchmarks.datasets.splits import Splits
from benchmarks.experiment import Experiment, Record

T = TypeVar("T")

EXPERIMENT = "cma-clip-bench"
OFF = "off"

QUICK = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ASYNC_LOGGING": "false",
}
"""A dead server must not stall a benchmark; a benchmark does not phone home."""


class TrackingWarning(UserWarning):
    """Tracking has failed and is off for the rest of this process; results are not affected."""


class TrackedRun(Protocol):
    """What an experiment tells of itself while it runs."""

    def log_epoch(self, epoch: int, values: Mapping[str, float]) -> None:
        """Metrics of a finished epoch."""

    def log_data(self, splits: Splits, options: Mapping[str, Any]) -> None:
        """The data set as an input of the run."""

    def log_record(self, record: Record) -> None:
        """Final metrics, and the record itself."""

    def log_model(self, folder: Path) -> None:
        """The trained model, loadable as a pyfunc."""


class Tracker(Protocol):
    """Where a suite's experiments are mirrored."""

    def run(self, experiment: Experiment, key: str, params: Mapping[str, Any]) -> AbstractContextManager[TrackedRun]:
        """The run of one experiment; one that was killed under the same key is continued."""

    def log_outputs(self, suite_dir: Path) -> None:
        """Tables, figures and the report."""


class NoTracker:
    """Tracks nothing."""

    @contextmanager
    def run(self, experiment: Experiment, key: str, params: Mapping[str, Any]) -> Iterator[TrackedRun]:
        """A run that hears nothing."""
        yield _Silent()

    def log_outputs(self, suite_dir: Path) -> None:
        """Nothing."""


class _Silent:
    def log_epoch(self, epoch: int, values: Mapping[str, float]) -> None: ...
    def log_data(self, splits: Splits, options: Mapping[str, Any]) -> None: ...
    def log_record(self, record: Record) -> None: ...
    def log_model(self, folder: Path) -> None: ...


def default_uri(runs_dir: Path) -> str:
    """A sqlite file in the folder of runs."""
    return f"sqlite:///{(runs_dir / 'mlflow.db').absolute()}"


def open_tracker(uri: str, suite: str, runs_dir: Path) -> Tracker:
    """The tracker at an MLflow uri, or one that tracks nothing if it is `off` or out of reach."""
    if uri == OFF:
        return NoTracker()
    for name, value in QUICK.items():
        os.environ.setdefault(name, value)
    runs_dir.mkdir(parents=True, exist_ok=True)
    try:
        return MlflowTracker(uri, suite, runs_dir)
    except Exception as error:
        _warn(uri, error)
        return NoTracker()


class MlflowTracker:
    """Mirrors into one MLflow experiment; goes silent at the first failure."""

    def __init__(self, uri: str, suite: str, runs_dir: Path):
        from mlflow.tracking import MlflowClient

        for name in ("alembic", "mlflow"):  # importing mlflow has set their levels
            logging.getLogger(name).setLevel(logging.ERROR)
        self.uri = uri
        self.client = MlflowClient(tracking_uri=uri)
        self.dead = False
        found = self.client.get_experiment_by_name(EXPERIMENT)
        self.experiment_id: str = found.experiment_id if found else self._create_experiment(runs_dir)
        self.parent: str = self._find_run(f"tags.suite = '{suite}' and tags.kind = 'suite'") or self._create_run(
            f"suite {suite}", {"suite": suite, "kind": "suite"}
        )
        self.suite = suite

    @contextmanager
    def run(self, experiment: Experiment, key: str, params: Mapping[str, Any]) -> Iterator[TrackedRun]:
        """A child run; FINISHED, FAILED or KILLED at its end as the experiment was."""
        run_id = self.attempt(lambda: self._child(experiment, key, params))
        if run_id is None:
            yield _Silent()
            return
        status = "FAILED"
        try:
            yield MlflowRun(self, run_id)
            status = "FINISHED"
        except KeyboardInterrupt:
            status = "KILLED"
            raise
        finally:
            self.attempt(lambda: self.client.set_terminated(run_id, status))

    def log_outputs(self, suite_dir: Path) -> None:
        """Tables, figures and report as artifacts of the parent run, which is then finished."""

        def log() -> None:
            for name in ("tables", "figures"):
                if (suite_dir / name).is_dir():
                    self.client.log_artifacts(self.parent, str(suite_dir / name), name)
            if (suite_dir / "report.html").is_file():
                self.client.log_artifact(self.parent, str(suite_dir / "report.html"))
            self.client.set_terminated(self.parent, "FINISHED")

        self.attempt(log)

    def attempt(self, action: Callable[[], T]) -> T | None:
        """Do it, unless something failed before; a failure is a warning."""
        if self.dead:
            return None
        try:
            return action()
        except Exception as error:
            self.dead = True
            _warn(self.uri, error)
            return None

    def _create_experiment(self, runs_dir: Path) -> str:
        from mlflow.exceptions import MlflowException

        # A server decides itself where artifacts go; a database has no place of its own for them.
        place = None if self.uri.startswith("http") else (runs_dir / "mlartifacts").absolute().as_uri()
        try:
            return str(self.client.create_experiment(EXPERIMENT, artifact_location=place))
        except MlflowException:  # another process was faster
            found = self.client.get_experiment_by_name(EXPERIMENT)
            if found is None:
                raise
            return str(found.experiment_id)

    def _find_run(self, filter_string: str) -> str | None:
        found = self.client.search_runs([self.experiment_id], filter_string, max_results=1)
        return str(found[0].info.run_id) if found else None

    def _create_run(self, name: str, tags: Mapping[str, str]) -> str:
        run = self.client.create_run(self.experiment_id, run_name=name, tags=dict(tags))
        return str(run.info.run_id)

    def _child(self, experiment: Experiment, key: str, params: Mapping[str, Any]) -> str:
        killed = self._find_run(f"tags.key = '{key}' and tags.`mlflow.parentRunId` = '{self.parent}'")
        if killed is not None:
            self.client.update_run(killed, status="RUNNING")
            return killed
        tags = {
            "mlflow.parentRunId": self.parent,
            "kind": "experiment",
            "key": key,
            "suite": self.suite,
            "dataset": experiment.dataset,
            "model": experiment.model,
            "seed": str(experiment.seed),
            "protocol": experiment.protocol,
        }
        run_id = self._create_run(experiment.label(), tags)
        chosen = {"dataset": experiment.dataset, "model": experiment.model, "seed": experiment.seed, **params}
        self._log_params(run_id, {**chosen, **{f"data.{k}": v for k, v in experiment.dataset_options.items()}})
        return run_id

    def _log_params(self, run_id: str, params: Mapping[str, Any]) -> None:
        from mlflow.entities import Param

        self.client.log_batch(run_id, params=[Param(name, str(value)[:6000]) for name, value in params.items()])


class MlflowRun:
    """One experiment in MLflow."""

    def __init__(self, tracker: MlflowTracker, run_id: str):
        self.tracker, self.client, self.run_id = tracker, tracker.client, run_id

    def log_epoch(self, epoch: int, values: Mapping[str, float]) -> None:
        """The epoch is the step."""
        self.tracker.attempt(lambda: self._log_metrics(values, epoch))

    def log_data(self, splits: Splits, options: Mapping[str, Any]) -> None:
        """Name, content hash, sizes and options; the data themselves stay where they are."""
        self.tracker.attempt(lambda: self._log_input(splits, options))

    def log_record(self, record: Record) -> None:
        """Metrics as <condition>/<task>/<metric> and what training took; the record as an artifact."""

        def log() -> None:
            values = {
                f"{condition}/{task}/{name}": estimate.value
                for condition, tasks in record.metrics.items()
                for task, metrics in tasks.items()
                for name, estimate in metrics.items()
            }
            seconds = {f"seconds/{stage}": value for stage, value in record.seconds.items()}
            self._log_metrics({**values, **seconds}, 0)
            self.client.log_text(self.run_id, record.model_dump_json(indent=1), "record.json")

        self.tracker.attempt(log)

    def log_model(self, folder: Path) -> None:
        """A pyfunc whose loader is `benchmarks.serving`: no pickle; it needs this project installed."""
        self.tracker.attempt(lambda: self._log_pyfunc(folder))

    def _log_metrics(self, values: Mapping[str, float], step: int) -> None:
        import time

        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        metrics = [Metric(name, float(value), now, step) for name, value in values.items()]
        self.client.log_batch(self.run_id, metrics=metrics)

    def _log_input(self, splits: Splits, options: Mapping[str, Any]) -> None:
        import json

        from mlflow.entities import Dataset, DatasetInput, InputTag

        sizes = {part: len(examples) for part, examples in splits.parts().items()}
        dataset = Dataset(
            name=splits.name,
            digest=splits.fingerprint[:36],
            source_type="cma-clip-bench",
            source=json.dumps({"source": splits.card.source, "options": dict(options)}),
            profile=json.dumps(sizes),
            schema=json.dumps({task.name: len(task.classes) for task in splits.tasks}),
        )
        inputs = [DatasetInput(dataset, tags=[InputTag("mlflow.data.context", "train, val, test")])]
        self.client.log_inputs(self.run_id, inputs)

    def _log_pyfunc(self, folder: Path) -> None:
        import mlflow

        from benchmarks.serving import requirements, signature

        mlflow.set_tracking_uri(self.tracker.uri)
        with mlflow.start_run(run_id=self.run_id), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it wants an example, and would predict it once for every model
            mlflow.pyfunc.log_model(
                name="model",
                loader_module="benchmarks.serving",
                data_path=str(folder),
                signature=signature(),
                pip_requirements=requirements(),
            )


def _warn(uri: str, error: Exception) -> None:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    warnings.warn(f"MLflow at {uri} failed, tracking is off: {reason}", TrackingWarning, stacklevel=3)
