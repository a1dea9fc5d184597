"""Moments of the calendar that a stage waits for: "first business day", "mon 09:00"."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from funnelsim.scenarios.calendar import WEEKDAYS
from funnelsim.scenarios.frozen import Frozen
from funnelsim.worktime import from_instant, to_instant

__all__ = ["Moment", "MomentText", "parse_moment"]

_MOMENT = re.compile(
    rf"(opening)|(?:(every day|day (\d{{1,2}})|(first|last) business day|{'|'.join(WEEKDAYS)})"
    r"(?: (\d{1,2}:\d{2}))?)"
)
_HELP = (
    "Write opening, 'every day 09:00', 'mon 09:00', 'day 15', "
    "'first business day' or 'last business day', each with a time if you like"
)


class Moment(Frozen):
    """A recurring moment; without a time of day it is midnight."""

    day: str
    at: time = time(0)

    def __str__(self) -> str:
        return self.day if self.at == time(0) else f"{self.day} {self.at:%H:%M}"

    @property
    def needs_calendar(self) -> bool:
        """Whether business days or opening hours are meant."""
        return self.day == "opening" or self.day.endswith("business day")

    def instants(
        self, start: int, end: int, zone: str, business_days: Collection[date]
    ) -> tuple[int, ...]:
        """Every such moment from ``start`` up to the first after ``end``.

        Parameters
        ----------
        start, end : int
            Instants.
        zone : str
            IANA zone of the local dates.
        business_days : Collection[date]
            Local dates on which the stage's calendar opens.
        """
        tz = ZoneInfo(zone)
        first, last = (from_instant(t, zone).date() for t in (start, end))
        days = [first + timedelta(days=i) for i in range((last - first).days + 40)]
        chosen = (day for day in days if self._fits(day, business_days))
        found = (to_instant(datetime.combine(day, self.at, tz)) for day in chosen)
        return tuple(t for t in found if t >= start)

    def _fits(self, day: date, business_days: Collection[date]) -> bool:
        """Whether the moment falls on this local date."""
        if self.day == "every day":
            return True
        if self.day in WEEKDAYS:
            return day.weekday() == WEEKDAYS.index(self.day)
        next_month = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
        last = (next_month - timedelta(days=1)).day
        if self.day.startswith("day "):
            return day.day == min(int(self.day[4:]), last)
        open_days = [n for n in range(1, last + 1) if day.replace(day=n) in business_days]
        at = 0 if self.day.startswith("first") else -1
        return bool(open_days) and day.day == open_days[at]


def parse_moment(text: object) -> object:
    """Read ``"first business day"``, ``"mon 09:00"``, ``"opening"``.

    Examples
    --------
    >>> str(parse_moment("mon 9:00"))
    'mon 09:00'
    """
    if isinstance(text, Moment):
        return text
    match = _MOMENT.fullmatch(text.strip().lower()) if isinstance(text, str) else None
    if match is None or (match[3] and not 1 <= int(match[3]) <= 31):  # noqa: PLR2004
        msg = f"{text!r} is not a moment. {_HELP}"
        raise ValueError(msg)
    try:
        at = time.fromisoformat(match[5].zfill(5)) if match[5] else time(0)
    except ValueError:
        msg = f"{text!r}: {match[5]} is not a time of day"
        raise ValueError(msg) from None
    return Moment(day=match[1] or match[2], at=at)


MomentText = Annotated[
    Moment,
    BeforeValidator(parse_moment),
    PlainSerializer(str, return_type=str),
    WithJsonSchema(
        {"type": "string", "examples": ["opening", "mon 09:00", "day 15", "first business day"]}
    ),
]
