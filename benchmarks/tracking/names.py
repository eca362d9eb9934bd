"""Names of metrics and parameters as MLflow takes them."""

from __future__ import annotations

import re
from hashlib import sha256

from benchmarks.records.record import Experiment

LONGEST_NAME = 250
"""Characters; MLflow refuses more."""
REFUSED = re.compile(r"[^\w\-. ]|_(?=x)|^\.+$")
"""In a part between slashes: other characters than MLflow's, what looks like an escape, and dots alone (a folder)."""


def mlflow_name(name: str) -> str:
    """The name, with every character that MLflow refuses as Office Open XML escapes it: `|` is `_x007C_`.

    Different names stay different. Slashes stay, and group metrics in the UI; nothing between two of them is `_x_`. A
    name that would be too long ends in its hash.
    """
    escaped = "/".join(REFUSED.sub(_escape, part) or "_x_" for part in name.split("/"))
    if len(escaped) <= LONGEST_NAME:
        return escaped
    ending = f"_x-{sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}_"
    return escaped[: LONGEST_NAME - len(ending)] + ending


def run_name(experiment: Experiment) -> str:
    """The model comes first: lists of runs show the beginning of a name."""
    return f"{experiment.row}, seed {experiment.seed}, {experiment.dataset}"


def model_name(run: str) -> str:
    """Of the model that a run logs: the run's, with hyphens for what an address or MLflow would not take."""
    return re.sub(r"[^\w-]+", "-", run)


def _escape(found: re.Match[str]) -> str:
    return "".join(f"_x{ord(character):04X}_" for character in found[0])
