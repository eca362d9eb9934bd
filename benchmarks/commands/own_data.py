"""`cma-bench data show manifest` without labels: what a table holds and how to start on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.commands.options import CommonOptions

SHOWN = 3
"""Values of a column that are shown."""
WIDTH = 24
"""Characters of a value that are shown."""


def first_look(options: Mapping[str, Any], common: CommonOptions) -> str:
    """What was read, the columns, which of them may be what, and a command that trains on them.

    Raises:
        DataError: there is no table, or it cannot be read.
    """
    from benchmarks.datasets import DATASETS, parse_options
    from benchmarks.datasets.loading.splits import DataError
    from benchmarks.datasets.manifest import ManifestOptions, look

    given = parse_options("manifest", DATASETS["manifest"], options)
    path = common.source("manifest").root
    if path is None or not isinstance(given, ManifestOptions):
        raise DataError("manifest needs a table: --data manifest=FILE, a folder or a quoted glob of files")
    raw, columns, proposal = look(path, given)
    chosen = proposal.options
    roles = {name: role for role, name in chosen.items() if role in ("text", "image", "id", "group", "split")}
    roles |= dict.fromkeys(proposal.labels, "labels")
    if chosen["id"] == chosen["image"] is not None:
        roles[chosen["id"]] = "id, image"
    lines = [*raw.notes, "", *_table(columns, roles), *(f"note: {note}" for note in proposal.notes)]
    if not proposal.labels:
        lines.append("no column has 2 to 200 values that recur: name what is to be predicted with labels=COLUMN")
    if chosen["text"] is chosen["image"] is None:
        lines.append("no column of texts or photos was found: name one with text=COLUMN or image=COLUMN")
    return "\n".join([*lines, "", proposal.command(common.roots()["manifest"])])


def _short(value: str) -> str:
    """The ends of a long value: a path begins like its neighbours."""
    half = WIDTH // 2
    return value if len(value) <= WIDTH else f"{value[:half]}...{value[-half:]}"


def _read(values: Sequence[str], role: str) -> list[str]:
    """Values as they are learnt from: texts without HTML."""
    import pyarrow as pa

    from benchmarks.datasets.reading.values import clean_text

    read = clean_text(pa.chunked_array([pa.array(values, pa.string())]))[0].to_pylist() if role == "text" else values
    return [_short(value) for value in read if value]


def _table(columns: Sequence[Any], roles: Mapping[object, str]) -> list[str]:
    from benchmarks.reporting.table import Cell, Table, to_markdown

    rows = tuple(
        (
            Cell(column.name),
            Cell(roles.get(column.name, "")),
            Cell("; ".join(_read(column.examples[:SHOWN], roles.get(column.name, "")))),
            Cell(f"{column.values:,}", column.values),
            Cell(f"{column.missing:,}", column.missing),
        )
        for column in columns
    )
    header = ("column", "proposed as", "commonest values", "values", "missing")
    return to_markdown(Table("columns", header, rows, labels=3)).splitlines()
