"""Arrivals: Poisson, by hour and weekday of the local clock. False alarm 1e-6 each."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from funnelsim.engine import simulate
from funnelsim.worktime import HOUR
from tests.statistical import (
    assert_counts_are_poisson,
    assert_distribution,
    assert_poisson_total,
    assert_uncorrelated,
)
from tests.theory.bugs import fails_on
from tests.theory.models import funnel, instants

GONE: dict[str, dict[str, str]] = {"gone": {}}
BY_WEEKDAY = {"mon-thu": 4, "fri": 2, "sat": 1, "sun": 0}
BY_HOUR = {"8-9": 1, "9-12": 6, "12-14": 3, "14-18": 5, "18-23": 0.5}


def local_times(log, zone):
    return log.leads["arrived_at"].dt.tz_convert(zone)


@fails_on("leads come in twos")
def test_a_steady_source_is_poisson():
    """Detects 5 % of the rate, 25 % of the variance of hourly counts, 0.03 in the gaps."""
    log = simulate(funnel(GONE, "12 / h", horizon="120 d"), seed=31)
    start, end = instants(log)
    times = log.leads["arrived_at"].astype("int64").to_numpy()
    counts = np.histogram(times, np.arange(start, end + 1, HOUR))[0]
    assert_poisson_total(len(times), len(counts) * 12, detectable=0.05)
    assert_counts_are_poisson(counts, detectable=0.25)
    assert_distribution(counts, stats.poisson(12).cdf, detectable=0.1)
    assert_uncorrelated(counts[:-1], counts[1:], detectable=0.16)
    gaps = np.diff(times) / HOUR
    assert_distribution(gaps, stats.expon(scale=1 / 12).cdf, detectable=0.03)


@fails_on("arrivals ignore daylight saving")
def test_the_week_has_its_shape():
    """Given their number, arrivals lie in the week as the weights say: detects 0.06.

    Half of the ten weeks are in summer time, so the weights follow the local clock.
    """
    source = {"rate": "900 / w", "by_weekday": BY_WEEKDAY, "by_hour": BY_HOUR}
    scenario = funnel(GONE, source, start="2026-02-23", horizon="10 w", time_zone="Europe/Kyiv")
    log = simulate(scenario, seed=32)
    assert_poisson_total(len(log.leads), 9_000, detectable=0.1)
    local = local_times(log, "Europe/Kyiv")
    weights = np.outer(
        [4, 4, 4, 4, 2, 1, 0], [0] * 8 + [1] + [6] * 3 + [3] * 2 + [5] * 4 + [0.5] * 5 + [0]
    ).ravel()
    position = (
        (local - local.dt.normalize()).dt.total_seconds() / 3600 + local.dt.day_of_week * 24
    ).to_numpy()
    night = local.dt.normalize() == pd.Timestamp("2026-03-29", tz="Europe/Kyiv")
    assert not night.any(), "no lead on a Sunday, so the short day needs no care"
    cumulative = np.concatenate([[0], np.cumsum(weights)]) / weights.sum()
    assert (weights[position.astype(int)] > 0).all(), "nobody comes when the weight is 0"
    assert_distribution(
        position, lambda x: np.interp(x, np.arange(169), cumulative), detectable=0.06
    )


@fails_on("arrivals ignore daylight saving")
def test_nights_when_clocks_change():
    """An hour that is skipped brings nobody, an hour that comes twice brings twice as many."""
    source = {"rate": "1000 / d", "by_hour": {"3-4": 1}}
    zone = "Europe/Kyiv"
    for start, changed, hours in (("2026-03-27", "2026-03-29", 0), ("2026-10-23", "2026-10-25", 2)):
        scenario = funnel(GONE, source, start=start, horizon="4 d", time_zone=zone)
        local = local_times(simulate(scenario, seed=33), zone)
        assert set(local.dt.hour) == {3}
        per_night = local.dt.strftime("%F").value_counts()
        for night in pd.date_range(start, periods=4).strftime("%F"):
            if night == changed and not hours:
                assert night not in per_night
            else:
                expected = 1000 * (hours if night == changed else 1)
                assert_poisson_total(int(per_night[night]), expected, detectable=0.28)


@pytest.mark.parametrize(
    ("zone", "start"),
    [
        ("Asia/Kathmandu", "2026-01-05"),
        ("America/St_Johns", "2026-10-30"),
        ("Australia/Lord_Howe", "2026-04-03"),
        ("Australia/Lord_Howe", "2026-10-02"),
    ],
)
def test_offsets_that_are_no_whole_hours(zone, start):
    """Windows of hours hold by the local clock: detects 20 % of their leads."""
    source = {"rate": "200 / d", "by_hour": {"9-10": 1}}
    scenario = funnel(GONE, source, start=start, horizon="6 d", time_zone=zone)
    local = local_times(simulate(scenario, seed=34), zone)
    assert set(local.dt.hour) == {9}
    assert_poisson_total(len(local), 1200, detectable=0.25)
    assert_distribution(
        local.dt.minute + local.dt.second / 60, stats.uniform(0, 60).cdf, detectable=0.15
    )


def test_the_half_hour_that_lord_howe_repeats():
    """At 2:00 on 5 April it is 1:30 again: that hour lasts 90 minutes."""
    source = {"rate": "1000 / d", "by_hour": {"1-2": 1}}
    zone = "Australia/Lord_Howe"
    scenario = funnel(GONE, source, start="2026-04-05", horizon="1 d", time_zone=zone)
    assert_poisson_total(len(simulate(scenario, seed=35).leads), 1500, detectable=0.25)
