import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.metrics import evaluate
from benchmarks.records.groups import Groups
from benchmarks.running.evaluation import groups_of
from cma_clip.types import IGNORE, Predictions


@given(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=40), st.integers(0, 2**32 - 1))
def test_groups_come_back_as_they_were(names, seed):
    rows = np.random.default_rng(seed).random(len(names)) < 0.5
    read = Groups.model_validate_json(Groups.of(names, {"hash": rows}).model_dump_json())
    order = {name: number for number, name in enumerate(dict.fromkeys(names))}
    assert read.numbers().tolist() == [order[name] for name in names]
    assert read.rows("hash").tolist() == rows.tolist()


def predictions(n=6):
    labels = {"color": np.arange(n) % 2, "size": np.where(np.arange(n) < 3, IGNORE, 0)}
    return Predictions(tuple(map(str, range(n))), labels, {task: np.tile([[0.6, 0.4]], (n, 1)) for task in labels})


def test_a_record_keeps_them_only_where_rows_share_one():
    _, outcomes = evaluate(predictions(), ("accuracy",))
    assert groups_of((predictions(), tuple("abcdef")), outcomes) is None
    kept = groups_of((predictions(), tuple("aabcdd")), outcomes)
    assert kept.numbers().tolist() == [0, 0, 1, 2, 3, 3]
    assert kept.rows(outcomes["size"].examples).tolist() == [False] * 3 + [True] * 3
    with pytest.raises(KeyError):
        kept.rows("of other examples")
