"""Whether intervals cover and estimates find the truth while leads are still open.

One model world: a quarter of the leads win, winners and losers take lognormal times with
medians of 30 and 40 days, leads arrive evenly over 240 days and the log ends then.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from funnelsim.measures.followup import (
    FollowUp,
    follow,
    followed_mean,
    followed_quantiles,
    followed_share,
)

WIN_RATE, SPREAD = 0.25, 0.8
MEDIANS = {"won": 30.0, "lost": 40.0}
WORLDS, LEADS = 1000, 250


def world(rng: np.random.Generator, leads: int, days: float) -> tuple[FollowUp, np.ndarray]:
    """Return followed leads, and which of them win in the end."""
    won = rng.random(leads) < WIN_RATE
    median = np.where(won, MEDIANS["won"], MEDIANS["lost"])
    needed = median * np.exp(SPREAD * rng.standard_normal(leads))
    age = rng.uniform(0, days, leads)
    return follow(np.minimum(needed, age), needed <= age), won


def assert_covers(covered: int, level: float, least: float) -> None:
    """Assert that intervals cover at least nearly as often as they say.

    False alarm 1e-6 at the stated level; a true coverage of ``least`` is missed at most
    once in a thousand.
    """
    fewest = stats.binom.ppf(1e-6, WORLDS, level)
    assert stats.binom.sf(fewest - 1, WORLDS, least) < 1e-3
    assert covered >= fewest


def test_share_median_and_conditional_median_are_covered():
    rng = np.random.default_rng(25)
    covered = dict.fromkeys(["share", "won", "any"], 0)
    grid = np.linspace(1, 200, 20_000)
    share = sum(
        weight * stats.lognorm.cdf(grid, SPREAD, scale=MEDIANS[way])
        for way, weight in (("won", WIN_RATE), ("lost", 1 - WIN_RATE))
    )
    median = float(grid[np.argmax(share >= 0.5)])
    for _ in range(WORLDS):
        seen, won = world(rng, LEADS, 240.0)
        estimate = followed_share(seen, won, 0.95)
        covered["share"] += estimate.lo <= WIN_RATE <= estimate.hi
        (of_won,) = followed_quantiles(seen, won, [0.5], 0.95)
        covered["won"] += of_won.lo <= MEDIANS["won"] <= of_won.hi
        (of_any,) = followed_quantiles(seen, None, [0.5], 0.95)
        covered["any"] += of_any.lo <= median <= of_any.hi
    for number in covered.values():
        assert_covers(number, level=0.95, least=0.88)


def test_open_leads_mislead_the_naive_and_not_us():
    """100,000 leads; five standard errors of a share are 0.7 points."""
    seen, won = world(np.random.default_rng(7), 100_000, 240.0)
    closed_only = won[seen.closed].mean()
    won_of_created = (won & seen.closed).mean()
    ours = followed_share(seen, won, 0.95).value
    assert abs(ours - WIN_RATE) < 0.007
    assert closed_only > WIN_RATE + 0.007
    assert won_of_created < WIN_RATE - 0.02
    naive = np.median(seen.duration[seen.closed & won])
    (median,) = followed_quantiles(seen, won, [0.5], 0.95)
    assert median.value == pytest.approx(MEDIANS["won"], rel=0.02)
    assert naive < 0.95 * MEDIANS["won"]


def test_mean_of_a_world_with_open_leads():
    """100,000 leads, 0.1 % of them open; the standard error is 0.12 days, five are 1.5 %."""
    rng = np.random.default_rng(8)
    needed = MEDIANS["won"] * np.exp(SPREAD * rng.standard_normal(100_000))
    age = rng.uniform(0, 100_000, 100_000)
    age[np.argmax(needed)] = 100_000
    seen = follow(np.minimum(needed, age), needed <= age)
    assert not seen.complete
    mean = followed_mean(seen, None, 0.95)
    assert mean.method == "Kaplan-Meier"
    assert mean.value == pytest.approx(MEDIANS["won"] * np.exp(SPREAD**2 / 2), rel=0.015)
