"""Whether promised precisions hold: 200 random splits of one set of predictions into validation and new rows."""

import pytest
from scipy.stats import binom

from tests.cma_clip.answering.promises import POPULATIONS, share_broken

SPLITS = 200


@pytest.mark.parametrize("target", [0.90, 0.95])
@pytest.mark.parametrize("validation", [100, 500, 2000])
@pytest.mark.parametrize("name", POPULATIONS)
def test_a_promise_is_broken_no_more_often_than_stated(benchmark, name, validation, target):
    population = POPULATIONS[name]
    broken, answered, none = benchmark.pedantic(share_broken, (population, validation, target, SPLITS), rounds=1)
    benchmark.extra_info.update(broken=broken, answered=answered, without_a_promise=none)
    assert broken <= binom.ppf(0.999, SPLITS, 0.1) / SPLITS


def test_photos_of_one_product_counted_as_independent_break_it(benchmark):
    measure = {"use_groups": False}
    broken, _, _ = benchmark.pedantic(share_broken, (POPULATIONS["grouped"], 100, 0.95, SPLITS), measure, rounds=1)
    benchmark.extra_info["broken"] = broken
    assert broken > 0.1
