"""Patience: who waits for work to start only so long. False alarm 1e-6 each.

One service time is a minute, as in the queues of the patient.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from funnelsim.engine import simulate
from funnelsim.engine.arrivals import arrivals
from funnelsim.engine.logs import _lead_ids
from funnelsim.engine.planning import make_plan
from funnelsim.streams import Stream
from tests.statistical import assert_distribution, assert_mean, batch_means
from tests.theory.bugs import fails_on
from tests.theory.formulas import erlang_c, impatient, mean_wait, wait_exceeds
from tests.theory.models import funnel

ONE_MINUTE = {"family": "exponential", "mean": "1 min"}


def test_the_published_digits():
    """pyworkforce, tests/test_abandonment.py: 100 calls in 30 min of 3 min, 14 seats.

    Patience 5 min on average, 20 s promised.
    """
    got = impatient(10, 14, stats.expon(scale=5 / 3), 20 / 60 / 3)
    assert got.wait == pytest.approx(0.14526, abs=5e-6)
    assert got.abandon == pytest.approx(0.013984, abs=5e-7)
    assert got.in_time == pytest.approx(0.916792, abs=5e-7)
    assert 3 * got.mean_wait == pytest.approx(0.069919, abs=5e-7)


def test_endless_patience_is_erlang_c():
    got = impatient(10, 14, stats.expon(scale=1e6), 0.5)
    assert got.wait == pytest.approx(erlang_c(10, 14), abs=1e-5)
    assert got.in_time == pytest.approx(1 - wait_exceeds(0.5, 10, 14), abs=1e-5)
    assert got.mean_wait == pytest.approx(mean_wait(10, 14), abs=1e-5)


def calls(patience, *, rate, seats, seed):
    """One row a caller after the first hour: seconds waited, and whether served."""
    stages = {
        "call": {
            "efforts": {"talk": {"team": "desk", "duration": ONE_MINUTE}},
            "patience": {"after": patience, "to": "lost"},
        },
        "lost": {},
    }
    log = simulate(
        funnel(stages, rate, horizon="5 d", warm_up="1 h", teams={"desk": {"seats": seats}}),
        seed=seed,
    )
    work = log.efforts.merge(log.visits[["lead_id", "visit", "exit"]], on=["lead_id", "visit"])
    work = work[work["queued_at"] < log.meta.observed_until - pd.Timedelta(hours=1)]
    served = work["started_at"].notna()
    over = work["started_at"].where(served, work["ended_at"])
    assert over.notna().all()
    assert (served == (work["exit"] != "reneged")).all()
    return (over - work["queued_at"]).dt.total_seconds().to_numpy() / 60, served.to_numpy()


@fails_on("patience 50 % longer", "one seat more")
def test_erlang_a():
    """110 % load on 3 seats; see ``_as_by_formula``."""
    _as_by_formula({"mean": "2 min"}, stats.expon(scale=2), seed=51)


@fails_on("everybody is as patient as the median")
def test_patience_of_any_shape():
    """M/M/3+G, patience gamma: its whole distribution counts, not its mean alone."""
    patience = {"family": "gamma", "mean": "1 min", "cv": 2}
    _as_by_formula(patience, stats.gamma(0.25, scale=4), seed=52)


def _as_by_formula(patience, distribution, *, seed):
    """Detects 7 points of who waits, 4.5 of who leaves, 8 served in time, 22 % of waits."""
    waits, served = calls(patience, rate="198 / h", seats=3, seed=seed)
    expected = impatient(3.3, 3, distribution, 0.5)
    batches = {
        "wait": batch_means(waits > 0, 100),
        "abandon": batch_means(~served, 100),
        "in_time": batch_means(served & (waits <= 0.5), 100),
        "mean_wait": batch_means(waits, 100),
    }
    assert_mean(batches["wait"], expected.wait, detectable=0.07)
    assert_mean(batches["abandon"], expected.abandon, detectable=0.045)
    assert_mean(batches["in_time"], expected.in_time, detectable=0.09)
    assert_mean(batches["mean_wait"], expected.mean_wait, detectable=0.25 * expected.mean_wait)


@fails_on("patience 50 % longer")
def test_nobody_at_the_desk():
    """Everybody loses patience: waits are the patience itself. Detects 0.05 of its distribution."""
    patience = {"family": "weibull", "median": "3 min", "p90": "10 min"}
    waits, served = calls(patience, rate="60 / h", seats=0, seed=53)
    assert not served.any()
    shape = np.log(np.log2(10)) / np.log(10 / 3)
    assert_distribution(waits, lambda x: 1 - 0.5 ** ((np.asarray(x) / 3) ** shape), detectable=0.06)


@fails_on("patience 50 % longer", "grants do not wait for all changes")
def test_whoever_is_served_had_patience_left():
    """Every wait against the patience drawn for it, to the microsecond, ties included.

    All lengths are whole minutes, so that many a seat is free in the very instant in
    which patience ends: too late.
    """
    minutes = {"mixture": [{"share": 1 / 4, "of": f"{n} min"} for n in range(4)]}
    stages = {
        "call": {
            "delay_before": minutes,
            "efforts": {
                "talk": {"team": "desk", "duration": minutes},
                "note": {"team": "desk", "duration": "1 min", "priority": -1},
            },
            "patience": {"after": minutes, "to": "call"},
            "next": {"advance": "gone", "to": {"gone": 0.8, "call": 0.2}},
        },
        "gone": {},
    }
    moments = pd.date_range("2026-01-05", periods=300, freq="5min").strftime("%FT%T")
    source = {"replay": list(moments.repeat(2))}
    scenario = funnel(stages, source, horizon="2 d", teams={"desk": {"seats": 2}})
    work = simulate(scenario, seed=54).efforts
    served = work["started_at"].notna()
    over = work["started_at"].where(served, work["ended_at"])
    waits = (over - work["queued_at"]).dt.total_seconds().mul(1e6).round()
    patience = _drawn_patience(scenario, work, seed=54)
    assert (waits[served] < patience[served]).all()
    assert (waits[~served] == patience[~served]).all()
    assert served.sum() > 500
    assert (~served).sum() > 100


def _drawn_patience(scenario, work, *, seed):
    """Microseconds, for each piece of work of a stage that is the only one with work."""
    plan, stream = make_plan(scenario), Stream(seed)
    leads = arrivals(plan, stream)
    keys = dict(zip(_lead_ids(plan, leads, 0), leads.key.tolist(), strict=True))
    stage = plan.epochs[0].stages[0]
    assert stage.patience is not None
    places = {effort.id: effort.place for effort in stage.efforts}
    rows = zip(work["lead_id"], work["effort"], work["visit"].tolist(), strict=True)
    return np.array(
        [
            stage.patience.length(stream.uniforms(keys[lead], places[effort], visit - 1)[2])
            for lead, effort, visit in rows
        ]
    )


def test_patience_on_the_clock_of_the_office():
    """Two business hours of patience pause overnight: nobody is at the desk on Monday."""
    office = {"hours": {"mon-fri": "09:00-18:00"}, "zone": "Europe/Kyiv"}
    stages = {
        "call": {
            "efforts": {"talk": {"team": "desk", "duration": "1 h"}},
            "patience": {"after": "2 bh", "to": "lost"},
            "calendar": "office",
        },
        "lost": {},
    }
    source = {"replay": ["2026-01-05T10:00", "2026-01-05T17:00", "2026-01-09T20:00"]}
    log = simulate(
        funnel(stages, source, horizon="2 w", time_zone="Europe/Kyiv",
            calendars={"office": office}, teams={"desk": {"seats": 0}}), seed=1,
    )  # fmt: skip
    left = log.visits.loc[log.visits["stage"] == "call", "left_at"].dt.tz_convert("Europe/Kyiv")
    assert [f"{at:%a %H:%M}" for at in left] == ["Mon 12:00", "Tue 10:00", "Mon 11:00"]
