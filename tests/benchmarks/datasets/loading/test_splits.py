from dataclasses import replace

import pytest

from benchmarks.datasets.loading.splits import DataError, LoadReport, Splits
from cma_clip.examples import ExampleList
from cma_clip.types import Example, Task

from ..samples import CARD


def _example(name, group=None, label=0):
    labels = {} if label is None else {"colour": label}
    return Example(name, group or name, None, "a title", labels)


def _splits(**changes):
    parts = {
        "train": [_example("a"), _example("b", label=1)],
        "val": [_example("c")],
        "test": [_example("d")],
        **changes,
    }
    return Splits(
        name="mine",
        **{part: ExampleList(examples) for part, examples in parts.items()},
        tasks=(Task("colour", ("blue", "red")),),
        card=CARD,
        fingerprint="f",
        report=LoadReport(rows=4),
    )


def test_good_splits_are_accepted():
    assert list(_splits().parts()) == ["train", "val", "test"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"val": [_example("c"), _example("e"), _example("e")]}, "mine: id 'e' occurs twice in val"),
        ({"test": [_example("a", "other")]}, "mine: id 'a' is in both train and test"),
        ({"test": [_example("d", "a")]}, "mine: group 'a' is in both train and test"),
        ({"val": [_example("c", label=None)]}, "mine: all labels of task 'colour' are missing in val"),
        ({"val": []}, "mine: all labels of task 'colour' are missing in val"),
        ({"test": [_example("d", label=2)]}, "mine: test holds a label outside the classes of 'colour'"),
        ({"test": [_example("d", label=-1)]}, "mine: test holds a label outside the classes of 'colour'"),
        ({"train": [_example("a"), _example("b")]}, "mine: task 'colour' has one class only in train: 'blue'"),
    ],
)
def test_what_would_spoil_an_experiment_is_refused(changes, message):
    with pytest.raises(DataError, match=message):
        _splits(**changes)


def test_no_task_is_called_like_the_mean_over_tasks():
    with pytest.raises(DataError, match="mine: no task may be called 'mean'; tables use it for the mean over tasks"):
        replace(_splits(), tasks=(Task("mean", ("blue", "red")),))


def test_a_group_that_counts_as_one_has_one_label():
    views = ExampleList([_example("d", "shoe"), _example("e", "shoe", label=None), _example("f", "shoe", label=1)])
    assert len(replace(_splits(), test=views).test) == 3  # nobody counts groups here
    with pytest.raises(
        DataError, match="group 'shoe' have the labels 'blue' and 'red' of task 'colour'; product-level"
    ):
        replace(_splits(), test=views, per_group="product-level")
