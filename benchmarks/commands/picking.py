"""`cma-bench pick`: which model to take for some data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tyro.conf import Positional

from benchmarks.commands.options import RESULTS, RUNS, PlaceOption
from benchmarks.commands.results import suite_records

if TYPE_CHECKING:
    from benchmarks.reporting.advice import Advice


def pick(
    suite: Positional[str], dataset: str | None = None, results: PlaceOption = RESULTS, runs: PlaceOption = RUNS
) -> None:
    """Say which model of a suite to take, what it costs and what it will answer; the validation split decides.

    Args:
        suite: a folder below `results`, e.g. manifest.
        dataset: only for this one.
        results: where the suites are.
        runs: where the models are.
    """
    found = advise(results, suite, dataset, runs)
    print("\n\n".join([*map(str, found), *_gone(found, results / suite, runs)]))


def advise(results: Path, suite: str, dataset: str | None, runs: Path) -> list[Advice]:
    """What to take, for one or all data sets of a suite that has run.

    Raises:
        UnknownName: a data set that no record of the suite is about.
    """
    from benchmarks.names import choose
    from benchmarks.reporting.advice import advice
    from benchmarks.reporting.outputs import measured

    records = suite_records(results, suite)
    if dataset is not None:
        choose(dataset, sorted({record.experiment.dataset for record in records}), f"data set of {suite}")
        records = [record for record in records if record.experiment.dataset == dataset]
    return advice(records, measured(records), Path(suite).name, runs)


def _gone(found: Sequence[Advice], suite_dir: Path, runs: Path) -> Iterable[str]:
    """Picks whose model was deleted: `runs` may be, at any time."""
    from benchmarks.records.store import record_path
    from cma_clip.places.folders import is_there

    for one in found:
        if one.folder is not None and not is_there(one.folder):
            assert one.pick is not None
            record = record_path(suite_dir, one.pick.record.experiment, one.pick.record.key)
            yield f"{one.folder} is not there: delete {record}, and the suite trains that model again."
