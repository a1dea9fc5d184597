"""Lengths of time on the calendar of moments: "2 d" before now."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from funnelsim.worktime import Duration

__all__ = ["after", "before", "days", "span"]

_MONTH = timedelta(days=30)


def span(length: Duration) -> timedelta:
    """How long it is; a month counts 30 days, as nobody here needs the day exactly.

    Examples
    --------
    >>> span(Duration(2, "d")).days
    2
    """
    if length.unit == "mo":
        return _MONTH * length.amount
    return timedelta(microseconds=length.microseconds())


def days(span: timedelta) -> Duration:
    """A length in days, rounded up: what is older than 2 d is not told to be 2 d old.

    Examples
    --------
    >>> str(days(timedelta(days=2))), str(days(timedelta(days=2, minutes=1)))
    ('2 d', '2.1 d')
    """
    return Duration(math.ceil(round(span / timedelta(days=0.1), 6)) / 10, "d")


def before(now: datetime, length: Duration) -> datetime:
    """A moment so long before.

    Examples
    --------
    >>> before(datetime(2026, 11, 23), Duration(2, "d")).day
    21
    """
    return now - span(length)


def after(now: datetime, length: Duration, times: int = 1) -> datetime:
    """A moment so long after, the length taken several times.

    Examples
    --------
    >>> after(datetime(2026, 11, 23), Duration(5, "min"), 4).minute
    20
    """
    return now + span(length) * times
