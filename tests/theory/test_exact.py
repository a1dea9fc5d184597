"""Laws that hold lead by lead and microsecond by microsecond: compared with ``==``.

Lindley (one seat) and Kiefer–Wolfowitz (several): whoever is next in line starts when
the first seat is free and the team is open. And Little's law on a drained run: the mean
number inside × time = the sum of all stays, the one side counted by an observer of the
running model, the other read from the log.
"""

from __future__ import annotations

import heapq
from collections import Counter
from unittest import mock

import numpy as np
import pandas as pd
import pytest
import simpy

from funnelsim.engine import reference, simulate
from funnelsim.engine.arrivals import arrivals
from funnelsim.engine.logs import _lead_ids
from funnelsim.engine.planning import make_plan
from funnelsim.streams import Stream
from funnelsim.worktime import FAR
from tests.theory.bugs import fails_on
from tests.theory.models import funnel

SEED = 11
OFFICE = {"hours": {"mon-fri": ["09:00-13:00", "14:00-18:00"]}, "zone": "Europe/Kyiv"}
GATE = {"hours": {"mon-sun": ["08:00-08:10", "12:30-12:40", "16:00-16:10"]}}


def line(seats, duration, calendar=None, at_close="finish"):
    """Leads let in by a gate that opens three times a day, so that dozens come at once."""
    team = {"seats": seats, "at_close": at_close} | ({"calendar": calendar} if calendar else {})
    effort = {"team": "team", "duration": duration}
    stages = {
        "gate": {"delay_before": "20 min", "next": "passed"},
        "passed": {"delay_before": "0.1 bh", "calendar": "gate", "next": "work"},
        "work": {"efforts": {"it": effort}},
    }
    calendars = {"office": OFFICE, "gate": GATE}
    return funnel(
        stages, "40 / d", horizon="12 d", teams={"team": team}, calendars=calendars,
        start="2026-03-23", time_zone="Europe/Kyiv",
    )  # fmt: skip


LINES = {
    "one seat": line(1, {"family": "gamma", "mean": "30 min", "cv": 0.7}),
    "one seat, equal work": line(1, "30 min"),
    "three seats": line(3, {"family": "lognormal", "median": "40 min", "p90": "2 h"}),
    "three seats, two lengths": line(3, {"values": ["30 min", "60 min"]}),
    "office hours": line(4, {"mean": "20 min"}, "office"),
    "office hours, work pauses": line(4, {"mean": "40 min"}, "office", "pause"),
    "no work at all": line(2, "0 min", "office"),
}


@pytest.mark.parametrize("name", LINES)
def test_everyone_starts_when_a_seat_is_free(name):
    _kiefer_wolfowitz(LINES[name])


@fails_on(
    "last come first served",
    "one seat more",
    "ties served by luck of the queue",
    "the team closes an hour late",
    "calendars ignore daylight saving",
    "closing never pauses work",
)
def test_the_recursion_sees_every_wrong_order():
    for scenario in LINES.values():
        _kiefer_wolfowitz(scenario)


def _kiefer_wolfowitz(scenario):
    """Work starts and ends exactly as the recursion says, for every lead."""
    log = simulate(scenario, seed=SEED)
    queued, key, length = _drawn(scenario, log)
    team, plan = scenario.teams["team"], make_plan(scenario)
    office = _opening(team, plan)
    at_work = office if team.at_close == "pause" else [(plan.start, FAR)]
    free = [0] * team.seats
    started = np.zeros(len(queued), np.int64)
    ended = np.zeros(len(queued), np.int64)
    for i in np.lexsort((key, queued)):
        started[i] = max(queued[i], heapq.heappop(free))
        started[i] = next((max(started[i], a) for a, b in office if started[i] < b), FAR)
        ended[i] = _finish(int(started[i]), int(length[i]), at_work)
        heapq.heappush(free, int(ended[i]))
    until = plan.observed_until
    assert len(queued) > 300
    assert (started < until).sum() > 250
    never = np.iinfo(np.int64).min
    assert _micros(log.efforts["started_at"]) == np.where(started < until, started, never).tolist()
    assert _micros(log.efforts["ended_at"]) == np.where(ended < until, ended, never).tolist()


def _drawn(scenario, log):
    """Of each effort in the log: when queued, the lead's key, and the work drawn for it."""
    plan, stream = make_plan(scenario), Stream(SEED)
    leads = arrivals(plan, stream)
    keys = dict(zip(_lead_ids(plan, leads, 0), leads.key.tolist(), strict=True))
    effort = next(stage.efforts[0] for stage in plan.epochs[0].stages if stage.id == "work")
    key = [keys[lead] for lead in log.efforts["lead_id"]]
    length = [effort.duration.length(stream.uniforms(k, effort.place, 0)[0]) for k in key]
    queued = log.efforts["queued_at"].astype("int64").to_numpy()
    return queued, np.array(key, np.uint64), np.array(length)


def _opening(team, plan):
    """The open intervals of the office, from wall clocks alone."""
    if team.calendar is None:
        return [(plan.start, FAR)]
    days = pd.date_range("2026-03-23", "2026-04-03", freq="B")
    hours = [(9, 13), (14, 18)]
    return [
        tuple(
            int((day + pd.Timedelta(hours=h)).tz_localize("Europe/Kyiv").timestamp()) * 10**6
            for h in shift
        )
        for day in days
        for shift in hours
    ]


def _finish(start, length, office):
    """When work is over that goes on only while the office is open."""
    if length == 0:
        return start
    for a, b in office:
        open_from = max(a, start)
        if open_from < b:
            if length <= b - open_from:
                return open_from + length
            length -= b - open_from
    return FAR


def _micros(times: pd.Series):
    """Microseconds since the epoch; the least integer where empty."""
    return times.dt.tz_localize(None).to_numpy().view(np.int64).tolist()


class Watched(reference.Model):
    """The model with an observer who counts, between any two events, who is where."""

    area: Counter[str] = Counter()

    def __init__(self, plan, stream):
        super().__init__(plan, stream)
        self.env = Clock(plan.start, self)
        self.inside = 0
        type(self).area = Counter()

    def lead(self, number):
        self.inside += 1
        yield from super().lead(number)
        self.inside -= 1

    def watch(self, span):
        self.area["inside"] += self.inside * span
        for desk in self.desks:
            self.area["busy"] += desk.busy * span
            self.area["waiting"] += sum(not r.given_up for r in desk.waiting) * span


class Clock(simpy.Environment):
    """Tells the observer how long nothing changed."""

    def __init__(self, start, model):
        super().__init__(start)
        self.model = model

    def step(self):
        self.model.watch(self.peek() - self.now)
        super().step()


BUSY = funnel(
    {
        "call": {
            "efforts": {
                "greet": {"team": "desk", "duration": {"mean": "25 min"}},
                "note": {"team": "back", "duration": "5 min", "priority": 1},
            },
            "delay_after": {"median": "1 h", "p90": "3 h"},
            "timeout": {"after": "4 h", "to": "write"},
            "next": {"advance": "won", "to": {"won": 0.4, "call": 0.3, "lost": 0.3}},
        },
        "write": {
            "efforts": {"letter": {"team": "back", "duration": {"mean": "6 min"}}},
            "next": {"advance": "won", "to": {"won": 0.1, "lost": 0.9}},
        },
        "won": {"marks": "won"},
        "lost": {"marks": "lost"},
    },
    {"rate": "150 / w", "by_weekday": {"mon-fri": 1, "sat-sun": 0}, "by_hour": {"8-16": 1}},
    horizon="7 d",
    teams={"desk": {"seats": 1}, "back": {"seats": 1}},
)


@fails_on("a time-out keeps the seat")
def test_little_on_a_drained_run():
    with mock.patch.object(reference, "Model", Watched):
        log = simulate(BUSY, seed=SEED, engine="reference")
    visits, efforts = log.visits, log.efforts
    assert len(log.leads) > 100
    assert (visits["exit"] != "open").all(), "drained: nobody is left on Sunday night"
    assert (visits["exit"] == "timed_out").sum() > 10
    last = visits.groupby("lead_id")["left_at"].max()
    stays = last - log.leads.set_index("lead_id")["arrived_at"]
    served = efforts.dropna(subset="started_at")
    given_up = efforts[efforts["started_at"].isna()]
    assert len(given_up)
    assert Watched.area == {
        "inside": _total(stays),
        "busy": _total(served["ended_at"] - served["started_at"]),
        "waiting": _total(served["started_at"] - served["queued_at"])
        + _total(given_up["ended_at"] - given_up["queued_at"]),
    }


def _total(lengths: pd.Series):
    return int(lengths.astype("timedelta64[us]").astype("int64").sum())
