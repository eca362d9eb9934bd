import gzip

import pytest

from benchmarks.datasets.abo import LISTINGS, TABLE
from benchmarks.datasets.abo.listings import SHARDS, best_tag
from benchmarks.datasets.loading.splits import DataError

from .samples import groups_of, id_of, labels_of, note_of, read_records


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
    assert labels_of(load(folder))[id_of(read_records(folder)[7])].get("color") == expected


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
    assert len(groups_of(splits)) == 120
    assert note_of(splits, "Lines skipped: ").startswith("Lines skipped: 3 (listings_a.json.gz, line 2: cannot be read")


def test_a_broken_archive_is_named_and_its_readable_part_kept(changed, load):
    folder = changed({})
    shard = folder / LISTINGS / SHARDS[3]
    shard.write_bytes(shard.read_bytes()[:-200])
    with pytest.raises(DataError, match=r"listings_3.json.gz, line \d: the file cannot be read from here on: "):
        load(folder)
    assert 112 <= len(groups_of(load(folder, on_bad_sample="skip"))) < 120
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
