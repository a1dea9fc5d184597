"""Common random numbers make differences clearer; how much is measured in ``make evidence``."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from funnelsim.experiments import compare, replicate
from tests.crn.test_cause import shop

PAIRS = 60
CLAIM = 4.0

CASES: dict[str, tuple[str, dict[str, object]]] = {
    "conversion": ("won", {"stages.ask.next.to.pay": {"add": 0.03}}),
    "delay": ("cycle_time", {"stages.ask.delay_before": {"mean": "3 h"}}),
    "leads": ("won", {"sources.web.rate": {"times": 1.1}}),
}


@pytest.mark.parametrize("case", CASES)
def test_differences_vary_less_than_with_independent_seeds(case):
    """The variance of the difference is at most a quarter of that with other seeds.

    F test with 59 and 59 degrees of freedom. At the reductions measured over 150 pairs (41, 70
    and 14 times) the false alarm is below 2e-6; luck that is not common at all passes with
    chance 2e-7.
    """
    assert stats.f.cdf(CLAIM / 14, PAIRS - 1, PAIRS - 1) < 2e-6
    assert stats.f.sf(CLAIM, PAIRS - 1, PAIRS - 1) < 2e-7
    measure, overrides = CASES[case]
    base = shop()
    what_if = base.change(case, overrides)
    paired = compare(base, [what_if], seed=7, n=PAIRS)
    other = replicate(what_if, seed=8, n=PAIRS)
    common = paired.what_ifs[case][measure] - paired.base[measure]
    independent = other[measure] - paired.base[measure]
    assert np.var(independent, ddof=1) > CLAIM * np.var(common, ddof=1)
