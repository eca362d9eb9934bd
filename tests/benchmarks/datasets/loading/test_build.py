import multiprocessing
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.datasets.loading.build import TaskSpec
from benchmarks.datasets.loading.splits import DataError

from ..samples import build, good_rows, half_a_photo, photo, row


def _changed(number, **changes):
    rows = good_rows()
    rows[number] = replace(rows[number], **changes)
    return rows


def _never():
    raise AssertionError("the tables were built again")
    yield


def test_what_goes_in_comes_out(tmp_path):
    splits = build(good_rows(), tmp_path)
    assert {part: examples.ids() for part, examples in splits.parts().items()} == {
        "train": ("r0", "r1", "r2", "r3"),
        "val": ("r4", "r5"),
        "test": ("r6", "r7"),
    }
    assert splits.tasks[0].classes == ("blue", "red")
    assert splits.train[0].labels == {"colour": 1}
    assert splits.train[1].text == "title 1"
    assert splits.train[1].image.getpixel((0, 0)) == (1, 0, 90)


def test_the_second_call_opens_the_tables(tmp_path):
    first = build(good_rows(), tmp_path)
    second = build(_never(), tmp_path)
    assert (second.fingerprint, second.tasks, second.report) == (first.fingerprint, first.tasks, first.report)
    assert second.test[1].image.tobytes() == first.test[1].image.tobytes()


def test_another_key_or_another_treatment_of_bad_samples_is_another_table(tmp_path):
    build(good_rows(), tmp_path)
    for other in ({"key": "other"}, {"on_bad_sample": "skip"}):
        with pytest.raises(AssertionError, match="built again"):
            build(_never(), tmp_path, **other)


def test_the_fingerprint_is_of_the_content_not_of_the_place(tmp_path):
    before = build(good_rows(), tmp_path / "a").fingerprint
    assert build(good_rows(), tmp_path / "b", key="other").fingerprint == before
    changes = [{"text": "other"}, {"image": photo(99)}, {"labels": {"colour": "blue"}}, {"id": "other"}]
    for number, change in enumerate(changes):
        assert build(_changed(6, **change), tmp_path, key=str(number)).fingerprint != before


def test_files_are_read_where_they_lie(tmp_path):
    path = tmp_path / "photo.png"
    path.write_bytes(photo(0))
    splits = build(_changed(0, image=path), tmp_path)
    assert splits.train[0].image.getpixel((0, 0)) == (0, 0, 90)
    assert splits.fingerprint == build(good_rows(), tmp_path / "bytes").fingerprint


def _load_in_a_process(cache):
    return build(good_rows(), cache).fingerprint


def test_two_processes_at_once(tmp_path):
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        prints = pool.map(_load_in_a_process, [tmp_path, tmp_path])
    assert prints[0] == prints[1] == build(_never(), tmp_path).fingerprint


def test_what_a_killed_process_left_is_not_used(tmp_path):
    build(good_rows(), tmp_path)
    (complete,) = (path for path in (tmp_path / "tables").iterdir() if path.is_dir())
    (complete / "meta.json").unlink()
    shutil.copytree(complete, complete.with_name(f".{complete.name}-a1b2c3d4"))
    assert len(build(good_rows(), tmp_path).test) == 2
    assert [path for path in (tmp_path / "tables").iterdir() if path.is_dir()] == [complete]


def test_white_space_is_a_missing_text_and_counted(tmp_path):
    splits = build(_changed(0, text=" \n\t"), tmp_path)
    assert splits.train.texts()[:2] == [None, "title 1"]
    assert splits.report.notes == ("1 of 8 rows have no text.",)


def test_a_missing_image_is_counted(tmp_path):
    splits = build(_changed(0, image=None), tmp_path)
    assert splits.train.image_present().tolist() == [False, True, True, True]
    assert splits.report.notes == ("1 of 8 rows have no image.",)


def test_a_text_of_10_000_words_is_kept(tmp_path):
    text = " ".join(f"word{number}" for number in range(10_000))
    assert build(_changed(0, text=text), tmp_path).train[0].text == text


BAD = [
    ({"image": half_a_photo()}, "truncated"),
    ({"image": b"no image"}, "not an image"),
    ({"image": Path("nowhere/gone.jpg")}, r"gone.jpg cannot be read: No such file"),
    ({"image": None, "text": " "}, "neither an image nor a text"),
]


@pytest.mark.parametrize(("change", "reason"), BAD, ids=["truncated", "no image", "missing", "neither"])
def test_a_bad_sample_is_an_error_with_a_way_out(tmp_path, change, reason):
    with pytest.raises(DataError, match=rf"items.csv, row 3: .*{reason}.*--on-bad-sample skip"):
        build(_changed(1, **change), tmp_path)


def test_the_first_bad_sample_in_the_order_of_the_rows_is_named(tmp_path):
    rows = good_rows()
    rows[2], rows[7] = replace(rows[2], image=b"second"), replace(rows[7], image=None, text=None)
    with pytest.raises(DataError, match="row 4"):
        build(rows, tmp_path)


def test_skipped_samples_are_counted_and_listed(tmp_path):
    bad = [row(20 + number, "train", **change) for number, (change, _) in enumerate(BAD)]
    splits = build([bad[0], *good_rows(), *bad[1:]], tmp_path, on_bad_sample="skip")
    assert splits.train.ids() == ("r0", "r1", "r2", "r3")
    assert splits.report.rows == 12
    assert [sample.split(":")[0] for sample in splits.report.bad_samples] == [
        f"items.csv, row {number}" for number in (22, 23, 24, 25)
    ]
    assert splits.fingerprint == build(good_rows(), tmp_path).fingerprint


def test_a_duplicate_id_names_both_rows(tmp_path):
    with pytest.raises(DataError, match=r"items.csv, row 9: id 'r1' was used before, in items.csv, row 3"):
        build(_changed(7, id="r1"), tmp_path)


def test_a_group_in_two_splits_names_both_rows(tmp_path):
    with pytest.raises(
        DataError, match=r"items.csv, row 9: it is in test, but items.csv, row 3 of .* 'g1' is in train"
    ):
        build(_changed(7, group="g1"), tmp_path)


@pytest.mark.parametrize("part", ["train", "val", "test"])
def test_an_empty_split_is_named(tmp_path, part):
    rows = [row for row in good_rows() if row.part != part]
    with pytest.raises(DataError, match=f"the {part} split is empty"):
        build(rows, tmp_path)


def test_no_rows_at_all(tmp_path):
    with pytest.raises(DataError, match="train split is empty"):
        build([], tmp_path)


def test_a_label_seen_only_in_test_is_refused_with_its_neighbours(tmp_path):
    with pytest.raises(
        DataError, match=r"row 9: unknown label of task 'colour' 'blues'; did you mean 'blue'\?.*Valid: blue, red"
    ):
        build(_changed(7, labels={"colour": "blues"}), tmp_path)


def test_rare_classes_become_missing_labels_and_are_counted(tmp_path):
    rows = _changed(7, labels={"colour": "only in test"})
    rows += [row(30, "train", labels={"colour": "rare"}), row(31, "val", labels={"colour": "rare"})]
    splits = build(rows, tmp_path, tasks=[TaskSpec("colour", min_count=2)])
    assert splits.tasks[0].classes == ("blue", "red")
    assert splits.report.dropped_classes == {"colour": {"only in test": 1, "rare": 2}}
    assert splits.test.label_rows() == [{"colour": 1}, {}]
    assert splits.train.ids()[-1] == "r30"


def test_declared_classes_keep_their_order_and_refuse_others(tmp_path):
    declared = [TaskSpec("colour", ("red", "green", "blue"))]
    assert build(good_rows(), tmp_path, tasks=declared).tasks[0].classes == ("red", "green", "blue")
    with pytest.raises(DataError, match="row 2: unknown label of task 'colour' 'grey'; did you mean 'green'"):
        build(_changed(0, labels={"colour": "grey"}), tmp_path, key="other", tasks=declared)


def test_declared_classes_are_never_too_rare():
    with pytest.raises(DataError, match=r"task 'colour' declares its classes, .*: min_count must be 1, not 5"):
        TaskSpec("colour", ("red", "blue"), min_count=5)


def test_one_class_only(tmp_path):
    rows = [replace(row, labels={"colour": "red"}) for row in good_rows()]
    with pytest.raises(DataError, match=r"'colour' has 1 class.*'red': 4.*needs two"):
        build(rows, tmp_path)
    with pytest.raises(DataError, match="'colour' has one class only in train: 'red'"):
        build(rows, tmp_path, tasks=[TaskSpec("colour", ("red", "blue"))])


@pytest.mark.parametrize(("part", "where"), [("train", "the training split"), ("val", "val"), ("test", "test")])
def test_all_labels_of_a_task_missing(tmp_path, part, where):
    rows = [replace(row, labels={"colour": None}) if row.part == part else row for row in good_rows()]
    with pytest.raises(DataError, match=f"all labels .*missing in {where}|'colour': all labels are missing in {where}"):
        build(rows, tmp_path)


def test_the_files_of_bad_samples_are_known_by_their_problem(tmp_path):
    """Encoded ones are kept for it, also when the table is opened a second time."""
    lost, cut = tmp_path / "gone.png", half_a_photo()
    bad = [row(20, "train", image=cut), row(21, "train", image=lost), row(22, "train", text="", image=None)]
    for treatment in ("skip", "blank"):
        for rows in ([*good_rows(), *bad], _never()):
            splits = build(rows, tmp_path, on_bad_sample=treatment)
            report = splits.report
            half, gone, *_ = sorted([*report.bad_samples, *report.blanked])
            assert splits.bad_files[gone] == lost
            assert splits.bad_files[half].read_bytes() == cut
            assert set(splits.bad_files) == {half, gone}


def _unlearnable():
    """One task of one class, one of rare classes, one without labels in val, one called like the mean, a good one."""
    rows = [
        replace(
            one,
            labels={
                **one.labels,
                "brand": "acme",
                "serial": one.id,
                "kind": None if one.part == "val" else one.labels["colour"],
                "mean": one.labels["colour"],
            },
        )
        for one in good_rows()
    ]
    tasks = [TaskSpec("colour"), *(TaskSpec(name, min_count=2) for name in ("brand", "serial", "kind", "mean"))]
    return rows, tasks


def test_a_task_that_cannot_be_learnt_is_left_out_only_to_look(tmp_path):
    rows, tasks = _unlearnable()
    for task in tasks[1:]:
        with pytest.raises(DataError, match=f"'{task.name}'"):
            build(rows, tmp_path, tasks=[tasks[0], task])
    splits = build(rows, tmp_path, tasks=tasks, look_only=True)
    assert [task.name for task in splits.tasks] == ["colour"]
    for name, said in zip(("brand", "serial", "kind", "mean"), splits.refused, strict=True):
        assert f"'{name}'" in said
    assert build(good_rows(), tmp_path).refused == ()


def test_rows_that_cannot_be_split_are_all_in_train_only_to_look(tmp_path):
    rows = good_rows()[:4]
    with pytest.raises(DataError, match="the val split is empty"):
        build(rows, tmp_path)
    splits = build(rows, tmp_path, look_only=True)
    assert [len(part) for part in splits.parts().values()] == [4, 0, 0]
    assert splits.tasks[0].classes == ("blue", "red")
    assert "the val split is empty" in splits.refused[0]
    leaking = [replace(one, group="g") for one in good_rows()]
    with pytest.raises(DataError, match="the test split leaks"):
        build(leaking, tmp_path, key="leak", look_only=True)
