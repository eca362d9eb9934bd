"""Options that several commands share, and what they mean."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

from tyro.conf import arg
from tyro.constructors import PrimitiveConstructorSpec

if TYPE_CHECKING:
    from benchmarks.datasets.loading.splits import Source
    from benchmarks.running.run import Place

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

    def place(self, suite: str) -> Place:
        """Where a command reads and writes."""
        roots = self.roots()  # refuses unknown names before torch is imported
        from benchmarks.running.run import Place

        return Place(self.results / suite, self.runs, roots, self.on_bad_sample, progress=True)

    def source(self, dataset: str) -> Source:
        """Where the loader of a data set reads; imports no torch."""
        from benchmarks.datasets.loading.splits import Source

        return Source(self.roots().get(dataset), self.cache, self.on_bad_sample, progress=True)

    @property
    def cache(self) -> Path:
        """Of tables, photos and features; the same for every command."""
        return self.runs / "cache"

    def roots(self) -> dict[str, Path]:
        """Data set -> the user's folder or file."""
        return dict(_root(pair) for pair in self.data)

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
