import pytest

from benchmarks import datasets
from benchmarks.datasets.loading.masking import Masked, as_is
from benchmarks.datasets.loading.splits import Source
from cma_clip.class_names import singular, without
from cma_clip.examples import ExampleList
from cma_clip.types import Example, Task


@pytest.mark.parametrize(
    ("plural", "word"),
    [
        ("shirts", "shirt"),
        ("dresses", "dress"),
        ("dress", "dress"),
        ("watches", "watch"),
        ("boxes", "box"),
        ("brushes", "brush"),
        ("accessories", "accessory"),
        ("shoes", "shoe"),
        ("bus", "bus"),
        ("iris", "iris"),
        ("gas", "gas"),
        ("ties", "tie"),
        ("hoodies", singular("hoodie")),
        ("scarves", singular("scarf")),
        ("sleeves", singular("sleeve")),
    ],
)
def test_singular(plural, word):
    assert singular(plural) == word


@pytest.mark.parametrize(
    ("text", "names", "left"),
    [
        ("Puma Men Black Tshirts", ["Black", "Tshirts"], "Puma Men"),
        ("Puma Men BLACK T-shirt", ["Black", "Tshirts"], "Puma Men"),
        ("Puma T Shirts, black", ["Tshirts"], "Puma black"),
        ("a Navy Blue shirt", ["Navy Blue"], "a shirt"),
        ("a navy-blue shirt", ["Navy Blue"], "a shirt"),
        ("a Navy shirt, Blue", ["Navy Blue"], "a Navy shirt, Blue"),  # whole names only
        ("red dresses and a dress", ["Dress"], "red and a"),
        ("an off-white shirt", ["White"], "an shirt"),
        ("dressed for success", ["Dress"], "dressed for success"),
        ("Black", ["Black"], ""),
        ("two  spaces", ["red"], "two  spaces"),
        ("", ["red"], ""),
        ("red & blue", ["&"], "red & blue"),  # a name without a word is never stated
    ],
)
def test_words_that_state_a_name_are_taken_out(text, names, left):
    assert without(text, names) == left


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    source = Source(None, tmp_path_factory.mktemp("cache"))
    options = {"num_train": 60, "num_val": 20, "num_test": 20, "image_size": 32}
    return [datasets.load("catalog", source, {**options, "titles": titles}) for titles in ("as-is", "masked")]


def test_every_data_set_can_be_masked():
    assert all("titles" in dataset.options.model_fields for dataset in datasets.DATASETS.values())


def test_masked_titles_do_not_state_their_own_labels(both):
    plain, masked = both
    stated = {"as-is": 0, "masked": 0}
    for name, splits in zip(stated, both, strict=True):
        for examples in splits.parts().values():
            for task in splits.tasks:
                for text, labels in zip(examples.texts(), examples.label_rows(), strict=True):
                    if text and task.name in labels:
                        stated[name] += without(text, [task.classes[labels[task.name]]]) != text
    assert stated["as-is"] > 20
    assert stated["masked"] == 0
    assert plain.fingerprint != masked.fingerprint
    assert masked.relevance is None  # the generator knows that of whole titles only
    assert plain.relevance


def test_nothing_but_titles_is_changed(both):
    plain, masked = both
    for before, after in zip(plain.parts().values(), masked.parts().values(), strict=True):
        assert before.ids() == after.ids()
        assert before.groups() == after.groups()
        assert before.label_rows() == after.label_rows()
        assert before.image_present().tolist() == after.image_present().tolist()
        assert after.image_source is after.base
        assert after.text_source is after
        assert before.fingerprint != after.fingerprint
        assert after[3].text == after.texts()[3]
        assert after[3].image.tobytes() == before[3].image.tobytes()


def test_the_note_counts_by_task_and_an_emptied_title_is_missing():
    tasks = (Task("color", ("red", "blue")), Task("kind", ("bag", "shirt")))
    rows = [("Red bag", 0, 0), ("a blue bag", 1, 1), (None, 0, 0)]
    examples = ExampleList(
        Example(f"{row}", f"{row}", None, text, {"color": color, "kind": kind})
        for row, (text, color, kind) in enumerate(rows)
    )
    examples.fingerprint = "three"
    view = Masked(examples, tasks)
    assert view.texts() == [None, "a bag", None]
    assert (view.stated, view.emptied) == ({"color": 2, "kind": 1}, 1)


def test_fingerprints_follow_the_texts(both):
    plain, masked = both
    assert Masked(plain.val, plain.tasks).fingerprint == masked.val.fingerprint != plain.val.fingerprint
    assert Masked(ExampleList(plain.val), plain.tasks).fingerprint is None


def test_the_titles_of_the_source_are_still_known():
    tasks = (Task("kind", ("shirt", "hat")),)
    base = ExampleList([Example("a", "a", None, "red shirt", {"kind": 0})])
    masked = Masked(base, tasks)
    assert masked.texts() == ["red"]
    assert as_is(masked).texts() == as_is(base).texts() == ["red shirt"]
