from collections import Counter
from types import SimpleNamespace

import pytest

from benchmarks.filling.summary import Counts, agreements


@pytest.mark.parametrize(("agreed", "warned"), [(20, False), (17, False), (16, False), (15, True), (0, True)])
def test_a_share_below_the_promise_is_pointed_out_where_chance_does_not_explain_it(agreed, warned):
    """At 90 % a share of 16 of 20 or less comes about by chance 13 times in 100, 15 or less 4 times."""
    counts = Counts(checked={"style": Counter(answered=20, agreed=agreed)})
    (told,) = agreements(SimpleNamespace(asked=SimpleNamespace(precision=0.9)), counts)
    assert told.startswith(f"style: of 20 kept cells that would be filled, {agreed / 20:.1%} agree")
    assert ("below the promise" in told) == warned
