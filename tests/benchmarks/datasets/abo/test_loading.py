import gzip
import shutil

import pytest

from benchmarks.datasets.abo import LISTINGS, PHOTOS
from benchmarks.datasets.abo.listings import SHARDS
from benchmarks.datasets.loading.splits import DataError
from benchmarks.twins import abo

from ..samples import half_a_photo
from .samples import CLASSES, examples_of, groups_of, id_of, labels_of, note_of, read_records

ATTRIBUTES = ("color", "pattern", "style", "product_type", "material")


def test_listings_becomeexamples_of(clean, load):
    splits = load(clean)
    examples = examples_of(splits)
    assert [task.name for task in splits.tasks] == ["color", "pattern", "style"]
    assert (len(examples), splits.report.rows, splits.report.bad_samples) == (120, 120, ())
    for record in read_records(clean):
        example = examples[id_of(record)]
        assert example.text == record["item_name"][0]["value"]
        assert example.image.size == (abo.SIDE, abo.SIDE)


def test_labels_are_what_the_products_are(clean, load):
    found, known = labels_of(load(clean)), 0
    for one in abo.listed(120, seed=0):
        labels = found[id_of(one.record)]
        truth = {"pattern": one.look.pattern, "style": one.look.style}
        for task in labels.keys() & truth.keys():
            assert labels[task] == CLASSES.get(truth[task], truth[task])
            known += 1
    assert known > 120


def test_coverage_is_told_per_attribute(clean, load):
    splits = load(clean, {"tasks": ATTRIBUTES})
    records = read_records(clean)
    for attribute in ATTRIBUTES:
        labelled = sum(attribute in labels for labels in labels_of(splits).values())
        absent = sum(attribute not in record for record in records)
        note = note_of(splits, f"{attribute}: ")
        assert note.startswith(f"{attribute}: {labelled} listings labelled, {120 - labelled - absent} with a value")
        assert note.endswith(f"{absent} without a value.")
    assert "'Natural' " in note_of(splits, "color: ")


def test_quirks_are_counted(quirky, load):
    splits = load(quirky, {"tasks": ("style", "product_type")}, on_bad_sample="skip")
    assert len(splits.report.bad_samples) == 6
    assert "images/small/" in splits.report.bad_samples[0]
    assert note_of(splits, "Left out: ") == "Left out: 6 of 120 listings without a title in en."
    assert note_of(splits, "No image: ") == (
        "No image: 6 listings without main_image_id, 6 whose id images.csv.gz lacks."
    )
    assert "'7' 6" in note_of(splits, "style: ")
    assert splits.tasks[1].classes == load(quirky, {"tasks": "product_type"}, on_bad_sample="skip").tasks[0].classes
    assert {"drinking cup", "pants"} <= set(splits.tasks[1].classes)


def test_a_product_on_another_marketplace_is_another_example_of_its_group(quirky, load):
    groups = groups_of(load(quirky, on_bad_sample="skip"))
    records = read_records(quirky)
    first, second = id_of(records[1]), id_of(records[2])
    assert records[1]["item_id"] == records[2]["item_id"]
    assert first != second
    assert groups[first] == groups[second]


def test_a_missing_photo_is_an_error_unless_it_is_to_be_skipped(quirky, load):
    with pytest.raises(DataError, match=r"listings_1.json.gz, line 5: image file .* cannot be read: No such file"):
        load(quirky)


def test_texts_alone_need_no_images(clean, load, tmp_path):
    shutil.copytree(clean / "listings", tmp_path / "texts" / "listings")
    splits = load(tmp_path / "texts", {"images": False})
    assert len(groups_of(splits)) == 120
    assert not any(part.image_present().any() for part in splits.parts().values())
    assert groups_of(splits) == groups_of(load(clean))


def test_a_shared_item_title_or_photo_makes_a_group(changed, load):
    folder = changed(
        {
            1: {"item_name": [{"language_tag": "en_US", "value": "The same  TITLE"}]},
            2: {"item_name": [{"language_tag": "en_GB", "value": "the same title"}]},
        }
    )
    records = read_records(folder)
    photos = [folder / PHOTOS / record["main_image_id"][:2] / f"{record['main_image_id']}.jpg" for record in records]
    shutil.copyfile(photos[2], photos[3])
    groups = groups_of(load(folder))
    assert len({groups[id_of(records[number])] for number in (1, 2, 3)}) == 1
    assert len(set(groups.values())) == 118


def test_language_text_and_tasks_change_no_split(clean, load):
    english, german = load(clean), load(clean, {"language": "de", "text": "title+bullets", "tasks": "color"})
    groups = groups_of(english)
    assert 0 < len(groups_of(german)) < 120
    assert all(groups[name] == group for name, group in groups_of(german).items())
    assert all(text.startswith("Artikel ") for text in german.train.texts())


def test_labels_are_read_in_english_whatever_the_language(clean, load):
    english, german = labels_of(load(clean)), labels_of(load(clean, {"language": "de"}))
    assert german == {name: english[name] for name in german}


def test_bullet_points_follow_the_title(clean, load):
    record = read_records(clean)[0]
    texts = [text for part in load(clean, {"text": "title+bullets"}).parts().values() for text in part.texts()]
    bullets = [bullet["value"] for bullet in record["bullet_point"]]
    assert "\n".join([record["item_name"][0]["value"], *bullets]) in texts


def test_a_corrupt_photo_is_skipped_on_request(changed, load):
    folder = changed({})
    record = read_records(folder)[0]
    image_id = record["main_image_id"]
    (folder / PHOTOS / image_id[:2] / f"{image_id}.jpg").write_bytes(half_a_photo())
    with pytest.raises(DataError, match=r"listings_0.json.gz, line 1: image .* cannot be decoded"):
        load(folder)
    assert id_of(record) not in groups_of(load(folder, on_bad_sample="skip"))


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


def test_rare_classes_are_missinglabels_of(clean, load):
    splits = load(clean, {"tasks": "color", "min_count": 8})
    assert splits.report.dropped_classes["color"]
    assert len(splits.tasks[0].classes) < 10
