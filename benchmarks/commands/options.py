"""Options that several commands share, and what they mean."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import arg

if TYPE_CHECKING:
    from benchmarks.running.run import Place

RESULTS = Path("results")
RUNS = Path("runs")

Names = Annotated[tuple[str, ...], arg(metavar="[NAME ...]")]
Pairs = Annotated[tuple[str, ...], arg(metavar="[NAME=VALUE ...]")]


@dataclass(frozen=True)
class CommonOptions:
    """Folders and tracking, the same for every command that runs something.

    Attributes:
        data: NAME=DIR for every data set that is not embedded.
        results: where records, tables and figures go.
        runs: checkpoints, models, caches; may be deleted at any time.
        tracking: an MLflow tracking uri, or `off`.
        on_bad_sample: stop at a corrupt sample, or skip, count and list it.
    """

    data: Pairs = ()
    results: Path = RESULTS
    runs: Path = RUNS
    tracking: str = "sqlite"
    on_bad_sample: Literal["error", "skip"] = "error"

    def place(self, suite: str) -> Place:
        """Where a command reads and writes."""
        from benchmarks.running.run import Place

        roots = dict(_root(pair) for pair in self.data)
        return Place(self.results / suite, self.runs, roots, self.on_bad_sample, progress=True)

    def tracking_uri(self) -> str:
        """Where MLflow is."""
        from benchmarks.tracking import default_uri

        return default_uri(self.runs) if self.tracking == "sqlite" else self.tracking


def _root(pair: str) -> tuple[str, Path]:
    from benchmarks.datasets import DATASETS
    from benchmarks.names import choose

    name, separator, folder = pair.partition("=")
    if not separator:
        raise ValueError(f"--data {pair!r} is not of the form NAME=VALUE")
    return choose(name, DATASETS, "data set"), Path(folder)


def pairs(given: tuple[str, ...]) -> dict[str, object]:
    """NAME=VALUE ...; a value is JSON if it parses as JSON, else a string."""
    parsed: dict[str, object] = {}
    for pair in given:
        name, separator, value = pair.partition("=")
        if not separator or not name:
            raise SystemExit(f"cma-bench: {pair!r} is not of the form NAME=VALUE")
        try:
            parsed[name] = json.loads(value)
        except ValueError:
            parsed[name] = value
    return parsed
