"""A client of MLflow that is quiet, quick to give up, and never raises."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

OFF = "off"

SETTINGS = {
    # A dead server must not stall a benchmark for minutes.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    # A benchmark does not phone home.
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    # A benchmark's output is its results.
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
"""Set before mlflow is imported; what the user has set is kept."""


class TrackingWarning(UserWarning):
    """Tracking has failed and is off for the rest of this process; results are not affected."""


class Connection:
    """Everything that is said to MLflow goes through `attempt`; after one failure nothing is said any more.

    Attributes:
        uri: an MLflow tracking uri, or `off`.
        client: an `MlflowClient`; only to be used inside `attempt`.
        dead: off from the start, or failed.
    """

    def __init__(self, uri: str):
        self.uri = uri
        self.dead = uri == OFF
        self.client: Any = self.attempt(self._client)

    def attempt(self, action: Callable[[], T]) -> T | None:
        """Do it, unless tracking is dead; a failure is a warning and the end of tracking."""
        if self.dead:
            return None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what mlflow and its libraries deprecate is not the user's business
                return action()
        except Exception as error:
            self.dead = True
            reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
            warnings.warn(f"MLflow at {self.uri} failed, tracking is off: {reason}", TrackingWarning, stacklevel=3)
            return None

    def _client(self) -> object:
        for name, value in SETTINGS.items():
            os.environ.setdefault(name, value)
        from mlflow.tracking import MlflowClient

        for name in ("alembic", "mlflow"):  # importing mlflow has set their levels
            logging.getLogger(name).setLevel(logging.ERROR)
        return MlflowClient(tracking_uri=self.uri)


def default_uri(runs_dir: Path) -> str:
    """A sqlite file in the folder of runs."""
    return f"sqlite:///{(runs_dir / 'mlflow.db').absolute()}"
