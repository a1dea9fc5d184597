"""Nobody works when the team is away, and never more people than there are seats."""

from __future__ import annotations

import numpy as np
import pandas as pd

from funnelsim.engine import simulate
from tests.theory.bugs import fails_on
from tests.theory.models import funnel

ZONE = "Europe/Warsaw"
EASTER = {"2026-04-05", "2026-04-06", "2026-04-07"}  # Sunday, Monday, and closed by the firm
OFFICE = {
    "zone": ZONE,
    "hours": {"mon-fri": ["09:00-13:00", "14:00-18:00"], "sat": "10:00-14:00"},
    "holidays": "PL",
    "closed": ["2026-04-07"],
}
NIGHT = {"zone": ZONE, "hours": {"mon-sun": "22:00-06:00"}}


def office_and_night():
    stages = {
        "office": {
            "efforts": {"it": {"team": "office", "duration": {"mean": "50 min"}}},
            "delay_after": "2 h",
            "next": "night",
        },
        "night": {"efforts": {"it": {"team": "night", "duration": {"mean": "40 min"}}}},
    }
    teams = {
        "office": {"seats": 3, "calendar": "office", "at_close": "pause"},
        "night": {"seats": 3, "calendar": "night"},
    }
    calendars = {"office": OFFICE, "night": NIGHT}
    scenario = funnel(
        stages, "24 / d", start="2026-03-16", horizon="5 w", time_zone="Europe/Kyiv",
        teams=teams, calendars=calendars,
    )  # fmt: skip
    return simulate(scenario, seed=41).efforts.dropna(subset="started_at")


def office_is_open(local: pd.Series):
    """By the wall clock in Warsaw."""
    hour = local.dt.hour + local.dt.minute / 60
    split = hour.between(9, 13, "left") | hour.between(14, 18, "left")
    shift = np.where(local.dt.day_of_week == 5, hour.between(10, 14, "left"), split)
    return shift & (local.dt.day_of_week < 6) & ~local.dt.strftime("%F").isin(EASTER)


@fails_on("the team closes an hour late", "calendars ignore daylight saving")
def test_nobody_starts_outside_opening_hours():
    work = office_and_night()
    started = work["started_at"].dt.tz_convert(ZONE)
    office, night = (started[work["team"] == team] for team in ("office", "night"))
    assert len(office) > 500
    assert len(night) > 500
    assert office_is_open(office).all()
    assert ((night.dt.hour >= 22) | (night.dt.hour < 6)).all()


@fails_on("one seat more", "closing never pauses work")
def test_seats_are_enough_for_all_at_work():
    """The team that pauses has nobody's work end while it is closed; the other does."""
    work = office_and_night()
    for team in ("office", "night"):
        rows = work[work["team"] == team]
        assert at_once(rows["started_at"], rows["ended_at"]).max() == 3
    ended = work.dropna(subset="ended_at").set_index("team")["ended_at"].dt.tz_convert(ZONE)
    a_moment_before = ended - pd.Timedelta(microseconds=1)
    assert office_is_open(a_moment_before.loc["office"]).all()
    overtime = a_moment_before.loc["night"].dt.hour.between(6, 21)
    assert overtime.any()


def at_once(started: pd.Series, ended: pd.Series):
    """People at work after every change; work that ends makes room first."""
    end = ended.fillna(pd.Timestamp.max.tz_localize("UTC").as_unit("us"))
    changes = pd.DataFrame(
        {"at": pd.concat([started, end]), "by": np.repeat([1, -1], len(started))}
    )
    return changes.sort_values(["at", "by"])["by"].cumsum()
