from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from benchmarks.models import MODELS
from benchmarks.serving import Rows, SavedModel, saved_model
from benchmarks.serving.photos import Photo
from cma_clip.examples import ExampleList
from cma_clip.types import Example
from tests.benchmarks.made_records import record
from tests.products import TASKS, photo

PRECISION = 0.3
"""Low enough for a threshold from 40 rows, and for models that learned little."""

every_model = pytest.mark.parametrize("name", MODELS)
image_models = pytest.mark.parametrize("name", ["late_fusion", "cma_clip", "linear_probe", "zero_shot"])


def evidence(model, example):
    reads = model.classifier.modalities
    return not reads or ("image" in reads and example.image is not None) or ("text" in reads and bool(example.text))


@every_model
def test_a_table_is_answered_as_its_rows_are(saved, shop, name):
    model, (examples, frame) = saved(name), shop
    answered = model.predict(frame, PRECISION)
    predictions = model.classifier.predict(examples)
    known = np.array([evidence(model, example) for example in examples])
    for task in TASKS:
        truth = model.answering.answer(task.name, predictions.probabilities[task.name], PRECISION)
        names = np.array(task.classes, dtype=object)[truth.suggestion]
        kept = np.array([task.name == "color" and bool(cell) for cell in frame["color"]])
        assert answered[f"{task.name}_suggested"].tolist() == np.where(known, names, None).tolist()
        np.testing.assert_allclose(
            answered[f"{task.name}_confidence"], np.where(known, truth.confidence, np.nan), atol=2e-5
        )
        expected = np.select([kept, ~known, truth.answered], ["kept", "no evidence", "filled"], "review")
        assert answered[f"{task.name}_decision"].tolist() == expected.tolist()
        filled = expected == "filled"
        before = frame["color"].to_numpy() if task.name == "color" else np.full(len(frame), None)
        assert answered[task.name].tolist() == np.where(filled, names, before).tolist()
        assert (f"{task.name}_text_weight" in answered) == (predictions.modality_weights is not None)
        if predictions.modality_weights is not None:
            weights = answered[[f"{task.name}_text_weight", f"{task.name}_photo_weight"]].to_numpy()
            np.testing.assert_allclose(weights[known], predictions.modality_weights[task.name][known], atol=1e-4)


@every_model
def test_columns_order_and_index_stay(saved, shop, name):
    _, frame = shop
    before = frame.copy()
    answered = saved(name).predict(frame, PRECISION)
    assert answered.columns[:6].tolist() == [*frame.columns, "color_suggested"]
    assert answered.columns[-1] == "problem"
    pd.testing.assert_frame_equal(answered[frame.columns].drop(columns="color"), before.drop(columns="color"))
    pd.testing.assert_frame_equal(frame, before)
    assert answered.attrs["notes"] == []


@image_models
def test_chunks_say_what_the_whole_says(saved, shop, name, monkeypatch):
    model, (_, frame) = saved(name), shop
    whole = model.predict(frame, PRECISION)
    one = model.answer(model.rows(frame), PRECISION)
    pd.testing.assert_frame_equal(whole, one)
    monkeypatch.setattr(saved_model, "CHUNK", 4)
    pd.testing.assert_frame_equal(model.predict(frame, PRECISION), whole, atol=2e-5)


def test_an_empty_table_is_answered(saved):
    answered = saved("cma_clip").predict(pd.DataFrame({"text": [], "color": []}))
    assert answered.empty
    assert {"size", "color_suggested", "problem"} < set(answered)


def frame_of(*rows, columns=("image", "text")):
    return pd.DataFrame(rows, columns=list(columns), dtype=object)


def test_odd_cells_are_problems_of_their_rows(saved, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"no picture")
    photo("red").save(tmp_path / "red.png")
    frame = frame_of(
        ("red.png", "red dress"),
        ("nope.png", "red dress"),
        ("broken.png", "red dress"),
        ("broken.png", None),
        (None, float("nan")),
        ("NA", "-"),
        ("../red.png", "a shirt"),
        (12, "a shirt"),
        ("https://a.b/c.png", ["a", "list"]),
        (None, "red " * 80),
        (np.zeros((4, 4)), 12.5),
    )
    answered = saved("late_fusion").predict(frame, PRECISION, images=tmp_path)
    assert answered["problem"].tolist() == [
        None,
        "photo missing: nope.png",
        "photo cannot be decoded: broken.png is not an image in a format known to Pillow",
        "photo cannot be decoded: broken.png is not an image in a format known to Pillow; no text",
        "neither photo nor text",
        "neither photo nor text",
        "photo missing: ../red.png",
        "photo is no path, base64, bytes, array or PIL image but int",
        "text is no string but list; photo is a URL, and none is fetched: https://a.b/c.png; no text",
        "text cut at 58 tokens",
        "photo cannot be decoded: an array is H W 3 of uint8, found (4, 4) of float64",
    ]
    assert (answered["color_decision"] == "no evidence").tolist() == [n in (3, 4, 5, 8) for n in range(len(frame))]


def test_what_lies_outside_the_folder_is_not_read(saved, tmp_path):
    photo("red").save(tmp_path / "red.png")
    (tmp_path / "photos").mkdir()
    frame = frame_of(("../red.png", None), (str(tmp_path / "red.png"), None))
    said = saved("image_only").predict(frame, images=str(tmp_path / "photos"))["problem"]
    assert said.str.startswith("photo lies outside").all()
    assert saved("image_only").predict(frame.iloc[1:])["problem"].tolist() == [None]


@pytest.mark.parametrize("name", ["majority", "class_name_match", "tfidf_logistic", "text_only", "zero_shot_text"])
def test_who_reads_no_photos_opens_none(saved, name, monkeypatch):
    monkeypatch.setattr(Photo, "open", lambda self: pytest.fail("opened"))
    answered = saved(name).predict(frame_of(("nope.png", "red dress"), (b"broken", "blue dress")))
    assert answered["problem"].isna().all()


def test_who_reads_no_texts_needs_none(saved):
    answered = saved("image_only").predict(pd.DataFrame({"image": [photo("red"), None], "text": [["odd"], "red"]}))
    assert answered["problem"].tolist() == [None, "no photo"]


@image_models
def test_a_photo_is_decoded_once(saved, shop, name, monkeypatch):
    opened = []
    plain = Photo.open
    monkeypatch.setattr(Photo, "open", lambda self: opened.append(self) or plain(self))
    _, frame = shop
    saved(name).predict(frame)
    assert len(opened) == frame["image"].notna().sum()


def test_unnamed_columns_are_those_of_the_training(saved):
    model = saved("linear_probe")
    options = {"labels": ["color", "size"], "text": "titel", "image": "foto", "missing": ["?"]}
    experiment = record(dataset="manifest").experiment.model_copy(update={"dataset_options": options})
    own = replace(model, record=record().model_copy(update={"experiment": experiment}))
    rows = [(photo("red"), "<b>a large</b> shirt"), ("?", "?")]
    answered = own.predict(frame_of(*rows, columns=["foto", "titel"]), PRECISION)
    plain = model.predict(frame_of((photo("red"), "a large shirt"), (None, None)), PRECISION)
    assert answered["size_confidence"].iloc[0] == plain["size_confidence"].iloc[0]
    assert answered["problem"].tolist() == [None, "neither photo nor text"]
    renamed = own.predict(frame_of(*rows, columns=["a", "b"]), PRECISION, image="a", text="b")
    assert renamed["size_confidence"].equals(answered["size_confidence"])
    kept = own.predict(frame_of((photo("red"), "?"), (photo("red"), "NA"), columns=["foto", "color"]), PRECISION)
    assert kept["color_decision"].eq("kept").tolist() == [False, True]  # of which NA is no missing word here


def test_the_folder_of_the_training_is_looked_into_first(saved, tmp_path, monkeypatch):
    for place in (".", "photos"):
        (tmp_path / place).mkdir(exist_ok=True)
    photo("red").save(tmp_path / "photos" / "a.png")
    photo("red").save(tmp_path / "b.png")
    options = {"labels": ["color"], "images": "photos"}
    experiment = record(dataset="manifest").experiment.model_copy(update={"dataset_options": options})
    own = replace(saved("image_only"), record=record().model_copy(update={"experiment": experiment}))
    monkeypatch.chdir(tmp_path)
    frame = frame_of(("a.png", None), ("b.png", None), ("A.png", None))
    assert own.predict(frame)["problem"].tolist() == [None, None, "photo missing: A.png"]
    given = own.predict(frame, images=tmp_path / "photos")["problem"].tolist()
    assert given == [None, "photo missing: b.png", None]


def test_several_photos_count_as_in_the_training(saved, tmp_path):
    model = saved("cma_clip")
    for color in ("red", "blue"):
        photo(color).save(tmp_path / f"{color}.png")
    frame = frame_of(("red.png|blue.png", "shirt"), ("blue.png; gone.png", "shirt"), ("blue.png", "shirt"))
    experiment = record(dataset="manifest").experiment
    told = {}
    for photos in ("first", "all"):
        options = {"labels": ["color"], "photos": photos}
        asked = record().model_copy(update={"experiment": experiment.model_copy(update={"dataset_options": options})})
        told[photos] = replace(model, record=asked).predict(frame, PRECISION, images=tmp_path)
    views = ExampleList(Example(color, color, photo(color), "shirt") for color in ("red", "blue"))
    probabilities = model.classifier.predict(views).probabilities["color"]
    for photos, expected in (("first", probabilities[:1]), ("all", probabilities.mean(axis=0, keepdims=True))):
        truth = model.answering.answer("color", expected, PRECISION)
        np.testing.assert_allclose(told[photos]["color_confidence"].iloc[0], truth.confidence[0], atol=2e-5)
    assert told["all"]["color_confidence"].iloc[1] == pytest.approx(told["all"]["color_confidence"].iloc[2], abs=2e-5)
    assert told["all"]["problem"].tolist() == [None, "photo missing: gone.png", None]
    assert told["first"]["problem"].isna().all()


def test_taken_names_are_left_alone_and_told(saved):
    taken = {"color_decision": ["mine"], "color_decision_2": [1], "problem": [None]}
    frame = pd.DataFrame({"text": ["red dress"], **taken})
    answered = saved("class_name_match").predict(frame)
    assert answered["color_decision"].tolist() == ["mine"]
    assert answered["color_decision_3"].isin(["filled", "review"]).all()
    assert answered["problem_2"].tolist() == [None]
    assert answered.attrs["notes"] == [
        "The name 'color_decision' is taken: the column is called 'color_decision_3'.",
        "The name 'problem' is taken: the column is called 'problem_2'.",
    ]


@pytest.mark.parametrize("column", ["x", "text"])
def test_a_task_may_be_called_as_a_column_of_another(saved, column):
    model = saved("majority")
    renamed = MODELS["majority"]([replace(TASKS[0], name="x"), replace(TASKS[1], name="x_suggested")])
    renamed.shares = dict(zip(("x", "x_suggested"), model.classifier.shares.values(), strict=True))
    answered = SavedModel(renamed).predict(pd.DataFrame({column: ["red"]}), tasks=["x"])
    suggested = renamed.tasks[0].classes[int(renamed.shares["x"].argmax())]
    assert answered["x_suggested_2"].tolist() == [suggested]
    assert "x_suggested" not in answered  # a task's own name is for its answers only


@pytest.mark.parametrize("empty", [float("nan"), None, "", " ", "NULL"])
def test_cells_are_filled_whatever_the_type_of_their_column(saved, empty):
    model = saved("linear_probe")
    frame = pd.DataFrame({"image": [photo("red"), photo("blue")], "text": "a shirt", "color": [empty, empty]})
    answered = model.predict(frame, 0.01)
    assert answered["color"].tolist() == answered["color_suggested"].tolist()
    categories = frame.assign(color=pd.Categorical([empty, "mauve"]))
    assert model.predict(categories, 0.01)["color"].tolist() == [answered["color_suggested"].iloc[0], "mauve"]


def test_without_thresholds_everything_is_to_review(saved):
    frame = pd.DataFrame({"text": ["red dress", "red dress"], "color": ["", "red"]})
    answered = SavedModel(saved("class_name_match").classifier).predict(frame, tasks=["color"])
    assert answered["color_decision"].tolist() == ["review", "kept"]
    assert answered["color_suggested"].tolist() == ["red", "red"]
    assert answered["problem"].tolist() == [saved_model.NO_THRESHOLDS, None]
    assert SavedModel(saved("class_name_match").classifier).promise("color", 0.5) is None


MISTAKES = {
    "precision 0": ({"precision": 0.0}, "a precision lies above 0 and below 1: 0.0"),
    "precision 1": ({"precision": 1.0}, "a precision lies above 0 and below 1: 1.0"),
    "task": ({"tasks": ["colour"]}, "unknown task 'colour'; did you mean 'color'"),
    "column": ({"text": "txt"}, "unknown text column 'txt'; did you mean 'text'"),
}


@pytest.mark.parametrize(("asked", "message"), MISTAKES.values(), ids=MISTAKES)
@pytest.mark.parametrize("answering", [True, False])
def test_mistakes_are_named(saved, asked, message, answering):
    model = saved("tfidf_logistic") if answering else SavedModel(saved("tfidf_logistic").classifier)
    with pytest.raises(ValueError, match=message):
        model.predict(pd.DataFrame({"text": ["red"]}), **asked)


@pytest.mark.parametrize(
    ("name", "column", "wanted"),
    [
        ("cma_clip", "titel", "text in 'text' or image in 'image'"),
        ("text_only", "image", "text in 'text'"),
        ("image_only", "text", "image in 'image'"),
    ],
)
def test_a_table_without_what_the_model_reads_is_refused(saved, name, column, wanted):
    with pytest.raises(ValueError, match=f"reads its {wanted}, .* neither column: {column}, sku; name the columns"):
        saved(name).predict(pd.DataFrame({column: ["red"], "sku": [1]}))


@pytest.mark.parametrize("column", ["text", "color"])
def test_two_columns_of_a_name_are_refused(saved, column):
    frame = pd.DataFrame([["a", "b", "c"]], columns=["text", "color", column])
    with pytest.raises(ValueError, match=f"2 columns are called '{column}'"):
        saved("tfidf_logistic").predict(frame)


def test_rows_prepare_once_in_any_thread(saved, shop, monkeypatch):
    opened = []
    plain = Photo.open
    monkeypatch.setattr(Photo, "open", lambda self: opened.append(self) or plain(self))
    _, frame = shop
    rows = saved("cma_clip").rows(frame)
    assert not opened
    rows.prepare()
    rows.prepare()
    saved("cma_clip").answer(rows)
    assert len(opened) == frame["image"].notna().sum()


def test_a_model_without_a_smaller_photo_gets_the_whole_one(saved, tmp_path):
    """A classifier of one's own, whose photos are opened again rather than kept."""
    photo("red").save(tmp_path / "red.png")
    classifier = saved("image_only").classifier

    class Whole:
        modalities = classifier.modalities
        cut_texts = classifier.cut_texts

        def shrink(self, photo):
            return None

    inputs = saved("image_only").rows(frame_of(("red.png", ""), ("no.png", "")), images=tmp_path)._inputs
    rows = Rows(frame_of(("red.png", ""), ("no.png", "")), inputs, Whole())
    assert rows.image_present().tolist() == [True, False]
    assert rows[0].image.size == photo("red").size
    assert rows[0].image is not rows[0].image


def test_a_column_named_by_a_number_is_found_by_its_digits(saved):
    model = saved("tfidf_logistic")
    expected = model.predict(pd.DataFrame({"text": ["a small shirt"]}))
    found = model.predict(pd.DataFrame({0: ["a small shirt"]}), text="0")
    assert found["size_confidence"].tolist() == expected["size_confidence"].tolist()


def test_a_problem_that_holds_a_semicolon_is_one_problem(saved, tmp_path):
    answered = saved("linear_probe").predict(frame_of(("a; b.jpg", "x"), ("c.jpg", "x")), images=tmp_path)
    assert [problem.split("; ")[0] for problem in answered["problem"]] == [
        "photo missing: a, b.jpg",
        "photo missing: c.jpg",
    ]


def test_one_task_may_be_named_alone_and_what_is_no_table_is_refused(saved):
    model, frame = saved("tfidf_logistic"), pd.DataFrame({"text": ["a small shirt"]})
    assert model.predict(frame, tasks="size").equals(model.predict(frame, tasks=["size"]))
    with pytest.raises(TypeError, match="a table is a pandas DataFrame, found dict"):
        model.predict({"text": ["a small shirt"]})
