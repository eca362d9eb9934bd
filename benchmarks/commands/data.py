"""What `cma-bench data make-twin` and `data check` do; each returns the text to print."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from benchmarks.commands.options import Checkup, Where


class Checked(NamedTuple):
    """A report for the terminal, and whether a CI job should stop."""

    text: str
    failed: bool


def make_twin(name: str, folder: Path, rows: int, seed: int, quirks: bool) -> str:
    """Write a procedural copy of a data set in its official layout.

    Raises:
        KeyError: a data set without a twin.
        ValueError: a folder that is there already, or too few rows.
    """
    from benchmarks import twins

    twins.make_twin(name, folder, rows, seed, quirks)
    skip = " --on-bad-sample skip" if quirks else ""
    return f"{folder} holds a twin of {name}; use it with --data {name}={folder}{skip}"


def check_data(name: str, folder: Path | None, options: Mapping[str, Any], checkup: Checkup, where: Where) -> Checked:
    """Look at a data set and write the reports that are asked for.

    Raises:
        DataError: the data set cannot be loaded at all.
        BackboneError: the backbone cannot be had.
    """
    from benchmarks.commands.options import place_of
    from benchmarks.data_checks import check
    from benchmarks.data_checks.page import to_html, to_json, to_text
    from benchmarks.processes import quiet
    from benchmarks.records.store import write_text

    quiet()
    source = place_of(where, "none").source(name)
    findings = check(name, source if folder is None else replace(source, root=folder), options, checkup.backbone)
    if checkup.json is not None:
        write_text(checkup.json, to_json(findings))
    if checkup.html is not None:
        write_text(checkup.html, to_html(findings))
    return Checked(to_text(findings), findings.failed(checkup.strict))
