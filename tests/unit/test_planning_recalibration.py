"""Bands corrected by past promises: by how much, after a shift, and never by what is to come."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, norm

from funnelsim.planning.recalibration import LESSONS, NARROWEST, STEP, recalibrated

WEEK = pd.Timedelta(weeks=1)
START = pd.Timestamp("2025-01-06", tz="UTC")
LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)


def promises(came, *, series="wins", spread=1.0, ahead=1, middle=50.0, levels=LEVELS):
    """Weekly forecasts of one series, each of so many weeks, beside what came."""
    shape = (len(came) - ahead + 1, ahead, len(levels))
    week, k, level = (index.ravel() for index in np.indices(shape))
    return pd.DataFrame(
        {
            "cutoff": START + week * WEEK,
            "series": series,
            "period_start": START + (week + k) * WEEK,
            "period_end": START + (week + k + 1) * WEEK,
            "unit": "deals",
            "quantile": np.array(levels)[level],
            "value": middle + spread * norm.ppf(levels)[level],
            "actual": np.asarray(came, dtype=float)[week + k],
        }
    )


def at(made, week, *, ahead=1):
    """The quantiles issued in a week for one of the periods ahead."""
    cutoff = START + week * WEEK
    rows = made[(made["cutoff"] == cutoff) & (made["period_start"] == cutoff + (ahead - 1) * WEEK)]
    return rows.set_index("quantile")["value"]


def test_a_miss_widens_a_band_by_its_step_and_a_hit_narrows_it():
    table = promises([50.0, 40.0, 50.0, 50.0])  # held, missed by far, held
    made = recalibrated(table, table)
    width = 2 * norm.ppf(0.9)
    hit, miss = -STEP * 0.2, STEP * 0.8
    for week, margin in enumerate((0, hit, hit + miss, 2 * hit + miss)):
        stated = at(made, week)
        assert stated[0.9] - stated[0.1] == pytest.approx((1 + 2 * margin) * width)
        assert stated[0.5] == 50
    assert made["raw"].equals(table["value"])


def test_bands_stay_nested_about_the_median_and_above_nothing():
    rng = np.random.default_rng(3)
    table = promises(rng.normal(2, 4, 40).clip(0), middle=3.0, spread=0.5)
    made = recalibrated(table, table)
    assert (made.groupby("cutoff")["value"].diff().dropna() >= 0).all()
    assert made["value"].min() == 0
    assert at(made, 39)[0.5] == 3
    sure = recalibrated(calm := promises(np.full(40, 50.0)), calm)
    wide, narrow = (at(table, 39) for table in (calm, sure))
    assert narrow[0.9] - narrow[0.1] == pytest.approx((1 + 2 * NARROWEST) * (wide[0.9] - wide[0.1]))


def test_each_series_number_of_periods_ahead_and_length_has_a_correction_of_its_own():
    off, good = np.full(12, 44.0), np.full(12, 50.0)
    table = pd.concat([promises(off, ahead=2), promises(good, series="leads", ahead=2)])
    table = table.reset_index(drop=True)
    made = recalibrated(table, table)
    wins, leads = (made[made["series"] == name] for name in ("wins", "leads"))
    assert at(wins, 8)[0.1] < 47 < at(leads, 8)[0.1]
    assert at(wins, 1, ahead=2)[0.1] == pytest.approx(50 + norm.ppf(0.1))  # none is over yet
    month = table.assign(period_end=table["period_start"] + 4 * WEEK)
    assert recalibrated(table, month)["value"].equals(table["value"])


def test_forecasts_of_one_period_are_one_lesson():
    """Daily reports of the same week do not teach seven times as much as a weekly one."""
    table = promises([40.0, 50.0])
    day = pd.Timedelta(days=1)
    often = [table.assign(cutoff=table["cutoff"] - k * day).head(len(LEVELS)) for k in range(5)]
    now = table.tail(len(LEVELS))
    assert recalibrated(now, pd.concat(often)).equals(recalibrated(now, table))


@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_nothing_after_the_cutoff_changes_what_is_stated(data):
    """Change, drop or add whatever ends after the cutoff, and all that was issued since."""
    weeks = 7
    numbers = st.floats(0, 100).map(lambda x: round(x, 2))
    came = data.draw(st.lists(numbers, min_size=weeks, max_size=weeks))
    week = data.draw(st.integers(2, weeks - 3))
    table = promises(came, ahead=2, levels=(0.1, 0.5, 0.9))
    cutoff = START + week * WEEK
    now = table[table["cutoff"] == cutoff].drop(columns="actual")
    known = table["period_end"] <= cutoff
    later = data.draw(st.lists(numbers, min_size=int((~known).sum()), max_size=int((~known).sum())))
    other = table.copy()
    other.loc[~known, "actual"] = later
    issued_since = other["cutoff"] >= cutoff
    other.loc[issued_since, "value"] += data.draw(numbers)
    gone = data.draw(st.booleans()) & ~known
    stated = recalibrated(now, other[~gone].sample(frac=1, random_state=1))
    pd.testing.assert_frame_equal(stated, recalibrated(now, table[known]))


def test_what_was_stated_earlier_does_not_feed_back():
    rng = np.random.default_rng(5)
    table = promises(rng.normal(48, 2, 30))
    made = recalibrated(table, table)
    pd.testing.assert_frame_equal(recalibrated(made, made.assign(actual=table["actual"])), made)


def test_after_a_shift_the_stated_band_holds_again():
    """200 series whose mean falls by 2.5 standard deviations after 24 steady weeks.

    Ten weeks later the band as forecast holds 11 %; the stated one holds 80 % as far as 200
    outcomes can tell: a false alarm in 100,000 seeds, a coverage of 0.55 or less, or of 0.965
    or more, is found with 99.9 %. Just before the shift the same holds, with the same rates.
    """
    rng = np.random.default_rng(11)
    shift, after, n = 24, 10, 200
    tables = []
    for k in range(n):
        came = 50 + rng.standard_normal(shift + after + 1) - 2.5 * (np.arange(35) >= shift)
        tables.append(promises(came, series=f"s{k}", levels=(0.1, 0.5, 0.9)))
    past = pd.concat(tables, ignore_index=True)
    low, high = (float(binom.ppf(level, n, 0.8)) for level in (5e-6, 1 - 5e-6))
    for week, in_old in ((shift - 1, low), (shift, 0), (shift + after, 0)):
        now = past[past["cutoff"] == START + week * WEEK].drop(columns="actual")
        made = recalibrated(now, past)
        came = past.loc[now.index, "actual"].groupby(now["series"]).first()
        held = {}
        for name in ("raw", "value"):
            ends = made.pivot_table(index="series", columns="quantile", values=name)
            held[name] = int(((ends[0.1] <= came) & (came <= ends[0.9])).sum())
        assert held["raw"] >= in_old
        if week == shift:
            assert held["value"] < n / 2  # nobody could know
        else:
            assert low <= held["value"] <= high
    assert held["raw"] < n / 5


def test_what_came_long_ago_is_forgotten():
    rng = np.random.default_rng(8)
    came = 50 + rng.standard_normal(30)
    wild = np.where(np.arange(30) < 30 - 1 - LESSONS, 0.0, came)
    calm, shaken = (promises(each) for each in (came, wild))
    last = calm["cutoff"] == calm["cutoff"].max()
    one, other = (recalibrated(calm[last], past) for past in (calm, shaken))
    assert one.equals(other)
    assert not one["value"].equals(one["raw"])
