import json
from hashlib import sha256
from pathlib import Path

import pytest

from benchmarks.datasets.food101.partitions import FROZEN
from benchmarks.datasets.food101.titles import CLASSES
from benchmarks.datasets.loading.grouping import normalise
from benchmarks.datasets.loading.splits import DataError

from .samples import TEXT_ONLY, ids_of, some, write_texts

SPLITS = ("kaggle", "mmbt", "missing-aware")


def test_the_split_is_the_first_thing_the_report_says(plain, load):
    names = {name: load(plain, {"split": name}).report.notes[0].split(":")[0] for name in SPLITS}
    assert names == {name: f"Split {name}" for name in SPLITS}


def test_kaggle_validation_is_carved_by_title(tmp_path, load):
    train = some(400, "Title {}") + some(400, " title  {}", first=1000)
    train = [(name, title.replace(" 1", " ", 1) if n >= 400 else title, c) for n, (name, title, c) in enumerate(train)]
    test = some(50, first=5000)
    splits = load(write_texts(tmp_path / "food", train, test), TEXT_ONLY)
    own = {part: {normalise(t) for t in examples.texts()} for part, examples in splits.parts().items()}
    assert not own["train"] & own["val"]
    assert ids_of(splits)["test"] == {name for name, *_ in test}
    assert len(own["val"]) == round(0.1 * len(own["train"] | own["val"]))


def test_mmbt_lists_in_the_folder_decide_split_and_wording(plain, load):
    splits = load(plain, {"split": "mmbt"})
    for part, file in (("train", "train.jsonl"), ("val", "dev.jsonl"), ("test", "test.jsonl")):
        lines = [json.loads(line) for line in (plain / file).read_text().splitlines()]
        assert dict(zip(splits.parts()[part].ids(), splits.parts()[part].texts(), strict=True)) == {
            Path(line["img"]).name: line["text"] for line in lines
        }


def test_mmbt_without_its_lists_takes_the_frozen_ones(tmp_path, load):
    frozen = json.loads(FROZEN.read_text())
    dev = [(f"{c}_{n}.jpg", f"{c} {n}", c) for c, numbers in frozen["dev_numbers"].items() for n in numbers.split()]
    other = [(f"{c}_9{n:04}.jpg", f"other {n}", c) for n, c in enumerate(CLASSES)]
    test = [("apple_pie_175.jpg", "My Apple Pie Recipe", "apple_pie"), ("pizza_90.jpg", "Pizza", "pizza")]
    splits = load(write_texts(tmp_path / "food", other + dev, test), {"split": "mmbt", **TEXT_ONLY})
    assert ids_of(splits) == {
        "train": {name for name, *_ in other},
        "val": {name for name, *_ in dev},
        "test": {"pizza_90.jpg"},
    }
    assert len(dev) == frozen["dev"]["rows"] == 5000
    assert sha256("\n".join(sorted(name for name, *_ in dev)).encode()).hexdigest() == frozen["dev"]["sha256"]
    assert "the 5,000 of its 5,000 validation images" in splits.report.notes[1]


def test_mmbt_of_other_images_is_refused(tmp_path, load):
    folder = write_texts(tmp_path / "food", some(60), some(9, first=60))
    with pytest.raises(DataError, match=r"has \d of the 5,000 validation images of split=mmbt; put train.jsonl, dev"):
        load(folder, {"split": "mmbt", **TEXT_ONLY})


def test_half_of_the_mmbt_lists_is_refused(tmp_path, load):
    folder = write_texts(tmp_path / "food", some(60), some(9, first=60))
    (folder / "dev.jsonl").touch()
    with pytest.raises(DataError, match=r"has no train.jsonl and no test.jsonl"):
        load(folder, {"split": "mmbt", **TEXT_ONLY})


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ({"label": "pho", "text": "pho", "img": "pho_1.jpg"}, r"dev.jsonl, row 1: img 'pho_1.jpg' is not images/"),
        ({"label": "pho", "text": "pho"}, r"dev.jsonl, row 1: no 'img'; split=mmbt needs img, text and label"),
        ({"label": "fo", "text": "pho", "img": "images/train/pho/pho_1.jpg"}, "dev.jsonl, row 1: unknown class 'fo'"),
    ],
)
def test_a_malformed_mmbt_list_is_named(tmp_path, load, line, message):
    folder = write_texts(tmp_path / "food", [], [])
    good = {"label": "pho", "text": "pho", "img": "images/train/pho/pho_1.jpg"}
    for name in ("train", "dev", "test"):
        (folder / f"{name}.jsonl").write_text(json.dumps(line if name == "dev" else good))
    with pytest.raises(DataError, match=message):
        load(folder, {"split": "mmbt", **TEXT_ONLY})


def test_missing_aware_reads_its_list(plain, load):
    assert ids_of(load(plain, {"split": "missing-aware"})) == {
        part: set(names) for part, names in json.loads((plain / "split.json").read_text()).items()
    }


def test_missing_aware_without_its_list_is_a_stand_in_and_says_so(tmp_path, load):
    splits = load(
        write_texts(tmp_path / "food", some(200), some(9, first=200)), {"split": "missing-aware", **TEXT_ONLY}
    )
    assert splits.report.notes[1].startswith("Split missing-aware-stand-in: there is no split.json in food/")


def test_images_of_the_list_without_a_title_are_counted(tmp_path, load):
    folder = write_texts(tmp_path / "food", some(20), some(9, first=20))
    names = [name for name, *_ in some(29)]
    lists = {"train": [*names[:10], "pho_9.jpg"], "val": names[10:18], "test": names[20:]}
    (folder / "split.json").write_text(json.dumps(lists))
    notes = load(folder, {"split": "missing-aware", **TEXT_ONLY}).report.notes
    assert "Split missing-aware: images of split.json; 1 of its 28 have no title and are left out." in notes
    assert "2 titles are not in split.json." in notes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[", "cannot be read as JSON"),
        ('{"train": []}', "must be an object of the lists train, val, test"),
        ('{"train": ["a"], "val": [], "test": ["a"]}', "'a' is in both train and test"),
    ],
)
def test_a_malformed_missing_aware_list_is_named(tmp_path, load, text, message):
    folder = write_texts(tmp_path / "food", some(20), some(9, first=20))
    (folder / "split.json").write_text(text)
    with pytest.raises(DataError, match=rf"split.json.*{message}"):
        load(folder, {"split": "missing-aware", **TEXT_ONLY})


def test_an_unknown_split_is_named(plain, load):
    with pytest.raises(DataError, match=r"food101: split='karpathy': Input should be 'kaggle', 'mmbt' or 'missing-aw"):
        load(plain, {"split": "karpathy"})


def test_deduplicated_test_titles_are_new(tmp_path, load):
    test = [*some(5, "TITLE  {}", first=10), *some(7, first=500)]
    test = [(f"{c}_9{n:03}.jpg", title, c) for n, (_, title, c) in enumerate(test)]
    splits = load(write_texts(tmp_path / "food", some(100), test), TEXT_ONLY)
    assert splits.subsets["deduplicated"].tolist() == [False] * 5 + [True] * 7
    assert splits.report.notes[-1].startswith("7 of 12 test titles occur in no training or validation row")


def test_without_a_new_test_title_there_is_no_such_condition(tmp_path, load):
    test = [(f"{c}_9{n:03}.jpg", title, c) for n, (_, title, c) in enumerate(some(9))]
    assert load(write_texts(tmp_path / "food", some(100), test), TEXT_ONLY).subsets == {}
