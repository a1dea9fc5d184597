"""Moments of the calendar that a stage waits for: read, found, and kept by the engine."""

from __future__ import annotations

import pandas as pd
import pytest
from pydantic import ValidationError

from funnelsim.engine import simulate
from funnelsim.errors import ScenarioError
from funnelsim.scenarios.moment import parse_moment
from funnelsim.scenarios.scenario import Scenario

KYIV = "Europe/Kyiv"
OFFICE = {"hours": {"mon-fri": "09:00-18:00"}, "closed": ["2026-01-01", "2026-01-02"]}


def readied(until, arrivals, *, zone=KYIV, horizon="17 w", **parts):
    """When a stage with this moment is ready, for leads that arrive at local times."""
    stage = {"until": until, "next": "gone"} | parts.pop("stage", {})
    scenario = Scenario.model_validate(
        {
            "funnelsim": 1,
            "name": "moments",
            "time_zone": zone,
            "run": {"start": arrivals[0][:10], "horizon": horizon},
            "calendars": {"office": OFFICE},
            "sources": {"web": {"stage": "wait", "replay": arrivals}},
            "stages": {"wait": stage, "gone": {}},
        }
        | parts
    )
    visits = simulate(scenario, seed=1).visits
    ready = visits.loc[visits["stage"] == "wait", "ready_at"].sort_values().dt.tz_convert(zone)
    return [f"{at:%Y-%m-%d %H:%M}" for at in ready.dropna()]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("opening", "opening"),
        ("Mon 9:00", "mon 09:00"),
        (" every day 17:30 ", "every day 17:30"),
        ("day 31", "day 31"),
        ("first business day 08:15", "first business day 08:15"),
        ("last business day", "last business day"),
    ],
)
def test_moments_are_read_and_written(text, written):
    moment = parse_moment(text)
    assert str(moment) == written
    assert parse_moment(written) == moment


@pytest.mark.parametrize(
    "text",
    ["", "monday", "day 0", "day 32", "mon 25:00", "opening 09:00", "second business day", 9],
)
def test_what_is_no_moment_says_what_is_one(text):
    stage = {"until": text, "next": "gone"}
    with pytest.raises(ValidationError, match=r"not a moment|not a time of day"):
        Scenario.model_validate(
            {
                "funnelsim": 1,
                "name": "moments",
                "run": {"start": "2026-01-05", "horizon": "1 w"},
                "sources": {"web": {"stage": "wait", "rate": "1 / d"}},
                "stages": {"wait": stage, "gone": {}},
            }
        )


# (moment, local arrivals, local times at which the wait is over)
MOMENTS = [
    (  # at the moment itself nobody waits; a microsecond later a week
        "mon 09:00",
        ["2026-01-05T09:00", "2026-01-05T09:00:00.000001", "2026-01-11T23:00"],
        ["2026-01-05 09:00", "2026-01-12 09:00", "2026-01-12 09:00"],
    ),
    (  # by the wall clock, although the night in between is an hour shorter
        "every day 09:00",
        ["2026-03-28T10:00", "2026-03-29T08:59"],
        ["2026-03-29 09:00", "2026-03-29 09:00"],
    ),
    (  # short months have the day at their end
        "day 31",
        ["2026-01-31T00:01", "2026-03-01T12:00", "2026-04-01T12:00"],
        ["2026-02-28 00:00", "2026-03-31 00:00", "2026-04-30 00:00"],
    ),
    (
        "day 29",
        ["2028-01-30T00:00", "2028-03-01T00:00"],
        ["2028-02-29 00:00", "2028-03-29 00:00"],
    ),
    (  # closed on 1 and 2 January, then a weekend
        "first business day 10:00",
        ["2025-12-20T12:00", "2026-01-05T10:01"],
        ["2026-01-05 10:00", "2026-02-02 10:00"],
    ),
    (  # 31 January and 28 February are Saturdays
        "last business day",
        ["2026-01-05T00:00", "2026-01-30T00:00", "2026-01-30T00:01"],
        ["2026-01-30 00:00", "2026-01-30 00:00", "2026-02-27 00:00"],
    ),
    (  # at once while open; at closing time it is closed
        "opening",
        ["2026-01-05T08:00", "2026-01-05T12:34", "2026-01-09T18:00"],
        ["2026-01-05 09:00", "2026-01-05 12:34", "2026-01-12 09:00"],
    ),
]


@pytest.mark.parametrize(("until", "arrivals", "over"), MOMENTS)
def test_everyone_waits_for_the_next_moment(until, arrivals, over):
    assert readied(until, arrivals, stage={"calendar": "office"}) == over


def test_the_moment_follows_the_delay():
    """First two days of thinking, then Monday morning."""
    stage = {"delay_before": "2 d"}
    assert readied("mon 09:00", ["2026-01-09T10:00", "2026-01-10T10:00"], stage=stage) == [
        "2026-01-12 09:00",
        "2026-01-19 09:00",
    ]


def test_business_days_are_those_of_the_stages_calendar():
    """Left out: the scenario's. In another zone: its own dates and times of day."""
    arrivals = ["2026-02-01T12:00"]
    assert readied("first business day", arrivals, calendar="office") == ["2026-02-02 00:00"]
    shop = {"hours": {"sat-sun": "10:00-14:00"}, "zone": "America/New_York"}
    got = readied(
        "first business day 10:00", arrivals, calendars={"shop": shop}, stage={"calendar": "shop"}
    )
    assert got == ["2026-02-01 17:00"]


def test_a_moment_after_the_end_is_never_reached():
    assert readied("day 20", ["2026-01-05T12:00"], horizon="2 w") == []


def test_a_time_out_does_not_wait_for_the_moment():
    stage = {"timeout": {"after": "1 d", "to": "late"}}
    stages = {"wait": {"until": "mon 09:00", "next": "gone"} | stage, "gone": {}, "late": {}}
    arrivals = ["2026-01-10T09:00", "2026-01-11T09:00", "2026-01-11T10:00"]
    scenario = Scenario.model_validate(
        {
            "funnelsim": 1,
            "name": "moments",
            "run": {"start": "2026-01-05", "horizon": "2 w"},
            "sources": {"web": {"stage": "wait", "replay": arrivals}},
            "stages": stages,
        }
    )
    visits = simulate(scenario, seed=1).visits
    assert visits.loc[visits["stage"] == "wait", "exit"].tolist() == ["timed_out", "moved", "moved"]
    left = visits.loc[visits["stage"] == "wait", "left_at"]
    assert left.iloc[0] == pd.Timestamp("2026-01-11T09:00", tz="UTC")


@pytest.mark.parametrize("until", ["opening", "first business day", "last business day 12:00"])
def test_business_days_need_a_calendar(until):
    with pytest.raises(ScenarioError, match=r"stages\.wait\.until: is in business time"):
        readied(until, ["2026-01-05T12:00"])
    scenario = Scenario.model_validate(
        {
            "funnelsim": 1,
            "name": "moments",
            "run": {"start": "2026-01-05", "horizon": "1 w"},
            "sources": {"web": {"stage": "wait", "rate": "1 / d"}},
            "stages": {"wait": {"until": until, "next": "gone"}, "gone": {}},
        }
    )
    errors = [f.path for f in scenario.check() if f.severity == "error"]
    assert errors == ["stages.wait.until"]
