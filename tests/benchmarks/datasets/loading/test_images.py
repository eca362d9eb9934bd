import struct
import zlib
from contextlib import closing, suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile

from benchmarks.datasets.loading.images import check_all, decode, salvage
from benchmarks.datasets.loading.splits import DataError

from ..samples import encode, half_a_photo, photo

RED = (255, 0, 51)  # in the web palette


def _png_header(width, height):
    """A PNG that claims a size and holds no pixels."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_keeps_its_colour(kind):
    made = decode(encode(Image.new("RGB", (16, 16), RED).convert("CMYK"), kind), "row 1")
    assert made.mode == "RGB"
    assert np.abs(np.asarray(made)[8, 8].astype(int) - RED).max() < 8


@pytest.mark.parametrize("mode", ["P", "RGBA"])
def test_opaque_pixels_keep_their_colour(mode):
    made = decode(encode(Image.new("RGB", (4, 4), RED).convert(mode)), "row 1")
    assert made.mode == "RGB"
    assert made.getpixel((1, 1)) == RED


@pytest.mark.parametrize(("mode", "value", "grey"), [("L", 77, 77), ("1", 1, 255), ("LA", (77, 255), 77)])
def test_grey_is_grey(mode, value, grey):
    made = decode(encode(Image.new(mode, (3, 2), value)), "row 1")
    assert made.mode == "RGB"
    assert (np.asarray(made) == grey).all()


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_16_bits_are_scaled_not_clipped(kind):
    values = np.array([[0, 257 * 100 + 90, 65535]], dtype=np.uint16)
    image = Image.fromarray(values)
    assert image.mode == "I;16"
    made = decode(encode(image, kind), "row 1")
    assert np.asarray(made)[0, :, 0].tolist() == [0, 100, 255]


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_pixels_are_white(mode):
    image = Image.new("RGBA", (2, 1), (0, 0, 0, 0))
    image.putpixel((1, 0), (0, 0, 0, 255))
    made = decode(encode(image.convert(mode), **({"transparency": 0} if mode == "P" else {})), "row 1")
    assert made.getpixel((0, 0)) == (255, 255, 255)


def test_exif_rotation_is_applied():
    image = Image.new("RGB", (40, 20), "white")
    image.paste(RED, (0, 0, 20, 20))
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: what is stored on the left belongs to the top
    made = decode(encode(image, "JPEG", exif=exif, quality=95), "row 1")
    assert made.size == (20, 40)
    assert np.abs(np.asarray(made)[5, 10].astype(int) - RED).max() < 12
    assert np.asarray(made)[35, 10].min() > 240


def test_a_file_and_its_bytes_give_the_same_picture(tmp_path):
    path = tmp_path / "photo.png"
    path.write_bytes(photo(7))
    assert decode(path, "row 1").tobytes() == decode(photo(7), "row 1").tobytes()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is empty"),
        (b"<html>404</html>", "is not an image"),
        (half_a_photo("JPEG"), "cannot be decoded.*truncated"),
        (half_a_photo("PNG"), "cannot be decoded.*truncated"),
        (_png_header(50_000, 50_000), "too large to decode safely"),
        (encode(Image.new("F", (2, 2), 0.5), "TIFF"), "mode F have no agreed range"),
        (encode(Image.new("I", (2, 2), 70_000), "TIFF"), "mode I have no agreed range"),
    ],
    ids=["empty", "html", "truncated jpeg", "truncated png", "bomb", "float", "32 bits"],
)
def test_a_bad_file_is_named_with_its_row_and_the_reason(tmp_path, data, reason):
    path = tmp_path / "bad.jpg"
    path.write_bytes(data)
    with pytest.raises(DataError, match=reason) as caught:
        decode(path, "items.csv, row 9")
    assert "items.csv, row 9" in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_named_with_its_row(tmp_path):
    with pytest.raises(DataError, match=r"items.csv, row 9: .*gone.jpg cannot be read: No such file"):
        decode(tmp_path / "gone.jpg", "items.csv, row 9")


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_the_limit_holds_where_pillow_only_warns(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 20)
    with pytest.raises(DataError, match="6 x 4 pixels, the limit is 20"):
        decode(photo(1), "row 1")


SEEDS = [
    encode(Image.effect_noise((20, 15), 80).convert(mode), kind)
    for mode, kind in [("RGB", "JPEG"), ("CMYK", "JPEG"), ("RGBA", "PNG"), ("P", "GIF"), ("RGB", "WEBP"), ("L", "BMP")]
]


@pytest.mark.filterwarnings("ignore")  # Pillow warns of odd metadata
@settings(max_examples=150, deadline=None)
@given(
    data=st.sampled_from(SEEDS),
    edits=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=6),
    cut=st.integers(1, 2000),
)
def test_any_bytes_give_a_picture_or_a_data_error(data, edits, cut):
    damaged = bytearray(data)
    for place, value in edits:
        damaged[place % len(damaged)] = value
    with suppress(DataError):
        assert decode(bytes(damaged[:cut]), "row 1").mode == "RGB"


def test_every_image_is_checked_in_order():
    given = [(photo(number), f"row {number}") for number in (3, 4, 3)]
    results = list(check_all([given[0], (None, "row x"), (b"no image", "row y"), *given[1:]], progress=False))
    assert results[0] == results[4] != results[3]
    assert results[1] is None
    assert isinstance(results[2], DataError)
    assert "row y" in str(results[2])


class _Counted(type(Path())):
    """A file that counts how often it is read."""

    reads = 0

    def read_bytes(self):
        type(self).reads += 1
        return super().read_bytes()


def test_closing_the_check_leaves_the_rest_undone(tmp_path):
    path = _Counted(tmp_path / "large.png")
    path.write_bytes(encode(Image.effect_noise((600, 600), 80)))
    with closing(check_all([(path, "row")] * 400, progress=False)) as results:
        next(results)
    assert 0 < _Counted.reads < 200


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_the_top_of_a_truncated_photo_is_salvaged(kind):
    """And nothing else changes: the same bytes are refused before and after, and Pillow's global switch stays off."""
    data = encode(Image.effect_noise((64, 64), 80).convert("RGB"), kind)
    cut, whole = data[: len(data) // 2], np.asarray(decode(data, "row 1"))
    found = np.asarray(salvage(cut))
    assert (found[:8] == whole[:8]).all()
    assert np.ptp(found[-8:]) == 0
    assert not ImageFile.LOAD_TRUNCATED_IMAGES
    with pytest.raises(DataError, match="cannot be decoded"):
        decode(cut, "row 1")


@pytest.mark.parametrize("data", [b"", b"<html>404</html>", photo(0)[:30], _png_header(60_000, 60_000)])
def test_of_what_is_no_photo_nothing_is_salvaged(data, tmp_path):
    assert salvage(data) is None
    assert salvage(tmp_path / "gone.jpg") is None
