"""`cma-bench tune`: the same budget for every model of a suite; `cma-bench suite --tuned` uses what it chose."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from benchmarks.commands.options import CommonOptions, Names, Pairs, pairs
from benchmarks.engines import EngineOptions
from benchmarks.processes import quiet
from cma_clip.places.urls import is_url

if TYPE_CHECKING:
    from benchmarks.engines.task import Engine
    from benchmarks.suites import Suite
    from benchmarks.tuning.workers import Plan


@dataclass(frozen=True)
class TuneOptions:
    """What every model may try, and where it is kept.

    Attributes:
        trials: finished trials of every model on every data set, pruned ones included.
        seconds: instead of trials, or as a limit beside them: the time that finished trials may take together.
        storage: a journal file, or a database such as postgresql+psycopg://user@host/name or sqlite:///file; a journal
            below `runs` by default. Workers on several machines share a database.
    """

    trials: int | None = None
    seconds: float | None = None
    storage: str | None = None


def tune(  # noqa: PLR0913, PLR0917 - one parameter an option of the command
    common: CommonOptions,
    engine: EngineOptions,
    tuning: TuneOptions,
    suite: str = "default",
    models: Names = (),
    option: Pairs = (),
    hparam: Pairs = (),
) -> None:
    """Tune every model of a suite on validation splits, all with the same budget; killed, it goes on where it was.

    Args:
        common: folders and tracking.
        engine: where workers run, and how many.
        tuning: budget and storage.
        suite: see `cma-bench suites`.
        models: only these; all by default.
        option: options of its data sets, e.g. train_rows=12000, or of one of them: abo.min_count=2.
        hparam: hyper-parameters that every network has in every trial, e.g. max_epochs=3.
    """
    from benchmarks.suites import select

    selected = select(suite, models, (), pairs(option), pairs(hparam))
    if engine.engine != "local" and "://" not in (tuning.storage or ""):
        raise ValueError(f"--engine {engine.engine}: workers on several nodes share a database; give one as --storage")
    with engine.open_if_several() as opened:
        print(tune_suite(selected, suite, tuning, common, opened))


def tune_suite(
    selected: Suite, name: str, options: TuneOptions, common: CommonOptions, engine: Engine | None = None
) -> str:
    """Spend the same budget on every tunable model of a suite; returns a table of what was chosen.

    Raises:
        ValueError: no budget, nothing to tune, data that are not there, or workers that did not end well.
    """
    from benchmarks.suites import with_data
    from benchmarks.tuning.budget import Budget

    budget = Budget(options.trials, options.seconds)
    selected = with_data(selected, given=common.roots())
    place = common.place(name)
    from benchmarks.tuning.studies import specs, untunable
    from benchmarks.tuning.workers import Plan, tune

    quiet()
    studies = list(specs(selected, name, place))
    if not studies:
        raise ValueError(f"nothing to tune in {', '.join(selected.models)}")
    if is_url(common.runs) and options.storage is None:
        raise ValueError(f"--runs {common.runs}: a URL holds no journal; give --storage a database's url, or a file")
    storage = options.storage or str(common.runs / "tuning" / f"{name}.journal")
    plan = Plan(studies, budget, storage, replace(place, progress=False), common.tracking_uri())
    tune(plan, engine)
    written = _write_outputs(plan, name)
    nothing = untunable(selected)
    return "\n".join([written, f"nothing to tune: {', '.join(nothing)}"] if nothing else [written])


def _write_outputs(plan: Plan, name: str) -> str:
    from benchmarks.records import store
    from benchmarks.reporting.figures.style import to_png, to_svg
    from benchmarks.reporting.table import to_markdown
    from benchmarks.tuning import chosen, report
    from benchmarks.tuning.storage import open_storage
    from benchmarks.tuning.studies import open_study

    folder = plan.place.suite_dir / chosen.FOLDER
    storage = open_storage(plan.storage)
    for spec in plan.studies:
        trials = open_study(spec, storage).get_trials(deepcopy=False)
        chosen.save(folder, report.tuned_of(spec, trials, plan.budget))
    tuned = chosen.load(folder)
    for title, figure in report.figures(tuned).items():
        store.write_bytes(folder / f"{title}.svg", to_svg(figure))
        store.write_bytes(folder / f"{title}.png", to_png(figure))
    text = to_markdown(report.table(tuned, name))
    store.write_text(folder / "README.md", text)
    return f"{text}\n{folder} holds the chosen configurations"
