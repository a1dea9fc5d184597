"""Runs that start from open deals: how long each still stays, given how long it has been there.

False alarm 1e-6 each.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, special, stats

from funnelsim.distributions import SampleTable
from funnelsim.engine import simulate
from funnelsim.engine.open_deals import STALE, TENTH
from tests.statistical import assert_distribution, assert_mean, assert_poisson_total, assert_share
from tests.theory.bugs import fails_on
from tests.theory.models import funnel, open_since

MANY = 6000
BUSY = "0.0001 / d"
"""A rate at which nobody else comes."""


def residuals(delay, ages, *, horizon="40 w", rate=BUSY, **parts):
    """Hours from the start until each of the open deals leaves, in order of ``ages``."""
    stages = {"think": {"delay_before": delay, "next": "won"}, "won": {}}
    scenario = funnel(stages, rate, horizon=horizon, **parts)
    log = simulate(scenario, seed=5, start=open_since(ages, "think"))
    mine = log.visits[log.visits["stage"] == "think"].set_index("lead_id")
    left = mine["left_at"].reindex([f"deal{i}" for i in range(len(ages))])
    assert left.notna().all()
    hours = (left - pd.Timestamp(log.meta.observed_from)).dt.total_seconds() / 3600
    return hours.to_numpy()


def gone_by(law, age, x):
    """P(T ≤ age + x | T > age)."""
    return 1 - law.sf(age + x) / law.sf(age)


@fails_on("what has lasted is only taken off")
def test_an_exponential_delay_forgets_how_long_it_has_lasted():
    """What is left is exponential with the whole mean, whatever the age. Detects 0.05 of a CDF."""
    ages = np.linspace(0.1, 60, MANY)
    left = residuals({"family": "exponential", "mean": "10 h"}, ages)
    old = ages > 30
    for part in (left[old], left[~old]):
        assert_distribution(part, stats.expon(scale=10).cdf, detectable=0.1)
    assert_mean(left, 10, detectable=1.5)


@fails_on("open deals begin their visit anew", "what has lasted is only taken off")
def test_what_is_left_of_a_weibull_delay():
    """P(T > a + x | T > a), and its mean, ∫ S(a + x) dx / S(a) = (s / k) Γ(1/k, (a/s)^k) / S(a)."""
    shape, scale = 2.0, 20.0
    whole = stats.weibull_min(shape, scale=scale)
    spec = {"family": "weibull", "mean": f"{whole.mean()} h", "sd": f"{whole.std()} h"}
    for age in (5.0, 30.0):
        left = residuals(spec, np.full(3000, age))
        survived = whole.sf(age)
        cdf = partial(gone_by, whole, age)
        assert_distribution(left, cdf, detectable=0.1)
        mean = scale / shape * special.gammaincc(1 / shape, (age / scale) ** shape)
        mean *= special.gamma(1 / shape) / survived
        assert mean == pytest.approx(integrate.quad(whole.sf, age, 500)[0] / survived)
        assert_mean(left, mean, detectable=0.15 * mean)


@fails_on("delays 20 % longer")
def test_open_and_new_leads_of_a_busy_stage():
    """M/M/∞ from n₀: of those open Binomial(n₀, e^(-t/m)) are there at t; of the new, Poisson.

    The new have mean λ m (1 - e^(-t/m)), from an empty start.
    """
    n, mean, hours, rate = 4000, 10.0, 7.0, 300.0
    stages = {"think": {"delay_before": {"mean": "10 h"}, "next": "won"}, "won": {}}
    scenario = funnel(stages, f"{rate} / h", horizon="7 h")
    start = open_since(np.random.default_rng(3).exponential(10, n), "think")
    log = simulate(scenario, seed=8, start=start)
    still = log.visits[(log.visits["exit"] == "open") & (log.visits["stage"] == "think")]
    old = still["lead_id"].str.startswith("deal").sum()
    there = np.exp(-hours / mean)
    assert_share(int(old), n, there, detectable=0.07)
    assert_poisson_total(len(still) - int(old), rate * mean * (1 - there), detectable=0.25)


def test_business_time_that_has_passed_counts():
    """Of 0 to 20 open hours, Friday evening after 8: 8 to 20 are left over, from Monday on."""
    hours = {"office": {"hours": {"mon-fri": "9-17"}}}
    stages = {
        "think": {"delay_before": {"min": "0 bh", "max": "20 bh"}, "next": "won"},
        "won": {},
    }
    scenario = funnel(stages, BUSY, horizon="2 w", calendars=hours, calendar="office")
    start = open_since(np.full(3000, 12.0), "think", at="2026-01-09 21:00")  # since 9:00
    log = simulate(scenario, seed=5, start=start)
    left = log.visits.loc[log.visits["stage"] == "think", "left_at"].dropna()
    assert (left >= pd.Timestamp("2026-01-12 09:00", tz="UTC")).all()
    day = (left.dt.normalize() - pd.Timestamp("2026-01-12", tz="UTC")).dt.days
    worked = 8 * day + left.dt.hour + left.dt.minute / 60 + left.dt.second / 3600 - 9
    assert_distribution(worked, stats.uniform(0, 12).cdf, detectable=0.1)


@pytest.mark.parametrize("age", [400.0, 4000.0])
def test_stale_deals_close_neither_at_once_nor_never(age):
    """Older than its distribution knows: what is left is what is left of the longest tenth."""
    whole = stats.weibull_min(2, scale=20)
    assert whole.sf(age) < STALE
    spec = {"family": "weibull", "mean": f"{whole.mean()} h", "sd": f"{whole.std()} h"}
    left = residuals(spec, np.full(3000, age))
    tenth = whole.ppf(TENTH)
    assert_distribution(left, lambda x: 1 - whole.sf(tenth + x) / whole.sf(tenth), detectable=0.1)


def test_stale_deals_of_a_constant_delay_close_within_it():
    """Nothing but the whole length is known: each is anywhere within it."""
    left = residuals("10 h", np.full(3000, 30.0))
    assert_distribution(left, stats.uniform(0, 10).cdf, detectable=0.1)
    assert (residuals("10 h", np.full(3, 4.0)) == 6).all()


@pytest.mark.parametrize("u", [1e-9, 0.2, 0.5001, 0.93, 1 - 1e-7])
def test_the_share_of_a_quantile_is_its_uniform(u):
    table = SampleTable(stats.lognorm(1.2, scale=5e9).ppf)
    assert table.share(table.sample(u)) == pytest.approx(u, rel=1e-9)
    assert table.share(0) == 0
    assert table.share(1e30) == 1
    assert SampleTable(lambda u: np.where(u < 0.3, 2.0, 7.0)).share(2.0) == pytest.approx(
        0.3, abs=1 / 512
    )
