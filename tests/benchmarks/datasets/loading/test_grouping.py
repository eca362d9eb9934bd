from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.datasets.loading.grouping import join, normalise, part_of, summary

KEYS = st.lists(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=3, unique=True).map(tuple), max_size=12)


@settings(deadline=None)  # SciPy is loaded with the first call
@given(KEYS, st.randoms())
def test_the_order_of_rows_does_not_matter(keys, random):
    order = list(range(len(keys)))
    random.shuffle(order)
    names = join(keys)
    assert join([keys[place] for place in order]) == [names[place] for place in order]


@settings(deadline=None)  # SciPy is loaded with the first call
@given(KEYS)
def test_rows_share_a_group_exactly_if_a_chain_of_keys_ties_them(keys):
    names = join(keys)
    clusters = []
    for row, own in enumerate(keys):
        tied = [cluster for cluster in clusters if cluster[1] & set(own)]
        rows, shared = {row}.union(*(c[0] for c in tied)), set(own).union(*(c[1] for c in tied))
        clusters = [cluster for cluster in clusters if cluster not in tied] + [(rows, shared)]
    assert {frozenset(rows) for rows, _ in clusters} == {
        frozenset(row for row, name in enumerate(names) if name == wanted) for wanted in names
    }


def test_a_group_is_called_after_its_smallest_key():
    assert join([("z", "b"), ("y", "b", "c"), ("x",)]) == ["b", "b", "x"]


def test_shares_are_70_10_20_percent():
    parts = [part_of(f"group {number}", "rule") for number in range(5000)]
    for part, share in (("train", 0.7), ("val", 0.1), ("test", 0.2)):
        assert abs(parts.count(part) / 5000 - share) < 0.02


def test_the_rule_is_frozen():
    """Shipped weights were trained on the training split: it may never change."""
    parts = [part_of(f"group {number}", "fashion-products/v1") for number in range(12)]
    assert [number for number, part in enumerate(parts) if part != "train"] == [0, 5, 7]


def test_another_rule_is_another_split():
    names = [f"group {number}" for number in range(50)]
    assert [part_of(name, "v1") for name in names] != [part_of(name, "v2") for name in names]


def test_case_and_spaces_do_not_make_another_text():
    assert normalise(" Nike  Men\tShoe") == "nike men shoe"


def test_the_checksum_sees_every_row_but_not_their_order():
    parts = {"1": "train", "2": "val", "3": "test"}
    assert summary(parts, "r") == summary(dict(reversed(parts.items())), "r")
    assert summary(parts, "r")["sha256"] != summary({**parts, "2": "test"}, "r")["sha256"]
    assert summary(parts, "r")["parts"] == {"train": 1, "val": 1, "test": 1}
