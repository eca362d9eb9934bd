"""`cma-bench tune` and `suite --tuned`, from the command line to the files."""

import re
import sys
import warnings

import pytest

from benchmarks import cli
from benchmarks.records.store import load_records
from benchmarks.reporting.table import MISSING
from benchmarks.tracking import default_uri
from benchmarks.tuning import chosen as choices
from benchmarks.tuning import report as export
from benchmarks.tuning.workers import tune
from tests.benchmarks.tuning.plans import OPTIONS, finished, study_of

SMALL = ["--option", *(f"{name}={value}" for name, value in OPTIONS.items())]


@pytest.fixture
def cma_bench(monkeypatch, capsys, tmp_path, cache):
    """What a command printed in a folder of its own, or what it exited with."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "cache").symlink_to(cache)

    def call(*arguments):
        arguments = [*arguments, "--suite", "smoke", *SMALL, "--tracking", "off"]
        monkeypatch.setattr(sys, "argv", ["cma-bench", *arguments])
        with warnings.catch_warnings():
            try:
                cli.main()
            except SystemExit as stopped:
                return str(stopped)
        return capsys.readouterr().out

    return call


def test_from_tune_to_a_tuned_suite(cma_bench, tmp_path):
    said = cma_bench("tune", "--models", "majority", "tfidf_logistic", "--trials", "5")
    assert "nothing to tune: majority" in said
    assert "the same budget for every model: 5 trials" in said
    folder = tmp_path / "results" / "smoke" / "tuned"
    assert sorted(path.name for path in folder.rglob("*") if path.is_file()) == [
        "README.md",
        "catalog-history.png",
        "catalog-history.svg",
        "catalog-importance.png",
        "catalog-importance.svg",
        "tfidf_logistic.json",
    ]
    (tuned,) = choices.load(folder)
    assert tuned.trials[0].params == {"C": 10.0, "ngrams": 2}
    assert tuned.trials[0].score == tuned.default_score <= tuned.score == max(t.score for t in tuned.trials)
    assert tuned.trials[tuned.number].params == tuned.params
    assert set(tuned.fingerprints) == {"data", "weights"}
    assert tuned.versions == {"tfidf_logistic": 1, "catalog": 1, "loading": 1}
    assert str(tmp_path) not in (folder / "catalog" / "tfidf_logistic.json").read_text()
    shown = re.search(r"\| catalog .*", said)[0]
    assert f"{100 * tuned.default_score:.2f} | {100 * tuned.score:.2f}" in shown

    said = cma_bench("suite", "--models", "majority", "tfidf_logistic", "--workers", "1", "--tuned")
    assert "hyper-parameters from results/smoke/tuned; defaults for majority on catalog" in said
    records = {record.experiment.model: record for record in load_records(tmp_path / "results" / "smoke")}
    assert records["majority"].experiment.hparams == {}
    assert records["tfidf_logistic"].experiment.hparams == tuned.params
    assert records["tfidf_logistic"].experiment.tuned.startswith("5 trials a model on catalog (")
    table = (tmp_path / "results" / "smoke" / "tables" / "catalog-accuracy.md").read_text()
    assert "Tuned on validation, 5 trials a model" in table
    assert "Not tuned: majority." in table
    assert records["tfidf_logistic"].config == {**records["tfidf_logistic"].config, **tuned.params}


def test_wrong_use_is_one_clear_sentence(cma_bench, tmp_path):
    assert "give every model --trials N, --seconds S, or both" in cma_bench("tune")
    assert "nothing to tune in majority" in cma_bench("tune", "--models", "majority", "--trials", "1")
    assert "holds no tuned configurations; run `cma-bench tune` first" in cma_bench("suite", "--tuned")
    (tmp_path / "mine" / "catalog").mkdir(parents=True)
    (tmp_path / "mine" / "catalog" / "cma_clip.json").write_text("{}")
    assert "mine/catalog/cma_clip.json holds no tuned configuration" in cma_bench("suite", "--tuned", "mine")


def nothing(_):
    return {}


def test_what_was_tuned_on_other_options_or_beside_other_hyper_parameters_is_refused(plan_of):
    plan = plan_of(trials=2)
    tune(plan)
    tuned = export.tuned_of(plan.studies[0], study_of(plan).get_trials(), plan.budget)
    assert choices.hparams([tuned], {"catalog": dict(plan.studies[0].dataset_options)}, nothing) == {
        "catalog": {"tfidf_logistic": tuned.params}
    }
    assert choices.hparams([tuned], {"abo": {}}, nothing) == {}
    masked = {**plan.studies[0].dataset_options, "titles": "masked"}
    for other in ({}, masked):
        with pytest.raises(ValueError, match="tfidf_logistic was tuned on catalog with the options"):
            choices.hparams([tuned], {"catalog": other}, nothing)
    same = {"catalog": dict(plan.studies[0].dataset_options)}
    with pytest.raises(ValueError, match=r"tuned on catalog beside {}, not {'min_count': 3}: leave --hparam as it was"):
        choices.hparams([tuned], same, lambda _: {"min_count": 3})
    chosen = choices.hparams([tuned], same, lambda _: {"C": 3})  # a suite's own start of what is tuned
    assert chosen["catalog"]["tfidf_logistic"] == tuned.params


def test_a_choice_survives_the_disk_and_gives_the_same_figures(plan_of, tmp_path):
    plan = plan_of(trials=5)
    tune(plan)
    tuned = export.tuned_of(plan.studies[0], study_of(plan).get_trials(), plan.budget)
    choices.save(tmp_path / "tuned", tuned)
    assert choices.load(tmp_path / "tuned") == [tuned]
    shares = export.importances(tuned)
    assert set(shares) == {"C", "ngrams"}
    assert sum(shares.values()) == pytest.approx(1)
    assert set(export.figures([tuned])) == {"catalog-history", "catalog-importance"}
    few = tuned.model_copy(update={"trials": tuned.trials[:3]})
    assert set(export.figures([few])) == {"catalog-history"}


def test_a_budget_that_was_overdrawn_gives_no_advantage(plan_of):
    plan = plan_of(trials=4)
    tune(plan)
    trials = study_of(plan).get_trials()
    narrow = type(plan.budget)(trials=2)
    tuned = export.tuned_of(plan.studies[0], trials, narrow)
    assert [trial.number for trial in tuned.trials] == [0, 1]
    assert tuned.score == max(trial.value for trial in trials[:2])


def test_mlflow_shows_a_study_with_its_trials(plan_of, tmp_path):
    from mlflow.tracking import MlflowClient

    uri = default_uri(tmp_path / "runs")
    plan = plan_of(trials=2, tracking=uri)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tune(plan)
        runs = MlflowClient(uri).search_runs(["1"])
    (parent,) = [run for run in runs if run.data.tags["kind"] == "study"]
    assert parent.info.run_name == f"study {plan.studies[0].name}"
    children = {run.data.params["C"]: run for run in runs if run.data.tags["kind"] == "trial"}
    assert len(children) == 2
    for trial in finished(study_of(plan)):
        child = children[str(trial.params["C"])]
        assert child.data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert child.data.tags["state"] == "complete"
        assert child.data.metrics["score"] == pytest.approx(trial.value)
        assert child.info.status == "FINISHED"


def test_a_dead_tracking_server_costs_one_warning(plan_of):
    from benchmarks.tracking import TrackingWarning

    plan = plan_of(("tfidf_logistic", "linear_probe"), trials=1, tracking="http://localhost:9")
    with pytest.warns(TrackingWarning) as warned:
        tune(plan)
    assert len([w for w in warned if issubclass(w.category, TrackingWarning)]) == 1
    assert [len(finished(study_of(plan, index))) for index in (0, 1)] == [1, 1]


def test_a_default_that_diverged_has_no_score_and_nothing_complete_is_said(plan_of):
    plan = plan_of(trials=2)
    tune(plan)
    (spec,), trials = plan.studies, study_of(plan).get_trials()
    lost = [trial for trial in trials if trial.params != dict(spec.defaults)]
    tuned = export.tuned_of(spec, lost, plan.budget)
    assert tuned.default_score is None
    assert export.table([tuned], "smoke").rows[0][3].text == MISSING
    with pytest.raises(ValueError, match="tfidf_logistic: none of 0 trials was completed"):
        export.tuned_of(spec, [], plan.budget)
