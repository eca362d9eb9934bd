import gzip
import json
import shutil

import pytest

from benchmarks import datasets
from benchmarks.datasets.abo import LISTINGS, PHOTOS, TABLE
from benchmarks.datasets.abo.listings import SHARDS, best_tag
from benchmarks.datasets.splits import DataError, Source
from benchmarks.datasets.twins import abo
from benchmarks.datasets.twins.abo_words import CLASSES

from .samples import half_a_photo

ATTRIBUTES = ("color", "pattern", "style", "product_type", "material")


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    folder = tmp_path_factory.mktemp("abo") / "clean"
    abo.make(folder, 120, seed=0)
    return folder


@pytest.fixture(scope="module")
def quirky(tmp_path_factory):
    folder = tmp_path_factory.mktemp("abo") / "quirky"
    abo.make(folder, 120, seed=0, quirks=True)
    return folder


@pytest.fixture
def load(tmp_path):
    def load_listings(root, options=(), **source):
        return datasets.load("abo", Source(root, tmp_path / "cache", **source), {"min_count": 1, **dict(options)})

    return load_listings


@pytest.fixture
def changed(clean, tmp_path):
    """The clean twin with fields of some listings changed, by their number; a field None is left out."""

    def change(fields_of, source=clean):
        folder = tmp_path / "mine"
        shutil.copytree(source, folder)
        for number, fields in fields_of.items():
            shard = folder / LISTINGS / SHARDS[number % 16]
            lines = gzip.decompress(shard.read_bytes()).decode().splitlines()
            record = {**json.loads(lines[number // 16]), **fields}
            lines[number // 16] = json.dumps({name: value for name, value in record.items() if value is not None})
            shard.write_bytes(gzip.compress("\n".join(lines).encode()))
        return folder

    return change


def _records(folder):
    """All listings in the order in which the twin made them."""
    shards = [gzip.decompress((folder / LISTINGS / shard).read_bytes()).decode().splitlines() for shard in SHARDS]
    rows = [shards[number % 16][number // 16] for number in range(sum(map(len, shards)))]
    return [json.loads(row) for row in rows]


def _id(record):
    return f"{record['item_id']}@{record['domain_name']}"


def _examples(splits):
    return {example.id: example for part in splits.parts().values() for example in part}


def _labels(splits):
    """Id -> task -> class, without decoding a photo."""
    tasks = {task.name: task.classes for task in splits.tasks}
    return {
        name: {task: tasks[task][label] for task, label in row.items()}
        for part in splits.parts().values()
        for name, row in zip(part.ids(), part.label_rows(), strict=True)
    }


def _groups(splits):
    return {
        name: group for part in splits.parts().values() for name, group in zip(part.ids(), part.groups(), strict=True)
    }


def _note(splits, start):
    (note,) = [note for note in splits.report.notes if note.startswith(start)]
    return note


def test_listings_become_examples(clean, load):
    splits = load(clean)
    examples = _examples(splits)
    assert [task.name for task in splits.tasks] == ["color", "pattern", "style"]
    assert (len(examples), splits.report.rows, splits.report.bad_samples) == (120, 120, ())
    for record in _records(clean):
        example = examples[_id(record)]
        assert example.text == record["item_name"][0]["value"]
        assert example.image.size == (abo.SIDE, abo.SIDE)


def test_labels_are_what_the_products_are(clean, load):
    found, known = _labels(load(clean)), 0
    for one in abo.listed(120, seed=0):
        labels = found[_id(one.record)]
        truth = {"pattern": one.look.pattern, "style": one.look.style}
        for task in labels.keys() & truth.keys():
            assert labels[task] == CLASSES.get(truth[task], truth[task])
            known += 1
    assert known > 120


def test_coverage_is_told_per_attribute(clean, load):
    splits = load(clean, {"tasks": ATTRIBUTES})
    records = _records(clean)
    for attribute in ATTRIBUTES:
        labelled = sum(attribute in labels for labels in _labels(splits).values())
        absent = sum(attribute not in record for record in records)
        note = _note(splits, f"{attribute}: ")
        assert note.startswith(f"{attribute}: {labelled} listings labelled, {120 - labelled - absent} with a value")
        assert note.endswith(f"{absent} without a value.")
    assert "'Natural' " in _note(splits, "color: ")


def test_quirks_are_counted(quirky, load):
    splits = load(quirky, {"tasks": ("style", "product_type")}, on_bad_sample="skip")
    assert len(splits.report.bad_samples) == 6
    assert "images/small/" in splits.report.bad_samples[0]
    assert _note(splits, "Left out: ") == "Left out: 6 of 120 listings without a title in en."
    assert _note(splits, "No image: ") == (
        "No image: 6 listings without main_image_id, 6 whose id images.csv.gz lacks."
    )
    assert "'7' 6" in _note(splits, "style: ")
    assert splits.tasks[1].classes == load(quirky, {"tasks": "product_type"}, on_bad_sample="skip").tasks[0].classes
    assert {"drinking cup", "pants"} <= set(splits.tasks[1].classes)


def test_a_product_on_another_marketplace_is_another_example_of_its_group(quirky, load):
    groups = _groups(load(quirky, on_bad_sample="skip"))
    records = _records(quirky)
    first, second = _id(records[1]), _id(records[2])
    assert records[1]["item_id"] == records[2]["item_id"]
    assert first != second
    assert groups[first] == groups[second]


def test_a_missing_photo_is_an_error_unless_it_is_to_be_skipped(quirky, load):
    with pytest.raises(DataError, match=r"listings_1.json.gz, line 5: image file .* cannot be read: No such file"):
        load(quirky)


def test_texts_alone_need_no_images(clean, load, tmp_path):
    shutil.copytree(clean / "listings", tmp_path / "texts" / "listings")
    splits = load(tmp_path / "texts", {"images": False})
    assert len(_groups(splits)) == 120
    assert not any(part.image_present().any() for part in splits.parts().values())
    assert _groups(splits) == _groups(load(clean))


def test_a_shared_item_title_or_photo_makes_a_group(changed, load):
    folder = changed(
        {
            1: {"item_name": [{"language_tag": "en_US", "value": "The same  TITLE"}]},
            2: {"item_name": [{"language_tag": "en_GB", "value": "the same title"}]},
        }
    )
    records = _records(folder)
    photos = [folder / PHOTOS / record["main_image_id"][:2] / f"{record['main_image_id']}.jpg" for record in records]
    shutil.copyfile(photos[2], photos[3])
    groups = _groups(load(folder))
    assert len({groups[_id(records[number])] for number in (1, 2, 3)}) == 1
    assert len(set(groups.values())) == 118


def test_language_text_and_tasks_change_no_split(clean, load):
    english, german = load(clean), load(clean, {"language": "de", "text": "title+bullets", "tasks": "color"})
    groups = _groups(english)
    assert 0 < len(_groups(german)) < 120
    assert all(groups[name] == group for name, group in _groups(german).items())
    assert all(" in " in text for text in german.train.texts())


def test_labels_are_read_in_english_whatever_the_language(clean, load):
    english, german = _labels(load(clean)), _labels(load(clean, {"language": "de"}))
    assert german == {name: english[name] for name in german}


def test_bullet_points_follow_the_title(clean, load):
    record = _records(clean)[0]
    texts = [text for part in load(clean, {"text": "title+bullets"}).parts().values() for text in part.texts()]
    bullets = [bullet["value"] for bullet in record["bullet_point"]]
    assert "\n".join([record["item_name"][0]["value"], *bullets]) in texts


@pytest.mark.parametrize(
    ("language", "expected"),
    [("en", "en_US"), ("en_IN", "en_IN"), ("de", "de_DE"), ("fr", "fr_CA"), ("ja", None)],
)
def test_the_preferred_tag(language, expected):
    assert best_tag(["fr_CA", "en_IN", "de_AT", "en_GB", "en_US", "de_DE"], language) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"color": [{"language_tag": "en_US", "standardized_values": ["Multi"], "value": "Red"}]}, "multicolor"),
        ({"color": [{"language_tag": "en_US", "standardized_values": ["As pictured"], "value": "Red"}]}, "red"),
        ({"color": [{"language_tag": "en_US", "standardized_values": ["Green"]}]}, "green"),
        ({"color": [{"standardized_values": "Green"}]}, "green"),
        ({"color": [{"language_tag": "de_DE", "value": "Orange"}, {"language_tag": "en_IN", "value": "Pink"}]}, "pink"),
        ({"color": [{"language_tag": "de_DE", "value": "Orange"}]}, None),
        ({"color": [{"value": "Pink"}]}, "pink"),
        ({"color": ["Pink"]}, "pink"),
        ({"color": "Pink"}, "pink"),
        ({"color": 5}, None),
        ({"color": []}, None),
    ],
)
def test_attributes_are_read_however_they_are_written(changed, load, fields, expected):
    folder = changed({7: fields})
    assert _labels(load(folder))[_id(_records(folder)[7])].get("color") == expected


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"item_id": None}, "item_id is None; valid is a text"),
        ({"domain_name": 3}, "domain_name is 3; valid is a text"),
        ({"main_image_id": ["a"]}, r"main_image_id is \['a'\]; valid is a text"),
        ({"style": [{"value": {"en": "Modern"}}]}, "style is .*, which is not text or a number; valid is a text, or"),
        ({"style": [["Modern"]]}, "style is .*, which is not text or a number"),
        ({"item_name": "half a character \ud800"}, "item_name is .*, which is not Unicode text"),
    ],
)
def test_a_malformed_listing_is_named(changed, load, fields, problem):
    with pytest.raises(DataError, match=rf"listings_7.json.gz, line 1: {problem}.*--on-bad-sample skip"):
        load(changed({7: fields}))


def test_a_line_that_is_no_json_is_named_or_skipped(changed, load):
    folder = changed({})
    shard = folder / LISTINGS / SHARDS[10]
    lines = gzip.decompress(shard.read_bytes()).splitlines()
    shard.write_bytes(gzip.compress(b"\n".join([lines[0], b'{"item_id": "B0', b"\xff\xfe{}", b"[]", *lines[1:], b""])))
    with pytest.raises(DataError, match=r"listings_a.json.gz, line 2: cannot be read as JSON: Unterminated string"):
        load(folder)
    splits = load(folder, on_bad_sample="skip")
    assert len(_groups(splits)) == 120
    assert _note(splits, "Lines skipped: ").startswith("Lines skipped: 3 (listings_a.json.gz, line 2: cannot be read")


def test_a_broken_archive_is_named_and_its_readable_part_kept(changed, load):
    folder = changed({})
    shard = folder / LISTINGS / SHARDS[3]
    shard.write_bytes(shard.read_bytes()[:-200])
    with pytest.raises(DataError, match=r"listings_3.json.gz, line \d: the file cannot be read from here on: "):
        load(folder)
    assert 112 <= len(_groups(load(folder, on_bad_sample="skip"))) < 120
    shard.write_bytes(b"<html>not found</html>")
    with pytest.raises(DataError, match=r"listings_3.json.gz, line 1: the file .* Not a gzipped file"):
        load(folder)


def test_a_broken_image_table_is_named(changed, load):
    folder = changed({})
    table = gzip.decompress((folder / TABLE).read_bytes())
    for broken, problem in (
        (gzip.compress(table.replace(b"image_id", b"id", 1)), "row 1: 'id,height.*expected image_id,height,width,path"),
        (gzip.compress(table + b"only,three,cells\n"), "row 122: 'only,three,cells'"),
        (table, "row 1: cannot be read: Not a gzipped file"),
    ):
        (folder / TABLE).write_bytes(broken)
        with pytest.raises(DataError, match=rf"images.csv.gz, {problem}"):
            load(folder)


def test_a_corrupt_photo_is_skipped_on_request(changed, load):
    folder = changed({})
    record = _records(folder)[0]
    image_id = record["main_image_id"]
    (folder / PHOTOS / image_id[:2] / f"{image_id}.jpg").write_bytes(half_a_photo())
    with pytest.raises(DataError, match=r"listings_0.json.gz, line 1: image .* cannot be decoded"):
        load(folder)
    assert _id(record) not in _groups(load(folder, on_bad_sample="skip"))


def test_missing_files_are_named_with_the_archives(changed, load, tmp_path):
    folder = changed({})
    (folder / LISTINGS / SHARDS[15]).unlink()
    with pytest.raises(
        DataError, match=r"has no .*listings_f.json.gz \(1 of 18 are missing\); unpack abo-listings.tar"
    ):
        load(folder)
    with pytest.raises(DataError, match="18 of 18 are missing"):
        load(tmp_path)


def test_a_changed_listing_or_photo_is_noticed(changed, load):
    folder = changed({7: {"color": "Pink"}})
    before = load(folder).fingerprint
    (photo, other, *_) = sorted((folder / PHOTOS).glob("*/*.jpg"))
    shutil.copyfile(other, photo)
    after = load(folder).fingerprint
    shard = folder / LISTINGS / SHARDS[7]
    shard.write_bytes(gzip.compress(gzip.decompress(shard.read_bytes()).replace(b'"Pink"', b'"Black"')))
    assert len({before, after, load(folder).fingerprint}) == 3


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"tasks": ["colour"]}, "unknown attribute 'colour'; did you mean 'color'"),
        ({"language": "english"}, "language='english'"),
        ({"tasks": ["color", "color"]}, "'color' is named twice"),
    ],
)
def test_a_wrong_option_is_named(clean, load, options, problem):
    with pytest.raises(DataError, match=problem):
        load(clean, options)


def test_rare_classes_are_missing_labels(clean, load):
    splits = load(clean, {"tasks": "color", "min_count": 8})
    assert splits.report.dropped_classes["color"]
    assert len(splits.tasks[0].classes) < 10


def test_the_twin_is_the_same_for_the_same_seed(clean, tmp_path):
    abo.make(tmp_path / "again", 120, seed=0)
    files = sorted(path.relative_to(clean) for path in clean.rglob("*") if path.is_file())
    assert len(files) == 16 + 1 + 120
    assert all((clean / path).read_bytes() == (tmp_path / "again" / path).read_bytes() for path in files)


def test_the_twin_needs_rows_and_a_new_folder(clean, tmp_path):
    with pytest.raises(ValueError, match="at least 60"):
        abo.make(tmp_path / "small", 12, seed=0)
    with pytest.raises(ValueError, match="is not empty"):
        abo.make(clean, 120, seed=0)
