import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from benchmarks.names import UnknownName, choose

NAMES = st.lists(st.text("abcdef-", min_size=1, max_size=8), unique=True, max_size=8)


@given(NAMES.filter(bool), st.data())
def test_a_known_name_is_itself(known, data):
    name = data.draw(st.sampled_from(known))
    assert choose(name, iter(known), "thing") == name


@given(NAMES, st.text(max_size=8))
def test_any_other_name_is_refused_with_all_valid_ones(known, name):
    assume(name not in known)
    with pytest.raises(UnknownName) as caught:
        choose(name, known, "thing")
    (message,) = caught.value.args
    assert message.startswith(f"unknown thing {name!r}")
    assert message.endswith(f"Valid: {', '.join(known)}")


def test_the_nearest_names_are_suggested():
    with pytest.raises(UnknownName) as caught:
        choose("colr", ["size", "color", "colour"], "task")
    assert caught.value.args == ("unknown task 'colr'; did you mean 'color' or 'colour'? Valid: size, color, colour",)


def test_nothing_is_suggested_where_nothing_is_near():
    with pytest.raises(UnknownName) as caught:
        choose("xyz", ["color", "size"], "task")
    assert caught.value.args == ("unknown task 'xyz'. Valid: color, size",)


def test_case_counts():
    with pytest.raises(UnknownName, match="unknown task 'Color'; did you mean 'color'"):
        choose("Color", ["color"], "task")
