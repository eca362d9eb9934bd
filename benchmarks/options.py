"""Options that several commands share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import arg

RESULTS = Path("results")
RUNS = Path("runs")

Pairs = Annotated[tuple[str, ...], arg(metavar="[NAME=VALUE ...]")]


@dataclass(frozen=True)
class Where:
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


@dataclass(frozen=True)
class Shown:
    """Which examples a figure shows: some of a data set, or one photo with its text.

    Attributes:
        dataset: see `cma-bench data list`.
        option: options of the data set.
        ids: examples of it, from any split; by default the first test examples that have a photo and a text.
        image: a photo, instead of a data set.
        text: its text.
    """

    dataset: str | None = None
    option: Pairs = ()
    ids: tuple[str, ...] = ()
    image: Path | None = None
    text: str | None = None
