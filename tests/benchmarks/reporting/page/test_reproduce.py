"""What was asked for can be read, and asked for again."""

from benchmarks.records.record import Experiment
from benchmarks.reporting.page.reproduce import overrides, reproduction
from benchmarks.suites import experiments, select
from tests.benchmarks.made_records import record


def asked(name, models=(), seeds=(), options=None, hparams=None):
    listed = experiments(select(name, models, seeds, options or {}, hparams or {}))
    return [record(experiment=experiment) for experiment in listed]


def test_a_suite_as_it_is_needs_nothing_else():
    assert reproduction("default", asked("default"), []) == "nox -s benchmark -- --suite default"
    assert reproduction("ablation", asked("ablation"), []) == "nox -s benchmark -- --suite ablation"
    assert reproduction("paper", asked("paper"), ["abo"]) == "nox -s benchmark -- --suite paper --data abo=DIR"


def test_what_was_asked_for_is_told():
    listed = asked("manifest", ["cma_clip", "majority"], [4], {"labels": ["color"]}, {"max_epochs": 3})
    assert reproduction("manifest", listed, ["manifest"]) == (
        "nox -s benchmark -- --suite manifest --data manifest=DIR --models majority cma_clip --seeds 4 "
        "--option 'labels=[\"color\"]' --hparam max_epochs=3"
    )
    assert "--option abo.min_count=2" in reproduction("paper", asked("paper", options={"abo.min_count": 2}), [])


def test_tuned_hyper_parameters_are_not_repeated():
    tuned = Experiment(dataset="catalog", model="mmbt", seed=0, hparams={"depth": 2}, tuned="5 trials")
    told = reproduction("default", [record(experiment=tuned)], [])
    assert told == "nox -s benchmark -- --suite default --models mmbt --seeds 0 --tuned"


def test_single_experiments_are_commands_of_their_own():
    one = Experiment(dataset="catalog", model="mmbt", seed=1, protocol="plain", hparams={"depth": 2})
    assert reproduction("single", [record(experiment=one)], []) == (
        "cma-bench run --dataset catalog --model mmbt --seed 1 --protocol plain --hparam depth=2"
    )


def test_overrides_are_told_in_words():
    records = asked("smoke", ["mmbt", "cma_clip"], [3], {"num_train": 64}, {"max_epochs": 5})
    assert [str(one) for one in overrides("smoke", records)] == [
        "mmbt, cma_clip by --models",
        "3 by --seeds",
        "num_train=64 by --option",
        "max_epochs=5 by --hparam",
    ]
    assert overrides("smoke", asked("smoke")) == []


def test_what_one_network_of_an_ablation_was_given_all_were():
    records = asked("ablation", hparams={"max_epochs": 2})
    assert [str(one) for one in overrides("ablation", records)] == ["max_epochs=2 by --hparam"]
    assert "--hparam max_epochs=2" in reproduction("ablation", records, [])


def test_what_only_models_over_clip_were_given_is_repeated():
    records = asked("default", ["zero_shot", "majority"], hparams={"text_windows": 2})
    assert reproduction("default", records, []).endswith("--models majority zero_shot --hparam text_windows=2")


def test_skipped_and_blanked_samples_tell_how_they_were_asked_for():
    skipped = {"rows": 9, "bad_samples": ["a.csv, row 3: no image"]}
    for report, value in ((skipped, "skip"), ({**skipped, "blanked": ["a.csv, row 4: torn"]}, "blank")):
        made = [one.model_copy(update={"data_report": report}) for one in asked("default")]
        assert reproduction("default", made, []).endswith(f"--on-bad-sample {value}")
        assert [str(one) for one in overrides("default", made)] == [f"{value} by --on-bad-sample"]
