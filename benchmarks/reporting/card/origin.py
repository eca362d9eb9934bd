"""The sections of a card that tell where a model comes from: its data, its limits, how it was made."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.datasets import DATASETS
from benchmarks.records.record import CLEAN, Experiment, Finished, Record
from benchmarks.reporting.escaping import markdown_note, markdown_text
from benchmarks.reporting.notes import footnotes

SPLITS = ("train", "val", "test")
SHOWN = 30
"""Names of classes in a list."""


def data(record: Record) -> list[str]:
    """What it was trained and measured on, and the classes that were too rare."""
    asked, report = record.experiment, record.data_report
    known = DATASETS[asked.dataset].card
    lines = [
        f"{markdown_note(known.title)} (`{asked.dataset}`); licence: {markdown_text(known.licence)}",
        f"Source: {markdown_text(known.source)}",
        f"Rows: {sizes(record.sizes)}; {report.get('rows', 0):,} were found",
        f"Options: {code(asked.dataset_options) if asked.dataset_options else 'all at their defaults'}",
        f"Fingerprint: `{record.fingerprints['data']}`",
    ]
    for task, dropped in sorted(report.get("dropped_classes", {}).items()):
        if dropped:
            names = markdown_text(listed(tuple(dropped)))
            lines.append(f"{markdown_note(task)}: too rare to be learned, never answered: {names}")
    return ["## Data", "", *(f"- {line}" for line in lines), ""]


def limits(record: Record) -> list[str]:
    """The footnotes that the tables have of its data and backbone, and what holds for every classifier here."""
    lines = [markdown_note(note) for note in footnotes({record.experiment.row: [record]})]
    if (backbone := record.config.get("backbone")) is not None:
        lines.append(
            f"What the backbone `{backbone}` was trained on, and its licence, are in its own card (of the one that "
            "ships with the project: cma_clip/weights/tiny-product-clip/README.md)."
        )
    lines.append(
        "What is missing in a row, or cut off, it does not make up for: answers to rows with a photo or a text alone "
        "are as good as what is left, and the numbers above are a mean over rows as they are."
    )
    lines.append("It always answers with one of its classes, also where none of them is right.")
    return ["## Limits", "", *(f"- {line}" for line in lines), ""]


def how(record: Record, finished: Finished | None) -> list[str]:
    """Command, hyper-parameters, versions, machine and dates."""
    asked = record.experiment
    lines = [f"Command: `{command(asked)}`", f"Trained {_where(record.environment)}"]
    if finished is not None:
        lines += [f"Then: `cma-bench finish {finished.suite}`", f"Trained once more {_where(finished.environment)}"]
    if asked.tuned:
        lines.append(f"Hyper-parameters were tuned on validation: {markdown_text(asked.tuned)}")
    lines += [
        f"Hyper-parameters: {code(record.config)}",
        f"Key of the record: `{record.key}`",
        f"Versions: {code(record.versions)}",
        f"Libraries: {code(record.environment.get('libraries', {}))}",
    ]
    return ["## How it was made", "", *(f"- {line}" for line in lines)]


def _where(environment: Mapping[str, Any]) -> str:
    when = environment.get("timestamp", "at a time that is not recorded")
    machine = ", ".join([str(environment.get("cpu")), *environment.get("accelerators", ())])
    return f"{when}, commit `{environment.get('commit')}`, Python {environment.get('python')}, on {machine}"


def command(asked: Experiment) -> str:
    """What trains and measures a model again; the place of the user's own data is left open."""
    words = ["cma-bench", "run", "--dataset", asked.dataset, "--model", asked.model, "--seed", str(asked.seed)]
    if asked.protocol != CLEAN:
        words += ["--protocol", asked.protocol]
    for flag, values in (("--option", asked.dataset_options), ("--hparam", asked.hparams)):
        if values:
            words += [flag, *(f"{name}={_value(value)}" for name, value in values.items())]
    data = f" --data {asked.dataset}=PATH" if DATASETS[asked.dataset].needs_root else ""
    return shlex.join(words) + data


def _value(value: object) -> str:
    """As `cma-bench` reads it: a string that would be read as JSON is written as JSON."""
    if not isinstance(value, str):
        return json.dumps(value)
    try:
        json.loads(value)
    except ValueError:
        return value
    return json.dumps(value)


def sizes(rows: Mapping[str, int]) -> str:
    """Rows by split, in the order of their use."""
    return ", ".join(f"{split} {rows[split]:,}" for split in sorted(rows, key=SPLITS.index))


def listed(names: Sequence[str]) -> str:
    """The first of them."""
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else "")


def code(values: Mapping[str, Any]) -> str:
    """JSON between backticks."""
    return f"`{json.dumps(values, ensure_ascii=False)}`"
