"""Durations with units; calendars against a count minute by minute."""

from __future__ import annotations

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from funnelsim.worktime import (
    DAY,
    FAR,
    HOUR,
    MINUTE,
    SECOND,
    WEEK,
    Duration,
    WorkTime,
    add_months,
    from_instant,
    open_hours,
    parse_duration,
    plain_number,
    to_instant,
)

KYIV = "Europe/Kyiv"


def at(*parts: int, zone: str = KYIV) -> int:
    return to_instant(datetime(*parts, tzinfo=ZoneInfo(zone)))  # type: ignore[arg-type,misc]


def opened(hours, start, end, zone=KYIV, closed=()):
    return open_hours(hours, zone, closed, start, end)


# --- durations ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [
        ("30 s", 30 * SECOND),
        ("90min", 90 * MINUTE),
        (" 4 h ", 4 * HOUR),
        ("1.5 d", 1.5 * DAY),
        ("2 w", 2 * WEEK),
        ("3 bh", 3 * HOUR),
        ("2 bd", 2 * 8 * HOUR),
        ("0 d", 0),
        ("1e3 s", 1000 * SECOND),
    ],
)
def test_durations_are_read(text, microseconds):
    assert parse_duration(text).microseconds(8 * HOUR) == microseconds


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (4, "4 has no unit. .* for example '4 d'"),
        (2.5, "2.5 has no unit"),
        ("4", "not a duration"),
        ("4 hours", "not a duration. Write a number and a unit: s, min, h, d, w"),
        ("h", "not a duration"),
        ("-3 d", "'-3 d' is negative; a duration is 0 or more"),
        (-3, "has no unit"),
        ("4,5 h", "not a duration"),
        ("nan h", "not a duration"),
        ("1e99 d", "longer than 1000 years"),
        ("20000 mo", "longer than 1000 years"),
        ("1.5 mo", "whole numbers"),
        (None, "not a duration"),
        (True, "not a duration"),
        ([4], "not a duration"),
    ],
)
def test_what_is_no_duration_is_refused_with_the_value(value, message):
    with pytest.raises(ValueError, match=message):
        parse_duration(value)


@given(st.floats(0, 1e6), st.sampled_from(["s", "min", "h", "d", "bh", "bd"]))
def test_a_duration_is_written_as_it_is_read(amount, unit):
    duration = Duration(amount, unit)
    assume(duration.microseconds(DAY) < 1000 * 365 * DAY)
    assert parse_duration(str(duration)) == duration


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_written_so_that_it_reads_back(number):
    assert float(plain_number(number)) == number
    assert not plain_number(number).endswith(".0")


# --- months ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        ((2027, 1, 31), 1, (2027, 2, 28)),
        ((2028, 1, 31), 1, (2028, 2, 29)),
        ((2028, 2, 29), 12, (2029, 2, 28)),
        ((2026, 12, 15), 1, (2027, 1, 15)),
        ((2026, 3, 31), -1, (2026, 2, 28)),
        ((2026, 1, 31), -2, (2025, 11, 30)),
    ],
)
def test_months_end_where_months_end(start, months, end):
    assert add_months(at(*start, 9), months, KYIV) == at(*end, 9)


def test_months_keep_the_wall_clock_when_clocks_change():
    assert add_months(at(2026, 3, 15, 9), 1, KYIV) - at(2026, 3, 15, 9) == 31 * DAY - HOUR


# --- calendars ------------------------------------------------------------------------------

shifts = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 20)), max_size=6)


@given(shifts, st.integers(-10, 90), st.integers(-10, 90), st.integers(0, 60))
def test_work_time_counts_what_a_clock_would_count(gaps, start, end, work):
    """Against a loop over unit steps; no chance in it, so no false alarms."""
    opens, closes, here = [], [], 0
    for gap, length in gaps:
        opens.append(here + gap)
        closes.append(here + gap + length)
        here = closes[-1] + 1
    clock = WorkTime(opens, closes, 8)
    spans = list(zip(opens, closes, strict=True))

    def is_open(t: int) -> bool:
        return any(o <= t < c for o, c in spans)

    if start <= end:
        assert clock.between(start, end) == sum(is_open(t) for t in range(start, end))
    upcoming = [t for t in range(start, 400) if is_open(t)]
    assert clock.next_open(start) == (upcoming[0] if upcoming else FAR)
    expected = start if work == 0 else (upcoming[work - 1] + 1 if work <= len(upcoming) else FAR)
    assert clock.add(start, work) == expected


def test_opening_hours_of_a_week():
    week = {day: [(time(9), time(13)), (time(14), time(18))] for day in range(5)}
    work = opened(week, at(2026, 3, 2), at(2026, 3, 9))
    assert len(work.opens) == 10
    assert work.business_day == 8 * HOUR
    assert work.between(at(2026, 3, 2), at(2026, 3, 9)) == 40 * HOUR
    assert work.add(at(2026, 3, 6, 17), 2 * HOUR) == FAR  # nothing is known behind the end
    assert work.add(at(2026, 3, 3, 17), 2 * HOUR) == at(2026, 3, 4, 10)
    assert work.add(at(2026, 3, 3, 12), HOUR) == at(2026, 3, 3, 13)  # ends at closing


@pytest.mark.parametrize(("day", "hours"), [((2026, 3, 29), 23), ((2026, 10, 25), 25)])
def test_days_on_which_clocks_change_are_shorter_or_longer(day, hours):
    always = {day: [(time(0), time(0))] for day in range(7)}
    following = (day[0], day[1], day[2] + 1)
    work = opened(always, at(*day), at(*following))
    assert work.between(at(*day), at(*following)) == hours * HOUR


def test_opening_keeps_the_wall_clock_when_clocks_change():
    daily = {day: [(time(9), time(17))] for day in range(7)}
    work = opened(daily, at(2026, 3, 28), at(2026, 3, 31))
    local = [from_instant(t, KYIV).strftime("%d %H:%M") for t in (*work.opens, *work.closes)]
    assert local == ["28 09:00", "29 09:00", "30 09:00", "28 17:00", "29 17:00", "30 17:00"]
    assert work.opens[1] - work.opens[0] == 23 * HOUR


def test_a_night_shift_runs_past_midnight_and_begins_before_the_window():
    nights = {0: [(time(22), time(6))]}
    work = opened(nights, at(2026, 3, 3), at(2026, 3, 10))
    assert [from_instant(t, KYIV).strftime("%a %H:%M") for t in work.opens] == [
        "Tue 00:00",
        "Mon 22:00",
    ]
    assert from_instant(work.closes[0], KYIV).strftime("%a %H:%M") == "Tue 06:00"
    assert work.closes[1] == at(2026, 3, 10)  # cut at the end of the window


def test_on_a_closed_date_no_shift_begins():
    nights = {day: [(time(22), time(6))] for day in range(7)}
    work = opened(nights, at(2026, 3, 2), at(2026, 3, 6), closed={date(2026, 3, 3)})
    starts = [from_instant(t, KYIV).strftime("%a %H") for t in work.opens]
    assert starts == ["Mon 00", "Mon 22", "Wed 22", "Thu 22"]


def test_touching_shifts_are_one():
    work = opened({0: [(time(9), time(13)), (time(13), time(17))]}, at(2026, 3, 2), at(2026, 3, 3))
    assert len(work.opens) == 1
    assert work.business_day == 8 * HOUR


def test_a_business_day_is_the_mean_of_days_that_open():
    hours = {0: [(time(9), time(17))], 5: [(time(10), time(14))], 6: []}
    assert opened(hours, at(2026, 3, 2), at(2026, 3, 9)).business_day == 6 * HOUR


def test_another_zone_opens_at_another_instant():
    hours = {0: [(time(9), time(17))]}
    start, end = at(2026, 3, 1, zone="UTC"), at(2026, 3, 8, zone="UTC")
    kyiv, minsk = (open_hours(hours, zone, (), start, end) for zone in (KYIV, "Europe/Minsk"))
    assert kyiv.opens[0] - minsk.opens[0] == HOUR
