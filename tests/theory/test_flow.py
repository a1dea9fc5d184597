"""Flows without queues: occupancy, branches, loops, delays. False alarm 1e-6 each."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import integrate, stats

from funnelsim.engine import simulate
from funnelsim.worktime import HOUR
from tests.statistical import (
    assert_counts_are_poisson,
    assert_distribution,
    assert_mean,
    assert_poisson_total,
    assert_share,
    assert_uncorrelated,
)
from tests.theory.bugs import fails_on
from tests.theory.formulas import absorbed
from tests.theory.models import funnel, instants, present


@fails_on("delays 5 % longer", "leads come in twos")
def test_those_who_think_are_poisson():
    """M/G/∞: detects 5 % of the mean occupancy, 0.08 in its distribution.

    Delays end within two hours, so counts every two hours are independent.
    """
    stages = {"think": {"delay_before": {"min": "1 h", "max": "2 h"}, "next": "gone"}, "gone": {}}
    log = simulate(funnel(stages, "8 / h", horizon="196 d", warm_up="3 h"), seed=21)
    counts = present(log, "think", np.arange(*instants(log), 2 * HOUR))
    assert_poisson_total(int(counts.sum()), len(counts) * 8 * 1.5, detectable=0.05)
    assert_counts_are_poisson(counts, detectable=0.3)
    assert_distribution(counts, stats.poisson(8 * 1.5).cdf, detectable=0.1)


@fails_on("delays 20 % longer")
def test_a_day_that_starts_empty():
    """M(t)/G/∞, transient: Poisson with mean ∫ rate × P(still there); detects 15 % of it.

    Leads come from 8 to 12 with two rates, stay under a day, and every day starts empty.
    """
    source = {"rate": "120 / d", "by_hour": {"8-10": 3, "10-12": 1}}
    delay = {"min": "0 h", "likely": "1 h", "max": "4 h"}
    stages = {"think": {"delay_before": delay, "next": "gone"}, "gone": {}}
    log = simulate(funnel(stages, source, horizon="300 d"), seed=22)
    start, end = instants(log)
    stays = stats.triang(1 / 4, 0, 4).sf
    for hour in (9, 11, 12, 13):
        early, late = (
            integrate.quad(lambda t, h=hour: float(stays(h - t)), a, max(a, min(b, hour)))[0]
            for a, b in ((8, 10), (10, 12))
        )
        counts = present(log, "think", np.arange(start + hour * HOUR, end, 24 * HOUR))
        expected = len(counts) * (45 * early + 15 * late)
        assert_poisson_total(int(counts.sum()), expected, detectable=0.15)


@fails_on("branches 2 points better", "leads come in twos")
def test_branches_thin_the_stream():
    """Each branch of a Poisson stream is Poisson, and knows nothing of the others.

    Detects 2.5 points of a branch, 30 % of the variance of hourly counts, correlation 0.2.
    """
    ways = {"won": 0.45, "lost": 0.35, "later": 0.2}
    stages = {"talk": {"next": {"advance": "won", "to": ways}}, "won": {}, "lost": {}, "later": {}}
    log = simulate(funnel(stages, "30 / h", horizon="50 d"), seed=23)
    start, end = instants(log)
    hours = np.arange(start, end + 1, HOUR)
    hourly = {}
    for way, share in ways.items():
        times = log.visits.loc[log.visits["stage"] == way, "entered_at"].astype("int64")
        assert_share(len(times), len(log.leads), share, detectable=0.025)
        hourly[way] = np.histogram(times, hours)[0]
        assert_counts_are_poisson(hourly[way], detectable=0.5)
    for one, other in (("won", "lost"), ("won", "later"), ("lost", "later")):
        assert_uncorrelated(hourly[one], hourly[other], detectable=0.25)


CHAIN = {
    "call": {"call": 0.3, "offer": 0.4, "lost": 0.3},
    "offer": {"call": 0.2, "offer": 0.15, "deal": 0.45, "lost": 0.2},
    "deal": {"offer": 0.25, "won": 0.6, "lost": 0.15},
}


@fails_on("branches 2 points better", "the same luck at every visit")
def test_absorbing_chain():
    """Loops: visits per stage and the chance to win, from the fundamental matrix.

    Detects 0.1 visits and 3.5 points of the chance. A step takes a day, and leads are
    followed for 18 steps, as is the chain.
    """
    advance = {"call": "offer", "offer": "deal", "deal": "won"}
    stages = {
        stage: {"delay_before": "1 d", "next": {"advance": advance[stage], "to": ways}}
        for stage, ways in CHAIN.items()
    }
    horizon, steps = 28, 18
    log = simulate(
        funnel({**stages, "won": {}, "lost": {}}, "1200 / d", horizon=f"{horizon} d"), seed=24
    )
    arrived = log.leads.set_index("lead_id")["arrived_at"]
    followed = arrived < arrived.min() + pd.Timedelta(days=horizon - steps)
    ids = arrived.index[followed]
    order = list(CHAIN)
    moves = np.array([[ways.get(to, 0) for to in order] for ways in CHAIN.values()])
    expected = absorbed(moves, steps)[0]
    visits = log.visits[log.visits["lead_id"].isin(ids)]
    since = visits["entered_at"].to_numpy() - arrived[visits["lead_id"]].to_numpy()
    transient = visits[since < pd.Timedelta(days=steps)]
    for stage, mean in zip(order, expected, strict=True):
        number = transient[transient["stage"] == stage].groupby("lead_id").size()
        assert_mean(number.reindex(ids, fill_value=0), mean, detectable=0.1)
    chance = expected @ [ways.get("won", 0) for ways in CHAIN.values()]
    won = int(((visits["stage"] == "won") & (since <= pd.Timedelta(days=steps))).sum())
    assert_share(won, len(ids), float(chance), detectable=0.035)


@fails_on("no delay when a lead comes again", "the same luck at every visit")
def test_remind_weekly_until_paid():
    """A stage of one week that leads to itself: weeks until paid are geometric.

    Detects 0.06 in the distribution of the number of weeks, followed for twelve.
    """
    again = {"advance": "paid", "to": {"paid": 0.35, "remind": 0.65}}
    stages = {"remind": {"delay_before": "1 w", "next": again}, "paid": {"marks": "paid"}}
    log = simulate(funnel(stages, "3100 / w", horizon="14 w"), seed=25)
    early = log.leads[log.leads["arrived_at"] < log.meta.observed_from + pd.Timedelta(weeks=2)]
    paid = log.marks.set_index("lead_id")["at"].reindex(early["lead_id"]).reset_index(drop=True)
    took = (paid - early["arrived_at"].reset_index(drop=True)).dt.total_seconds()
    weeks = np.minimum(took.fillna(np.inf) / (7 * 24 * 3600), 13)
    assert_distribution(
        weeks,
        lambda x: np.where(np.asarray(x) >= 13, 1.0, stats.geom(0.35).cdf(x)),
        detectable=0.06,
    )


DELAYS = {
    "constant": "2 h",
    "uniform": {"min": "1 h", "max": "5 h"},
    "triangular": {"min": "1 h", "likely": "2 h", "max": "8 h"},
    "exponential": {"mean": "3 h"},
    "gamma": {"family": "gamma", "mean": "5 h", "cv": 0.6},
    "weibull": {"family": "weibull", "median": "3 h", "p90": "10 h"},
    "lognormal": {"median": "3 h", "p90": "12 h"},
    "loglogistic": {"family": "loglogistic", "median": "3 h", "p90": "9 h"},
    "empirical": {"values": ["1 h", "2 h", "4 h", "8 h"]},
}


def _cdf(family):
    """The distribution of each delay in hours, straight from SciPy."""
    z90 = stats.norm.ppf(0.9)
    weibull_shape = np.log(np.log2(10)) / np.log(10 / 3)
    return {
        "constant": lambda x: np.where(np.asarray(x) >= 2, 1.0, 0.0),
        "uniform": stats.uniform(1, 4).cdf,
        "triangular": stats.triang(1 / 7, 1, 7).cdf,
        "exponential": stats.expon(scale=3).cdf,
        "gamma": stats.gamma(1 / 0.36, scale=5 * 0.36).cdf,
        "weibull": lambda x: 1 - 0.5 ** ((np.asarray(x) / 3) ** weibull_shape),
        "lognormal": stats.lognorm(np.log(4) / z90, scale=3).cdf,
        "loglogistic": lambda x: 1 / (1 + (np.asarray(x) / 3) ** (-np.log(9) / np.log(3))),
        "empirical": lambda x: np.where(
            np.asarray(x) >= 8, 1.0, np.interp(x, [1, 2, 4, 8], np.array([1, 3, 5, 7]) / 8, 0)
        ),
    }[family]


@fails_on("delays 20 % longer")
def test_delays_of_every_family():
    """A lead passes through one stage per family; detects 0.06 in any distribution."""
    order = [*DELAYS, "gone"]
    stages = {
        family: {"delay_before": delay, "next": order[i + 1]}
        for i, (family, delay) in enumerate(DELAYS.items())
    } | {"gone": {}}
    log = simulate(funnel(stages, "300 / d", horizon="42 d"), seed=26)
    early = log.leads["arrived_at"] < log.meta.observed_from + pd.Timedelta(days=21)
    visits = log.visits[log.visits["lead_id"].isin(log.leads.loc[early, "lead_id"])]
    assert (visits["exit"] != "open").mean() > 0.999
    for family in DELAYS:
        stay = visits.loc[(visits["stage"] == family) & (visits["exit"] == "moved")]
        hours = (stay["left_at"] - stay["entered_at"]).dt.total_seconds() / 3600
        assert_distribution(hours, _cdf(family), detectable=0.06)


@fails_on("one draw for everything in a visit")
def test_draws_of_one_visit_are_independent():
    """Delay before, work, delay after and branch: detects a correlation of 0.1."""
    even = {"min": "0 h", "max": "1 h"}
    stages = {
        "talk": {
            "delay_before": even,
            "efforts": {"it": {"team": "team", "duration": even}},
            "delay_after": even,
            "next": {"advance": "won", "to": {"won": 0.5, "lost": 0.25, "later": 0.25}},
        },
        "won": {},
        "lost": {},
        "later": {},
    }
    scenario = funnel(stages, "1000 / d", horizon="9 d", teams={"team": {"seats": 9999}})
    log = simulate(scenario, seed=27)
    talk = log.visits[(log.visits["stage"] == "talk") & (log.visits["exit"] == "moved")]
    work = log.efforts.set_index("lead_id").loc[talk["lead_id"]].reset_index()
    talk = talk.reset_index(drop=True)
    pieces: dict[str, pd.Series] = {
        "before": (talk["ready_at"] - talk["entered_at"]).dt.total_seconds(),
        "work": (work["ended_at"] - work["started_at"]).dt.total_seconds(),
        "after": (talk["left_at"] - work["ended_at"]).dt.total_seconds(),
        "won": talk["next_stage"] == "won",
    }
    names = list(pieces)
    for i, one in enumerate(names):
        for other in names[:i]:
            assert_uncorrelated(pieces[one], pieces[other], detectable=0.1)
    rest = talk["next_stage"] != "won"
    for name in names[:3]:
        later = talk.loc[rest, "next_stage"] == "later"
        assert_uncorrelated(pieces[name][rest], later, detectable=0.13)


@fails_on("time-outs an hour late", "delays 20 % longer")
def test_impatience():
    """P(time-out) of an exponential delay is exp(-limit / mean): detects 4 points."""
    stages = {
        "wait": {
            "delay_before": {"mean": "5 h"},
            "timeout": {"after": "6 h", "to": "lost"},
            "next": "won",
        },
        "won": {},
        "lost": {},
    }
    log = simulate(funnel(stages, "500 / d", horizon="30 d"), seed=28)
    closed = log.visits[(log.visits["stage"] == "wait") & (log.visits["exit"] != "open")]
    early = closed["entered_at"] < log.meta.observed_until - pd.Timedelta(hours=7)
    late = closed.loc[early, "exit"] == "timed_out"
    assert_share(int(late.sum()), len(late), float(np.exp(-6 / 5)), detectable=0.04)
