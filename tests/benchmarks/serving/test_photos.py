import base64
import io
import os
import weakref

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from benchmarks.datasets.manifest.folder import PhotoFolder
from benchmarks.serving.photos import Photo, PhotoError, photos_in
from tests.products import photo


def encoded(image, kind="PNG"):
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


RED = photo("red")
PNG, JPEG = encoded(RED), encoded(RED, "JPEG")
TEXT = base64.b64encode(PNG).decode()
BIG = base64.b64encode(encoded(Image.effect_noise((90, 90), 80).convert("RGB"), "JPEG")).decode()

CELLS = {
    "bytes": PNG,
    "bytearray": bytearray(PNG),
    "base64": TEXT,
    "base64 in lines": base64.encodebytes(PNG).decode(),
    "data URI": f"data:image/png;base64,{TEXT}",
    "array": np.asarray(RED),
    "picture": RED,
    "path": "red.png",
    "blanks": " red.png ",
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    RED.save(tmp_path / "red.png")
    monkeypatch.chdir(tmp_path)
    return PhotoFolder(tmp_path, tmp_path)


def opened(cell, folder):
    return [photo.open() for photo in photos_in(cell, folder)]


@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
def test_a_photo_may_be_given_in_many_ways(folder, cell):
    (image,) = opened(cell, folder)
    assert np.array_equal(np.asarray(image), np.asarray(RED))


@pytest.mark.parametrize("text", [base64.b64encode(JPEG).decode(), BIG, f"data:image/jpeg;base64,{BIG}"])
def test_base64_of_jpeg_is_no_path(folder, text):
    """It begins with /9j/, as an absolute path might."""
    assert text.rpartition(",")[2].startswith("/9j/")
    for where in (folder, PhotoFolder(folder.root, folder.base, anywhere=True)):
        assert len(opened(text, where)) == 1


def test_a_file_wins_over_base64(folder, tmp_path):
    name = TEXT[:60].replace("/", "a")
    (tmp_path / name).write_bytes(PNG)
    assert len(opened(name, folder)) == 1


def test_pixels_become_upright_rgb(folder):
    clear = Image.new("RGBA", (4, 4), (0, 0, 0, 0))
    assert opened(clear, folder)[0].getpixel((0, 0)) == (255, 255, 255)
    assert opened(Image.new("L", (4, 4), 7), folder)[0].mode == "RGB"


def test_names_are_forgiven_below_a_folder_and_to_the_letter_elsewhere(folder, tmp_path):
    (tmp_path / "sub").mkdir()
    RED.save(tmp_path / "sub" / "Blue.PNG")
    for name in ("sub\\Blue.PNG", "sub/blue.png", "blue"):
        assert len(opened(name, folder)) == 1
    anywhere = PhotoFolder(tmp_path, tmp_path, anywhere=True)
    assert len(opened("sub\\Blue.PNG", anywhere)) == 1
    assert len(opened(str(tmp_path / "red.png"), anywhere)) == 1
    with pytest.raises(PhotoError, match=r"photo missing: sub/blue\.png"):
        photos_in("sub/blue.png", anywhere)


BROKEN = {
    "cut bytes": (JPEG[:-200], r"photo cannot be decoded: image \d+ bytes cannot be decoded: Truncated"),
    "no bytes": (b"", "photo cannot be decoded: image 0 bytes is empty"),
    "cut base64": (base64.b64encode(JPEG[:-200]).decode(), "photo cannot be decoded: .*Truncated"),
    "no base64": (f"data:image/png;base64,{TEXT[:-3]}!", "photo is no valid base64: data:image/png;base64,"),
    "words": ("red shirt", "photo missing: red shirt$"),
    "long": ("x" * 5001, r"photo missing: x{80}\.\.\.$"),
    "folder": (".", "photo cannot be decoded: image file .* cannot be read: Is a directory"),
    "shape": (np.zeros((3, 4, 4), np.uint8), r"an array is H W 3 of uint8, found \(3, 4, 4\) of uint8"),
    "no pixels": (np.zeros((0, 4, 3), np.uint8), r"found \(0, 4, 3\) of uint8"),
    "number": (7, "photo is no path, base64, bytes, array or PIL image but int"),
    "URL": ("https://a.b/c.png", "photo is a URL, and none is fetched: https://a.b/c.png"),
}


@pytest.mark.parametrize(("cell", "message"), BROKEN.values(), ids=BROKEN)
def test_what_is_wrong_is_said_in_a_line(folder, cell, message):
    with pytest.raises(PhotoError, match=message) as caught:
        opened(cell, folder)
    assert "\n" not in str(caught.value)


def test_few_decoded_photos_live_at_a_time(saved, tmp_path, monkeypatch):
    alive, most = set(), []
    plain = Photo.open

    def counted(self):
        image = plain(self)
        alive.add(id(image))
        weakref.finalize(image, alive.discard, id(image))
        most.append(len(alive))
        return image

    monkeypatch.setattr(Photo, "open", counted)
    Image.new("RGB", (300, 300)).save(tmp_path / "big.png")
    threads = min(32, (os.cpu_count() or 1) + 4)
    frame = pd.DataFrame({"image": ["big.png"] * (2 * threads + 20), "text": "red dress"})
    saved("late_fusion").predict(frame, images=tmp_path)
    assert len(most) == len(frame)
    assert max(most) <= threads + 1
