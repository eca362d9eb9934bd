"""Options that several commands share, and what they mean."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

from tyro.conf import arg
from tyro.constructors import PrimitiveConstructorSpec

if TYPE_CHECKING:
    from benchmarks.datasets.loading.splits import Source
    from benchmarks.running.place import Place

from cma_clip.places.urls import is_url, on_node, place

T = TypeVar("T")

RESULTS = Path("results")
RUNS = Path("runs")


def _listed(metavar: str, parse: Callable[[str], T]) -> PrimitiveConstructorSpec[tuple[T, ...]]:
    """Values with blanks or commas between them."""
    return PrimitiveConstructorSpec(
        nargs="*",
        metavar=metavar,
        instance_from_str=lambda words: tuple(parse(part) for word in words for part in word.split(",") if part),
        is_instance=lambda value: isinstance(value, tuple),
        str_from_instance=lambda values: [str(value) for value in values],
    )


PlaceOption = Annotated[
    Path,
    PrimitiveConstructorSpec(
        nargs=1,
        metavar="DIR|URL",
        instance_from_str=lambda words: place(words[0]),
        is_instance=lambda value: hasattr(value, "is_dir"),
        str_from_instance=lambda value: [str(value)],
    ),
]
"""A folder, or its URL: s3://bucket/folder, gs://..., file:///..."""
Names = Annotated[tuple[str, ...], _listed("[NAME ...]", str)]
Numbers = Annotated[tuple[int, ...], _listed("[INT ...]", int)]
Pairs = Annotated[tuple[str, ...], arg(metavar="[NAME=VALUE ...]")]


REPEATABLE = ("--data", "--option", "--hparam")


def joined(arguments: Sequence[str]) -> list[str]:
    """`--option a=1 --option b=2` as `--option a=1 b=2`; argparse would forget the first."""
    rest: list[str] = []
    values: dict[str, list[str]] = {flag: [] for flag in REPEATABLE if arguments.count(flag) > 1}
    taken = rest
    for argument in arguments:
        if argument.startswith("--"):
            taken = values.get(argument, rest)
        if argument not in values:
            taken.append(argument)
    return [*rest, *(word for flag, words in values.items() for word in (flag, *words))]


@dataclass(frozen=True)
class CommonOptions:
    """Folders and tracking, the same for every command that runs something.

    Attributes:
        data: NAME=DIR for every data set that is not embedded; what is at a URL is copied to this machine once.
        results: where records, tables and figures go; a folder, which several machines may share, or a URL.
        runs: checkpoints, models, caches; may be deleted at any time. At a URL: models, predictions and features, the
            rest below $CMA_BENCH_CACHE (by default ~/.cache/cma-bench) of each machine.
        tracking: an MLflow tracking uri, or `off`; by default a database in `runs`, on this machine.
        on_bad_sample: stop at a corrupt sample, skip it, or keep its text without the photo; both counted and listed.
    """

    data: Pairs = ()
    results: PlaceOption = RESULTS
    runs: PlaceOption = RUNS
    tracking: str = "sqlite"
    on_bad_sample: Literal["error", "skip", "blank"] = "error"

    def place(self, suite: str) -> Place:
        """Where a command reads and writes."""
        roots = self.roots()  # refuses unknown names before torch is imported
        from benchmarks.running.place import Place

        return Place(self.results / suite, self.runs, roots, self.on_bad_sample, progress=True)

    def source(self, dataset: str, roots: Mapping[str, Path] | None = None) -> Source:
        """Where the loader of a data set reads, by default of `roots()`; imports no torch."""
        from benchmarks.datasets.loading.splits import Source
        from cma_clip.places.copies import local_data

        root = (self.roots() if roots is None else roots).get(dataset)
        local = None if root is None else local_data(root)
        return Source(local, self.work / "cache", self.on_bad_sample, progress=True)

    @property
    def work(self) -> Path:
        """The folder of runs on this machine."""
        return on_node(self.runs)

    def roots(self) -> dict[str, Path]:
        """Data set -> the user's folder or file."""
        return dict(_root(pair) for pair in self.data)

    def tracking_uri(self) -> str:
        """Where MLflow is."""
        from benchmarks.tracking import default_uri

        return default_uri(self.work) if self.tracking == "sqlite" else self.tracking

    def tracking_note(self) -> str | None:
        """Where MLflow is if that is not where the runs are."""
        if self.tracking != "sqlite" or not is_url(self.runs):
            return None
        return (
            f"MLflow's database is in {self.work}, on this machine alone: a URL holds none. `--tracking` with the uri "
            "of a tracking server is the same from everywhere."
        )


def _root(pair: str) -> tuple[str, Path]:
    from benchmarks.datasets import DATASETS
    from benchmarks.names import choose

    name, separator, folder = pair.partition("=")
    if not separator:
        raise ValueError(f"--data {pair!r} is not of the form NAME=VALUE")
    return choose(name, DATASETS, "data set"), place(folder)


def pairs(given: tuple[str, ...]) -> dict[str, object]:
    """NAME=VALUE ...; a value is JSON if it parses as JSON, else a string (of names with commas between them)."""
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
