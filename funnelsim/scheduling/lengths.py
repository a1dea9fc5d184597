"""Lengths of time on the calendar of moments: "2 d" before now."""

from __future__ import annotations

from datetime import datetime, timedelta

from funnelsim.worktime import Duration

__all__ = ["after", "before", "span"]

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
