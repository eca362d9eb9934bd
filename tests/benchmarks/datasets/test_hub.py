import json
import os
import pickle
import re
import shutil
import subprocess
import sys
import time

import datasets as hf
import pyarrow as pa
import pytest
from pyarrow import parquet

from benchmarks import datasets
from benchmarks.datasets import hub
from benchmarks.datasets.fashion_products import FROZEN, RULE
from benchmarks.datasets.hub.parts import by_product, freeze, frozen_parts
from benchmarks.datasets.loading import grouping as groups
from benchmarks.datasets.loading.splits import DataError, Source
from cma_clip.examples import ExampleList

from .hub_copies import table, write_parquet, write_saved

KAGL = "hub-kagl"
pytestmark = pytest.mark.usefixtures("no_sockets")


@pytest.fixture
def no_sockets(monkeypatch):
    """Whatever is read here is read without asking anybody."""

    def refuse(*_):
        raise AssertionError("a socket was opened")

    monkeypatch.setattr("socket.socket.connect", refuse)
    monkeypatch.setattr("socket.getaddrinfo", refuse)


@pytest.fixture
def load(tmp_path):
    def load_hub(name, root, options=None, **source):
        return datasets.load(name, Source(root, tmp_path / "cache", **source), {"min_count": 1, **(options or {})})

    return load_hub


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return write_parquet(KAGL, tmp_path_factory.mktemp("written") / "kagl")


@pytest.fixture
def kagl(written, tmp_path):
    """A copy that a test may change."""
    return shutil.copytree(written, tmp_path / "kagl")


def _shard(folder, number=0):
    return sorted(folder.rglob("*.parquet"))[number]


def _rewrite(path, change):
    parquet.write_table(change(parquet.read_table(path)), path)


@pytest.mark.parametrize("name", hub.SPECS)
def test_a_local_copy_of_each(name, load, tmp_path):
    splits = load(name, write_parquet(name, tmp_path / "copy"))
    assert tuple(task.name for task in splits.tasks) == hub.SPECS[name].tasks
    assert sum(len(examples) for examples in splits.parts().values()) == 60
    source = table(name)
    rows = {str(value): row for row, value in enumerate(source[hub.SPECS[name].id])}
    for examples in splits.parts().values():
        for example in examples:
            row = source[rows[example.id]]
            assert example.text == row[hub.SPECS[name].text]
            assert example.image.tobytes() == row["image"].tobytes()
            assert {t.name: t.classes[example.labels[t.name]] for t in splits.tasks if t.name in example.labels} == {
                t.name: row[t.name] for t in splits.tasks if row[t.name]
            }
    assert splits.report.notes == (
        f"Not the published data: 60 rows, {hub.SPECS[name].repo} has {hub.SPECS[name].rows:,}.",
    )


def test_a_folder_of_save_to_disk_gives_the_same_data(kagl, load, tmp_path):
    hf.DatasetDict({"data": table(KAGL)}).save_to_disk(tmp_path / "dict")
    copies = (kagl, write_saved(KAGL, tmp_path / "saved"), tmp_path / "dict")
    prints = {load(KAGL, copy).fingerprint for copy in copies}
    assert len(prints) == 1


def test_photos_are_not_copied(kagl, load, tmp_path):
    splits = load(KAGL, kagl)
    photo = parquet.read_table(_shard(kagl), columns=["image"])["image"][0].as_py()["bytes"]
    ours = [path for path in (tmp_path / "cache" / "tables").rglob("*.arrow")]
    theirs = [path for path in (tmp_path / "cache" / "huggingface").rglob("*.arrow")]
    assert len(ours) == 3
    assert not any(photo in path.read_bytes() for path in ours)
    assert sum(photo in path.read_bytes() for path in theirs) == 1
    assert splits.train.image_present().all()


def test_examples_go_to_worker_processes_and_can_be_selected(kagl, load):
    train = load(KAGL, kagl).train
    copy = pickle.loads(pickle.dumps(train))
    chosen = train.select([3, 1])
    for one, other in ((copy[2], train[2]), (chosen[0], train[3]), (chosen[1], train[1])):
        assert (one.id, one.text, one.labels) == (other.id, other.text, other.labels)
        assert one.image.tobytes() == other.image.tobytes()
    assert ExampleList(chosen).texts() == chosen.texts()


def test_years_are_whole_numbers(kagl, load):
    assert load(KAGL, kagl, {"tasks": ["year"]}).tasks[0].classes == ("2012", "2013")


def test_views_of_a_product_stay_together(load, tmp_path):
    for name in ("hub-fashion200k", "hub-deepfashion-inshop"):
        splits = load(name, write_parquet(name, tmp_path / name))
        found = {i: g for e in splits.parts().values() for i, g in zip(e.ids(), e.groups(), strict=True)}
        assert len(set(found.values())) == 30


def test_copies_keep_the_split_of_fashion_products(kagl, load):
    frozen = {str(number): part for number, part in frozen_parts().items()}
    assert groups.summary(frozen, RULE) == json.loads(FROZEN.read_text())
    splits = load(KAGL, kagl)
    assert all(frozen[name] == part for part, examples in splits.parts().items() for name in examples.ids())


def test_a_group_follows_its_most_protected_product():
    ids = {part: next(str(n) for n, own in frozen_parts().items() if own == part) for part in ("train", "val", "test")}
    rows = [(ids["train"], "a"), (ids["test"], "a"), (ids["val"], "b"), ("0", "b"), ("0", "c"), (ids["train"], "d")]
    assert by_product(*zip(*rows, strict=True)) == ["test", "test", "val", "val", "train", "train"]


def test_a_frozen_split_is_read_as_it_was_written(tmp_path, monkeypatch):
    parts = {7: "train", 8: "test", 900: "val", 12: "test"}
    (tmp_path / "parts.json").write_text(json.dumps(freeze(parts)))
    monkeypatch.setattr("benchmarks.datasets.hub.parts.FROZEN", tmp_path / "parts.json")
    frozen_parts.cache_clear()
    try:
        assert frozen_parts() == parts
    finally:
        frozen_parts.cache_clear()


def test_repeated_ids_are_told_apart_and_counted(kagl, load):
    def repeat(rows):
        ids = rows["item_ID"].to_pylist()
        return rows.set_column(rows.column_names.index("item_ID"), "item_ID", pa.array([ids[0], ids[0], *ids[2:]]))

    first = str(parquet.read_table(_shard(kagl))["item_ID"][0].as_py())
    _rewrite(_shard(kagl), repeat)
    splits = load(KAGL, kagl)
    assert {first, f"{first}#2"} <= {name for examples in splits.parts().values() for name in examples.ids()}
    assert "1 rows repeat an id in column 'item_ID'; theirs end in #2, #3 ..." in splits.report.notes


def test_a_changed_copy_is_noticed(kagl, load):
    before = load(KAGL, kagl).fingerprint
    _rewrite(_shard(kagl), lambda rows: rows.slice(0, 25))
    assert load(KAGL, kagl).fingerprint != before


def test_a_corrupt_photo_is_named_or_skipped(kagl, load):
    def break_one(rows):
        photos = rows["image"].to_pylist()
        photos[4] = {"bytes": photos[4]["bytes"][:40], "path": None}
        photos[5] = None
        cells = pa.array(photos, rows["image"].type)
        return rows.set_column(0, rows.schema.field("image"), cells)

    _rewrite(_shard(kagl), break_one)
    with pytest.raises(DataError, match="Marqo/KAGL, row 4: "):
        load(KAGL, kagl)
    splits = load(KAGL, kagl, on_bad_sample="skip")
    assert len(splits.report.bad_samples) == 1
    assert sum(int((~examples.image_present()).sum()) for examples in splits.parts().values()) == 1
    assert "1 of 59 rows have no image." in splits.report.notes


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda rows: rows.rename_columns({"item_ID": "item_id"}),
            "this is no copy of Marqo/KAGL.*did you mean 'item_id'",
        ),
        (lambda rows: rows.set_column(0, "image", rows["text"]), "column 'image' holds .*Marqo/KAGL has images there"),
    ],
)
def test_another_table_is_refused(kagl, load, change, message):
    for number in range(2):
        _rewrite(_shard(kagl, number), lambda rows: change(rows).replace_schema_metadata(None))
    with pytest.raises(DataError, match=message):
        load(KAGL, kagl)


def test_an_id_without_a_product_is_named(load, tmp_path):
    copy = write_parquet("hub-fashion200k", tmp_path / "copy")
    _rewrite(_shard(copy), lambda rows: rows.set_column(5, "item_ID", pa.array(["dress"] * len(rows))))
    with pytest.raises(DataError, match=r"Marqo/fashion200k, row 0: item_ID 'dress' names no product; valid are"):
        load("hub-fashion200k", copy)


def test_a_missing_shard_is_named(kagl, load):
    _shard(kagl).unlink()
    with pytest.raises(DataError, match=r"1 of 2 files are missing: data-00000-of-00002\*.parquet"):
        load(KAGL, kagl)


def test_a_damaged_file_is_named(kagl, load):
    _shard(kagl).write_bytes(b"PAR1")
    with pytest.raises(DataError, match=r"kagl: cannot be read as a copy of Marqo/KAGL: "):
        load(KAGL, kagl)


def test_an_empty_folder_says_what_to_bring(load, tmp_path):
    with pytest.raises(DataError, match=r"is no local copy of Marqo/KAGL.*hf download Marqo/KAGL --repo-type dataset"):
        load(KAGL, tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tasks": ["colour"]}, "unknown task of hub-kagl 'colour'.*Valid: gender, category1"),
        ({"revision": "main"}, "hub-kagl: revision='main': "),
    ],
)
def test_a_wrong_option_is_named(kagl, load, options, message):
    with pytest.raises(DataError, match=message):
        load(KAGL, kagl, options)


OFFLINE = """
import socket, sys, time
def refuse(*_):
    raise OSError("no route to host")
socket.getaddrinfo = socket.socket.connect = refuse
from pathlib import Path
from benchmarks import datasets
from benchmarks.datasets.loading.splits import DataError, Source
import huggingface_hub
start = time.perf_counter()
try:
    datasets.load("hub-kagl", Source(None, Path(sys.argv[1])), {})
except DataError as error:
    print(f"{time.perf_counter() - start:.1f} {error}")
"""


@pytest.mark.parametrize(
    ("switched_off", "reason"), [("1", r"the hub is switched off \(HF_HUB_OFFLINE\)"), ("0", "the hub did not give it")]
)
def test_offline_with_nothing_cached_it_fails_at_once(tmp_path, switched_off, reason):
    environment = {**os.environ, "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": switched_off}
    done = subprocess.run(
        [sys.executable, "-c", OFFLINE, tmp_path], env=environment, check=True, capture_output=True, text=True
    )
    seconds, _, message = done.stdout.partition(" ")
    assert float(seconds) < 2
    assert len(message.splitlines()) == 1
    assert message.startswith("hub-kagl: Marqo/KAGL, revision 5146654, is not in the hub's cache, and the hub ")
    assert message.rstrip().endswith("--local-dir DIR; then --data hub-kagl=DIR")
    assert re.search(reason, message)
    assert done.stderr == ""


def test_a_revision_in_the_hubs_cache_needs_no_connection(kagl, load, tmp_path, monkeypatch):
    revision = hub.SPECS[KAGL].revision
    cache = tmp_path / "hub"
    snapshot = cache / "datasets--Marqo--KAGL" / "snapshots" / revision
    snapshot.parent.mkdir(parents=True)
    kagl.rename(snapshot)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
    start = time.perf_counter()
    assert sum(len(examples) for examples in load(KAGL, None).parts().values()) == 60
    assert time.perf_counter() - start < 5
