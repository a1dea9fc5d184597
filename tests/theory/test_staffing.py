"""Who is there to work: leave, leavers, hires, shifts, zones. False alarm 1e-6 each."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from funnelsim.engine import simulate
from funnelsim.engine.planning import make_plan
from funnelsim.worktime import DAY
from tests.statistical import assert_distribution, assert_mean, assert_share
from tests.theory.bugs import fails_on
from tests.theory.models import funnel

KYIV = "Europe/Kyiv"
OFFICE = {"hours": {"mon-fri": ["09:00-13:00", "14:00-18:00"]}}
ALWAYS = {"hours": {"mon-sun": "00:00-24:00"}}


def staffed(team, *, horizon, start="2026-01-05", zone="UTC", seed=101, replication=0, **parts):
    """A team's seats over time: one row an interval, in local time."""
    stages = {"work": {"efforts": {"it": {"team": "team", "duration": "1 h"}}}}
    parts.setdefault("calendars", {"office": OFFICE, "always": ALWAYS})
    scenario = funnel(
        stages, "1 / w", horizon=horizon, start=start, time_zone=zone, teams={"team": team}, **parts
    )
    rows = simulate(scenario, seed=seed, replication=replication).meta.teams[0].staffed
    frame = pd.DataFrame([(row.start, row.end, row.seats) for row in rows], columns=["a", "b", "n"])
    for column in ("a", "b"):
        frame[column] = pd.to_datetime(frame[column], utc=True).dt.tz_convert(zone)
    return frame


def shifts(frame):
    """As a planner would note them: day and hours, seats."""
    return [f"{a:%m-%d %H:%M}-{b:%H:%M} {n}" for a, b, n in frame.itertuples(index=False)]


def at(frame, moments):
    """Seats at some instants."""
    seats = np.zeros(len(moments), int)
    for a, b, n in frame.itertuples(index=False):
        seats[(moments >= a) & (moments < b)] = n
    return seats


# --- luck ----------------------------------------------------------------------------------------


@fails_on("nobody is ever on leave", "leave is taken by the shift")
def test_leave():
    """Seats taken on a day are binomial(8, 0.8): detects 0.15 of the distribution, 4 points.

    Whoever is away is away all day, before lunch and after, and the next day is another.
    """
    team = {"seats": 8, "calendar": "office", "shrinkage": 0.2}
    frame = staffed(team, horizon="208 w")
    days = pd.date_range("2026-01-05", periods=208 * 7, freq="D", tz="UTC")
    days = days[days.day_of_week < 5]
    morning, evening = (at(frame, days + pd.Timedelta(hours=h)) for h in (10, 17))
    assert (morning == evening).all()
    assert_share(int(morning.sum()), 8 * len(days), 0.8, detectable=0.04)
    assert_distribution(morning, stats.binom(8, 0.8).cdf, detectable=0.15)
    assert_mean((morning[1:] - 6.4) * (morning[:-1] - 6.4), 0, detectable=0.4)


@fails_on("leavers are counted by the year's share", "nobody ever leaves")
def test_attrition_is_the_share_of_a_year():
    """Of 4000 people 40 % are gone after 365.25 days: detects 7 points, also half-way."""
    team = {"seats": 4000, "calendar": "always", "attrition": 0.4, "replaced_after": "200 w"}
    frame = staffed(team, horizon="54 w")
    start = pd.Timestamp("2026-01-05", tz="UTC")
    for share in (0.5, 1):
        there = int(at(frame, np.array([start + share * pd.Timedelta(days=365.25)]))[0])
        assert_share(there, 4000, 0.6**share, detectable=0.07)


@fails_on("nobody ever leaves", "seats of leavers are filled at once")
def test_vacancies_are_filled_in_time():
    """Exponential time there, eight weeks empty, again: the share there, from renewals.

    Detects 8 points. P(there at t) = e^-rt + the chance that the last hire came and stayed;
    solved on a grid of days.
    """
    rate = -np.log1p(-0.6) / 365.25
    empty = 56
    there = np.ones(729)
    for day in range(1, len(there)):  # d/dt = -r p(t) + r p(t - 56)
        back = there[day - 1 - empty] if day > empty else 0.0
        there[day] = there[day - 1] + rate * (back - there[day - 1])
    team = {"seats": 1500, "calendar": "always", "attrition": 0.6, "replaced_after": "8 w"}
    frame = staffed(team, horizon="104 w")
    start = pd.Timestamp("2026-01-05", tz="UTC")
    for day in (50, 300, 700):
        seats = int(at(frame, np.array([start + pd.Timedelta(days=day)]))[0])
        assert_share(seats, 1500, there[day], detectable=0.08)


# --- plans ---------------------------------------------------------------------------------------


@fails_on("one seat more")
def test_hires_become_productive_one_after_another():
    """Four over four weeks: each adds a seat at the end of a quarter of the ramp."""
    staff = [{"seats": 4, "calendar": "always", "start": "2026-01-12", "ramp": "4 w"}]
    frame = staffed({"staff": staff}, horizon="8 w")
    steps = [(f"{a:%m-%d}", n) for a, n in zip(frame["a"], frame["n"], strict=True)]
    assert steps == [("01-19", 1), ("01-26", 2), ("02-02", 3), ("02-09", 4)]


@fails_on("one seat more")
def test_entries_add_up():
    """Shifts that overlap, a hire in the middle, somebody who leaves on the last day."""
    early, late = ({"hours": {"mon-fri": hours}} for hours in ("08:00-14:00", "12:00-18:00"))
    staff = [
        {"seats": 2, "calendar": "early"},
        {"seats": 1, "calendar": "late", "end": "2026-01-07"},
        {"seats": 3, "calendar": "late", "start": "2026-01-06"},
    ]
    frame = staffed(
        {"staff": staff}, horizon="3 d", zone=KYIV, calendars={"early": early, "late": late}
    )
    assert shifts(frame) == [
        "01-05 08:00-12:00 2", "01-05 12:00-14:00 3", "01-05 14:00-18:00 1",
        "01-06 08:00-12:00 2", "01-06 12:00-14:00 6", "01-06 14:00-18:00 4",
        "01-07 08:00-12:00 2", "01-07 12:00-14:00 5", "01-07 14:00-18:00 3",
    ]  # fmt: skip


@fails_on("calendars ignore daylight saving")
def test_two_zones_change_their_clocks_apart():
    """New York changes on 8 March, Kyiv on the 29th: for three weeks the gap is an hour less."""
    hours = {"hours": {"mon-fri": "09:00-17:00"}}
    calendars = {"kyiv": {**hours, "zone": KYIV}, "york": {**hours, "zone": "America/New_York"}}
    staff = [{"seats": 2, "calendar": "kyiv"}, {"seats": 3, "calendar": "york"}]
    frame = staffed(
        {"staff": staff}, horizon="5 w", start="2026-03-02", zone=KYIV, calendars=calendars
    )
    monday = {
        day: [s.removeprefix(f"{day} ") for s in shifts(frame) if s.startswith(day)]
        for day in ("03-02", "03-09", "03-30")
    }
    winter = ["09:00-16:00 2", "16:00-17:00 5", "17:00-00:00 3"]
    between = ["09:00-15:00 2", "15:00-17:00 5", "17:00-23:00 3"]
    assert monday == {"03-02": winter, "03-09": between, "03-30": winter}


def test_first_and_last_days_are_those_of_the_calendars_zone():
    """Two days in New York, seen from Kyiv."""
    shop = {"zone": "America/New_York", "hours": {"mon-sun": "09:00-20:00"}}
    staff = [{"seats": 1, "calendar": "shop", "start": "2026-01-07", "end": "2026-01-09"}]
    frame = staffed({"staff": staff}, horizon="1 w", zone=KYIV, calendars={"shop": shop})
    assert shifts(frame) == ["01-07 16:00-03:00 1", "01-08 16:00-03:00 1"]


def test_calendars_of_staff_are_in_use():
    """The check does not call them idle."""
    staff = [{"seats": 1, "calendar": "office"}]
    stages = {"work": {"efforts": {"it": {"team": "team", "duration": "1 h"}}}}
    scenario = funnel(
        stages, "1 / w", horizon="4 w", teams={"team": {"staff": staff}},
        calendars={"office": OFFICE, "spare": OFFICE},
    )  # fmt: skip
    idle = [f.path for f in scenario.check() if f.message == "nobody uses it"]
    assert idle == ["calendars.spare"]


def test_one_seat_more_changes_nobody_elses_leave():
    """Luck belongs to the seat: what is added is 0 or 1 at every moment."""
    team = {"calendar": "always", "shrinkage": 0.3, "attrition": 0.5, "replaced_after": "4 w"}
    few, more = (staffed({**team, "seats": n}, horizon="26 w") for n in (5, 6))
    moments = pd.date_range("2026-01-05", periods=26 * 7, freq="D", tz="UTC")
    assert set(at(more, moments) - at(few, moments)) == {0, 1}


# --- never more at work than seats ---------------------------------------------------------------

CHANGES = {
    "fewer": {"start": "2026-01-12", "set": {"teams.team.seats": 2}},
    "more": {"start": "2026-01-19", "set": {"teams.team.seats": {"times": 3}}},
}


@fails_on("one seat more")
def test_seats_are_never_exceeded():
    """Whenever work starts there is a seat for it; fewer seats take no work away.

    Leave, leavers, and dates on which seats change; work goes on after closing.
    """
    team = {"seats": 5, "calendar": "office", "shrinkage": 0.2, "attrition": 0.5}
    stages = {"work": {"efforts": {"it": {"team": "team", "duration": {"mean": "3 h"}}}}}
    scenario = funnel(
        stages, "60 / d", horizon="4 w", calendars={"office": OFFICE},
        teams={"team": team}, changes=CHANGES,
    )  # fmt: skip
    log = simulate(scenario, seed=102)
    assert (make_plan(scenario).epochs[1].start - make_plan(scenario).start) == 7 * DAY
    rows = [(row.start, row.end, row.seats) for row in log.meta.teams[0].staffed]
    frame = pd.DataFrame(rows, columns=["a", "b", "n"])
    weeks = (pd.to_datetime(frame["a"], utc=True).dt.day - 5) // 7
    assert frame["n"].groupby(weeks).max().tolist()[:3] == [5, 2, 6]
    work = log.efforts.dropna(subset="started_at").sort_values("started_at")
    started = work["started_at"].to_numpy()
    ended = np.sort(work["ended_at"].dropna().to_numpy())
    busy = np.searchsorted(started, started, "right") - np.searchsorted(ended, started, "right")
    seats = at(frame, work["started_at"].reset_index(drop=True))
    assert len(work) > 150
    assert (busy <= seats).all()
    assert (busy == seats).mean() > 0.5, "there is always somebody waiting"
    assert (work["ended_at"] - work["started_at"]).dropna().min() > pd.Timedelta(0)
