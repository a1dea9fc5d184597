"""KPI intervals and sample sizes against published digits."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from funnelsim.measures import nps
from funnelsim.measures.arms import Question, Side, _difference, _needed
from funnelsim.measures.uncertainty import jackknife, ratio

NONE = np.array([])


def scores(up: int, down: int, n: int) -> pd.DataFrame:
    return pd.DataFrame({"score": [10] * up + [0] * down + [7] * (n - up - down)})


@pytest.mark.parametrize(
    ("up", "down", "n", "level", "lo", "hi"),
    [
        # Tango (1998), Statistics in Medicine 17, section 6.1: b = 0, c = 1, n = 44, 90 %.
        (0, 1, 44, 0.90, -0.096, None),
        # R, PropCIs 0.3-0, scoreci.mp(25, 28, 618, 0.90).
        (28, 25, 618, 0.90, -0.0148, 0.0247),
    ],
)
def test_nps_interval_is_tangos(up, down, n, level, lo, hi):
    row = nps(scores(up, down, n), level=level).iloc[0]
    digits = 3 if hi is None else 4
    assert round(row["lo"] / 100, digits) == lo
    assert hi is None or round(row["hi"] / 100, digits) == hi


@pytest.mark.parametrize(
    ("counts", "lo", "hi"),
    [
        # Newcombe (1998), Statistics in Medicine 17: 873–890, table II, method 10.
        ((56, 70, 48, 80), 0.0524, 0.3339),
        ((9, 10, 3, 10), 0.1705, 0.8090),
        ((5, 56, 0, 29), -0.0381, 0.1926),
    ],
)
def test_difference_of_shares_is_newcombes(counts, lo, hi):
    sides = [
        Side(hits / size, size, float(size), 0.5, NONE) for hits, size in (counts[:2], counts[2:])
    ]
    estimate, _ = _difference(sides[0], sides[1], "conversion", 0.95)
    assert (round(estimate.lo, 4), round(estimate.hi, 4)) == (lo, hi)


def test_difference_of_means_is_welchs():
    # R, t.test(extra ~ group, data = sleep): Student's (1908) hours of sleep; t = -1.8608,
    # df = 17.776, p = 0.07939, 95 % from -3.3654832 to 0.2054832.
    first = np.array([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0])
    second = np.array([1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4])
    one, other = (
        Side(float(each.mean()), 10, 10.0, float(each.std(ddof=1)), each)
        for each in (first, second)
    )
    estimate, p_value = _difference(one, other, "value", 0.95)
    assert estimate[:1] + estimate[2:4] == pytest.approx((-1.58, -3.3654832, 0.2054832), abs=1e-7)
    assert p_value == pytest.approx(0.07939, abs=5e-6)


def test_leads_needed():
    # R, power.prop.test(p1 = .50, p2 = .75, power = .90) gives 76.7 by arm; at .80, 57.7.
    base = Side(0.5, 100, 100.0, 0.5, NONE)
    assert _needed(base, Question("conversion", None, 0.95, 0.5), 0.95) == 58


def test_ratio_is_cochrans():
    # Cochran (1977), Sampling Techniques, section 6.7 shows that the linearised variance is
    # that of the residuals; for constant denominators it is the variance of the mean.
    above = np.array([1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4])
    estimate = ratio(above, np.ones(10), 0.95)
    assert (estimate.lo, estimate.hi) == pytest.approx((0.7001142, 2.4598858), abs=1e-7)


def test_jackknife_of_a_mean_is_students():
    # Quenouille (1956): leaving out one at a time gives the usual error of a mean.
    gained = np.array([1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4])
    limits = jackknife(lambda kept: float(gained[kept].mean()), 10, 0.95)
    assert limits == pytest.approx((0.7001142, 2.4598858), abs=1e-7)
