"""Calendars and teams."""

from __future__ import annotations

from functools import cache

from hypothesis import strategies as st

from tests.strategies.frame import UNLIMITED, Data, Frame, Plain, either

__all__ = ["ZONES", "calendars", "teams"]

ZONES = ("UTC", "Europe/Kyiv", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe")
HOURS = (
    {"mon-fri": "09:00-18:00"},
    {"mon-fri": ["09:00-13:00", "14:00-18:00"], "sat": "10:00-13:00"},
    {"mon-sun": "00:00-24:00"},
    {"mon-sun": "22:00-06:00"},
    {"mon-sun": ["08:00-08:10", "12:30-12:40", "16:00-16:10"]},  # a gate: lets all in at once
    {"mon-sun": "02:00-04:00"},  # where clocks change
    {"tue, thu": ["00:00-12:00", "12:00-24:00"]},
)


@cache
def calendars() -> Plain:
    """Opening hours, some of them where clocks change."""
    optional = {
        "zone": st.sampled_from(ZONES),
        "holidays": st.sampled_from(["PL", "DE-BY", "UA"]),
        "closed": st.sampled_from([["2026-01-07"], ["2026-03-30", "2026-10-26"]]),
    }
    return st.fixed_dictionaries({"hours": st.sampled_from(HOURS)}, optional=optional)


@cache
def teams(frame: Frame, *, unlimited: bool) -> Plain:
    """A team with few seats, or with enough for everybody."""
    optional: dict[str, Plain] = {"at_close": st.sampled_from(["finish", "pause"])}
    calendar = {"calendar": st.sampled_from(frame.calendars)} if frame.calendars else {}
    optional |= calendar
    if unlimited:
        return st.fixed_dictionaries({"seats": st.just(UNLIMITED)}, optional=optional)
    optional |= {
        "shrinkage": st.just(0.3),
        "attrition": st.just(0.99),
        "replaced_after": st.sampled_from(["0 d", "1 d", "1 w"]),
        "cost_per_hour": st.just(250),
    }
    seats = st.sampled_from([1, 2, 1, 3, 4, 2, 0])
    dates: st.SearchStrategy[Data] = st.sampled_from(
        [{}, {"end": frame.day(4)}, {"start": frame.day(1)}, {"start": frame.day(0), "ramp": "3 d"}]
    )
    entry = st.builds(
        dict.__or__, st.fixed_dictionaries({"seats": seats}, optional=calendar), dates
    )
    staff = st.lists(entry, min_size=1, max_size=3)
    return either(
        st.fixed_dictionaries({"seats": seats}, optional=optional),
        st.fixed_dictionaries({"seats": seats}, optional=calendar),
        st.fixed_dictionaries({"staff": staff}, optional=optional),
    )
