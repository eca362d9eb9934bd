import csv
import json
import shutil
from collections import Counter

import pyarrow as pa
import pytest
from pyarrow import parquet

from benchmarks import datasets
from benchmarks.datasets.loading.splits import DataError, Source
from benchmarks.twins import mrwpa

from .samples import write_csv

REFUSED = (
    "column 'image': 'https://shop.example/P00002-M.jpg' is a URL, and a benchmark must not depend on a server: ",
    "column 'image': 'photos/gone.jpg' is not a file below",
    "column 'image': '../outside.jpg' leaves the manifest's folder",
    "column 'color': '[\"red\", \"blue\"]' holds several labels; valid is one class name",
    "column 'pattern': 'striped|dotted' holds several labels",
    "column 'product_id': 'P00000-S' was used before, in products.jsonl, row 1",
    "column 'product_id': 'N/A' is missing; valid is a text or number",
    "has neither a title nor an image",
)
"""What the first period of quirks has to hear, from row 6 on."""


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clean")
    mrwpa.make(folder, 90, seed=0)
    return folder


@pytest.fixture(scope="module")
def quirky(tmp_path_factory):
    folder = tmp_path_factory.mktemp("quirky")
    mrwpa.make(folder, 120, seed=0, quirks=True)
    return folder


@pytest.fixture
def load(tmp_path):
    def load_export(root, options=None, **source):
        return datasets.load("mrwpa", Source(root, tmp_path / "cache", **source), options or {})

    return load_export


@pytest.fixture
def changed(clean, tmp_path):
    """A small export with the photos of the twin and some cells changed."""

    def change(cells_of_row, rows=60, drop=()):
        folder = tmp_path / "mine"
        folder.mkdir()
        shutil.copytree(clean / "photos", folder / "photos")
        products = _rows(clean)[:rows]
        for row, cells in cells_of_row.items():
            products[row] |= cells
        kept = [{column: value for column, value in one.items() if column not in drop} for one in products]
        (folder / "items.jsonl").write_text("\n".join(json.dumps(one) for one in kept))
        return folder

    return change


def _rows(folder):
    return [json.loads(line) for line in (folder / mrwpa.NAME).read_text().splitlines()]


def _groups(splits):
    return {name: group for e in splits.parts().values() for name, group in zip(e.ids(), e.groups(), strict=True)}


def test_an_export_becomes_examples(clean, load):
    splits = load(clean)
    assert [task.name for task in splits.tasks] == ["color", "pattern", "style"]
    assert sum(len(examples) for examples in splits.parts().values()) == 90
    assert splits.report.bad_samples == ()
    row = {one["product_id"]: one for one in _rows(clean)}[splits.train.ids()[0]]
    example = splits.train[0]
    assert (example.text, example.image.size) == (row["title"], (64, 64))
    assert {
        task.name: task.classes[example.labels[task.name]] for task in splits.tasks if task.name in example.labels
    } == {name: row[name] for name in ("color", "pattern", "style") if row[name]}


def test_variants_of_a_product_stay_together(clean, load):
    groups = _groups(load(clean))
    parents = {one["product_id"]: one["parent_id"] for one in _rows(clean)}
    assert max(Counter(parents.values()).values()) == 3
    assert {name: f"group:{parent}" for name, parent in parents.items()} == groups


def test_all_three_formats_give_the_same_data(clean, load):
    rows = _rows(clean)
    write_csv(clean / "same.csv", rows)
    parquet.write_table(pa.Table.from_pylist(rows), clean / "same.parquet")
    loaded = [load(clean / name) for name in (mrwpa.NAME, "same.csv", "same.parquet")]
    for extra in ("same.csv", "same.parquet"):
        (clean / extra).unlink()
    assert len({splits.fingerprint for splits in loaded}) == 1


def test_all_mistakes_of_a_file_are_told_at_once(quirky, load):
    with pytest.raises(DataError) as caught:
        load(quirky)
    head, *lines = str(caught.value).splitlines()
    assert "products.jsonl: 64 mistakes in 64 rows, the first 20 (--on-bad-sample skip leaves such rows out" in head
    assert len(lines) == 20
    for row, (line, what) in enumerate(zip(lines[:8], REFUSED, strict=True), start=6):
        assert line.startswith(f"  products.jsonl, row {row}, {what}")


def test_rows_with_mistakes_are_skipped_counted_and_listed(quirky, load):
    splits = load(quirky, on_bad_sample="skip")
    assert sum(len(examples) for examples in splits.parts().values()) == 120 - 64
    assert (splits.report.rows, len(splits.report.bad_samples)) == (120, 64)
    assert splits.report.bad_samples[0].startswith("products.jsonl, row 6, column 'image': 'https://")
    assert "Columns not used: price." in splits.report.notes
    assert any(note.startswith("Cells taken as missing: '-' 1, 'N/A' 1") for note in splits.report.notes)
    assert all(name == name.lower().strip() for task in splits.tasks for name in task.classes)


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        ({"split": "tset"}, "row 8, column 'split': 'tset' is not a split; valid are train, training, val"),
        ({"image": "photos"}, "column 'image': 'photos' is not a file below"),
        ({"image": "a\0b"}, r"column 'image': 'a\\x00b' cannot be followed"),
        ({"image": "x" * 300}, "column 'image': 'x*.* is not a file below"),
        ({"title": {"en": "dress"}}, r"""column 'title': '{"en": "dress"}' is not text or a number"""),
        ({"style": "['boho', 'casual']"}, "column 'style': .* holds several labels"),
        ({"style": "\ud800"}, r"column 'style': '\\ud800' holds half a character"),
    ],
)
def test_a_mistake_is_named(changed, load, cells, problem):
    splits = {row: {"split": ("train", "val", "test")[row % 3], "parent_id": None} for row in range(60)}
    with pytest.raises(DataError, match=problem):
        load(changed({**splits, 7: {**splits[7], **cells}}))


def test_two_mistakes_of_a_row_are_two(changed, load):
    with pytest.raises(DataError, match=r"items.jsonl: 2 mistakes in 1 rows \(--on(.|\n)*'color'(.|\n)*'style'"):
        load(changed({3: {"color": ["a"], "style": "a|b"}}))


def test_a_split_column_decides_and_must_not_tear_a_product(changed, load):
    own = {row: {"split": ("train", "train", "val", "test")[row % 4], "parent_id": None} for row in range(60)}
    splits = load(changed(own), {"ties": "text"})  # sizes of a product share the photo
    rows = {name: part for part, examples in splits.parts().items() for name in examples.ids()}
    assert Counter(rows.values()) == {"train": 30, "val": 15, "test": 15}


def test_a_torn_product_is_a_leak(changed, load):
    own = {row: {"split": ("train", "val", "test")[row % 3], "parent_id": f"p{row // 2}"} for row in range(60)}
    with pytest.raises(DataError, match="all of its rows must be in one split, or the test split leaks"):
        load(changed(own))


def test_one_title_in_two_splits_is_let_go_but_a_torn_product_is_not(changed, load):
    """The group column is the user's own word; what rows merely look like may be overruled."""
    own = {row: {"split": ("train", "val", "test")[row % 3], "parent_id": f"p{row}"} for row in range(60)}
    own[0]["title"] = own[2]["title"] = "T-shirt"
    folder = changed(own)
    with pytest.raises(DataError, match=r"--option 'ties=\[\]'"):
        load(folder)
    splits = load(folder, {"ties": []})
    assert len(splits.test) == 20
    assert 0 < splits.subsets["deduplicated"].sum() < 20
    torn = folder / "items.jsonl"
    torn.write_text(torn.read_text().replace('"p1"', '"p0"'))
    with pytest.raises(DataError, match=r"or the test split leaks$"):
        load(folder, {"ties": []})


def test_missing_columns_are_named(changed, load):
    folder = changed({row: {"colour": "red"} for row in range(60)}, drop=("color",))
    with pytest.raises(
        DataError, match=r"items.jsonl: unknown column 'color'; did you mean 'colour'\?.*mrwpa needs product"
    ):
        load(folder)
    assert [task.name for task in load(folder, {"attributes": "style"}).tasks] == ["style"]


def test_two_columns_for_variants_are_one_too_many(changed, load):
    with pytest.raises(DataError, match="columns 'group' and 'parent_id' both tie variants together; keep one"):
        load(changed({0: {"group": "a"}}))


def test_a_column_of_the_schema_is_no_attribute(clean, load):
    with pytest.raises(DataError, match="column 'title' has a meaning of its own"):
        load(clean, {"attributes": ["color", "title"]})


def test_rare_classes_are_missing_labels(changed, load):
    report = load(changed({row: {"style": "unheard of"} for row in (0,)})).report
    assert report.dropped_classes["style"] == {"unheard of": 1}


def test_a_changed_photo_is_noticed(changed, load):
    folder = changed({})
    before = load(folder).fingerprint
    photos = sorted((folder / "photos").iterdir())
    photos[0].write_bytes(photos[1].read_bytes())
    assert load(folder).fingerprint != before


def test_the_twin_is_the_same_for_the_same_seed(clean, tmp_path):
    mrwpa.make(tmp_path, 90, seed=0)
    assert _rows(tmp_path) == _rows(clean)
    one = _rows(clean)[5]["image"]
    assert (tmp_path / one).read_bytes() == (clean / one).read_bytes()
    with pytest.raises(ValueError, match="at least 30"):
        mrwpa.make(tmp_path, 12, seed=0)


def test_an_export_in_any_table_is_read_and_its_dialect_told(clean, load, tmp_path):
    rows = _rows(clean)
    with (tmp_path / "same.csv").open("w", encoding="utf-16", newline="") as file:
        writer = csv.DictWriter(file, rows[0], delimiter=";")
        writer.writeheader()
        writer.writerows(rows)
    shutil.copytree(clean / "photos", tmp_path / "photos")
    splits = load(tmp_path / "same.csv")
    assert splits.fingerprint == load(clean).fingerprint
    assert "same.csv: utf-16, separator ';', 90 rows" in splits.report.notes


def test_photos_in_the_table_are_refused(clean, load, tmp_path):
    table = pa.Table.from_pylist(_rows(clean)).drop_columns("image").append_column("image", pa.array([b"photo"] * 90))
    parquet.write_table(table, tmp_path / "bytes.parquet")
    with pytest.raises(DataError, match=r"column 'image': b'photo' is not text or a number"):
        load(tmp_path / "bytes.parquet")
