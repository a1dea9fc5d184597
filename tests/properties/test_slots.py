"""Slots by local wall time: whatever the zone does to its clocks, each comes exactly once."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import holidays
from hypothesis import given
from hypothesis import strategies as st

from funnelsim.scheduling.schedules import Schedule
from funnelsim.scheduling.slots import instant_of, next_slots, slots_between

# Half an hour of summer time, a day left out, offsets of 45 minutes, changes at midnight,
# summer time that goes backwards in winter.
ZONES = (
    "Europe/Kyiv",
    "Europe/London",
    "Europe/Dublin",
    "America/New_York",
    "America/Santiago",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "Africa/Casablanca",
    "UTC",
)
CRONS = ("30 3 * * *", "0 7 * * 1", "*/20 0-4 * * *", "0 0 * * *", "15 2 1,15 * *", "30 1 * * 0")
FIRST, LAST = datetime(2011, 1, 1), datetime(2031, 1, 1)  # noqa: DTZ001 - wall times
moments = st.datetimes(FIRST, LAST, timezones=st.just(UTC))
schedules = st.builds(
    Schedule,
    cron=st.sampled_from(CRONS),
    zone=st.sampled_from(ZONES),
)
spans = st.integers(min_value=1, max_value=60 * 24 * 400).map(lambda n: timedelta(minutes=n))


@given(schedules, moments, spans)
def test_every_wall_time_is_one_slot(schedule, after, length):
    until = after + length
    found = list(slots_between(schedule, after, until))
    zone = ZoneInfo(schedule.zone)
    assert len({slot.key for slot in found}) == len(found)
    assert all(after < slot.instant <= until for slot in found)
    # Counted without instants: wall times that surely lie inside are all there.
    first = after.astimezone(zone).replace(tzinfo=None) + timedelta(days=2)
    last = until.astimezone(zone).replace(tzinfo=None) - timedelta(days=2)
    assert set(schedule.walls(first, last)) <= {slot.wall for slot in found}


@given(schedules, moments, st.lists(spans, min_size=2, max_size=6))
def test_it_does_not_matter_when_one_looks(schedule, after, steps):
    """Looked for piece by piece, as the runner does, none is lost and none comes twice."""
    times = [after]
    for step in steps:
        times.append(times[-1] + step / 10)
    pieces = [slot for a, b in pairwise(times) for slot in slots_between(schedule, a, b)]
    assert sorted(pieces) == list(slots_between(schedule, times[0], times[-1]))


@given(st.sampled_from(ZONES), st.datetimes(FIRST, LAST))
def test_a_wall_time_runs_when_it_is_first_shown_or_just_skipped(name, wall):
    wall, zone = wall.replace(microsecond=0), ZoneInfo(name)
    instant = instant_of(wall, zone)
    shown = instant.astimezone(zone).replace(tzinfo=None)
    before = (instant - timedelta(seconds=1)).astimezone(zone).replace(tzinfo=None)
    if shown == wall:  # the first of two, where there are two
        earlier = instant - timedelta(hours=3)
        steps = (earlier + timedelta(minutes=n) for n in range(180))
        assert all(step.astimezone(zone).replace(tzinfo=None) != wall for step in steps)
    else:  # one second before, the clock was not there yet; now it is past it
        assert before < wall < shown


@given(schedules, moments)
def test_the_next_slot_is_the_first_that_is_due(schedule, after):
    (coming,) = next_slots(schedule, after)
    assert next(iter(slots_between(schedule, after, coming.instant))) == coming


def test_the_two_nights_when_clocks_change():
    nightly = Schedule(cron="30 3 * * *", zone="Europe/Kyiv")
    autumn = list(
        slots_between(
            nightly, datetime(2026, 10, 24, tzinfo=UTC), datetime(2026, 10, 27, tzinfo=UTC)
        )
    )
    assert [slot.key[-8:] for slot in autumn] == ["24T03:30", "25T03:30", "26T03:30"]
    assert [slot.instant.hour for slot in autumn] == [0, 0, 1]
    spring = list(
        slots_between(nightly, datetime(2026, 3, 28, tzinfo=UTC), datetime(2026, 3, 31, tzinfo=UTC))
    )
    told = [f"{slot.key[-8:]} {slot.instant:%H:%M}" for slot in spring]
    assert told == ["28T03:30 01:30", "29T03:30 01:00", "30T03:30 00:30"]


def test_a_day_that_an_island_left_out_is_made_up_for():
    daily = Schedule(cron="0 7 * * *", zone="Pacific/Apia")
    around = datetime(2011, 12, 29, tzinfo=UTC), datetime(2011, 12, 31, 12, tzinfo=UTC)
    told = [f"{slot.key[5:]} {slot.instant:%d %H:%M}" for slot in slots_between(daily, *around)]
    assert told == ["12-29T07:00 29 17:00", "12-30T07:00 30 10:00", "12-31T07:00 30 17:00"]


@given(st.sampled_from(("first", "last")), st.integers(2012, 2030))
def test_business_days_are_counted_with_the_country_s_holidays(which, year):
    words = f"{which} business day of the month 07:00"
    told = {"every": words, "zone": "Europe/London", "holidays": "GB"}
    schedule = Schedule.model_validate(told)
    year_long = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    found = [slot.wall for slot in slots_between(schedule, *year_long)]
    free = holidays.country_holidays("GB", years=year)
    day, expected = date(year, 1, 1), dict[int, date]()
    while day.year == year:
        if day.weekday() < 5 and day not in free:
            expected.setdefault(day.month, day)
            if which == "last":
                expected[day.month] = day
        day += timedelta(days=1)
    assert found == [datetime.combine(day, time(7)) for day in expected.values()]
