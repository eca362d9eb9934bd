"""How many seeds a comparison needs."""

from __future__ import annotations

import math
from statistics import NormalDist

from benchmarks.reporting.statistics.significance import LEVEL

POWER = 0.8
"""How often the difference is to be found, if it is there; our choice, the usual one."""

FEWEST = 2


def seeds_needed(one: float, other: float, gap: float) -> int:
    """Of each of two models, so that a difference of `gap` between their means over seeds is found with POWER at LEVEL.

    Two-sided z-test of two means: n = (z_a + z_b)^2 (s1^2 + s2^2) / gap^2. It counts what seeds change alone: how
    surely the test examples stand for all others no number of seeds can improve.

    Args:
        one: sample standard deviation over seeds of the first model, in the units of `gap`.
        other: of the second.
        gap: the difference that is to be found.
    """
    normal = NormalDist()
    both = normal.inv_cdf(1 - LEVEL / 2) + normal.inv_cdf(POWER)
    return max(FEWEST, math.ceil(both**2 * (one**2 + other**2) / gap**2))
