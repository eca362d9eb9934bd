"""Experiments: data sets, protocols, runs, records, tables and figures. `import benchmarks as bench` in a notebook.

    bench.load_data("catalog").frame()                     # what a data set holds
    bench.run("catalog", "tfidf_logistic").frame()         # one experiment, as `cma-bench run`
    bench.results("results/default").frame()               # what a suite has measured

Importing this imports nothing heavy. Paths may be texts, and URLs; nothing is printed unless `progress` asks for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cma_clip import __version__
from cma_clip.entry import refuse_strangers
from cma_clip.places.urls import place

if TYPE_CHECKING:
    from benchmarks.datasets.loading.splits import OnBadSample, Splits
    from benchmarks.records.record import Record
    from benchmarks.records.results import Results

__all__ = ["__version__", "load_data", "results", "run"]

refuse_strangers()  # before any module here imports `baselines`


def load_data(
    dataset: str,
    source: str | Path | None = None,
    *,
    runs: str | Path = "runs",
    progress: bool = False,
    on_bad_sample: OnBadSample = "error",
    **options: Any,  # noqa: ANN401 - each data set has its own
) -> Splits:
    """The training, validation and test split of a data set; `.frame()` is a table of all rows.

    Args:
        dataset: see `cma-bench data list`.
        source: the file or folder of a data set that is not embedded.
        runs: its folder `cache` keeps what was read.
        progress: show progress bars.
        on_bad_sample: stop at a damaged sample, skip it, or keep its text without the photo; counted and listed.
        options: those of the data set, see `cma-bench data show NAME`: `labels=["color", "style"]`.

    Raises:
        DataError: an unknown name or option, or anything wrong with the data; names file and row.
    """
    from dataclasses import replace

    from benchmarks import datasets
    from benchmarks.commands.options import CommonOptions

    asked = CommonOptions(data=_data(dataset, source), runs=_place(runs), on_bad_sample=on_bad_sample)
    return datasets.load(dataset, replace(asked.source(dataset), progress=progress), options)


def run(  # noqa: PLR0913 - keywords, of which few are given
    dataset: str,
    model: str,
    source: str | Path | None = None,
    *,
    seed: int = 0,
    protocol: str = "clean",
    options: Mapping[str, Any] | None = None,
    hparams: Mapping[str, Any] | None = None,
    suite: str = "single",
    results: str | Path = "results",
    runs: str | Path = "runs",
    tracking: str = "off",
    progress: bool = False,
) -> Record:
    """One experiment, as `cma-bench run`: the record on disk if it is there, else trained, tested and saved.

    Every name is checked before data are read. The model is in `runs/experiments/<record.key>/model`.

    Args:
        dataset: see `cma-bench data list`.
        model: see `cma-bench models`.
        source: the file or folder of a data set that is not embedded.
        seed: drives the model, never the data.
        protocol: what the test split goes through.
        options: those of the data set.
        hparams: hyper-parameters of the model.
        suite: the folder below `results` that keeps the record.
        results: the folder of all suites.
        runs: caches, checkpoints, models; may be deleted at any time.
        tracking: an MLflow tracking uri, or `off`.
        progress: show progress bars.

    Raises:
        ValueError: an unknown name, a value out of range, or anything wrong with the data.
    """
    import warnings
    from dataclasses import replace

    from benchmarks.commands.options import CommonOptions
    from benchmarks.processes import quiet
    from benchmarks.records.record import Experiment
    from benchmarks.running.run import run as run_experiment
    from benchmarks.tracking import open_tracker

    experiment = Experiment(
        dataset=dataset,
        model=model,
        seed=seed,
        protocol=protocol,
        dataset_options=dict(options or {}),
        hparams=dict(hparams or {}),
    )
    asked = CommonOptions(_data(dataset, source), _place(results), _place(runs), tracking)
    with warnings.catch_warnings():
        quiet()
        tracker = open_tracker(asked.tracking_uri(), suite, asked.runs)
        return run_experiment(experiment, replace(asked.place(suite), progress=progress), tracker)


def results(folder: str | Path) -> Results:
    """The records of a suite, in a folder such as `results/default`; `.frame()` is a table of all numbers.

    Raises:
        StoreError: the folder has no records, or one that is damaged.
    """
    from benchmarks.records.results import read

    return read(_place(folder))


def _place(given: str | Path) -> Path:
    """A folder, or its URL; what is neither is refused."""
    return place(given) if isinstance(given, str) else given if hasattr(given, "is_dir") else Path(given)


def _data(dataset: str, source: str | Path | None) -> tuple[str, ...]:
    """As `--data` has it."""
    return () if source is None else (f"{dataset}={source}",)
