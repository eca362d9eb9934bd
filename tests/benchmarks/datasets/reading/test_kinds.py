"""JSON, Parquet, Excel, saved data sets and folders."""

import datetime
import json

import datasets
import openpyxl
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

from benchmarks.datasets.loading.splits import DataError
from benchmarks.datasets.reading import ReadOptions, read_table


def dict_of(path, options=None):
    return read_table(path, options).columns.to_pydict()


def test_json_lines_and_arrays_keep_numbers_as_written(tmp_path):
    rows = '{"id":12345678901234567890,"size":1.10,"new":true}', '{"id":7,"size":"L","photos":["a.jpg","b.jpg"]}'
    (tmp_path / "lines.jsonl").write_text("\n".join((rows[0], "", rows[1])))
    (tmp_path / "array.json").write_text(f"[{','.join(rows)}]")
    expected = {
        "id": ["12345678901234567890", "7"],
        "size": ["1.10", "L"],
        "new": ["true", None],
        "photos": [None, '["a.jpg", "b.jpg"]'],
    }
    assert dict_of(tmp_path / "lines.jsonl") == dict_of(tmp_path / "array.json") == expected
    assert read_table(tmp_path / "lines.jsonl").origins[1] == "lines.jsonl, row 3"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"a":1}\n{"a":', "row 2: cannot be read as JSON"),
        ('{"a":1}\n[1]', "row 2: expected an object"),
        ('{"data":[{"a":1}]}', "if its 'data' are the rows, save that list"),
        ('{\n "a": 1\n}', "one object a line"),
        ('{"a":"\\ud800"}', "row 1, column 'a': .* half a character"),
        ("[]", "no rows"),
    ],
)
def test_faulty_json_is_refused(tmp_path, content, message):
    (tmp_path / "rows.json").write_text(content)
    with pytest.raises(DataError, match=message):
        read_table(tmp_path / "rows.json")


def test_parquet_of_datasets_gives_class_names_and_photos(tmp_path):
    features = {"image": {"_type": "Image"}, "label": {"names": ["red", "blue"], "_type": "ClassLabel"}}
    image = pa.array([{"bytes": b"one", "path": "1.png"}, {"bytes": b"two", "path": None}])
    table = pa.table(
        {
            "image": image,
            "label": pa.array([1, -1]),
            "kind": pa.array(["mug", "cup"]).dictionary_encode(),
            "rate": [0.0, 1.5],
            "day": [datetime.datetime(2024, 5, 1), None],
            "new": [True, None],
        }
    )
    path = tmp_path / "train.parquet"
    parquet.write_table(
        table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})}), path
    )
    raw = read_table(path)
    assert raw.class_names == {"label": ("red", "blue")}
    assert raw.columns.to_pydict() == {
        "image": [b"one", b"two"],
        "label": ["blue", None],
        "kind": ["mug", "cup"],
        "rate": ["0", "1.5"],
        "day": ["2024-05-01", None],
        "new": ["true", None],
    }


def test_a_class_number_without_a_name_is_refused(tmp_path):
    features = {"label": {"names": ["red"], "_type": "ClassLabel"}}
    table = pa.table({"label": [0, 3]})
    parquet.write_table(
        table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})}),
        tmp_path / "x.parquet",
    )
    with pytest.raises(DataError, match="column 'label', row 2: class 3 of 1 classes"):
        read_table(tmp_path / "x.parquet")


def test_excel_reads_the_first_sheet_or_the_named_one(tmp_path):
    book = openpyxl.Workbook()
    book.active.title = "products"
    for row in (["sku", "day", "size"], [1.0, datetime.date(2024, 5, 1), 0.5], [], ["007", None, 2]):
        book.active.append(row)
    book.create_sheet("other").append(["a", "b"])
    book["other"].append(["x", "y"])
    path = tmp_path / "shop.xlsx"
    book.save(path)
    raw = read_table(path)
    assert raw.columns.to_pydict() == {"sku": ["1", "007"], "day": ["2024-05-01", ""], "size": ["0.5", "2"]}
    assert raw.origins[1] == "shop.xlsx, row 4"
    assert "'other'" in raw.notes[0]
    assert dict_of(path, ReadOptions(sheet="other")) == {"a": ["x"], "b": ["y"]}
    with pytest.raises(DataError, match="sheet"):
        read_table(path, ReadOptions(sheet="third"))


def test_shards_are_joined_in_the_order_of_their_names(tmp_path):
    for number in (2, 0, 1):
        (tmp_path / f"part-{number:05d}.csv").write_text(f"text,color\nmug {number},red\n")
    raw = read_table(tmp_path)
    assert raw.columns["text"].to_pylist() == ["mug 0", "mug 1", "mug 2"]
    assert raw.origins[2] == "part-00002.csv, row 2"
    assert dict_of(tmp_path / "part-*.csv") == raw.columns.to_pydict()
    (tmp_path / "part-00001.csv").write_text("text,colour\nmug,blue\n")
    with pytest.raises(DataError, match=r"part-00001.csv: column 'color' is not in both"):
        read_table(tmp_path)


def test_files_called_as_splits_give_a_split_column(tmp_path):
    (tmp_path / "test-00000-of-00001.csv").write_text("text,color\ncup,blue\n")
    (tmp_path / "train-00000-of-00001.csv").write_text("text,color\nmug,red\n")
    assert dict_of(tmp_path)["split"] == ["test", "train"]


def test_two_different_tables_in_a_folder_are_a_doubt(tmp_path):
    for name in ("products.csv", "returns.csv"):
        (tmp_path / name).write_text("text,color\nmug,red\n")
    with pytest.raises(DataError, match=r"more than one table: products\.csv, returns\.csv; name the file"):
        read_table(tmp_path)


def test_saved_data_sets(tmp_path):
    rows = datasets.Dataset.from_dict(
        {"text": ["mug", "cup", "pan"], "label": [0, 1, 0]},
        features=datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["a", "b"])}),
    )
    rows.select([2, 0]).save_to_disk(tmp_path / "one")
    assert dict_of(tmp_path / "one") == {"text": ["pan", "mug"], "label": ["a", "a"]}
    datasets.DatasetDict({"train": rows, "test": rows.select([1])}).save_to_disk(tmp_path / "both")
    assert dict_of(tmp_path / "both")["split"] == ["train"] * 3 + ["test"]


def photo(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 4)).save(path)


def test_folders_of_photos(tmp_path):
    for split in ("train", "valid", "test"):
        photo(tmp_path / split / "mug" / "1.jpg")
        photo(tmp_path / split / "cup" / "2.PNG")
    raw = read_table(tmp_path)
    assert raw.columns.to_pydict() == {
        "image": [f"{split}/{photo}" for split in ("test", "train", "valid") for photo in ("cup/2.PNG", "mug/1.jpg")],
        "label": ["cup", "mug"] * 3,
        "split": ["test", "test", "train", "train", "valid", "valid"],
    }
    assert all((raw.folder / name).is_file() for name in raw.columns["image"].to_pylist())


@pytest.mark.parametrize("split", ["", "train"])
def test_metadata_beside_photos(tmp_path, split):
    photo(tmp_path / split / "a" / "1.jpg")
    (tmp_path / split / "metadata.csv").write_text("file_name,text,color\na/1.jpg,mug,red\n")
    raw = read_table(tmp_path)
    assert raw.columns.column_names == ["image", "text", "color", *(["split"] if split else [])]
    assert (raw.folder / raw.columns["image"][0].as_py()).is_file()


@pytest.mark.parametrize(
    ("name", "message"), [("no.csv", "does not exist"), ("a.pdf", "ends in '.pdf'"), ("", "no table")]
)
def test_what_is_no_table_is_refused(tmp_path, name, message):
    if name == "a.pdf":
        (tmp_path / name).write_text("x")
    with pytest.raises(DataError, match=message):
        read_table(tmp_path / name)


def test_a_title_above_the_names_is_a_doubt(tmp_path):
    book = openpyxl.Workbook()
    for row in (["Our products"], [], ["text", "color", "size"], ["mug", "red", "L"], ["pan", "blue", "M"]):
        book.active.append(row)
    book.save(tmp_path / "shop.xlsx")
    with pytest.raises(DataError, match=r"shop.xlsx, row 1: 'Our products' stands above 2 columns without names"):
        read_table(tmp_path / "shop.xlsx")


def test_a_parquet_column_of_two_is_refused(tmp_path):
    table = pa.table([pa.array(["a"]), pa.array(["b"])], names=["color", "color"])
    parquet.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"a\.parquet: column 'color' occurs twice"):
        read_table(tmp_path / "a.parquet")
