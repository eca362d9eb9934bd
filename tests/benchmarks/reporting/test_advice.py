"""What is said of a choice: the answer first, numbers of the test split last, and always what to do next."""

from pathlib import Path

import pytest

from benchmarks.records.record import Cost
from benchmarks.reporting.advice import advice, duration
from tests.benchmarks.made_records import ORDER, record, validation

RUNS = Path("runs")
FLOOR = record("majority", validation=validation({"color": 0.2, "style": 0.2}))
BOTH = ("image", "text")


def made(model, color, style, *, seconds=0.001, reads=BOTH, answered=0.5, seed=0, **changes):
    shares = {"color": color, "style": style}
    return record(
        model,
        seed,
        validation=validation(shares, answered=answered),
        cost=Cost(seconds=seconds, megabytes=12.5, reads=reads),
        seconds={"fit": 3.0},
        **changes,
    )


def said(*records):
    (found,) = advice(records, ORDER, "default", RUNS)
    return found


CHEAP = made("tfidf_logistic", 0.8, 0.7, seconds=0.0005, reads=("text",))
DEAR = made("cma_clip", 0.8025, 0.7, seconds=0.04)


def test_the_answer_comes_first_and_the_test_split_after_everything_that_decided():
    found = said(FLOOR, CHEAP, DEAR)
    first, second, *_ = found.sentences
    assert first == (
        "Take tfidf_logistic: 75.0 % [71, 79] accuracy on the validation split (400 rows), mean over color, style."
    )
    assert second == (
        "No significant difference to the best there, cma_clip (75.1 %), which takes 76 times as long "
        "(1.1 h instead of 53 s) for training and 100,000 products."
    )
    order = [
        next(n for n, line in enumerate(found.sentences) if part in line) for part in ("Take", "On the test", "fill")
    ]
    assert order == [0, len(found.sentences) - 3, len(found.sentences) - 1]


def test_the_folder_and_the_next_command_are_of_the_record_that_is_taken():
    found = said(FLOOR, CHEAP, DEAR)
    folder = RUNS / "experiments" / CHEAP.key / "model"
    assert found.folder == folder
    assert found.sentences[-2:] == (f"Model: {folder}", f"Next: cma-bench fill TABLE --model {folder} --out FILE")


def test_a_folder_with_a_blank_is_quoted():
    (found,) = advice([FLOOR, CHEAP], ORDER, "default", Path("my runs"))
    assert f"--model 'my runs/experiments/{CHEAP.key}/model' --out" in found.sentences[-1]


def test_costs_are_told_in_units_of_a_shop():
    lines = said(FLOOR, CHEAP).sentences
    assert (
        "Training took 3 s; a product takes 0.5 ms, 100,000 take 50 s (one thread of A Processor); "
        "its files have 12.5 MB." in lines
    )
    assert "It reads texts, no photos. A GPU would be of no use." in lines


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({}, "A GPU would be of no use."),
        ({"backbone": "b"}, "Its backbone is not trained: it needs no GPU, one encodes photos faster."),
        (
            {"backbone": "b", "freeze": "all"},
            "Its backbone is not trained: it needs no GPU, one encodes photos faster.",
        ),
        ({"backbone": "b", "freeze": "none"}, "It trains its backbone: a GPU pays."),
        ({"backbone": "b", "freeze": 1}, "It trains its backbone: a GPU pays."),
    ],
)
def test_whether_a_gpu_pays_is_told(config, told):
    lines = said(FLOOR, made("mmbt", 0.8, 0.8, config=config)).sentences
    assert f"It reads texts and photos. {told}" in lines


def test_what_will_be_answered_is_told_task_by_task():
    half = made("mmbt", 0.8, 0.8)
    none = validation({"color": 0.8, "style": 0.8}, answered=0.0)
    metrics = {**half.validation.metrics, "style": none.metrics["style"]}
    mixed = half.model_copy(update={"validation": half.validation.model_copy(update={"metrics": metrics})})
    assert "At 90 % precision it will answer 50 % [48, 52] of color, none of style." in said(FLOOR, mixed).sentences
    assert (
        "At 90 % precision it will answer nothing of color and style: a person has to look at every answer."
        in said(FLOOR, made("mmbt", 0.8, 0.8, answered=0.0)).sentences
    )


def test_whether_photos_help_is_told_task_by_task():
    records = [
        made("class_name_match", 0.4, 0.4, reads=("text",)),
        made("text_only", 0.5, 0.9, reads=("text",)),
        made("image_only", 0.8, 0.3, reads=("image",)),
        made("mmbt", 0.7, 0.9),
    ]
    lines = said(FLOOR, *records).sentences
    names = "looking class names up in texts gets 40.0 % right; reading texts only reaches"
    assert f"color: {names} 50.0 % (text_only), seeing photos 80.0 % (image_only): the photo helps." in lines
    assert f"style: {names} 90.0 % (text_only), seeing photos 90.0 % (mmbt): no significant difference." in lines
    assert "For one task by itself: color image_only (80.0 %); style text_only (90.0 %)." in lines


@pytest.mark.parametrize("absent", ["image", "text"])
def test_a_table_without_photos_or_texts_has_no_such_comparison(absent):
    facts = {"evidence": {"val": {"text": 1.0, "image": 1.0, absent: 0.0}}}
    records = [made("text_only", 0.5, 0.9, reads=("text",), facts=facts), made("mmbt", 0.7, 0.9, facts=facts)]
    assert not any("seeing photos" in line for line in said(FLOOR, *records).sentences)


def test_where_no_model_is_good_enough_none_is_taken():
    found = said(FLOOR, made("mmbt", 0.2025, 0.2))
    assert found.folder is None
    assert found.sentences[0] == (
        "No model is good enough: none is significantly better on the validation split than always answering the most "
        "frequent class. The best, mmbt, has 20.1 % [16, 24] there."
    )
    assert not any(word in line for line in found.sentences for word in ("Take", "Next", "test split"))


@pytest.mark.parametrize(("rows", "told"), [(1, "1 labelled row,"), (9, "9 labelled rows,"), (10, None)])
def test_too_few_validation_rows_choose_nothing(rows, told):
    few = [
        record(name, validation=validation({"color": share}, n=rows), cost=CHEAP.cost)
        for name, share in (("majority", 0.0), ("tfidf_logistic", 1.0))
    ]
    found = said(*few)
    assert (found.folder is None) == (told is not None)
    if told is not None:
        assert told in found.sentences[0]
        assert "at least 10" in found.sentences[0]


def test_without_the_largest_class_that_is_said():
    assert "Whether it beats the largest class is not known: majority was not run." in said(CHEAP).sentences


def test_models_that_chose_on_validation_are_named():
    stopped = made("mmbt", 0.8, 0.8, facts={"epochs": 3})
    flattered = "The validation split flatters mmbt a little: epochs or hyper-parameters were chosen on it."
    assert flattered in said(FLOOR, stopped).sentences
    assert flattered not in said(FLOOR, CHEAP).sentences


def test_seeds_are_told():
    seeds = [made("mmbt", 0.8, 0.8, seed=seed) for seed in range(3)]
    assert "(400 rows, 3 seeds)" in said(FLOOR, *seeds).sentences[0]


def test_records_without_validation_results_say_what_to_do():
    old = record("mmbt", validation=None, cost=None)
    assert said(old).sentences == (
        "No model can be chosen by 1 of 1 records: they hold no validation results. `cma-bench suite --suite default` "
        "computes them again.",
    )
    assert [one.title for one in advice([old, CHEAP], ORDER, "default", RUNS)] == ["catalog", "default"]


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0.0, "0 ms"),
        (6e-6, "0.006 ms"),
        (0.0123, "12 ms"),
        (1.4, "1.4 s"),
        (90, "1.5 min"),
        (7200, "2 h"),
        (3e5, "3.5 days"),
    ],
)
def test_durations_have_two_digits(seconds, told):
    assert duration(seconds) == told
