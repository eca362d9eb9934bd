"""What every model promises, CMA-CLIP and its baselines alike."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.models import MODELS, ModelError, create, load, resolve, save
from benchmarks.records.store import load_predictions, save_predictions
from cma_clip.classifier import Workspace
from cma_clip.examples import ExampleList
from cma_clip.types import IGNORE
from tests.products import TASKS, changed, products

TRAIN, VAL, TEST = products(24, seed=1), products(12, seed=2), products(13, seed=3)
SMALL = {"max_epochs": 2, "batch_size": 8, "width": 16, "depth": 1, "heads": 2, "hidden": 16}

every_model = pytest.mark.parametrize("name", MODELS)


def small(name, backbone):
    fields = MODELS[name].Config.model_fields
    return {field: value for field, value in {"backbone": backbone, **SMALL}.items() if field in fields}


def fitted(name, backbone, seed=0, train=TRAIN):
    model = create(name, small(name, backbone), TASKS, seed, Workspace())
    model.fit(train, VAL)
    return model


@pytest.fixture(scope="module")
def models(tiny):
    return {name: fitted(name, tiny) for name in MODELS}


def same_bits(one, other):
    assert one.ids == other.ids
    for task in one.probabilities:
        assert np.array_equal(one.probabilities[task], other.probabilities[task]), task


@every_model
def test_predictions_are_aligned_with_the_examples(models, name):
    predictions = models[name].predict(TEST)
    assert predictions.ids == TEST.ids()
    for task in TASKS:
        probabilities = predictions.probabilities[task.name]
        assert probabilities.shape == (len(TEST), len(task.classes))
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
        assert np.array_equal(predictions.labels[task.name], TEST.labels(task.name))


@pytest.mark.parametrize("absent", ["text", "image"])
@every_model
def test_a_modality_that_no_row_has_is_no_trouble(tiny, name, absent):
    train, val, test = (changed(products(n, seed=n, holes=False), **{absent: None}) for n in (24, 12, 13))
    model = create(name, small(name, tiny), TASKS, 0, Workspace())
    model.fit(train, val)
    for probabilities in model.predict(test).probabilities.values():
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)


NAMES = (
    "type",
    "forward",
    "color.main",
    "a/b",
    "颜色",
    "training",
    "weight",
    "x|y",
    " ",
    "",
    "1",
    "0",
    "a",
    "a.weight",
)


def renamed(examples):
    """Every other task has the labels of the color, the rest those of the size."""
    both = {new: TASKS[number % 2].name for number, new in enumerate(NAMES)}
    return ExampleList(
        replace(example, labels={new: example.labels[old] for new, old in both.items() if old in example.labels})
        for example in examples
    )


@every_model
def test_any_name_of_a_task_works(name, tiny, tmp_path):
    tasks = [replace(TASKS[number % 2], name=task) for number, task in enumerate(NAMES)]
    model = create(name, small(name, tiny), tasks, 0, Workspace())
    model.fit(renamed(TRAIN), renamed(VAL))
    predictions = model.predict(renamed(TEST))
    assert set(predictions.probabilities) == set(NAMES)
    save(name, model, tmp_path / "model")
    same_bits(load(tmp_path / "model").predict(TEST), predictions)
    save_predictions(tmp_path / "predictions", predictions)
    same_bits(load_predictions(tmp_path / "predictions"), predictions)


@every_model
def test_same_seed_same_predictions(models, name, tiny):
    same_bits(fitted(name, tiny).predict(TEST), models[name].predict(TEST))


@every_model
@pytest.mark.parametrize("frozen", [True, False], ids=["frozen", "trained"])
def test_trained_once_more_on_the_same_rows_it_is_the_fitted_model(name, tiny, frozen, tmp_path):
    """Validation chose an epoch before the last; a model from disk knows it too."""
    hparams = small(name, tiny)
    if "max_epochs" in hparams:
        hparams |= {"max_epochs": 4, "freeze": "all" if frozen else "none", "learning_rate": 3e-3}
    elif not frozen:
        pytest.skip("its backbone, if it has one, never trains")
    model = create(name, hparams, TASKS, 0, Workspace())
    model.keep_checkpoints(tmp_path / "checkpoints")
    model.fit(TRAIN, VAL)
    said = model.predict(TEST)
    save(name, model, tmp_path / "model")
    for fitted_before in (model, model, load(tmp_path / "model")):  # twice: the first has left checkpoints
        fitted_before.refit(TRAIN)
        same_bits(fitted_before.predict(TEST), said)


@every_model
def test_trained_once_more_it_learns_the_new_rows_alone(models, name, tiny, tmp_path):
    save(name, models[name], tmp_path)
    once_more, other = load(tmp_path), products(40, seed=9)
    once_more.refit(other)
    same_as_before = all(
        np.array_equal(once_more.predict(TEST).probabilities[task], values)
        for task, values in models[name].predict(TEST).probabilities.items()
    )
    assert same_as_before == name.startswith("zero_shot")
    fresh = load(tmp_path)
    fresh.refit(other)
    same_bits(fresh.predict(TEST), once_more.predict(TEST))


NETWORKS = [name for name in MODELS if "max_epochs" in MODELS[name].Config.model_fields]


@pytest.mark.parametrize("name", MODELS)
def test_a_model_that_was_not_fitted_keeps_nothing(name, tiny):
    model = create(name, small(name, tiny), TASKS, 0, Workspace())
    if name not in NETWORKS:
        model.refit(TRAIN)
        same_bits(model.predict(TEST), fitted(name, tiny).predict(TEST))
        return
    with pytest.raises(ValueError, match="fit the model before it is trained once more"):
        model.refit(TRAIN)


@every_model
def test_loaded_model_predicts_the_same_bits(models, name, tmp_path):
    save(name, models[name], tmp_path)
    loaded = load(tmp_path)
    assert type(loaded) is MODELS[name]
    assert loaded.config == models[name].config
    assert loaded.facts() == models[name].facts()
    same_bits(loaded.predict(TEST), models[name].predict(TEST))


@every_model
@pytest.mark.parametrize("modality", ["text", "image"])
def test_it_reads_what_it_says(models, name, modality):
    whole = products(13, seed=3, holes=False)
    said, without = (models[name].predict(x).probabilities for x in (whole, changed(whole, **{modality: None})))
    differs = any(not np.allclose(said[task], without[task], atol=1e-6) for task in said)
    assert differs == (modality in models[name].modalities)


@every_model
@pytest.mark.parametrize("missing", [{"image": None}, {"text": None}, {"image": None, "text": None}])
def test_a_missing_modality_is_no_reason_to_stop(models, name, missing):
    predictions = models[name].predict(changed(TEST, **missing))
    assert predictions.ids == TEST.ids()


@every_model
def test_test_labels_are_not_read(models, name):
    predictions = models[name].predict(changed(TEST, labels={}))
    assert all((labels == IGNORE).all() for labels in predictions.labels.values())
    same_bits(predictions, models[name].predict(TEST))


@every_model
def test_each_example_is_predicted_for_itself(models, name):
    together, alone = models[name].predict(TEST), models[name].predict(type(TEST)([TEST[4]]))
    for task in together.probabilities:
        np.testing.assert_allclose(alone.probabilities[task][0], together.probabilities[task][4], atol=1e-4)


@every_model
def test_learns_where_most_rows_have_no_label(name, tiny):
    """Whole batches are then without a label."""
    few = ExampleList(
        example if row < 8 else type(example)(example.id, example.group, example.image, example.text, {})
        for row, example in enumerate(TRAIN)
    )
    predictions = fitted(name, tiny, train=few).predict(TEST)
    assert all(np.isfinite(values).all() for values in predictions.probabilities.values())


@every_model
def test_unknown_hyper_parameter_is_refused(name):
    with pytest.raises(ModelError, match=f"unknown hyper-parameter of {name} 'learning_rat'"):
        resolve(name, {"learning_rat": 0.1})


@every_model
def test_configuration_survives_json(name, tiny):
    config = resolve(name, small(name, tiny))[1]
    assert type(config).model_validate_json(config.model_dump_json()) == config


@every_model
def test_search_space_gives_valid_values(name):
    import optuna

    trial = optuna.trial.FixedTrial(
        {
            "learning_rate": 1e-3,
            "backbone_learning_rate": 1e-4,
            "weight_decay": 0.1,
            "dropout": 0.2,
            "batch_size": 64,
            "modality_dropout": 0.1,
            "token_noise": 0.1,
            "width": 96,
            "hidden": 192,
            "depth": 1,
            "C": 1.0,
            "ngrams": 2,
            "image_weight": 1.0,
            "max_epochs": 3,
            "fragment_rate": 0.5,
        }
    )
    space = MODELS[name].search_space(trial)
    assert resolve(name, space)[1].model_dump(include=set(space)) == space


@every_model
def test_what_is_cut_is_told_by_those_that_read_texts_through_a_backbone(models, name):
    told = models[name].cut_texts(changed(TEST, text="red " * 57))
    config = models[name].config
    reads = "text_windows" in type(config).model_fields and getattr(config, "reads", "text") != "image"
    assert (told is not None) == reads
    if told is not None:
        assert told[0] == 2 + 4 * 14
        assert told[1].tolist() == [True] * len(TEST)
        assert models[name].cut_texts(changed(TEST, text="red"))[1].tolist() == [False] * len(TEST)


@every_model
def test_weights_fingerprint_names_the_backbone(models, name):
    has_backbone = "backbone" in MODELS[name].Config.model_fields
    assert (models[name].weights_fingerprint() is not None) == has_backbone


def test_value_out_of_range_is_refused():
    with pytest.raises(ModelError, match=r"cma_clip: dropout=1.5: .*less than 1"):
        resolve("cma_clip", {"dropout": 1.5})


def test_unknown_model_is_refused():
    with pytest.raises(ModelError, match="unknown model 'cma_clp'; did you mean 'cma_clip'"):
        resolve("cma_clp", {})


def test_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(ModelError, match="holds no model saved by this project"):
        load(tmp_path)
