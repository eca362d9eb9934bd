import pytest

from benchmarks.datasets import DATASETS
from benchmarks.models import MODELS, resolve
from benchmarks.names import UnknownName
from benchmarks.suites import FLOORS, MODEL_ORDER, NETWORKS, SUITES, experiments, select, with_data
from benchmarks.suites.order import FURTHER_FINE_TUNING


def whole(name):
    return select(name, [], [], {}, {})


@pytest.mark.parametrize("name", SUITES)
def test_every_experiment_of_a_suite_could_run(name):
    listed = experiments(whole(name))
    assert len(listed) == len(set(map(repr, listed))) > 0
    for experiment in listed:
        resolve(experiment.model, experiment.hparams)
        assert experiment.dataset_options.keys() <= DATASETS[experiment.dataset].options.model_fields.keys()


@pytest.mark.parametrize("name", SUITES)
def test_every_network_gets_the_same_budget(name):
    suite = whole(name)
    plain = [e for e in experiments(suite) if not e.variant and e.model not in suite.hparams]
    budgets = {}
    for experiment in plain:
        if experiment.model in NETWORKS:
            budgets.setdefault(str(experiment.dataset_options), []).append(experiment.hparams)
    assert all(budget == same[0] for same in budgets.values() for budget in same)


def test_a_whole_suite_is_what_the_registry_says():
    assert experiments(whole("default")) == experiments(SUITES["default"])
    models = [e.model for e in experiments(whole("default")) if e.seed == 0]
    assert models == [model for model in MODEL_ORDER if model not in FURTHER_FINE_TUNING]


def test_the_first_seed_is_complete_before_the_second_begins():
    seeds = [experiment.seed for experiment in experiments(whole("default"))]
    assert seeds == sorted(seeds)


def test_select_narrows_to_models_and_seeds():
    listed = experiments(select("default", ["cma_clip", "majority"], [0], {}, {}))
    assert [(e.model, e.seed) for e in listed] == [("majority", 0), ("cma_clip", 0)]  # in the order of the tables
    assert {e.seed for e in experiments(select("default", [], [7, 8], {}, {}))} == {7, 8}


def test_options_reach_the_data_and_hyper_parameters_the_networks():
    suite = select("smoke", [], [], {"num_train": 50}, {"depth": 1, "max_epochs": 3})
    for experiment in experiments(suite):
        assert experiment.dataset_options == {"num_train": 50, "num_val": 60, "num_test": 80}
        own = suite.hparams.get(experiment.model, {})
        assert experiment.hparams == ({"depth": 1, "max_epochs": 3} if experiment.model in NETWORKS else own)


def test_an_option_may_be_for_one_of_several_data_sets():
    listed = experiments(select("paper", ["majority"], [0], {"abo.min_count": 2, "titles": "masked"}, {}))
    found = {experiment.dataset: experiment.dataset_options for experiment in listed}
    assert found == {
        "food101": {"split": "mmbt", "titles": "masked"},
        "fashion-gen": {"titles": "masked"},
        "abo": {"min_count": 2, "titles": "masked"},
    }
    with pytest.raises(UnknownName, match="'abbo'; did you mean 'abo'"):
        select("paper", [], [], {"abbo.min_count": 2}, {})


def test_a_variant_is_its_model_with_changes_and_has_a_row_of_its_own():
    listed = {e.row: e for e in experiments(select("ablation", [], [0], {}, {"max_epochs": 3}))}
    assert list(listed)[4] == "cma_clip"
    assert listed["cma_clip, 2 layers"].hparams == {"max_epochs": 3, "depth": 2}
    assert listed["cma_clip, 2 layers"].label() == "catalog/cma_clip, 2 layers/seed-0"
    assert {e.row for e in experiments(select("ablation", ["cma_clip_wo_ma"], [0], {}, {}))} == {"cma_clip_wo_ma"}


def test_of_several_data_sets_those_without_their_folder_are_left_out():
    suite = whole("paper")
    assert list(with_data(suite, ["abo", "catalog"]).datasets) == ["abo"]
    with pytest.raises(ValueError, match="--data food101=DIR --data fashion-gen=DIR --data abo=DIR, at least one"):
        with_data(suite, [])
    assert with_data(whole("default"), []) == whole("default")


def test_every_row_stands_on_the_backbone_that_is_asked_for():
    suite = select("default", [], [0], {}, {"backbone": "random:ViT-B-32", "max_epochs": 2})
    for experiment in experiments(suite):
        floor = experiment.model in FLOORS
        assert experiment.hparams.get("backbone") == (None if floor else "random:ViT-B-32")
        assert (experiment.hparams.get("max_epochs") == 2) == (experiment.model in NETWORKS)


def test_a_number_of_windows_reaches_every_model_that_reads_texts_through_a_backbone():
    for experiment in experiments(select("manifest", [], [0], {}, {"text_windows": 8})):
        reads = "text_windows" in MODELS[experiment.model].Config.model_fields
        assert experiment.hparams.get("text_windows") == (8 if reads else None)


def test_selecting_changes_no_suite():
    before = experiments(SUITES["smoke"])
    select("smoke", ["mmbt"], [5], {"num_train": 50}, {"depth": 1})
    assert experiments(SUITES["smoke"]) == before


@pytest.mark.parametrize(
    ("name", "models", "message"),
    [
        ("defualt", [], "suite 'defualt'; did you mean 'default'"),
        ("smoke", ["mbt"], "model 'mbt'; did you mean 'mmbt'"),
    ],
)
def test_unknown_names_are_answered_with_near_ones(name, models, message):
    with pytest.raises(UnknownName, match=message):
        select(name, models, [], {}, {})


@pytest.mark.parametrize(
    ("models", "name"),
    [
        (["majority"], "backbone"),
        (["tfidf_logistic"], "text_windows"),
        (["fine_tuned_clip"], "augment"),
        (["linear_probe"], "max_epochs"),
    ],
)
def test_a_hyper_parameter_that_would_reach_no_model_is_refused(models, name):
    with pytest.raises(ValueError, match=f"'{name}' would change nothing: none of {models[0]} .*`cma-bench run"):
        select("smoke", models, [], {}, {name: 1})
    select("smoke", [*models, "cma_clip"], [], {}, {name: 1})


def test_a_learning_curve_is_the_same_data_set_with_several_numbers_of_training_rows():
    listed = experiments(select("learning-curve", ["tfidf_logistic", "cma_clip"], [0], {"eval_rows": 90}, {"depth": 2}))
    rows = [experiment.dataset_options["train_rows"] for experiment in listed if experiment.model == "cma_clip"]
    assert rows == [250, 500, 1000, 2000, 4000, 8000, 12000]
    for experiment in listed:
        options = experiment.dataset_options
        assert options == {
            **{"class_rows": 12000, "eval_rows": 90},
            **{"train_rows": options["train_rows"], "val_rows": options["train_rows"] // 7},
        }
        budget = {"depth", "max_epochs", "patience"} if experiment.model == "cma_clip" else set()
        assert experiment.hparams.keys() == budget
