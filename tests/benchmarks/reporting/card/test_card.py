"""What a model card says, read from it as a reader would."""

import json
import re
import shutil
from pathlib import Path

import pytest

from benchmarks import models
from benchmarks.models import MODELS, Description, ModelError, describe
from benchmarks.records.record import CLEAN, Cost, Experiment, Finished
from benchmarks.reporting.card import IN_WORDS, card
from benchmarks.reporting.card.origin import command
from benchmarks.reporting.table import MISSING
from cma_clip.answering import Answering
from cma_clip.types import Task
from tests.benchmarks.made_records import TASKS, estimate, record

SAVED = Path(__file__).parents[3] / "fixtures" / "saved_models"
LEARNED = tuple(Task(name, ("red", "dark|blue")) for name in TASKS)


def point(threshold, answered, right):
    return [threshold, answered, right]


ANSWERING = Answering.model_validate(
    {
        "confidence_level": 0.9,
        "tasks": {
            "color": {"temperature": 1.25, "labelled": 400, "points": [point(0.8, 200, 199), point(0.5, 400, 380)]},
            "pattern": {"temperature": 0.5, "labelled": 10, "points": [point(0.4, 10, 5)]},
            "style": {"temperature": 1.0, "labelled": 0, "points": []},
        },
    }
)


def measured(model="cma_clip", **changes):
    plain = record(model, cost=Cost(seconds=0.01, megabytes=30, reads=("image", "text")))
    answers = {
        "answered_at_90_precision": estimate(0.815),
        "precision_reached_at_90": estimate(0.93),
        "ece_calibrated": estimate(0.011, 0.005),
    }
    tasks = {**plain.metrics[CLEAN], "color": {**plain.metrics[CLEAN]["color"], **answers}}
    return plain.model_copy(update={"metrics": {CLEAN: tasks}, **changes})


def described(record=None, answering=ANSWERING, finished=None, name="cma_clip"):
    return Description(name, LEARNED, 7, {"C": 2.0}, record, answering, finished)


def section(text, title):
    return text.partition(f"## {title}\n")[2].partition("\n## ")[0]


def row(text, *cells):
    """Of a Markdown table, the cells after the given first ones."""
    for line in text.splitlines():
        found = [cell.strip() for cell in line.strip("|").split(" | ")]
        if found[: len(cells)] == list(cells):
            return found[len(cells) :]
    raise AssertionError(f"no row {cells} in {text}")


def test_every_model_has_a_name_in_words():
    assert tuple(IN_WORDS) == tuple(MODELS)


def test_it_says_what_the_model_is_and_reads():
    text = card(described(measured()))
    assert text.startswith("# CMA-CLIP\n\n`cma_clip` of CMA-CLIP Bench answers color, pattern, style.")
    assert "It reads the photo and the text." in text
    nothing = card(described(measured(cost=Cost(seconds=0, megabytes=0, reads=()))))
    assert "It looks at nothing" in nothing
    assert [line[3:] for line in text.splitlines() if line.startswith("## ")] == [
        *("Data", "Tasks", "Quality", "Answers at a promised precision", "Calibration", "Limits", "How it was made")
    ]


def test_data_are_named_with_rows_options_fingerprint_and_what_was_left_out():
    asked = Experiment(dataset="catalog", model="cma_clip", seed=3, dataset_options={"num_train": 3000})
    report = {"rows": 4001, "bad_samples": ["a.png: torn"], "dropped_classes": {"color": {"mauve": 3}}, "notes": ["N."]}
    made = measured(experiment=asked, data_report=report, sizes={"test": 400, "train": 3000, "val": 600})
    text = card(described(made))
    data = section(text, "Data")
    assert "Procedural product catalogue (`catalog`); licence: that of the project" in data
    assert "Rows: train 3,000, val 600, test 400; 4,001 were found" in data
    assert '`{"num_train": 3000}`' in data
    assert "Fingerprint: `catalog`" in data
    assert "color: too rare to be learned, never answered: mauve" in data
    limits = section(text, "Limits")
    for told in ("1 of 4,001 samples could not be used", "1 classes with too few training rows", "- N."):
        assert told in limits
    assert "`tiny-product-clip`" in limits


def test_quality_is_that_of_the_record_with_intervals_and_the_mean_last():
    made = measured()
    quality = section(card(described(made)), "Quality")
    for task in (*TASKS, "mean"):
        found = made.metrics[CLEAN][task]["accuracy"]
        expected = f"{100 * found.value:.1f} % \\[{100 * found.low:.1f}, {100 * found.high:.1f}]"
        assert row(quality, task)[0] == expected
    assert quality.strip().splitlines()[-1].startswith("| mean ")
    assert "400 test rows" in quality


def test_a_promise_has_its_threshold_and_what_it_was_worth():
    answers = section(card(described(measured())), "Answers at a promised precision")
    assert row(answers, "color", "90 %")[:2] == ["0.500", "380 of 400"]
    assert row(answers, "color", "95 %")[:2] == ["0.800", "199 of 200"]
    assert row(answers, "color", "90 %")[2:] == ["81.5 % \\[79.5, 83.5]", "93.0 % \\[91.0, 95.0]"]
    for task in ("pattern", "style"):
        assert row(answers, task, "90 %") == [MISSING] * 4
    for told in ("with a confidence of 90 %", "rows from elsewhere", "nothing about each class by itself"):
        assert told in answers


def test_calibration_shows_the_error_before_and_after():
    calibration = section(card(described(measured())), "Calibration")
    before = 100 * measured().metrics[CLEAN]["color"]["ece"].value
    temperature, found, after = row(calibration, "color")
    assert (temperature, after) == ("1.25", "1.1 % \\[0.6, 1.6]")
    assert found.startswith(f"{before:.1f} %")


def test_a_finished_model_says_that_nothing_was_measured_of_it():
    finished = Finished(
        key="k",
        suite="mine",
        rows={"train": 3000, "val": 600, "test": 400},
        facts={"refit": {"epochs": 9, "rows": 4000}},
        seconds=1.0,
        versions={},
        environment={"timestamp": "2031-01-02T03:04:05+00:00"},
    )
    text = card(described(measured(), finished=finished))
    assert "trained once more on all 4,000 rows (train 3,000, val 600, test 400)" in text
    assert "for as many epochs as validation chose: 9. " in text
    assert "chosen with a model trained on fewer rows" in text
    assert "only as far as it is no less accurate" in text
    assert "`cma-bench finish mine`" in section(text, "How it was made")
    assert "2031-01-02T03:04:05+00:00" in text
    halves = {name: {"refit": {"epochs": n, "rows": 4000}} for name, n in (("text", 3), ("image", 5))}
    late = finished.model_copy(update={"facts": {"epochs": 12, **halves}})
    assert "validation chose: 3 (text), 5 (image). " in card(described(measured(), finished=late))
    assert "once more" not in card(described(measured()))


def test_names_of_the_user_stay_what_they_are():
    tasks = section(card(described(measured())), "Tasks")
    assert row(tasks, "color") == ["red, dark\\|blue", "2"]


def test_the_command_is_the_one_that_asks_for_the_experiment():
    asked = Experiment(
        dataset="manifest",
        model="cma_clip",
        seed=2,
        protocol="missing-70",
        dataset_options={"labels": "color,style", "text": "the title", "split": "7"},
        hparams={"max_epochs": 3},
    )
    assert command(asked) == (
        "cma-bench run --dataset manifest --model cma_clip --seed 2 --protocol missing-70 --option labels=color,style "
        "'text=the title' 'split=\"7\"' --hparam max_epochs=3 --data manifest=PATH"
    )


@pytest.mark.parametrize("name", [folder.name for folder in SAVED.iterdir() if folder.is_dir()])
def test_a_model_saved_before_there_were_records_says_what_is_known(name):
    text = card(describe(SAVED / name))
    assert "# " + IN_WORDS[name][0].upper() in text
    assert "What it reads of a row is not recorded." in text
    assert "saved without thresholds" in text
    assert "saved without a record" in text
    tasks = json.loads((SAVED / "predictions.json").read_text())["probabilities"][name]
    assert re.findall(r"^\| (\w+)", section(text, "Tasks"), flags=re.MULTILINE) == ["task", *tasks]


def test_a_folder_without_a_model_is_one_clear_error(tmp_path):
    with pytest.raises(ModelError, match="holds no model saved by this project"):
        describe(tmp_path)
    shutil.copytree(SAVED / "majority", tmp_path / "half")
    (tmp_path / "half" / "majority.json").write_text("{}")
    with pytest.raises(ModelError, match="half holds no whole majority: "):
        describe(tmp_path / "half")
    shutil.copytree(SAVED / "majority", tmp_path / "torn")
    (tmp_path / "torn" / models.FINISHED_FILE).write_text("{")
    with pytest.raises(ModelError, match=r"finished\.json cannot be read"):
        describe(tmp_path / "torn")
