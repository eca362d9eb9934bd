"""Results on disk: the only file that writes them. A file is whole or absent, never half-written."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from benchmarks.records.record import Experiment, Record
from cma_clip.places.folders import new_folder
from cma_clip.places.urls import is_url

if TYPE_CHECKING:
    from cma_clip.types import Predictions


class StoreError(ValueError):
    """A file that is not what its place says; the message names it."""


def write_bytes(path: Path, data: bytes) -> None:
    """Write beside the target, then rename: a reader sees the old file or the new one. At a URL it is one put."""
    if is_url(path):
        try:
            path.write_bytes(data)
        except OSError as error:
            raise type(error)(f"{path} cannot be written: {error}") from error
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    """UTF-8, atomically."""
    write_bytes(path, text.encode())


def record_path(suite_dir: Path, experiment: Experiment, key: str) -> Path:
    """records/<data set>/<model>/seed-<k>-<first 8 digits of the key>.json."""
    folder = suite_dir / "records" / experiment.dataset / experiment.model
    return folder / f"seed-{experiment.seed}-{key[:8]}.json"


def save_record(suite_dir: Path, record: Record) -> None:
    """One JSON file with sorted keys: equal records are equal bytes."""
    text = json.dumps(record.model_dump(mode="json"), sort_keys=True, indent=1)
    write_text(record_path(suite_dir, record.experiment, record.key), text + "\n")


def find_record(suite_dir: Path, experiment: Experiment, key: str) -> Record | None:
    """The record of this very experiment, data, weights and versions; None if there is none.

    One made before records held validation results and costs does not count: nothing could be chosen by it.

    Raises:
        StoreError: the file in its place is not a record.
    """
    path = record_path(suite_dir, experiment, key)
    record = _read(path) if path.is_file() else None
    return record if record is not None and record.key == key and record.can_be_chosen else None


def load_records(suite_dir: Path) -> list[Record]:
    """The newest record of every experiment, in a fixed order.

    Older records of the same experiment come from other versions, data or weights; they stay on disk, where
    `find_record` finds them if that state comes back.

    Raises:
        StoreError: a file that is not a record.
    """
    newest: dict[str, Record] = {}
    for path in sorted((suite_dir / "records").glob("*/*/*.json")):
        record = _read(path)
        identity = json.dumps(record.experiment.model_dump(mode="json"), sort_keys=True)
        if identity not in newest or _time(record) > _time(newest[identity]):
            newest[identity] = record
    return sorted(newest.values(), key=lambda record: (record.experiment.label(), record.key))


def _time(record: Record) -> tuple[str, str]:
    return str(record.environment.get("timestamp")), record.key


def _read(path: Path) -> Record:
    try:
        return Record.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = _reason(error)
        raise StoreError(f"{path} is not a record of this project: {reason}; delete it to compute it again") from error


def _reason(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return str(error).splitlines()[0]
    first = error.errors()[0]
    return ": ".join([*(str(part) for part in first["loc"]), first["msg"]])


def save_predictions(folder: Path, predictions: Predictions) -> None:
    """Labels, probabilities and weights as safetensors, ids as JSON; the folder is whole or absent."""
    from safetensors.numpy import save_file

    arrays: dict[str, Any] = {f"labels/{task}": values for task, values in predictions.labels.items()}
    arrays |= {f"probabilities/{task}": values for task, values in predictions.probabilities.items()}
    arrays |= {f"weights/{task}": values for task, values in (predictions.modality_weights or {}).items()}
    with new_folder(folder) as staging:
        save_file({name: array.copy() for name, array in arrays.items()}, staging / "predictions.safetensors")
        (staging / "ids.json").write_text(json.dumps(predictions.ids), encoding="utf-8")


def load_predictions(folder: Path) -> Predictions:
    """The inverse of `save_predictions`.

    Raises:
        StoreError: the folder holds no whole predictions; names it.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    from cma_clip.places.copies import local_folder
    from cma_clip.types import Predictions

    folder = local_folder(folder)
    try:
        arrays = load_file(folder / "predictions.safetensors")
        ids = tuple(json.loads((folder / "ids.json").read_text(encoding="utf-8")))
        labels, probabilities, weights = (_part(arrays, name) for name in ("labels", "probabilities", "weights"))
        return Predictions(ids, labels, probabilities, weights or None)
    except (OSError, ValueError, SafetensorError) as error:
        raise StoreError(f"{folder} holds no predictions of this project: {_reason(error)}") from error


def _part(arrays: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key.removeprefix(f"{name}/"): value for key, value in arrays.items() if key.startswith(f"{name}/")}


def save_texts(folder: Path, texts: Mapping[str, str]) -> None:
    """Several files by name."""
    for name, text in texts.items():
        write_text(folder / name, text)


def stale(folder: Path, texts: Mapping[str, str]) -> Sequence[str]:
    """Names whose file is missing or differs."""
    return [
        name
        for name, text in texts.items()
        if not (folder / name).is_file() or (folder / name).read_bytes() != text.encode()
    ]
