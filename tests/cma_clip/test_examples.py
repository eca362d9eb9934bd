"""The user's own examples, as they come."""

import re

import numpy as np
import pytest
from PIL import Image

from cma_clip.examples import ExampleList
from cma_clip.types import IGNORE, Task
from tests.products import photo

COLOR = Task("color", ("red", "blue"))


@pytest.fixture
def files(tmp_path):
    """Photos and what is none: the same picture as a file, rotated by EXIF, transparent; a text, half a photo."""
    photo("red").save(tmp_path / "red.png")
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: turned by a quarter
    photo("red").save(tmp_path / "turned.jpg", exif=exif)
    Image.new("RGBA", (4, 4), (200, 0, 0, 0)).save(tmp_path / "clear.png")
    (tmp_path / "text.jpg").write_text("no photo")
    photo("red").resize((400, 400)).save(tmp_path / "half.jpg")
    (tmp_path / "half.jpg").write_bytes((tmp_path / "half.jpg").read_bytes()[:3000])
    return tmp_path


def test_a_path_a_text_with_it_an_array_and_a_picture_are_the_same_photo(files):
    given = [files / "red.png", str(files / "red.png"), np.asarray(photo("red")), photo("red")]
    examples = ExampleList.of(given, ["a dress"] * 4)
    assert all(example.image == photo("red") for example in examples)
    assert examples.image_present().all()


def test_photos_are_upright_and_transparency_is_white(files):
    turned, clear = ExampleList.of([files / "turned.jpg", files / "clear.png"], [None, None])
    assert turned.image.size == photo("red").size[::-1]
    assert clear.image.getcolors() == [(16, (255, 255, 255))]


def test_files_are_opened_when_they_are_asked_for_and_columns_open_none(files):
    examples = ExampleList.of([files / "red.png", None], ["a", "b"], {COLOR: ["blue", None]})
    (files / "red.png").unlink()
    assert examples.ids() == examples.groups() == ("0", "1")
    assert examples.texts() == ["a", "b"]
    assert examples.image_present().tolist() == [True, False]
    assert examples.labels("color").tolist() == [1, IGNORE]
    with pytest.raises(ValueError, match=r"there is no photo .*red\.png"):
        examples[-2]


@pytest.mark.parametrize(
    ("image", "text", "message"),
    [
        ("nowhere.jpg", "a", r"row 1: there is no photo .*nowhere\.jpg, seen from "),
        ("text.jpg", "a", r"row 1: photo .*text\.jpg is not an image"),
        (np.zeros((3, 4, 4), np.uint8), "a", r"row 1: an array is H W 3 of uint8, found \(3, 4, 4\) of uint8"),
        (np.zeros((4, 4, 3)), "a", "row 1: .* of float64"),
        (b"bytes", "a", "row 1: a photo is a path, an array or a PIL image, found bytes"),
        (None, 3, "row 1: a text is a str, or None where it is missing, found 3"),
    ],
)
def test_what_is_wrong_is_said_before_any_training(image, text, message, files):
    given = files / image if isinstance(image, str) else image
    with pytest.raises(ValueError, match=message):
        ExampleList.of([photo("red"), given], ["a", text])


def test_a_damaged_photo_is_named_when_it_is_decoded(files):
    examples = ExampleList.of([files / "half.jpg"], [None])
    with pytest.raises(ValueError, match=r"photo .*half\.jpg cannot be decoded: "):
        examples[0]


def test_labels_are_names_of_classes(files):
    with pytest.raises(ValueError, match="row 1: task 'color' has no class 'green'; valid: red, blue"):
        ExampleList.of([None, None], ["a", "b"], {COLOR: ["red", "green"]})
    with pytest.raises(ValueError, match=re.escape("2 images, but 1 labels of 'color'")):
        ExampleList.of([None, None], ["a", "b"], {COLOR: ["red"]})
