"""What holds for every log of the engine, whatever the scenario."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from unittest import mock

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funnelsim import measures
from funnelsim.engine import recording, reference, simulate
from funnelsim.errors import EventLogError
from funnelsim.scenarios.scenario import Scenario
from funnelsim.worktime import to_instant
from tests.features import FEATURES, HAPPENINGS, features, happenings
from tests.sizes import costly
from tests.strategies import SEEDS, scenarios
from tests.theory.bugs import BUGS

FAR = np.iinfo(np.int64).max


def no_lead_is_lost(scenario, log):
    """Entries = exits + open per stage; leads = ended + open; visits without a gap."""
    visits = log.visits
    first, last = visits.groupby("lead_id").head(1), visits.groupby("lead_id").tail(1)
    assert set(first["lead_id"]) == set(log.leads["lead_id"])
    assert first["entered_at"].tolist() == log.leads["arrived_at"].tolist()
    assert last["exit"].isin(["ended", "open"]).all()
    assert len(log.leads) == visits["exit"].isin(["ended", "open"]).sum()
    for stage in scenario.stages:
        there = visits[visits["stage"] == stage]
        entries = (first["stage"] == stage).sum() + (visits["next_stage"] == stage).sum()
        assert (
            entries
            == len(there)
            == there["left_at"].notna().sum() + (there["exit"] == "open").sum()
        )
    following = visits.groupby("lead_id")[["visit", "stage", "entered_at"]].shift(-1)
    moved = visits["next_stage"].notna()
    assert (following["visit"] == visits["visit"] + 1)[moved].all()
    assert (following["stage"] == visits["next_stage"])[moved].all()
    assert (following["entered_at"] == visits["left_at"])[moved].all()


def everything_lies_within_the_run(scenario, log):
    """Nothing at or past the horizon, nothing before the warm-up, all in order."""
    begin, start, end = scenario.run.instants(scenario.time_zone)
    assert (to_instant(log.meta.observed_from), to_instant(log.meta.observed_until)) == (start, end)
    for name, frame in log.tables().items():
        for column in frame.select_dtypes("datetimetz"):
            times = micros(frame[column].dropna())
            late = times <= end if name == "leads" and column == "observed_from" else times < end
            assert late.all(), (name, column)
            assert (times >= begin).all(), (name, column)
    visits = log.visits
    ready = visits["ready_at"].fillna(visits["entered_at"])
    assert (ready >= visits["entered_at"]).all()
    assert (ready <= visits["left_at"].fillna(log.meta.observed_until)).all()
    work = log.efforts.merge(visits, on=["lead_id", "visit"], validate="m:1")
    assert len(work) == len(log.efforts)
    assert (work["queued_at"] >= work["ready_at"]).all()
    done = work["left_at"].notna()
    assert (work["ended_at"] <= work["left_at"])[done].all(), "work ends with the visit at latest"


def stages_keep_their_rules(scenario, log):
    """Time-outs, patience, refusals, routes and marks lead where the scenario says."""
    for key, stage in scenario.stages.items():
        visits = log.visits[log.visits["stage"] == key]
        goes = {how: set(rows["next_stage"].dropna()) for how, rows in visits.groupby("exit")}
        ways = {to for table in tables(stage) for to, share in table.items() if share > 0}
        refused = {stage.refused_to} - {None}
        assert goes.get("moved", set()) <= ways | refused
        assert goes.get("timed_out", set()) <= ({stage.timeout.to} if stage.timeout else set())
        assert goes.get("reneged", set()) <= ({stage.patience.to} if stage.patience else set())
        assert ("ended" in goes) <= (stage.next is None)
        if stage.timeout and stage.timeout.after.clock == "elapsed":
            limit = pd.Timedelta(round(stage.timeout.after.microseconds()), "us")
            stays = visits["left_at"].fillna(log.meta.observed_until) - visits["entered_at"]
            assert (stays <= limit).all()
            assert (stays[visits["exit"] == "timed_out"] == limit).all()
        marks = log.marks.merge(visits, on=["lead_id", "visit"])
        marks = marks[marks["kind"] != "acquired"]
        assert len(marks) == len(visits) * len(stage.marks)
        assert (marks["at"] == marks["entered_at"]).all()
        assert set(marks["kind"]) <= {mark.kind for mark in stage.marks}


def seats_are_used_and_never_exceeded(scenario, log):
    """Work starts only on a free seat, and nobody waits beside one; 0 <= utilisation <= 1."""
    busy = measures.utilisation(log)["value"].dropna()
    assert busy.between(0, 1).all()
    start, end = to_instant(log.meta.observed_from), to_instant(log.meta.observed_until)
    for team in log.meta.teams:
        work = log.efforts[log.efforts["team"] == team.id]
        queued, started, ended = (
            micros(work[column]) for column in ("queued_at", "started_at", "ended_at")
        )
        waits_until = np.minimum(started, ended)
        times = np.unique(np.concatenate([queued, started, ended]))
        times = times[(times >= start) & (times < end)]
        seats = seats_at(team.staffed, times)
        waiting = standing(queued, waits_until, times)
        running = standing(started[started < FAR], ended[started < FAR], times)
        begun = np.isin(times, started[started < ended])
        assert (running <= seats)[begun].all()
        assert (running >= seats)[waiting > 0].all()


def who_comes_first_is_served_first(scenario, log):
    """At each start nobody who waited longer, or with more priority, is passed over."""
    stages = log.visits.set_index(["lead_id", "visit"])["stage"]
    for team in scenario.teams:
        work = log.efforts[log.efforts["team"] == team]
        at = stages.loc[pd.MultiIndex.from_frame(work[["lead_id", "visit"]])]
        priority = np.array(
            [
                scenario.stages[s].efforts[e].priority
                for s, e in zip(at, work["effort"], strict=True)
            ],
            np.int64,
        )
        queued, started, ended = (
            micros(work[column]) for column in ("queued_at", "started_at", "ended_at")
        )
        waits_until = np.minimum(started, ended)
        for i in np.flatnonzero(started < FAR):
            passed = (queued < started[i]) & (waits_until > started[i])
            better = (priority < priority[i]) | ((priority == priority[i]) & (queued < queued[i]))
            assert not (passed & better).any()


def money_is_whole_and_kept(scenario, log):
    """Whole minor units of the one currency; the value of a deal is drawn once."""
    marks = log.marks
    for column in ("value", "cost"):
        assert marks[column].dtype == "Int64"
        assert (marks[column].dropna() >= 0).all()
    assert set(marks["currency"].dropna()) <= {scenario.currency}
    asked: dict[str, set[str]] = {"deal": set(), "own": set()}
    for stage in scenario.stages.values():
        for mark in stage.marks:
            deal = mark.value == "deal" or (mark.value is None and mark.kind == "won")
            asked["deal" if deal else "own"].add(mark.kind)
    of_deals = marks[marks["kind"].isin(asked["deal"] - asked["own"])]
    values = of_deals[["lead_id", "value"]].dropna().drop_duplicates()
    assert values["lead_id"].is_unique


LAWS = {
    law.__name__: law
    for law in (
        no_lead_is_lost,
        everything_lies_within_the_run,
        stages_keep_their_rules,
        seats_are_used_and_never_exceeded,
        who_comes_first_is_served_first,
        money_is_whole_and_kept,
    )
}


@given(scenarios(), SEEDS)
def test_every_log_keeps_the_laws(scenario, seed):
    log = simulate(scenario, seed=seed)
    for law in LAWS.values():
        law(scenario, log)


CROWDED = Scenario.model_validate(
    {
        "funnelsim": 1,
        "name": "crowded",
        "currency": "UAH",
        "run": {"start": "2026-03-27", "horizon": "5 d", "warm_up": "1 d"},
        "time_zone": "Europe/Kyiv",
        "calendars": {"office": {"hours": {"mon-sun": ["09:00-13:00", "14:00-17:00"]}}},
        "teams": {"desk": {"seats": 2, "calendar": "office"}, "back": {"seats": 1}},
        "sources": {
            "web": {"stage": "call", "rate": "60 / d", "by_hour": {"9-13": 1}, "value": 70}
        },
        "stages": {
            "call": {
                "marks": {"kind": "offered", "value": "deal"},
                "efforts": {
                    "talk": {"team": "desk", "duration": {"mean": "12 min"}},
                    "note": {"team": "back", "duration": "5 min", "priority": 1},
                },
                "patience": {"after": {"mean": "5 h"}, "to": "write"},
                "timeout": {"after": "6 h", "to": "write"},
                "next": {"advance": "won", "to": {"won": 0.5, "call": 0.3, "write": 0.2}},
            },
            "write": {
                "efforts": {"letter": {"team": "back", "duration": {"mean": "15 min"}}},
                "timeout": {"after": "20 min", "to": "won"},
                "next": "won",
            },
            "won": {"marks": "won"},
        },
    }
)


@contextmanager
def desk(name, wrong):
    """A desk with one method gone wrong."""
    right = getattr(reference.Desk, name)
    with mock.patch.object(reference.Desk, name, lambda self, *args: wrong(self, right, *args)):
        yield


def lends(self, grant):
    self.seats += bool(self.seats)
    grant(self)
    self.seats -= bool(self.seats)


def dozes(self, _):
    self.busy -= 1


def forgets(self, right, task):
    return right(self, replace(task, effort=replace(task.effort, priority=0)))


@contextmanager
def lost_visits():
    """Every 50th visit is not written down."""
    enter = recording.Recording.enter

    def careless(self, *args):
        row = enter(self, *args)
        if len(self.visits) % 50 == 0:
            self.visits.pop()
        return row

    with mock.patch.object(recording.Recording, "enter", careless):
        yield


@contextmanager
def money_drawn_anew():
    """The value of a deal grows with every mark."""
    mark = recording.Recording.mark

    def generous(self, visit, *args):
        self.arrivals.value[visit.lead] += 1
        mark(self, visit, *args)

    with mock.patch.object(recording.Recording, "mark", generous):
        yield


@pytest.mark.parametrize(
    ("bug", "law"),
    [
        (lambda: desk("grant", lends), "seats_are_used_and_never_exceeded"),
        (lambda: desk("release", dozes), "seats_are_used_and_never_exceeded"),
        (BUGS["a time-out keeps the seat"], "seats_are_used_and_never_exceeded"),
        (BUGS["last come first served"], "who_comes_first_is_served_first"),
        (lambda: desk("request", forgets), "who_comes_first_is_served_first"),
        (BUGS["time-outs an hour late"], "stages_keep_their_rules"),
        (lost_visits, "no_lead_is_lost"),
        (money_drawn_anew, "money_is_whole_and_kept"),
    ],
)
def test_the_laws_see_planted_bugs(bug, law):
    log = simulate(CROWDED, seed=1, engine="reference")  # the bugs are planted in this one
    assert {"timed_out", "reneged"} <= set(log.visits["exit"])
    LAWS[law](CROWDED, log)
    with bug(), pytest.raises((AssertionError, EventLogError)):
        LAWS[law](CROWDED, simulate(CROWDED, seed=1, engine="reference"))


@costly
@given(scenarios(), SEEDS, st.integers(0, 3))
def test_same_seed_same_log_and_another_another(scenario, seed, replication):
    """Another replication as well, wherever leads come at random."""
    log = simulate(scenario, seed=seed, replication=replication)
    assert simulate(scenario, seed=seed, replication=replication).equals(log)
    random = [key for key, source in scenario.sources.items() if source.rate]
    if log.leads["source"].isin(random).sum() < 3:
        return
    for other in (
        simulate(scenario, seed=seed ^ 1, replication=replication),
        simulate(scenario, seed=seed, replication=replication + 1),
    ):
        assert other.leads["arrived_at"].tolist() != log.leads["arrived_at"].tolist()


@pytest.mark.slow
def test_the_scenarios_reach_the_whole_language():
    """What the strategies draw, counted over 300 scenarios: every feature, and ties.

    ``benchmarks/evidence_features.py`` counts more of them; docs/evidence.md has the table.
    """
    seen: Counter[str] = Counter()

    @settings(max_examples=300, database=None)
    @given(scenarios())
    def count(scenario):
        seen["drawn"] += 1
        seen.update(features(scenario))
        if seen["drawn"] % 3 == 0:
            seen.update(happenings(scenario, simulate(scenario, seed=1)))

    count()
    assert sorted((FEATURES | set(HAPPENINGS)) - set(seen)) == []


def tables(stage):
    """The routing tables of a stage."""
    return [stage.next.to, *(case.to for case in stage.next.cases)] if stage.next else []


def micros(times: pd.Series) -> np.ndarray:
    """Microseconds since the epoch; never is far in the future."""
    stamps = times.dt.tz_localize(None).to_numpy().astype("datetime64[us]").view(np.int64)
    return np.where(times.isna(), FAR, stamps)


def standing(since, until, times):
    """How many intervals [since, until) contain each time."""
    return np.searchsorted(np.sort(since), times, "right") - np.searchsorted(
        np.sort(until), times, "right"
    )


def seats_at(staffed, times):
    """Seats at each time, from the log's metadata."""
    seats = np.zeros(len(times), np.int64)
    for interval in staffed:
        inside = (times >= to_instant(interval.start)) & (times < to_instant(interval.end))
        seats[inside] += interval.seats
    return seats
