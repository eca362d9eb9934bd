"""What a study tries, with real models on a tiny catalogue."""

import math

import optuna
import pytest

from benchmarks import datasets
from benchmarks.models import MODELS, resolve
from benchmarks.running.place import Place
from benchmarks.suites import NETWORKS, select
from benchmarks.tuning import workers
from benchmarks.tuning.budget import Budget, seconds_of
from benchmarks.tuning.objective import Visible, validation_score
from benchmarks.tuning.storage import open_storage
from benchmarks.tuning.studies import first_trial, specs
from benchmarks.tuning.workers import tune
from cma_clip.types import Examples
from tests.benchmarks.tuning.plans import OPTIONS, SHORT, assert_exactly, finished, states, study_of

NOTHING = {"majority", "class_name_match", "zero_shot_image", "zero_shot_text", "zero_shot"}


def params(study):
    return [trial.params for trial in finished(study)]


@pytest.mark.parametrize("model", MODELS)
def test_the_defaults_of_every_model_lie_in_its_own_search_space(model):
    first = first_trial(model, {})
    assert (first.params == {}) == (model in NOTHING)
    defaults = resolve(model, {})[1].model_dump()
    assert first.params == {name: defaults[name] for name in first.params}
    assert resolve(model, first.params)[1].model_dump() == defaults


def test_every_network_spans_the_same_shared_space():
    shared = {"learning_rate", "weight_decay", "dropout", "batch_size", "modality_dropout", "token_noise"}
    spaces = {model: first_trial(model, {}).distributions for model in NETWORKS}
    for space in spaces.values():
        assert {name: space[name] for name in shared} == {name: spaces["cma_clip"][name] for name in shared}
    assert {model for model, space in spaces.items() if "depth" not in space} == {
        "concat_fusion",
        "cma_clip_wo_sa",
        "cma_clip_wo_ma_sa",
    }


def test_the_defaults_come_first_and_the_budget_is_spent_exactly(plan_of):
    plan = plan_of(trials=4)
    tune(plan)
    study = study_of(plan)
    assert_exactly(study, 4)
    assert study.trials[0].params == {"C": 10.0, "ngrams": 2}
    assert study.best_value >= study.trials[0].value


def test_a_study_goes_on_as_if_it_had_never_stopped(plan_of):
    for trials in (2, 2, 7):
        plan = plan_of(folder="stopped", trials=trials)
        tune(plan)
    assert_exactly(study_of(plan), 7)
    straight = plan_of(folder="straight", trials=7)
    tune(straight)
    assert params(study_of(plan)) == params(study_of(straight))
    assert [t.value for t in finished(study_of(plan))] == [t.value for t in finished(study_of(straight))]


def test_other_data_or_fixed_hyper_parameters_are_another_study(tmp_path, plan_of):
    plain = plan_of(("concat_fusion",), trials=1).studies[0]
    longer = plan_of(("concat_fusion",), hparams={"max_epochs": 3}, trials=1).studies[0]
    suite = select("smoke", ("concat_fusion",), (), {**OPTIONS, "num_train": 80}, SHORT)
    (larger,) = specs(suite, "smoke", Place(tmp_path, tmp_path / "runs"))
    assert len({plain.name, longer.name, larger.name}) == 3
    assert {plain.label, longer.label, larger.label} == {"smoke/catalog/concat_fusion"}


def test_seconds_are_those_of_finished_trials(plan_of):
    plan = plan_of(seconds=0.5)
    tune(plan)
    study = study_of(plan)
    taken = [seconds_of(trial) for trial in finished(study)]
    assert sum(taken) >= 0.5 > sum(taken[:-1])
    before = len(taken)
    tune(plan)
    assert len(finished(study_of(plan))) == before


@pytest.mark.parametrize("given", [{}, {"trials": 0}, {"seconds": -1.0}, {"trials": 3, "seconds": 0.0}], ids=str)
def test_a_budget_is_trials_or_seconds_or_both(given):
    with pytest.raises(ValueError, match="--trials N, --seconds S, or both"):
        Budget(**given)


def test_of_both_limits_the_first_that_is_reached_counts(plan_of):
    few, short = plan_of(folder="few", trials=2, seconds=1e6), plan_of(folder="short", trials=1000, seconds=1e-3)
    for plan, count in ((few, 2), (short, 1)):
        tune(plan)
        assert_exactly(study_of(plan), count)


class Sealed(Examples):
    """Nobody may touch them in any way."""

    def __getattribute__(self, name):
        raise AssertionError(f"tuning touched the test split: {name}")

    def __len__(self):
        raise AssertionError("tuning touched the test split")

    __iter__ = __getitem__ = __bool__ = __len__


def test_tuning_never_touches_the_test_split(plan_of, tiny, monkeypatch):
    load = datasets.load

    def sealed(*arguments):
        splits = load(*arguments)
        object.__setattr__(splits, "test", Sealed())  # replace() would look at it: splits check themselves
        return splits

    monkeypatch.setattr(datasets, "load", sealed)
    plan = plan_of(("tfidf_logistic", "linear_probe", "concat_fusion"), {**SHORT, "backbone": tiny}, trials=2)
    tune(plan)
    assert [len(finished(study_of(plan, index))) for index in range(3)] == [2, 2, 2]


def test_the_score_is_what_networks_select_their_epoch_by(plan_of, tiny):
    plan = plan_of(("concat_fusion",), {**SHORT, "backbone": tiny}, trials=1)
    tune(plan)
    (trial,) = finished(study_of(plan))
    assert trial.value == pytest.approx(max(trial.intermediate_values.values()), abs=1e-6)
    assert len(trial.intermediate_values) == 2


def test_bad_trials_are_pruned_and_the_defaults_never(plan_of, tiny):
    plan = plan_of(("concat_fusion",), {"max_epochs": 4, "backbone": tiny}, trials=7)
    spec, study = plan.studies[0], study_of(plan)
    perfect = {0: 1.0, 1: 1.0, 2: 1.0, 3: 1.0}
    for rate in (1e-4, 2e-4, 3e-4, 4e-4, 5e-4):
        study.add_trial(
            optuna.create_trial(
                value=1.0,
                params={**spec.defaults, "learning_rate": rate},
                distributions=dict(spec.space),
                intermediate_values=perfect,
            )
        )
    tune(plan)
    default, pruned = finished(study_of(plan))[5:]
    assert (default.state.name, default.params) == ("COMPLETE", dict(spec.defaults))
    assert len(default.intermediate_values) == 4
    assert pruned.state.name == "PRUNED"
    assert len(pruned.intermediate_values) == 3  # judged from the third epoch on


def test_a_training_that_diverges_is_a_bad_trial_not_an_error(plan_of, tiny):
    plan = plan_of(("concat_fusion",), {**SHORT, "backbone": tiny, "task_weights": {"color": 1e39}}, trials=1)
    spec = plan.studies[0]
    study = study_of(plan)
    study.enqueue_trial({**spec.defaults, "learning_rate": 2e-3})
    objective = workers._objective(spec, plan, lambda: None)
    study.optimize(objective, n_trials=1)
    (trial,) = finished(study_of(plan))
    assert trial.state.name == "PRUNED"
    assert "training loss is" in trial.user_attrs["diverged"]


def test_what_was_tried_is_not_tried_again(plan_of):
    plan = plan_of(trials=3)
    study = study_of(plan)
    for _ in range(2):
        study.enqueue_trial({"C": 1.0, "ngrams": 1})
    tune(plan)
    assert states(study_of(plan)) == ["COMPLETE", "FAIL", "COMPLETE", "COMPLETE"]
    assert_exactly(study_of(plan), 3)


def test_a_space_that_is_tried_out_ends_the_study(plan_of, monkeypatch):
    def three(cls, trial):
        return {"ngrams": trial.suggest_int("ngrams", 1, 3)}

    monkeypatch.setattr(MODELS["tfidf_logistic"], "search_space", classmethod(three))
    monkeypatch.setattr(workers, "REPETITIONS", 20)
    plan = plan_of(trials=5)
    tune(plan)
    assert_exactly(study_of(plan), 3)
    tune(plan)
    assert_exactly(study_of(plan), 3)


def test_a_hyper_parameter_is_fixed_or_tuned(plan_of):
    with pytest.raises(ValueError, match="cma_clip tunes dropout, learning_rate: leave it out"):
        plan_of(("cma_clip",), {"dropout": 0.1, "learning_rate": 1e-3}, trials=1)


def test_the_first_trial_starts_where_the_suite_does(tmp_path):
    suite = select("smoke", ("fine_tuned_clip",), (), OPTIONS, {})
    (study,) = specs(suite, "smoke", Place(tmp_path, tmp_path / "runs"))
    assert study.defaults["max_epochs"] == suite.hparams["fine_tuned_clip"]["max_epochs"] == 3
    assert study.fixed == {"freeze": suite.hparams["fine_tuned_clip"]["freeze"]}


def test_equal_trials_are_equal_trainings(plan_of, tiny):
    plan = plan_of(("concat_fusion",), {**SHORT, "backbone": tiny}, trials=2)
    tune(plan)
    again = plan_of(("concat_fusion",), {**SHORT, "backbone": tiny}, folder="again", trials=2)
    tune(again)
    first, second = ([t.intermediate_values for t in finished(study_of(p))] for p in (plan, again))
    assert first == second
    assert first[0] != first[1]


def test_a_storage_that_is_not_there_is_named_without_its_password():
    with pytest.raises(ValueError, match=r"--storage postgresql\+psycopg://\.\.\.:") as error:
        open_storage("postgresql+psycopg://me:secret@localhost:1/none")
    assert "secret" not in str(error.value)
    with pytest.raises(ValueError, match="--storage nosuch://"):
        open_storage("nosuch://host/name")


def test_the_validation_score_leaves_missing_labels_out(plan_of):
    plan = plan_of(trials=1)
    splits = datasets.load("catalog", plan.place.source("catalog"), OPTIONS)
    visible = Visible.of(splits)
    model = MODELS["majority"](visible.tasks)
    model.fit(visible.train, visible.val)
    expected = []
    for task in visible.tasks:
        train, val = visible.train.labels(task.name), visible.val.labels(task.name)
        winner = max(range(len(task.classes)), key=lambda c, train=train: (train == c).sum())
        expected.append((val[val >= 0] == winner).mean())
    assert math.isclose(validation_score(model.predict(visible.val)), sum(expected) / len(expected))
