"""MLflow's registry of models: the pick of a suite is the champion of its name."""

from __future__ import annotations

import json
from typing import Any

CHAMPION = "champion"
"""The alias of what should be used: `models:/NAME@champion` loads it."""

VERSIONS_TAG = "mlflow.modelVersions"
"""Of a logged model, as `mlflow.register_model` sets it, so that the UI links both ways."""


def registered_name(suite: str, dataset: str) -> str:
    """The name that a suite's pick for a data set is registered under; a test holds the names apart."""
    return f"{suite}-{dataset}"


def register(uri: str, client: Any, run: Any, name: str, description: str) -> None:  # noqa: ANN401 - mlflow's own
    """Make the model that a run has logged the champion of a name; a run has one version, however often this is done.

    Nothing is done for a run without a model, as one whose folder was deleted before it was mirrored. Not by
    `mlflow.register_model`, which prints. `uri` is the client's: a database looks the logged model up at the uri that
    is set for the whole process.
    """
    import mlflow

    if not run.outputs or not run.outputs.model_outputs:
        return
    mlflow.set_tracking_uri(uri)
    if not client.search_registered_models(f"name = '{name}'"):
        client.create_registered_model(name)
    version = _version(client, run, name) or _create(client, run, name)
    client.update_model_version(name, version, description)
    client.set_registered_model_alias(name, CHAMPION, version)


def _version(client: Any, run: Any, name: str) -> str | None:  # noqa: ANN401
    found = client.search_model_versions(f"name = '{name}' and run_id = '{run.info.run_id}'")
    return str(found[0].version) if found else None


def _create(client: Any, run: Any, name: str) -> str:  # noqa: ANN401
    logged = run.outputs.model_outputs[-1].model_id
    made = client.create_model_version(name, source=f"models:/{logged}", run_id=run.info.run_id, model_id=logged)
    before = json.loads(client.get_logged_model(logged).tags.get(VERSIONS_TAG, "[]"))
    tag = json.dumps([*before, {"name": name, "version": made.version}])
    client.set_logged_model_tags(logged, {VERSIONS_TAG: tag})
    return str(made.version)
