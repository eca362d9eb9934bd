"""Plans that are tuned in seconds."""

from dataclasses import replace

from benchmarks.running.place import Place
from benchmarks.suites import select
from benchmarks.tracking import OFF
from benchmarks.tuning.budget import Budget
from benchmarks.tuning.storage import open_storage
from benchmarks.tuning.studies import open_study, specs
from benchmarks.tuning.workers import Plan

OPTIONS = {"num_train": 64, "num_val": 24, "num_test": 32, "image_size": 32}
SHORT = {"max_epochs": 2}


def make_plan(folder, cache, models, hparams, storage=None, tracking=OFF, **budget):
    """A plan on the tiny catalogue, in a folder of its own with a cache that is shared."""
    runs = folder / "runs"
    if not runs.exists():
        runs.mkdir(parents=True)
        (runs / "cache").symlink_to(cache)
    place = Place(folder / "results" / "smoke", runs)
    suite = select("smoke", models, (), OPTIONS, {})
    suite = replace(suite, budget={**suite.budget, **hparams})
    studies = list(specs(suite, "smoke", place))
    return Plan(studies, Budget(**budget), storage or str(runs / "tuning" / "journal"), place, tracking)


def study_of(plan, index=0):
    """As another process would see it."""
    return open_study(plan.studies[index], open_storage(plan.storage))


def states(study):
    return [trial.state.name for trial in study.get_trials()]


def finished(study):
    return [trial for trial in study.get_trials() if trial.state.name in ("COMPLETE", "PRUNED")]


def assert_exactly(study, count):
    """So many finished trials, none of them twice, nothing left over."""
    found = finished(study)
    assert len(found) == count
    assert len({str(sorted(trial.params.items())) for trial in found}) == count
    assert {"RUNNING", "WAITING"}.isdisjoint(states(study))
