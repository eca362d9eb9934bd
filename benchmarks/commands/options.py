"""Options that several commands share."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import OmitArgPrefixes, arg

if TYPE_CHECKING:
    from benchmarks.running.run import Place

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
        on_bad_sample: stop at a corrupt sample, skip it, or keep its text without the photo; both counted and listed.
    """

    data: Pairs = ()
    results: Path = RESULTS
    runs: Path = RUNS
    tracking: str = "sqlite"
    on_bad_sample: Literal["error", "skip", "blank"] = "error"


Here = Annotated[Where, OmitArgPrefixes]


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


@dataclass(frozen=True)
class Pairing:
    """What a backbone is pretrained on, and from where.

    Attributes:
        dataset: its training split's photos and titles are trained on, its validation split is watched.
        option: options of the data set.
        catalog: so many generated products are added, of an index range that no evaluation draws from.
        start: a backbone id; random weights of the shipped architecture by default.
        seed: of the order, the augmentation and the generated products.
    """

    dataset: str = "fashion-products"
    option: Pairs = ()
    catalog: int = 8_000
    start: str = "random:tiny-product-clip"
    seed: int = 0


@dataclass(frozen=True)
class Checkup:
    """How a data set is looked at, and where the report goes beside the terminal.

    Attributes:
        backbone: whose tokeniser, image size and embeddings are used; see `cma-bench models --backbones`.
        json: a file for the findings.
        html: a file for a page with thumbnails.
        strict: exit with 1 at warnings, too.
    """

    backbone: str = "tiny-product-clip"
    json: Path | None = None
    html: Path | None = None
    strict: bool = False


@dataclass(frozen=True)
class Tuning:
    """What every model may try, and where it is kept.

    Attributes:
        trials: finished trials of every model on every data set, pruned ones included.
        seconds: instead of trials: the time that finished trials may take together.
        storage: a journal file, or a database such as postgresql+psycopg://user@host/name or sqlite:///file; a journal
            below `runs` by default. Workers on several machines share a database.
        workers: processes that try at the same time.
    """

    trials: int | None = None
    seconds: float | None = None
    storage: str | None = None
    workers: int = 1


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


def needing_data() -> set[str]:
    """The data sets that the user must bring."""
    from benchmarks.datasets import DATASETS

    return {name for name, dataset in DATASETS.items() if dataset.needs_root}


def place_of(where: Where, suite: str) -> Place:
    """Where a command reads and writes."""
    from benchmarks.running.run import Place

    roots = dict(_root(pair) for pair in where.data)
    return Place(where.results / suite, where.runs, roots, where.on_bad_sample, progress=True)


def _root(pair: str) -> tuple[str, Path]:
    from benchmarks.datasets import DATASETS
    from benchmarks.names import choose

    name, separator, folder = pair.partition("=")
    if not separator:
        raise ValueError(f"--data {pair!r} is not of the form NAME=VALUE")
    return choose(name, DATASETS, "data set"), Path(folder)


def tracking_uri(where: Where) -> str:
    """Where MLflow is."""
    from benchmarks.tracking import default_uri

    return default_uri(where.runs) if where.tracking == "sqlite" else where.tracking
