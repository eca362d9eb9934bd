import json
import os
import subprocess
import sys
import tarfile
import tempfile
from itertools import islice
from pathlib import Path

import pytest

from benchmarks import datasets
from benchmarks.datasets.fashion_products import ATTRIBUTES, FROZEN, read_styles
from benchmarks.datasets.loading.splits import DataError, Source

from .samples import half_a_photo, photo, product, write_products

OPTIONS = {"min_count": 1}


@pytest.fixture
def products():
    return [product(number) for number in range(80)]


@pytest.fixture
def load(tmp_path):
    def load_products(root, options=OPTIONS, **source):
        return datasets.load("fashion-products", Source(root, tmp_path / "cache", **source), options)

    return load_products


def _ids(splits):
    return {part: set(examples.ids()) for part, examples in splits.parts().items()}


def test_products_become_examples(tmp_path, products, load):
    splits = load(write_products(tmp_path / "fp", products))
    assert sum(map(len, _ids(splits).values())) == 80
    assert [task.name for task in splits.tasks] == ["articleType", "baseColour", "season", "usage"]
    examples = splits.train
    number = int(examples[0].id) - 1000
    classes = splits.tasks[0].classes
    assert examples[0].text == f"Brand {number} Shirt"
    assert classes[examples[0].labels["articleType"]] == ("Shirts", "Jeans")[number % 2]
    assert examples[0].image.size == (6, 4)


def test_titles_keep_their_commas_and_characters(tmp_path, products, load):
    title = "UCB  Men, Logo &amp; more, \u2028\x0b Shirt"
    products[3]["productDisplayName"] = title
    splits = load(write_products(tmp_path / "fp", products))
    assert title in [text for examples in splits.parts().values() for text in examples.texts()]


@pytest.mark.parametrize("cell", ["", "NA"])
def test_empty_and_na_cells_are_missing_labels(tmp_path, products, load, cell):
    products[0]["season"] = cell
    splits = load(write_products(tmp_path / "fp", products))
    (labels,) = (
        row
        for examples in splits.parts().values()
        for name, row in zip(examples.ids(), examples.label_rows(), strict=True)
        if name == "1000"
    )
    assert set(labels) == {"articleType", "baseColour", "usage"}


def test_products_with_the_same_title_or_photo_share_a_group(tmp_path, products, load):
    products[1]["productDisplayName"] = " brand 0  SHIRT"
    products[2]["productDisplayName"] = ""
    folder = write_products(tmp_path / "fp", products)
    for same in (1, 2, 3):
        (folder / "images" / f"{1000 + same}.jpg").write_bytes(photo(1, "JPEG"))
    splits = load(folder)
    groups = {name: g for e in splits.parts().values() for name, g in zip(e.ids(), e.groups(), strict=True)}
    assert len({groups[str(1000 + number)] for number in range(4)}) == 1
    assert len(set(groups.values())) == 77


def test_the_split_of_a_product_does_not_depend_on_the_others(tmp_path, products, load):
    everything = _ids(load(write_products(tmp_path / "all", products)))
    half = _ids(load(write_products(tmp_path / "half", products[:60])))
    assert all(half[part] <= everything[part] for part in half)


def test_fewer_training_rows_are_a_subset_and_leave_the_rest_alone(tmp_path, products, load):
    folder = write_products(tmp_path / "fp", products)
    everything, more, fewer = (load(folder, {**OPTIONS, "train_rows": rows}) for rows in (None, 30, 12))
    assert [len(splits.train) for splits in (more, fewer)] == [30, 12]
    assert _ids(fewer)["train"] < _ids(more)["train"] < _ids(everything)["train"]
    for part in ("val", "test"):
        assert _ids(fewer)[part] == _ids(everything)[part]
    assert f"train: 12 of {len(everything.train)} rows used." in fewer.report.notes


def test_fewer_training_rows_are_whole_groups(tmp_path, products, load):
    for number, cells in enumerate(products):
        cells["productDisplayName"] = f"title {number // 4}"
    splits = load(write_products(tmp_path / "fp", products), {**OPTIONS, "tasks": "articleType", "train_rows": 16})
    assert len(set(splits.train.groups())) == 4


def test_evaluation_can_be_capped(tmp_path, products, load):
    folder = write_products(tmp_path / "fp", products)
    whole, capped = load(folder), load(folder, {**OPTIONS, "eval_rows": 4})
    assert [len(examples) for examples in capped.parts().values()] == [len(whole.train), 4, 4]


def test_rare_classes_are_counted(tmp_path, products, load):
    products[0]["articleType"] = "Booties"
    splits = load(write_products(tmp_path / "fp", products), {"min_count": 5})
    assert splits.report.dropped_classes["articleType"] == {"Booties": 1}


def test_a_product_without_a_photo(tmp_path, products, load):
    folder = write_products(tmp_path / "fp", products)
    (folder / "images" / "1007.jpg").unlink()
    (folder / "images" / "1009.jpg").write_bytes(half_a_photo())
    with pytest.raises(DataError, match=r"styles.csv, row 9: image file .*1007.jpg cannot be read: No such file"):
        load(folder)
    report = load(folder, on_bad_sample="skip").report
    assert report.rows == 80
    assert [bad.split(":")[0] for bad in report.bad_samples] == ["styles.csv, row 9", "styles.csv, row 11"]


def test_another_set_of_products_is_noted(tmp_path, products, load):
    notes = load(write_products(tmp_path / "fp", products)).report.notes
    assert any(note.startswith("Not the frozen split fashion-products/v1: 80 products with a photo") for note in notes)


def test_every_attribute_can_be_a_task(tmp_path, products, load):
    for number, cells in enumerate(products):
        cells |= {"masterCategory": f"m{number % 2}", "subCategory": f"s{number % 2}", "year": f"201{number % 2}"}
    splits = load(write_products(tmp_path / "fp", products), {**OPTIONS, "tasks": list(ATTRIBUTES)})
    assert len(splits.tasks) == 8


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tasks": ["colour"]}, "unknown attribute 'colour'; did you mean 'baseColour'.*Valid: gender"),
        ({"tasks": []}, r"tasks=\[\]: .*at least 1"),
        ({"tasks": ["season", "season"]}, "'season' is named twice"),
        ({"train_rows": 0}, "train_rows=0: "),
        ({"train_row": 9}, "unknown option of fashion-products 'train_row'; did you mean 'train_rows'"),
    ],
)
def test_a_wrong_option_is_one_readable_line(tmp_path, load, options, message):
    with pytest.raises(DataError, match=message) as caught:
        load(tmp_path, options)
    assert "\n" not in str(caught.value)


def _line(**changes):
    return ",".join(product(0, **changes).values()).encode()


HEADER = ",".join(product(0)).encode()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "row 1: the header is ''"),
        (HEADER.replace(b"season", b"saison"), "row 1: the header is .*expected 'id,gender"),
        (HEADER + b"\n" + _line() + b"\n1001,Men,Apparel\n", "row 3: 3 cells instead of 10: '1001,Men,Apparel'"),
        (HEADER + b"\n\n" + _line(), "row 2: 1 cells instead of 10: ''"),
        (HEADER + b"\n" + _line(id="../7"), "row 2: id '../7' is not a number"),
        (HEADER + b"\r\n" + _line() + b"\r\n" + _line(), "row 3: id '1000' was used before, in styles.csv, row 2"),
        (HEADER + b"\n" + _line(productDisplayName="caf") + b"\xe9", "line 2: byte .*0xe9, is not UTF-8.*iconv"),
    ],
)
def test_a_malformed_csv_names_its_row(tmp_path, load, data, message):
    folder = write_products(tmp_path / "fp", [product(0)])
    (folder / "styles.csv").write_bytes(data)
    with pytest.raises(DataError, match=rf"styles.csv.*{message}"):
        load(folder)


def _edit_title(folder):
    path = folder / "styles.csv"
    path.write_text(path.read_text().replace("Brand 7 ", "Brand 9 "))


def _replace_photo(folder):
    path = folder / "images" / "1007.jpg"
    path.write_bytes(path.read_bytes()[:-1] + b"\0")


CHANGES = {
    "a title": _edit_title,
    "a photo of the same size": _replace_photo,
    "a photo's time": lambda folder: os.utime(folder / "images" / "1007.jpg", ns=(0, 0)),
    "a photo less": lambda folder: (folder / "images" / "1007.jpg").unlink(),
    "a photo more": lambda folder: (folder / "images" / "5.jpg").write_bytes(photo(5, "JPEG")),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_changed_source_file_is_noticed(tmp_path, products, load, change):
    def tables():
        load(folder, on_bad_sample="skip")
        return len(list((tmp_path / "cache" / "tables").glob("*/meta.json")))

    folder = write_products(tmp_path / "fp", products)
    assert [tables(), tables()] == [1, 1]
    change(folder)
    assert [tables(), tables()] == [2, 2]


@pytest.mark.parametrize(
    ("root", "message"),
    [(None, "--data fashion-products=DIR"), ("empty", "styles.csv is not a file"), ("half", "images is not a folder")],
)
def test_the_expected_layout_is_told(tmp_path, load, root, message):
    (tmp_path / "empty").mkdir()
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "styles.csv").touch()
    with pytest.raises(DataError, match=rf"{message}.*styles.csv and images/<id>.jpg \(unpack images.tar.gz"):
        load(root and tmp_path / root)


@pytest.fixture(scope="module")
def real():
    """The real folder named by CMA_BENCH_DATA, unpacked."""
    if "CMA_BENCH_DATA" not in os.environ:
        pytest.skip("CMA_BENCH_DATA does not name a folder with fashion-products/")
    given = Path(os.environ["CMA_BENCH_DATA"]) / "fashion-products"
    if (given / "images").is_dir():
        yield given
        return
    with tempfile.TemporaryDirectory() as folder:  # pytest would keep 44,441 files of three runs
        (Path(folder) / "styles.csv").symlink_to(given / "styles.csv")
        with tarfile.open(given / "images.tar.gz") as archive:
            archive.extractall(folder, filter="data")
        yield Path(folder)


SECOND_LOAD = """
import sys, time
from pathlib import Path
from benchmarks import datasets
from benchmarks.datasets.loading.splits import Source
start = time.process_time()
splits = datasets.load("fashion-products", Source(Path(sys.argv[1]), Path(sys.argv[2])), {})
print(time.process_time() - start, sum(len(examples) for examples in splits.parts().values()))
"""


def test_the_second_load_of_the_real_data_takes_less_than_two_seconds(real, tmp_path):
    """In processes of their own; of the processor, since other processes may be at work."""
    done = [
        subprocess.run([sys.executable, "-c", SECOND_LOAD, real, tmp_path], check=True, capture_output=True, text=True)
        for _ in range(2)
    ]
    seconds, rows = done[1].stdout.split()
    assert rows == "44441"
    assert float(seconds) < 2


def test_the_real_data_give_the_frozen_split(real, load):
    options = {"train_rows": 1000, "eval_rows": 200, "min_count": 20}
    splits = load(real, options)
    frozen = json.loads(FROZEN.read_text())
    assert splits.report.notes[-3:] == (
        f"train: 1,000 of {frozen['parts']['train']:,} rows used.",
        f"val: 200 of {frozen['parts']['val']:,} rows used.",
        f"test: 200 of {frozen['parts']['test']:,} rows used.",
    )
    assert splits.report.bad_samples == ()
    assert all(example.image.size == (60, 80) for example in islice(splits.test, 20))
    assert len(read_styles(real / "styles.csv")) == frozen["rows"]


def test_sizes_of_a_learning_curve_are_nested_and_have_the_same_classes_and_test_rows(tmp_path, load):
    rare = [product(number, articleType="Rare") for number in range(200, 204)]
    root = write_products(tmp_path / "fp", [*(product(number) for number in range(200)), *rare])
    options = {"class_rows": 120, "min_count": 5}
    few, more, most = (load(root, {**options, "train_rows": n, "val_rows": n // 7}) for n in (20, 60, 120))
    assert _ids(few)["train"] < _ids(more)["train"] < _ids(most)["train"]
    assert _ids(few)["val"] < _ids(most)["val"]
    assert [len(found.val) for found in (few, more)] == [2, 8]
    for found in (few, more, most):
        assert [task.classes for task in found.tasks] == [task.classes for task in most.tasks]
        assert found.test.fingerprint == most.test.fingerprint
        assert "Rare" not in found.tasks[0].classes
        assert set(found.report.dropped_classes["articleType"]) == {"Rare"}  # counted, not lost
