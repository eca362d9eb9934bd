"""What `cma-bench tune` and `suite --tuned` do."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import suites
from benchmarks.processes import quiet
from benchmarks.records import store

if TYPE_CHECKING:
    from benchmarks.commands.options import Tuning, Where
    from benchmarks.tuning.workers import Plan


def tune_suite(chosen: suites.Suite, name: str, tuning: Tuning, where: Where) -> str:
    """Spend the same budget on every tunable model of a suite; returns a table of what was found.

    Raises:
        ValueError: no budget, nothing to tune, data that are not there, or workers that did not end well.
    """
    from benchmarks.commands.options import needing_data, place_of, tracking_uri
    from benchmarks.tuning.budget import Budget
    from benchmarks.tuning.studies import specs, untunable
    from benchmarks.tuning.workers import Plan, tune

    quiet()
    budget = Budget(tuning.trials, tuning.seconds)
    place = place_of(where, name)
    chosen = suites.with_data(chosen, needed=needing_data(), given=place.roots)
    studies = list(specs(chosen, name, place))
    if not studies:
        raise ValueError(f"nothing to tune in {', '.join(chosen.models)}")
    storage = tuning.storage or str(where.runs / "tuning" / f"{name}.journal")
    plan = Plan(studies, budget, storage, replace(place, progress=False), tracking_uri(where))
    tune(plan, tuning.workers)
    written = _write_outputs(plan, name)
    nothing = untunable(chosen)
    return "\n".join([written, f"nothing to tune: {', '.join(nothing)}"] if nothing else [written])


def with_tuned(chosen: suites.Suite, name: str, folder: Path | None, where: Where) -> tuple[suites.Suite, str]:
    """The suite with the tuned hyper-parameters of a folder, and a sentence on what has none.

    Without a folder: those of the suite itself, else the committed ones, else those of the suite it is tuned with.
    """
    from benchmarks.tuning import chosen as choices

    folder = folder or _tuned_folder(chosen, name, where.results)
    found = choices.load(folder)
    tuned = choices.hparams(found, chosen.datasets, partial(suites.hparams_of, chosen))
    lacking = [
        f"{model} on {dataset}"
        for dataset in chosen.datasets
        for model in chosen.models
        if model not in tuned.get(dataset, {})
    ]
    told = f"hyper-parameters from {folder}; defaults for {', '.join(lacking) or 'none'}"
    return replace(chosen, tuned=tuned, tuned_by=choices.origins(found)), told


def _tuned_folder(chosen: suites.Suite, name: str, results: Path) -> Path:
    from benchmarks.tuning.chosen import FOLDER

    names = [name, chosen.tuned_with] if chosen.tuned_with else [name]
    places = [root / suite / FOLDER for suite in names for root in (results, results / "reference")]
    return next((place for place in places if place.is_dir()), places[0])


def _write_outputs(plan: Plan, name: str) -> str:
    from benchmarks.reporting.figures.style import to_png, to_svg
    from benchmarks.reporting.table import to_markdown
    from benchmarks.tuning import chosen as choices
    from benchmarks.tuning import report as export
    from benchmarks.tuning.studies import open_storage, open_study

    folder = plan.place.suite_dir / choices.FOLDER
    storage = open_storage(plan.storage)
    for spec in plan.studies:
        choices.save(folder, export.tuned_of(spec, open_study(spec, storage).get_trials(deepcopy=False), plan.budget))
    found = choices.load(folder)
    for title, figure in export.figures(found).items():
        store.write_bytes(folder / f"{title}.svg", to_svg(figure))
        store.write_bytes(folder / f"{title}.png", to_png(figure))
    text = to_markdown(export.table(found, name))
    store.write_text(folder / "README.md", text)
    return f"{text}\n{folder} holds the chosen configurations"
