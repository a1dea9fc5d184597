"""When a job is due: a cron expression or words, in a time zone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, model_validator

from funnelsim.scenarios.calendar import Day, Zone, holiday_dates
from funnelsim.scenarios.frozen import Frozen
from funnelsim.scenarios.moment import Moment, parse_moment
from funnelsim.worktime import to_instant

__all__ = ["Schedule"]

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_FIELDS = 5
_EXAMPLES = '"0 7 * * 1" is Mondays 07:00: minute, hour, day, month, weekday'
# A cron expression that has not come in so long never comes: 29 February on a Monday is rarer
# than anybody wants a report.
_NEVER = 40 * 366


def _read_cron(text: object) -> object:
    from croniter import croniter
    from croniter.croniter import CroniterError

    if not isinstance(text, str):
        msg = f"{text!r} is not a cron expression; {_EXAMPLES}"
        raise ValueError(msg)
    cron = " ".join(text.split())
    if not cron.startswith("@") and len(cron.split()) != _FIELDS:
        msg = f'"{text}" has {len(cron.split())} fields, not {_FIELDS}; {_EXAMPLES}'
        raise ValueError(msg)
    try:
        croniter(cron, datetime(2026, 1, 1), max_years_between_matches=10).get_next()  # noqa: DTZ001 - wall time
    except (CroniterError, ValueError, KeyError, AttributeError) as wrong:
        why = "such a day never comes" if "failed to find" in str(wrong) else "it cannot be read"
        msg = f'"{text}" is not a cron expression that works ({why}); {_EXAMPLES}'
        raise ValueError(msg) from None
    return cron


def _read_words(text: object) -> object:
    if not isinstance(text, str):
        return parse_moment(text)
    words = re.sub(r"\s+of (the|each|every) month\b", "", " ".join(text.lower().split()))
    words = re.sub(rf"^(?:every )?({'|'.join(_DAYS)})s?\b", lambda day: day[1][:3], words)
    words = re.sub(r"^(daily|each day)\b", "every day", words)
    try:
        moment = parse_moment(words.replace(" at ", " "))
    except ValueError:
        moment = None
    if not isinstance(moment, Moment) or moment.day == "opening":
        msg = (
            f'"{text}" is not understood. Write "every day 07:00", "monday 07:00", "day 15 07:00",'
            ' "first business day of the month 07:00" or "last business day of the month 16:00"'
        )
        raise ValueError(msg)
    return moment


def _known_country(code: str) -> str:
    holiday_dates(code, 2025, 2025)
    return code


class Schedule(Frozen):
    """When a report is due, by the clock on the wall.

    Examples
    --------
    >>> str(Schedule(every="first business day of the month 07:00", zone="Europe/London").every)
    'first business day 07:00'
    """

    cron: Annotated[str, BeforeValidator(_read_cron, json_schema_input_type=str)] | None = None
    """Minute, hour, day, month, weekday: ``0 7 * * 1`` is Mondays 07:00 (1 is Monday)."""
    every: Annotated[Moment, BeforeValidator(_read_words, json_schema_input_type=str)] | None = None
    """In words: ``every day 07:00``, ``monday 07:00``, ``first business day of the
    month 07:00``."""
    zone: Zone
    """Whose clock: ``Europe/Kyiv``."""
    holidays: Annotated[str, AfterValidator(_known_country)] | None = None
    """Country whose public holidays are no business days: ``GB``, ``UA``, ``DE-BY``."""
    start: Day | None = None
    """The first day that counts; left out: from when the runner first sees the job."""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.cron is None) == (self.every is None):
            msg = "give either cron or every (words), one of the two"
            raise ValueError(msg)
        if self.holidays and not (self.every and self.every.needs_calendar):
            msg = 'holidays matter only to business days: every: "first business day 07:00"'
            raise ValueError(msg)
        return self

    def walls(self, first: datetime, last: datetime) -> Iterator[datetime]:
        """Local wall times, in order, each once.

        Parameters
        ----------
        first, last : datetime
            Naive: what a clock on the wall shows. Both included.

        Yields
        ------
        datetime
            Naive, whole minutes.

        Examples
        --------
        >>> monday = Schedule(cron="0 7 * * 1", zone="Europe/Kyiv")
        >>> [str(wall) for wall in monday.walls(datetime(2026, 11, 20), datetime(2026, 12, 1))]
        ['2026-11-23 07:00:00', '2026-11-30 07:00:00']
        """
        # Neither knows of time zones here, so no hour can come twice or be left out.
        return _by_cron(self.cron, first, last) if self.cron else self._by_words(first, last)

    def _by_words(self, first: datetime, last: datetime) -> Iterator[datetime]:
        moment = self.every
        assert moment is not None  # noqa: S101 - one of the two is given
        start, end = (to_instant(wall.replace(tzinfo=UTC)) for wall in (first, last))
        days = self._business_days(first.date(), last.date()) if moment.needs_calendar else ()
        for instant in moment.instants(start, end, "UTC", days):
            if instant <= end:
                yield datetime.fromtimestamp(instant / 1e6, UTC).replace(tzinfo=None)

    def _business_days(self, first: date, last: date) -> frozenset[date]:
        """Weekdays that are no holidays, of all months touched."""
        begin = first.replace(day=1)
        free: Any = ()
        if self.holidays:
            free = holiday_dates(self.holidays, begin.year, last.year + 1)
        span = range((last - begin).days + 80)
        days = (begin + timedelta(days=n) for n in span)
        return frozenset(day for day in days if day.weekday() < 5 and day not in free)  # noqa: PLR2004 - Saturday


def _by_cron(cron: str, first: datetime, last: datetime) -> Iterator[datetime]:
    from croniter import croniter

    steps = croniter(cron, first - timedelta(microseconds=1), ret_type=datetime)
    while (wall := steps.get_next(datetime)) <= last:
        yield wall
