"""A suite as a run of MLflow, its experiments as child runs; a study of tuning likewise, with its trials."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.processes import is_gone, this_process
from benchmarks.records.record import Experiment
from benchmarks.tracking.connection import OFF, Connection
from benchmarks.tracking.names import run_name
from benchmarks.tracking.registry import register, registered_name
from benchmarks.tracking.tracked_run import LONGEST_NOTE, NOTE, TrackedRun
from benchmarks.tracking.view import VIEW_TAG, saved_view
from cma_clip.places.copies import downloaded

EXPERIMENT = "cma-clip-bench"
"""All suites are in one MLflow experiment, so that runs of different suites can be compared."""

CHILDREN = {"suite": "experiment", "study": "trial"}
"""Kind of a parent run -> kind of its child runs."""


@cache
def open_tracker(uri: str, suite: str, runs_dir: Path, kind: str = "suite") -> Tracker:
    """The tracker at an MLflow uri; one that tracks nothing if that is `off` or out of reach.

    Opened once in a process, so that a dead server is neither asked nor warned of again.
    """
    return Tracker(Connection(uri), suite, runs_dir, kind)


class Tracker:
    """Where the experiments of a suite are mirrored, or the trials of a study; `kind` is one of CHILDREN."""

    def __init__(self, connection: Connection, suite: str, runs_dir: Path, kind: str = "suite"):
        self._connection, self._client = connection, connection.client
        self._suite, self._kind = suite, kind
        self._experiment_id = connection.attempt(lambda: self._find_or_create_experiment(runs_dir)) or ""
        connection.attempt(self._end_killed_runs)
        self._parent = connection.attempt(self._find_or_create_parent) or ""

    @property
    def uri(self) -> str:
        """What other processes of the suite should open: `off` where this one has failed."""
        return OFF if self._connection.dead else self._connection.uri

    @contextmanager
    def run(self, experiment: Experiment, key: str) -> Iterator[TrackedRun]:
        """A child run; FINISHED, FAILED or KILLED at its end as the experiment was.

        Its parameters are those that were chosen, not the defaults of the model: they are in the record. A run that did
        not finish under the same key is continued; one that did is left as it is.
        """
        child = self._connection.attempt(lambda: self._child(experiment, key))
        if child is None:
            yield TrackedRun(self._connection)
            return
        status = "FAILED"
        try:
            yield child
            status = "FINISHED"
        except KeyboardInterrupt:
            status = "KILLED"
            raise
        finally:
            self._connection.attempt(lambda: self._end(child, status))

    def log_outputs(self, suite_dir: Path, headline: Mapping[str, float], description: str = "") -> None:
        """Tables, figures and report as artifacts of the parent run, `headline` as its metrics, and its description."""

        def log() -> None:
            with downloaded(suite_dir, ("tables", "figures", "report.html")) as folder:
                for name in ("tables", "figures"):
                    if (folder / name).is_dir():
                        self._client.log_artifacts(self._parent, str(folder / name), name)
                if (folder / "report.html").is_file():
                    self._client.log_artifact(self._parent, str(folder / "report.html"))
            TrackedRun(self._connection, self._parent).log_metrics(headline)
            self._client.set_tag(self._parent, NOTE, description[:LONGEST_NOTE])

        self._connection.attempt(log)

    def register(self, key: str, suite: str, dataset: str, description: str) -> None:
        """Make the model of the experiment with this key the champion of a suite's data set in the registry."""

        def register_run() -> None:
            found = self._runs(f"tags.key = '{key}' and tags.`mlflow.parentRunId` = '{self._parent}'")
            if found:
                name = registered_name(suite, dataset)
                register(self._connection.uri, self._client, found[0], name, description)

        self._connection.attempt(register_run)

    def _find_or_create_experiment(self, runs_dir: Path) -> str:
        from mlflow.exceptions import MlflowException

        runs_dir.mkdir(parents=True, exist_ok=True)
        found = self._client.get_experiment_by_name(EXPERIMENT)
        if found is not None:
            return str(found.experiment_id)
        # A server decides itself where artifacts go; a database has no place of its own for them.
        served = self._connection.uri.startswith("http")
        place = None if served else (runs_dir / "mlartifacts").absolute().as_uri()
        try:
            made = str(self._client.create_experiment(EXPERIMENT, artifact_location=place))
            self._client.set_experiment_tag(made, VIEW_TAG, saved_view())
            if not served:
                self._delete_empty_default()
            return made
        except MlflowException:  # another process was faster
            found = self._client.get_experiment_by_name(EXPERIMENT)
            if found is None:
                raise
            return str(found.experiment_id)

    def _delete_empty_default(self) -> None:
        """A new database has an experiment "Default", and only the UI of an old one would miss it."""
        default = self._client.get_experiment_by_name("Default")
        if default is not None and not self._client.search_runs([default.experiment_id], max_results=1):
            self._client.delete_experiment(default.experiment_id)

    def _end_killed_runs(self) -> None:
        """A process that is killed leaves its run RUNNING; the next one on its machine tidies up."""
        for run in self._runs(f"attributes.status = 'RUNNING' and tags.kind = '{CHILDREN[self._kind]}'"):
            if is_gone(run.data.tags.get("process", "")):
                self._client.set_terminated(run.info.run_id, "KILLED")

    def _find_or_create_parent(self) -> str:
        found = self._runs(f"tags.kind = '{self._kind}' and tags.suite = '{self._suite}'")
        name = f"{self._kind} {self._suite}"
        parent = found[0].info.run_id if found else self._create_run(name, {"kind": self._kind})
        self._settle(parent)
        return str(parent)

    def _settle(self, parent: str) -> None:
        """A suite runs exactly as long as one of its experiments does, so nothing can leave it running."""
        if self._runs(f"attributes.status = 'RUNNING' and tags.`mlflow.parentRunId` = '{parent}'"):
            self._client.update_run(parent, status="RUNNING")
        else:
            self._client.set_terminated(parent, "FINISHED")

    def _child(self, experiment: Experiment, key: str) -> TrackedRun | None:
        """The run to write to; None if this very experiment has been mirrored to its end before."""
        found = self._runs(f"tags.key = '{key}' and tags.`mlflow.parentRunId` = '{self._parent}'")
        if found and found[0].info.status == "FINISHED":
            return None
        name = run_name(experiment)
        if found:
            child = TrackedRun(self._connection, found[0].info.run_id, name)
            child.find_logged_epochs()
            for name, value in _where().items():
                self._client.set_tag(child.run_id, name, value)
            self._client.update_run(child.run_id, status="RUNNING")
        else:
            child = TrackedRun(self._connection, self._create_run(name, self._tags(experiment, key)), name)
        self._settle(self._parent)
        identity = {"dataset": experiment.dataset, "model": experiment.model, "seed": experiment.seed}
        options = {f"data.{name}": value for name, value in experiment.dataset_options.items()}
        child.log_params({**experiment.hparams, **options, **identity})
        return child

    def _tags(self, experiment: Experiment, key: str) -> dict[str, str]:
        return {
            "mlflow.parentRunId": self._parent,
            "kind": CHILDREN[self._kind],
            "key": key,
            "dataset": experiment.dataset,
            "model": experiment.model,
            "seed": str(experiment.seed),
            "protocol": experiment.protocol,
            **_where(),
        }

    def _end(self, child: TrackedRun, status: str) -> None:
        self._client.set_terminated(child.run_id, status)
        self._settle(self._parent)

    def _runs(self, filter_string: str) -> list[Any]:
        """Oldest first: of two suite runs that were created at once, all processes take the same."""
        found = self._client.search_runs([self._experiment_id], filter_string, order_by=["attributes.start_time"])
        return list(found)

    def _create_run(self, name: str, tags: Mapping[str, str]) -> str:
        common = {"suite": self._suite, "mlflow.source.name": "cma-bench", "mlflow.source.type": "LOCAL"}
        run = self._client.create_run(self._experiment_id, run_name=name, tags={**common, **tags})
        return str(run.info.run_id)


def _where() -> dict[str, str]:
    """Tags of a run: the node that it is on, and the process by which a killed run is known."""
    return {"node": platform.node(), "process": this_process()}


class NoTracker(Tracker):
    """Tracks nothing."""

    def __init__(self) -> None:
        super().__init__(Connection(OFF), OFF, Path())
