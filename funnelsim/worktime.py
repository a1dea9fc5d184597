"""Durations with units, and calendars compiled to instants.

All instants are int64 microseconds since the epoch (UTC); all intervals are
``[start, end)``. A duration runs on one of three clocks: *elapsed* time
(``s min h d w``), *business* time (``bh bd``: only while a calendar is open)
or *calendar months* (``mo``).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import accumulate
from typing import Literal
from zoneinfo import ZoneInfo

__all__ = [
    "DAY",
    "FAR",
    "HOUR",
    "MINUTE",
    "SECOND",
    "WEEK",
    "Duration",
    "WorkTime",
    "add_months",
    "from_instant",
    "open_hours",
    "parse_duration",
    "plain_number",
    "to_instant",
    "united",
]

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY
FAR = 2**62  # later than any horizon; still fits int64 when a delay is added

_LONGEST = 1000 * 365.25 * DAY

Clock = Literal["elapsed", "business", "months"]
_ELAPSED = {"s": SECOND, "min": MINUTE, "h": HOUR, "d": DAY, "w": WEEK}
_UNITS: Mapping[str, Clock] = {
    **dict.fromkeys(_ELAPSED, "elapsed"),
    "bh": "business",
    "bd": "business",
    "mo": "months",
}
_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)\s*([a-z]+)\s*")
_UNIT_HELP = (
    "Write a number and a unit: s, min, h, d, w (elapsed), "
    "bh, bd (business hours and days) or mo (calendar months)"
)


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time as a planner writes it.

    Parameters
    ----------
    amount : float
        Not negative.
    unit : str
        One of ``s min h d w bh bd mo``.

    Examples
    --------
    >>> Duration(4, "h").clock, str(Duration(1.5, "bd"))
    ('elapsed', '1.5 bd')
    """

    amount: float
    unit: str

    @property
    def clock(self) -> Clock:
        """Which clock the duration runs on."""
        return _UNITS[self.unit]

    def microseconds(self, business_day: int = 0) -> float:
        """Length on the duration's own clock.

        Parameters
        ----------
        business_day : int
            Open microseconds of one business day; needed for ``bd`` only.

        Returns
        -------
        float
            Microseconds, not rounded; for ``mo`` the number of months.
        """
        if self.unit == "bd":
            return self.amount * business_day
        if self.unit == "bh":
            return self.amount * HOUR
        return self.amount * _ELAPSED.get(self.unit, 1)

    def __str__(self) -> str:
        return f"{plain_number(self.amount)} {self.unit}"


def plain_number(number: float) -> str:
    """A number as a person writes it, reading back to the same number.

    Examples
    --------
    >>> plain_number(40.0), plain_number(0.1), plain_number(1234567.5)
    ('40', '0.1', '1234567.5')
    """
    return repr(float(number)).removesuffix(".0")


def parse_duration(text: object) -> Duration:
    """Read ``"4 h"``, ``"1.5 bd"``, ``"2 mo"``.

    Raises
    ------
    ValueError
        If the unit is missing or unknown, the number negative, or months are not whole.

    Examples
    --------
    >>> parse_duration("90 min")
    Duration(amount=90.0, unit='min')
    """
    if isinstance(text, Duration):
        return text
    if isinstance(text, (int, float)) and not isinstance(text, bool):
        msg = f"{text!r} has no unit. {_UNIT_HELP}, for example '{text} d'"
        raise ValueError(msg)
    if isinstance(text, str) and text.strip().startswith("-"):
        msg = f"{text!r} is negative; a duration is 0 or more"
        raise ValueError(msg)
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if match is None or match[2] not in _UNITS:
        msg = f"{text!r} is not a duration. {_UNIT_HELP}, for example '4 h'"
        raise ValueError(msg)
    duration = Duration(float(match[1]), match[2])
    if duration.clock == "months" and duration.amount % 1:
        msg = f"{text!r}: calendar months are whole numbers; use d or w for parts of one"
        raise ValueError(msg)
    if duration.microseconds(DAY) * (30 * DAY if match[2] == "mo" else 1) > _LONGEST:
        msg = f"{text!r} is longer than 1000 years"
        raise ValueError(msg)
    return duration


def to_instant(moment: datetime) -> int:
    """Microseconds since the epoch of an aware datetime, exactly.

    Examples
    --------
    >>> from datetime import UTC
    >>> to_instant(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
    1000000
    """
    return (moment - _EPOCH) // timedelta(microseconds=1)


def from_instant(instant: int, zone: str = "UTC") -> datetime:
    """The aware datetime of an instant, in a zone."""
    return (_EPOCH + timedelta(microseconds=instant)).astimezone(ZoneInfo(zone))


_EPOCH = datetime(1970, 1, 1, tzinfo=ZoneInfo("UTC"))


def add_months(instant: int, months: int, zone: str) -> int:
    """Move an instant by calendar months, keeping the local wall time.

    31 January + 1 month is the last day of February.

    Examples
    --------
    >>> at = to_instant(datetime(2027, 1, 31, 12, tzinfo=ZoneInfo("Europe/Kyiv")))
    >>> str(from_instant(add_months(at, 1, "Europe/Kyiv"), "Europe/Kyiv").date())
    '2027-02-28'
    """
    local = from_instant(instant, zone)
    index = local.year * 12 + local.month - 1 + months
    year, month = index // 12, index % 12 + 1
    following = date(year + month // 12, month % 12 + 1, 1)
    last = (following - timedelta(days=1)).day
    return to_instant(local.replace(year=year, month=month, day=min(local.day, last)))


@dataclass(frozen=True)
class WorkTime:
    """A calendar compiled to the instants at which it opens and closes.

    Parameters
    ----------
    opens, closes : Sequence[int]
        Disjoint, increasing intervals ``[open, close)``, microseconds (UTC).
    business_day : int
        Open microseconds of one business day (``1 bd``).

    Examples
    --------
    >>> work = WorkTime([0, 100], [10, 110], 10)
    >>> work.add(5, 7), work.between(5, 102), work.next_open(50)
    (102, 7, 100)
    """

    opens: Sequence[int]
    closes: Sequence[int]
    business_day: int
    _before: Sequence[int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        lengths = (c - o for o, c in zip(self.opens, self.closes, strict=True))
        object.__setattr__(self, "_before", [0, *accumulate(lengths)])

    def elapsed(self, instant: int) -> int:
        """Open microseconds from the first opening to ``instant``."""
        i = bisect_right(self.opens, instant) - 1
        if i < 0:
            return 0
        return self._before[i] + min(instant, self.closes[i]) - self.opens[i]

    def between(self, start: int, end: int) -> int:
        """Open microseconds in ``[start, end)``."""
        return self.elapsed(end) - self.elapsed(start)

    def next_open(self, instant: int) -> int:
        """``instant`` itself if open, else the next opening (``FAR`` if none)."""
        i = bisect_right(self.opens, instant)
        if i and instant < self.closes[i - 1]:
            return instant
        return self.opens[i] if i < len(self.opens) else FAR

    def add(self, start: int, work: int) -> int:
        """The instant at which ``work`` open microseconds after ``start`` are over.

        The earliest such instant: work that ends exactly at closing ends there.
        ``FAR`` if the calendar ends first. No work takes no time, open or not.
        """
        if work == 0:
            return start
        target = self.elapsed(start) + work
        i = bisect_right(self._before, target - 1) - 1
        if i >= len(self.opens):
            return FAR
        return self.opens[i] + target - self._before[i]


def open_hours(
    hours: Mapping[int, Iterable[tuple[time, time]]],
    zone: str,
    closed: Collection[date],
    start: int,
    end: int,
) -> WorkTime:
    """Compile weekly opening hours to instants over ``[start, end)``.

    Parameters
    ----------
    hours : Mapping[int, Iterable[tuple[time, time]]]
        Weekday (0 = Monday) → local shifts. A shift that ends at or before its
        start runs past midnight; 00:00 to 00:00 is the whole day.
    zone : str
        IANA zone of the local times; daylight saving is followed.
    closed : Collection[date]
        Local dates on which no shift begins (holidays).
    start, end : int
        Instants. Shifts are cut at both.

    Returns
    -------
    WorkTime
        Touching shifts joined. One business day is the mean open time of the
        weekdays that open at all, by wall clock.
    """
    tz = ZoneInfo(zone)
    opens: list[int] = []
    closes: list[int] = []
    day = from_instant(start, zone).date() - timedelta(days=1)
    last = from_instant(end, zone).date()
    while day <= last:
        for opening, closing in () if day in closed else hours.get(day.weekday(), ()):
            until = day if closing > opening else day + timedelta(days=1)
            a = max(to_instant(datetime.combine(day, opening, tz)), start)
            b = min(to_instant(datetime.combine(until, closing, tz)), end)
            if closes and a <= closes[-1]:
                closes[-1] = max(closes[-1], b)
            elif a < b:
                opens.append(a)
                closes.append(b)
        day += timedelta(days=1)
    return WorkTime(opens, closes, _business_day(hours))


def united(clocks: Sequence[WorkTime]) -> WorkTime:
    """The times at which any of the calendars is open.

    Examples
    --------
    >>> both = united([WorkTime([0], [10], 10), WorkTime([5, 20], [15, 30], 10)])
    >>> both.opens, both.closes
    ([0, 20], [15, 30])
    """
    opens: list[int] = []
    closes: list[int] = []
    intervals = sorted(
        pair for clock in clocks for pair in zip(clock.opens, clock.closes, strict=True)
    )
    for opening, closing in intervals:
        if closes and opening <= closes[-1]:
            closes[-1] = max(closes[-1], closing)
        else:
            opens.append(opening)
            closes.append(closing)
    return WorkTime(opens, closes, clocks[0].business_day if clocks else 0)


def _business_day(hours: Mapping[int, Iterable[tuple[time, time]]]) -> int:
    """Mean open microseconds of the weekdays that open, by wall clock."""
    lengths = [
        sum((_wall(closing) - _wall(opening)) % DAY or DAY for opening, closing in shifts)
        for shifts in map(list, hours.values())
        if shifts
    ]
    return round(sum(lengths) / len(lengths)) if lengths else 0


def _wall(clock: time) -> int:
    """Microseconds since local midnight."""
    return ((clock.hour * 60 + clock.minute) * 60 + clock.second) * SECOND
