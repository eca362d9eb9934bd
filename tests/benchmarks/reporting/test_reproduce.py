from benchmarks.records.record import Experiment
from benchmarks.reporting.reproduce import command
from benchmarks.suites import experiments, select


def asked(name, models=(), seeds=(), options=None, hparams=None):
    return experiments(select(name, models, seeds, options or {}, hparams or {}))


def test_a_suite_as_it_is_needs_nothing_else():
    assert command("default", asked("default"), []) == "nox -s benchmark -- --suite default"
    assert command("ablation", asked("ablation"), []) == "nox -s benchmark -- --suite ablation"
    assert command("paper", asked("paper"), ["abo"]) == "nox -s benchmark -- --suite paper --data abo=DIR"


def test_what_was_asked_for_is_told():
    listed = asked("manifest", ["cma_clip", "majority"], [4], {"labels": ["color"]}, {"max_epochs": 3})
    assert command("manifest", listed, ["manifest"]) == (
        "nox -s benchmark -- --suite manifest --data manifest=DIR --models majority cma_clip --seeds 4 "
        "--option 'labels=[\"color\"]' --hparam max_epochs=3"
    )
    assert "--option abo.min_count=2" in command("paper", asked("paper", options={"abo.min_count": 2}), [])


def test_tuned_hyper_parameters_are_not_repeated():
    tuned = [Experiment(dataset="catalog", model="mmbt", seed=0, hparams={"depth": 2}, tuned="5 trials")]
    assert command("default", tuned, []) == "nox -s benchmark -- --suite default --models mmbt --seeds 0 --tuned"


def test_single_experiments_are_commands_of_their_own():
    one = Experiment(dataset="catalog", model="mmbt", seed=1, protocol="plain", hparams={"depth": 2})
    assert command("single", [one], []) == (
        "cma-bench run --dataset catalog --model mmbt --seed 1 --protocol plain --hparam depth=2"
    )
