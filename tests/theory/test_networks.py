"""Several queues: networks with feedback, and work side by side. False alarm 1e-6 each.

Times in minutes.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import integrate, stats

from funnelsim.engine import simulate
from funnelsim.worktime import MINUTE
from tests.statistical import assert_distribution, assert_mean, assert_share, batch_means
from tests.theory.bugs import fails_on
from tests.theory.formulas import fork_join, mean_present, visit_rates
from tests.theory.models import funnel, instants, present

# Stations: mean work in minutes, seats, where leads go next.
STATIONS = {
    "call": (1.0, 1, {"call": 0.2, "offer": 0.6, "lost": 0.2}),
    "offer": (2.4, 2, {"call": 0.25, "check": 0.5, "lost": 0.25}),
    "check": (2.5, 1, {"offer": 0.3, "won": 0.7}),
}
OUTSIDE = {"call": 21, "offer": 3}  # leads an hour


def exponential(mean):
    return {"family": "exponential", "mean": f"{mean} min"}


@fails_on("one seat more", "the same luck at every visit")
def test_jackson_network_with_feedback():
    """Open network of three stations, one with two seats, loops through all.

    Detects 15 % of the visits to a station, 60 % of the number present, 15 points of the
    chance that a station is empty, 6.5 that all are: their numbers are independent.
    """
    advance = {"call": "offer", "offer": "check", "check": "won"}
    stages = {
        key: {
            "efforts": {"it": {"team": key, "duration": exponential(mean)}},
            "next": {"advance": advance[key], "to": to},
        }
        for key, (mean, _, to) in STATIONS.items()
    }
    sources = {f"to_{key}": {"stage": key, "rate": f"{n} / h"} for key, n in OUTSIDE.items()}
    teams = {key: {"seats": seats} for key, (_, seats, _) in STATIONS.items()}
    scenario = funnel(
        {**stages, "won": {}, "lost": {}}, {}, horizon="20 d", warm_up="12 h",
        sources=sources, teams=teams,
    )  # fmt: skip
    log = simulate(scenario, seed=71)
    start, end = instants(log)
    order = list(STATIONS)
    moves = [[to.get(other, 0) for other in order] for _, _, to in STATIONS.values()]
    rates = visit_rates([OUTSIDE.get(key, 0) for key in order], moves)
    empty = np.ones((end - start) // MINUTE, bool)
    all_empty = 1.0
    for (key, (mean, seats, _)), rate in zip(STATIONS.items(), rates, strict=True):
        entered = log.visits.loc[log.visits["stage"] == key, "entered_at"]
        hourly = np.histogram(
            entered.dt.tz_localize(None).to_numpy().astype(np.int64),
            np.arange(start, end + 1, 60 * MINUTE),
        )[0]
        assert_mean(batch_means(hourly), rate, detectable=0.15 * rate)
        here = present(log, key, np.arange(start, end, MINUTE))
        load = rate * mean / 60
        expected = mean_present(load, seats)
        assert_mean(batch_means(here), expected, detectable=0.6 * expected)
        idle = {1: 1 - load, 2: (2 - load) / (2 + load)}[seats]
        assert_mean(batch_means(here == 0), idle, detectable=0.15)
        empty &= here == 0
        all_empty *= idle
    assert_mean(batch_means(empty), all_empty, detectable=0.065)


# --- side by side --------------------------------------------------------------------------------


def two_desks(join, rate, *, seed, horizon):
    """Two teams with one seat each, both needed for every lead; minutes from start to end."""
    work = {key: {"team": key, "duration": exponential(1)} for key in ("left", "right")}
    stages = {"work": {"join": join, "efforts": work}}
    teams = {key: {"seats": 1} for key in work}
    log = simulate(funnel(stages, rate, horizon=horizon, warm_up="2 h", teams=teams), seed=seed)
    visits = log.visits[log.visits["entered_at"] >= log.meta.observed_from]
    visits = visits[visits["entered_at"] < log.meta.observed_until - pd.Timedelta(hours=3)]
    assert (visits["exit"] == "ended").all()
    visits = visits.sort_values("entered_at")
    ended = log.efforts.pivot_table("ended_at", "lead_id", "effort").reindex(visits["lead_id"])
    minute = pd.Timedelta(minutes=1)
    each = [(ended[key].to_numpy() - visits["entered_at"].to_numpy()) / minute for key in work]
    return (visits["left_at"] - visits["entered_at"]).to_numpy() / minute, *each


@fails_on("all work is waited for in turn", "one seat more")
def test_fork_and_join():
    """Two queues fed together at 60 %: exactly (12 - ρ)/8 times the time in one of them.

    Were the queues independent, it would be 3/2 times, and 7.5 % more. Leads that queue long
    here queue long there as well, so they are compared lead by lead: detects 6 %.
    """
    both, left, right = two_desks("all", "36 / h", seed=72, horizon="21 d")
    assert (both == np.maximum(left, right)).all()
    one = (left + right) / 2
    assert_mean(batch_means(one, 100), 1 / 0.4, detectable=0.3 / 0.4)
    ratio = fork_join(0.6) * 0.4
    assert_mean(batch_means(both - ratio * one, 100), 0, detectable=0.06 / 0.4)


@fails_on("work that lost the race goes on")
def test_the_first_of_two_desks():
    """Every lead at both desks until one is done: exactly one desk of twice the speed.

    Both desks then always work for the same lead. M/M/1 with rate 2: detects 10 points of
    P(time > t). References: Gardner et al. (2015), "Reducing latency via redundant
    requests", section 4.
    """
    time, left, right = two_desks("any", "78 / h", seed=73, horizon="6 d")
    assert (time == np.minimum(left, right)).all()
    for t in (0.5, 1.5, 4):
        assert_mean(batch_means(time > t, 100), np.exp(-(2 - 1.3) * t), detectable=0.1)


TEAMS = {"firm": 9999, "field": 9999, "desk": 9999}
WORK = {
    "firm": exponential(30),
    "field": exponential(60),
    "desk": {"min": "10 min", "max": "50 min"},
}
CDF = {
    "firm": stats.expon(scale=30).cdf,
    "field": stats.expon(scale=60).cdf,
    "desk": stats.uniform(10, 40).cdf,
}


def alone(join, refuse=None, **stage):
    """Three pieces of work that nobody has to wait for: the log, closed visits."""
    efforts = {key: {"team": key, "duration": work} for key, work in WORK.items()}
    for key, share in (refuse or {}).items():
        efforts[key]["refuse"] = share
    stages = {
        "work": {"join": join, "efforts": efforts, "next": "yes"} | stage,
        "yes": {},
        "no": {},
    }
    log = simulate(
        funnel(stages, "40 / h", horizon="6 d", teams={k: {"seats": n} for k, n in TEAMS.items()}),
        seed=74,
    )
    visits = log.visits[(log.visits["stage"] == "work")]
    early = visits["entered_at"] < log.meta.observed_until - pd.Timedelta(hours=18)
    assert (visits.loc[early, "exit"] == "moved").all()
    return log, visits[early]


def minutes(visits):
    return (visits["left_at"] - visits["entered_at"]).dt.total_seconds() / 60


def all_done(x):
    return np.prod([cdf(x) for cdf in CDF.values()], axis=0)


@fails_on("work 20 % longer", "one draw for all work of a lead")
def test_the_last_and_the_first_of_three():
    """Detects 0.065 in the distributions of the time until all are done, or any."""
    _, visits = alone("all")
    assert_distribution(minutes(visits), all_done, detectable=0.065)
    log, visits = alone("any")
    none_yet = [lambda x, cdf=cdf: 1 - cdf(x) for cdf in CDF.values()]
    first = lambda x: 1 - np.prod([sf(x) for sf in none_yet], axis=0)  # noqa: E731
    assert_distribution(minutes(visits), first, detectable=0.065)
    work = log.efforts.merge(visits[["lead_id", "left_at"]], on="lead_id")
    assert (work["ended_at"] == work["left_at"]).all(), "the others stop with the first"


@fails_on("everybody agrees less often", "work 20 % longer", "work that lost the race goes on")
def test_the_first_refusal():
    """Share refused, when, and what that spares the others: detects 6 points, 0.1, 9 points.

    Refused at min of the refusing, agreed at max of all, and the two are independent of
    how long the work takes.
    """
    refuse = {"firm": 0.3, "desk": 0.2}
    log, visits = alone("first_refusal", refuse, refused_to="no")
    refused = visits["next_stage"] == "no"
    agreed = 0.7 * 0.8
    assert_share(int(refused.sum()), len(refused), 1 - agreed, detectable=0.065)

    def refused_by(x):
        still = np.prod([1 - share * CDF[key](x) for key, share in refuse.items()], axis=0)
        return (1 - still) / (1 - agreed)

    assert_distribution(minutes(visits[refused]), refused_by, detectable=0.1)
    assert_distribution(minutes(visits[~refused]), all_done, detectable=0.1)
    field = log.efforts[log.efforts["effort"] == "field"].merge(visits[refused], on="lead_id")
    cut = int((field["ended_at"] == field["left_at"]).sum())
    earlier = integrate.quad(lambda x: refused_by(x) * stats.expon(scale=60).pdf(x), 0, 900)[0]
    assert_share(cut, len(field), earlier, detectable=0.09)
