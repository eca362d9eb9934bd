"""Photos as tables name them: elsewhere, by other spellings, several a product, not there."""

import unicodedata

import numpy as np
import pillow_heif
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

from benchmarks.datasets.loading.splits import DataError
from benchmarks.running.evaluation import of_clean
from cma_clip.types import Predictions

from ..samples import half_a_photo, photo, write_csv

LABELS = {"labels": ["colour"]}
COUNT = 40


def _rows(name):
    return [
        {"image": name(number), "text": f"title {number}", "colour": ("red", "blue")[number % 2]}
        for number in range(COUNT)
    ]


def _photos(folder, name="{}.png"):
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(COUNT):
        (folder / name.format(number)).write_bytes(photo(number))


@pytest.fixture
def plain(tmp_path, load):
    """The fingerprint of the same products with photos below the table."""
    _photos(tmp_path / "plain" / "images")
    return load(write_csv(tmp_path / "plain" / "items.csv", _rows("images/{}.png".format)), LABELS).fingerprint


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("images/{}.png", None),
        ("./images/{}.png", None),
        ("/images/{}.png", "40 image paths begin with a slash and are seen from the folder of the photos."),
        ("images\\{}.png", "40 image paths are written with backslashes."),
        ("images/{}.PNG", "40 image paths differ from their file in case."),
        ("{}.png", "40 image paths are bare names of files in a folder below."),
        ("{}", "40 image paths lack the extension of their file."),
    ],
)
def test_a_name_that_means_one_file_finds_it(tmp_path, load, plain, name, note):
    _photos(tmp_path / "mine" / "images")
    splits = load(write_csv(tmp_path / "mine" / "items.csv", _rows(name.format)), LABELS)
    assert splits.fingerprint == plain
    notes = [found for found in splits.report.notes if "image paths" in found]
    assert notes == ([note] if note else [])


@pytest.mark.parametrize(("on_disk", "in_table"), [("NFD", "NFC"), ("NFC", "NFD")])
def test_accents_may_be_composed_or_not(tmp_path, load, plain, on_disk, in_table):
    _photos(tmp_path / "mine" / unicodedata.normalize(on_disk, "Möbel"), unicodedata.normalize(on_disk, "ü{}.png"))
    rows = _rows(lambda number: unicodedata.normalize(in_table, f"Möbel/ü{number}.png"))
    splits = load(write_csv(tmp_path / "mine" / "items.csv", rows), LABELS)
    assert splits.fingerprint == plain
    assert "40 image paths have accents that the file system composes otherwise." in splits.report.notes


def test_a_name_that_two_files_fit_is_refused_with_both(tmp_path, load):
    _photos(tmp_path / "mine" / "a")
    _photos(tmp_path / "mine" / "b")
    table = write_csv(tmp_path / "mine" / "items.csv", _rows("{}.png".format))
    with pytest.raises(DataError, match=r"row 2: image path '0.png' may be 'a/0.png' or 'b/0.png' below .*mine"):
        load(table, LABELS)


@pytest.mark.parametrize("images", ["../photos", "absolute"])
@pytest.mark.parametrize("name", ["{}.png", "ABOVE/photos/{}.png", "../photos/{}.png"])
def test_photos_elsewhere_need_the_folder_and_the_error_names_it(tmp_path, load, plain, images, name):
    _photos(tmp_path / "photos")
    (tmp_path / "tables").mkdir()
    rows = _rows(lambda number: name.replace("ABOVE", str(tmp_path)).format(number))
    table = write_csv(tmp_path / "tables" / "items.csv", rows)
    with pytest.raises(DataError, match=rf"--option images={tmp_path / 'photos'}"):
        load(table, LABELS)
    given = str(tmp_path / "photos") if images == "absolute" else images
    assert load(table, {**LABELS, "images": given}).fingerprint == plain


def test_photos_one_folder_higher(tmp_path, load, plain):
    _photos(tmp_path / "shop" / "images")
    (tmp_path / "shop" / "tables").mkdir()
    table = write_csv(tmp_path / "shop" / "tables" / "items.csv", _rows("images/{}.png".format))
    with pytest.raises(DataError, match=rf"40 of 40 photos do not exist.* --option images={tmp_path / 'shop'}$"):
        load(table, LABELS)
    assert load(table, {**LABELS, "images": ".."}).fingerprint == plain


@pytest.mark.parametrize("name", ["../secret.png", "link.png", "OUT/secret.png"])
def test_nothing_outside_the_folder_is_read(tmp_path, load, name):
    _photos(tmp_path / "photos")
    (tmp_path / "secret.png").write_bytes(photo(99))
    (tmp_path / "photos" / "link.png").symlink_to(tmp_path / "secret.png")
    rows = _rows("{}.png".format)
    rows[3]["image"] = name.replace("OUT", str(tmp_path))
    table = write_csv(tmp_path / "photos" / "items.csv", rows)
    for bad in ("error", "skip", "blank"):
        with pytest.raises(DataError, match=r"row 5: image path .* leaves the manifest's folder"):
            load(table, {**LABELS, "images": "."}, on_bad_sample=bad)


def test_a_name_that_is_nowhere_is_missing_and_not_outside(tmp_path, load):
    _photos(tmp_path / "photos")
    (tmp_path / "tables").mkdir()
    table = write_csv(tmp_path / "tables" / "items.csv", _rows("gone/{}.png".format))
    with pytest.raises(DataError, match=r"40 of 40 photos do not exist, .*looked for below .*photos"):
        load(table, {**LABELS, "images": "../photos"})


def test_a_folder_that_is_not_there(tmp_path, load):
    table = write_csv(tmp_path / "items.csv", _rows("{}.png".format))
    with pytest.raises(DataError, match="images=photos: no such folder"):
        load(table, {**LABELS, "images": "photos"})


@pytest.mark.parametrize("bad", ["error", "skip"])
def test_many_missing_photos_are_one_error(tmp_path, load, bad):
    _photos(tmp_path / "mine")
    rows = _rows(lambda number: f"{number}.png" if number < 2 else f"gone\\{number}.jpg")
    table = write_csv(tmp_path / "mine" / "items.csv", rows)
    message = r"38 of 40 photos do not exist, for example 'gone\\\\2.jpg' \(items.csv, row 4\).*backslashes"
    with pytest.raises(DataError, match=message):
        load(table, LABELS, on_bad_sample=bad)
    splits = load(table, LABELS, on_bad_sample="blank")
    assert sum(examples.image_present().sum() for examples in splits.parts().values()) == 2
    assert len(splits.report.blanked) == 38
    assert "38 rows lost an image that cannot be used; they are listed (--on-bad-sample blank)." in splits.report.notes


def test_a_broken_photo_may_leave_its_row_the_title(tmp_path, load):
    _photos(tmp_path / "mine")
    rows = _rows("{}.png".format)
    (tmp_path / "mine" / "4.png").write_bytes(half_a_photo())
    (tmp_path / "mine" / "5.png").write_bytes(b"")
    rows[5]["text"] = ""
    table = write_csv(tmp_path / "mine" / "items.csv", rows)
    splits = load(table, LABELS, on_bad_sample="blank")
    ids = {name for examples in splits.parts().values() for name in examples.ids()}
    assert len(ids) == COUNT - 1
    assert [said.split(":")[0] for said in splits.report.blanked] == ["items.csv, row 6"]
    assert [said.split(":")[0] for said in splits.report.bad_samples] == ["items.csv, row 7"]


def test_urls_are_not_fetched(tmp_path, load):
    table = write_csv(tmp_path / "items.csv", _rows("https://shop.example/{}.png".format))
    with pytest.raises(DataError, match=r"row 2: .* is a URL, and photos are not fetched: download .*images=DIR"):
        load(table, LABELS)


@pytest.mark.parametrize("separator", [";", "|", ",", " ; ", "JSON"])
def test_the_first_of_several_photos_is_the_default(tmp_path, load, plain, separator):
    _photos(tmp_path / "mine")
    _photos(tmp_path / "mine", "{}b.png")
    join = '["{0}.png", "{0}b.png"]' if separator == "JSON" else f"{{0}}.png{separator}{{0}}b.png"
    splits = load(write_csv(tmp_path / "mine" / "items.csv", _rows(join.format)), LABELS)
    assert splits.fingerprint == plain
    assert splits.per_group is None
    said = "40 rows name several photos, 80 together: the first of them is used (photos=all uses every one)."
    assert said in splits.report.notes


def test_a_separator_in_the_name_of_a_file_is_no_list(tmp_path, load, plain):
    _photos(tmp_path / "mine", "a;{},b.png")
    splits = load(write_csv(tmp_path / "mine" / "items.csv", _rows("a;{},b.png".format)), LABELS)
    assert splits.fingerprint == plain


@pytest.fixture
def views(tmp_path, load):
    """Products with one to three photos, all used."""
    folder = tmp_path / "mine"
    for view, first in enumerate((0, 100, 200)):
        folder.mkdir(exist_ok=True)
        for number in range(COUNT):
            (folder / f"{number}-{view}.png").write_bytes(photo(first + number))
    rows = _rows(lambda number: ";".join(f"{number}-{view}.png" for view in range(1 + number % 3)))
    return load(write_csv(folder / "items.csv", rows), {**LABELS, "photos": "all", "ties": []})


def test_every_photo_is_a_view_of_its_product(views):
    ids = [name for examples in views.parts().values() for name in examples.ids()]
    assert sorted(ids) == sorted(
        f"row-{number}" + (f"#{view + 1}" if view else "") for number in range(COUNT) for view in range(1 + number % 3)
    )
    assert "26 rows name several photos, 65 together" in " ".join(views.report.notes)
    assert (views.report.rows, views.report.products) == (79, COUNT)
    examples = views.train
    place = examples.ids().index(next(name for name in examples.ids() if name.endswith("#2")))
    number = int(examples.ids()[place].removeprefix("row-").split("#")[0])
    assert examples[place].image.getpixel((0, 0)) == ((100 + number) % 256, (100 + number) // 256, 90)
    assert examples[place].text == f"title {number}"


def test_a_product_has_one_prediction_the_mean_over_its_photos(views):
    rng = np.random.default_rng(0)
    ids = views.test.ids()
    given = rng.dirichlet([1, 1], len(ids)).astype(np.float32)
    predictions = Predictions(ids, {"colour": views.test.labels("colour")}, {"colour": given})
    by_product, groups = dict(of_clean(predictions, views))[views.per_group]
    assert groups == tuple(
        dict(zip(views.test_units(), views.test.groups(), strict=True))[unit] for unit in by_product.ids
    )
    by_hand = {}
    for name, probabilities in zip(ids, given, strict=True):
        by_hand.setdefault(f"row:{name.removeprefix('row-').split('#')[0]}", []).append(probabilities)
    assert set(by_product.ids) == set(by_hand)
    assert len(by_hand) < len(ids)
    for name, probabilities in zip(by_product.ids, by_product.probabilities["colour"], strict=True):
        assert probabilities == pytest.approx(sum(by_hand[name]) / len(by_hand[name]), abs=1e-6)


def test_rows_of_a_group_are_views_of_one_product(tmp_path, load):
    _photos(tmp_path / "mine")
    rows = [{**row, "sku": f"s{number // 2}", "colour": ("red", "blue")[number // 2 % 2]}
            for number, row in enumerate(_rows("{}.png".format))]  # fmt: skip
    splits = load(write_csv(tmp_path / "mine" / "items.csv", rows), {**LABELS, "photos": "all", "group": "sku"})
    assert len(set(splits.test_units())) * 2 == len(splits.test)
    assert (splits.report.rows, splits.report.products) == (COUNT, COUNT // 2)


def test_equal_photos_of_other_names_are_tied(tmp_path, load):
    _photos(tmp_path / "mine")
    for number in range(0, COUNT, 4):
        (tmp_path / "mine" / f"{number + 1}.png").write_bytes(photo(number))
    splits = load(write_csv(tmp_path / "mine" / "items.csv", _rows("{}.png".format)), LABELS)
    groups = {name: g for e in splits.parts().values() for name, g in zip(e.ids(), e.groups(), strict=True)}
    assert all(groups[f"row-{number}"] == groups[f"row-{number + 1}"] for number in range(0, COUNT, 4))
    assert len(set(groups.values())) == COUNT * 3 // 4


def test_bytes_in_parquet(tmp_path, load, plain):
    rows = _rows(str)
    structs = pa.array([{"bytes": photo(number), "path": None} for number in range(COUNT)])
    columns = {"text": [row["text"] for row in rows], "colour": [row["colour"] for row in rows]}
    parquet.write_table(pa.table({"image": structs, **columns}), tmp_path / "structs.parquet")
    parquet.write_table(
        pa.table({"image": [photo(number) for number in range(COUNT)], **columns}), tmp_path / "plain.parquet"
    )
    assert load(tmp_path / "structs.parquet", LABELS).fingerprint == plain
    assert load(tmp_path / "plain.parquet", LABELS).fingerprint == plain


@pytest.mark.parametrize(("extension", "kind"), [("heic", "HEIF"), ("avif", "AVIF"), ("webp", "WEBP")])
def test_photos_as_phones_and_shops_write_them_are_read(tmp_path, load, extension, kind):
    pillow_heif.register_heif_opener()
    (tmp_path / "images").mkdir()
    for number in range(COUNT):
        picture = Image.new("RGB", (32, 24), (5 * number, 200, 40))
        picture.save(tmp_path / "images" / f"{number}.{extension}", kind)
    splits = load(write_csv(tmp_path / "items.csv", _rows(f"images/{{}}.{extension}".format)), LABELS)
    _, green, blue = np.asarray(splits.train[0].image).mean(axis=(0, 1))
    assert (splits.train[0].image.size, abs(green - 200) < 6, abs(blue - 40) < 8) == ((32, 24), True, True)


@pytest.mark.parametrize("role", ["labels", "text", "id", "group", "split"])
def test_photos_in_the_table_are_photos_only(tmp_path, load, role):
    columns = {"text": list("ab" * 20), "colour": ["red", "blue"] * 20, "shot": [photo(n) for n in range(40)]}
    parquet.write_table(pa.table(columns), tmp_path / "bytes.parquet")
    with pytest.raises(DataError, match=f"bytes.parquet: option {role}.*column 'shot' holds images as bytes"):
        load(tmp_path / "bytes.parquet", {**LABELS, "image": None, role: ["shot"] if role == "labels" else "shot"})
