"""Queues with closed forms: waits, their distribution, priorities, two in a row.

One service time is a minute, so waits come in minutes. Every assertion has a false
alarm of 1e-6; each docstring says what it can detect.
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from funnelsim.engine import simulate
from tests.statistical import (
    assert_counts_are_poisson,
    assert_distribution,
    assert_mean,
    assert_uncorrelated,
    batch_means,
)
from tests.theory.bugs import fails_on
from tests.theory.formulas import (
    cobham_waits,
    erlang_c,
    mean_wait,
    pollaczek_khinchine,
    wait_exceeds,
)
from tests.theory.models import funnel, instants, queue, settled_waits

EXPONENTIAL = {"family": "exponential", "mean": "1 min"}
MINUTE = 60


@fails_on("work 5 % longer")
def test_mean_wait_with_one_seat():
    """M/M/1 at 70 %: detects a quarter of the mean wait; 5 % longer work adds 25 %."""
    log = simulate(queue(EXPONENTIAL, "42 / h", horizon="91 d"), seed=1)
    waits = batch_means(settled_waits(log) / MINUTE, 100)
    expected = mean_wait(0.7, 1)
    assert_mean(waits, expected, detectable=0.25 * expected)


@fails_on("last come first served")
def test_wait_distribution_with_one_seat():
    """M/M/1 at 70 %: detects 7 points in P(wait > t); the mean cannot see the order."""
    log = simulate(queue(EXPONENTIAL, "42 / h", horizon="56 d"), seed=2)
    waits = settled_waits(log) / MINUTE
    for t in (0, 1, 3, 8):
        assert_mean(batch_means(waits > t, 100), wait_exceeds(t, 0.7, 1), detectable=0.07)


@fails_on("one seat more", "work 5 % longer")
def test_erlang_c():
    """M/M/3 at 70 %: detects 5 points in P(wait), 30 % of the mean wait."""
    log = simulate(queue(EXPONENTIAL, "126 / h", seats=3, horizon="31 d"), seed=3)
    waits = settled_waits(log) / MINUTE
    assert_mean(batch_means(waits > 0, 100), float(erlang_c(2.1, 3)), detectable=0.05)
    expected = mean_wait(2.1, 3)
    assert_mean(batch_means(waits, 100), expected, detectable=0.3 * expected)


def test_work_of_constant_length():
    """M/D/1 at 60 %: detects 15 % of the mean wait."""
    _pollaczek_khinchine("1 min", 0, detectable=0.15)


def test_lognormal_work():
    """M/G/1 at 60 %: detects 35 % of the mean wait; long tails need many leads."""
    work = {"family": "lognormal", "mean": "1 min", "cv": 0.8}
    _pollaczek_khinchine(work, 0.8, detectable=0.35)


@fails_on("work never varies", "work 5 % longer")
def test_gamma_work():
    """M/G/1 at 60 %: detects 18 % of the mean wait; 5 % longer work adds 20 %."""
    work = {"family": "gamma", "mean": "1 min", "cv": 0.5}
    _pollaczek_khinchine(work, 0.5, detectable=0.18)


def _pollaczek_khinchine(work, cv, *, detectable):
    """The mean wait depends on the work by its mean and its variance alone."""
    log = simulate(queue(work, "36 / h", horizon="63 d"), seed=4)
    expected = pollaczek_khinchine(0.6, cv)
    waits = batch_means(settled_waits(log) / MINUTE, 100)
    assert_mean(waits, expected, detectable=detectable * expected)


@fails_on("priorities ignored")
def test_cobham_priorities():
    """M/G/1 with three classes: detects 25 % of each class's mean wait."""
    classes = {"gold": (9, 0.5, 1.0), "silver": (12, 1.0, 0.5), "basic": (18, 1.2, 0.0)}
    stages, sources = {}, {}
    for priority, (name, (rate, mean, cv)) in enumerate(classes.items()):
        work = {"family": "gamma", "mean": f"{mean} min", "cv": cv} if cv else f"{mean} min"
        effort = {"team": "team", "duration": work, "priority": priority}
        stages[name] = {"efforts": {"it": effort}}
        sources[name] = {"stage": name, "rate": f"{rate} / h"}
    scenario = funnel(
        stages, {}, horizon="84 d", warm_up="1 d", sources=sources, teams={"team": {"seats": 1}}
    )
    log = simulate(scenario, seed=5)
    rates, means, cvs = (np.array(column, float) for column in zip(*classes.values(), strict=True))
    expected = cobham_waits(rates / 60, means, means**2 * (1 + cvs**2))
    for name, mean in zip(classes, expected, strict=True):
        assert_mean(batch_means(settled_waits(log, name) / MINUTE), mean, detectable=0.25 * mean)


@fails_on("leads come in twos", "work 5 % longer")
def test_two_queues_in_a_row():
    """Burke: what leaves M/M/2 is Poisson, and the next queue is M/M/1 of its own.

    Detects a 30 % change of the variance of departures, 0.03 in the distribution of the
    gaps between them, and 30 % of the mean waits.
    """
    twice = {**EXPONENTIAL, "mean": "2 min"}
    stages = {
        "first": {"efforts": {"it": {"team": "a", "duration": twice}}, "next": "second"},
        "second": {"efforts": {"it": {"team": "b", "duration": EXPONENTIAL}}},
    }
    teams = {"a": {"seats": 2}, "b": {"seats": 1}}
    log = simulate(funnel(stages, "40 / h", horizon="80 d", warm_up="1 d", teams=teams), seed=6)
    left = log.visits.loc[log.visits["stage"] == "second", "entered_at"].sort_values()
    start, end = instants(log)
    times = left.astype("int64").to_numpy()
    times = times[times >= start]
    hourly = np.histogram(times, np.arange(start, end + 1, 3600 * 10**6))[0]
    assert_counts_are_poisson(hourly, detectable=0.3)
    gaps = np.diff(times) / (MINUTE * 1e6)
    assert_distribution(gaps, stats.expon(scale=1.5).cdf, detectable=0.03)
    assert_uncorrelated(gaps[:-1], gaps[1:], detectable=0.04)
    for stage, load, seats, mean in (("first", 4 / 3, 2, 2), ("second", 2 / 3, 1, 1)):
        expected = mean_wait(load, seats) * mean
        waits = batch_means(settled_waits(log, stage) / MINUTE, 100)
        assert_mean(waits, expected, detectable=0.3 * expected)
