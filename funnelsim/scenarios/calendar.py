"""A calendar: when people work, in a zone, with holidays."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time
from typing import Annotated, Any
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, field_validator

from funnelsim.scenarios.frozen import Frozen
from funnelsim.worktime import WorkTime, from_instant, open_hours

__all__ = ["WEEKDAYS", "Calendar", "Day", "Zone", "holiday_dates", "weekdays"]

_OLD_NAMES = {"Europe/Kiev", "Europe/Uzhgorod", "Europe/Zaporozhye"}
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        from difflib import get_close_matches  # only for the error

        near = get_close_matches(name, sorted(available_timezones() - _OLD_NAMES), n=1)
        hint = f"; did you mean {near[0]}?" if near else ", for example Europe/Kyiv"
        msg = f"{name!r} is not an IANA time zone{hint}"
        raise ValueError(msg) from None
    return name


Zone = Annotated[
    str, AfterValidator(_known_zone), Field(examples=["Europe/Kyiv", "Europe/Minsk", "UTC"])
]
"""An IANA time zone such as ``Europe/Kyiv``."""


def weekdays(text: str) -> tuple[int, ...]:
    """The weekdays a key names.

    Examples
    --------
    >>> weekdays("mon-wed, sat")
    (0, 1, 2, 5)
    """
    found: set[int] = set()
    for part in text.lower().split(","):
        first, _, last = (piece.strip() for piece in part.partition("-"))
        if first not in WEEKDAYS or (last and last not in WEEKDAYS):
            msg = f"{text!r} is not a weekday; use {' '.join(WEEKDAYS)}, mon-fri or 'mon, wed'"
            raise ValueError(msg)
        a, b = WEEKDAYS.index(first), WEEKDAYS.index(last or first)
        if b < a:
            msg = f"{text!r} runs backwards; weekdays go from mon to sun"
            raise ValueError(msg)
        found.update(range(a, b + 1))
    return tuple(sorted(found))


def _read_clock(text: str) -> time:
    clock = text.strip()
    try:
        if clock in {"24", "24:00"}:
            return time(0)
        return time(int(clock)) if clock.isdigit() else time.fromisoformat(clock)
    except ValueError:
        msg = f"{text!r} is not a time of day such as 09:00"
        raise ValueError(msg) from None


def _read_shift(text: object) -> tuple[time, time]:
    if isinstance(text, tuple):
        return text
    opening, dash, closing = str(text).partition("-")
    if not dash:
        msg = f"{text!r} is not a shift such as 09:00-18:00"
        raise ValueError(msg)
    return _read_clock(opening), _read_clock(closing)


def _write_shift(shift: tuple[time, time]) -> str:
    closing = "24:00" if shift[1] == time(0) else f"{shift[1]:%H:%M}"
    return f"{shift[0]:%H:%M}-{closing}"


Shift = Annotated[
    tuple[time, time],
    BeforeValidator(_read_shift, json_schema_input_type=str),
    PlainSerializer(_write_shift, return_type=str),
]


def _one_or_many(value: object) -> object:
    return (value,) if isinstance(value, (str, date)) else value


def _read_day(value: object) -> object:
    if isinstance(value, str):
        try:
            return date.fromisoformat(value.strip())
        except ValueError as wrong:
            msg = f'"{value}" is not a day such as 2026-12-24 ({wrong})'
            raise ValueError(msg) from None
    if not isinstance(value, date):
        msg = f"{value!r} is not a day such as 2026-12-24"
        raise ValueError(msg)
    return value


Day = Annotated[date, BeforeValidator(_read_day, json_schema_input_type=date)]


class Calendar(Frozen):
    """Weekly opening hours in a zone, less holidays.

    Examples
    --------
    >>> Calendar.model_validate({"hours": {"mon-fri": "09:00-18:00"}}).shifts()[4]
    ((datetime.time(9, 0), datetime.time(18, 0)),)
    """

    zone: Zone | None = None
    """Left out: the scenario's time zone."""
    hours: Mapping[
        str,
        Annotated[
            tuple[Shift, ...],
            BeforeValidator(_one_or_many, json_schema_input_type=str | list[str]),
        ],
    ] = Field(min_length=1)
    """Weekdays → shifts: ``mon-fri: "09:00-18:00"``, ``sat: ["10:00-13:00", "14:00-16:00"]``.
    A shift that ends before it starts runs past midnight."""
    holidays: str | None = None
    """Country whose public holidays are closed: ``UA``, or with a region ``DE-BY``."""
    closed: Annotated[
        tuple[Day, ...],
        BeforeValidator(_one_or_many, json_schema_input_type=Day | list[Day]),
    ] = ()
    """Further closed dates, for example ``[2026-12-24, 2026-12-31]``."""

    @field_validator("hours")
    @classmethod
    def _weekdays_once(cls, hours: Mapping[str, Any]) -> Mapping[str, Any]:
        seen: dict[int, str] = {}
        for key in hours:
            for day in weekdays(key):
                if day in seen:
                    msg = f"{WEEKDAYS[day]} stands in both {seen[day]!r} and {key!r}"
                    raise ValueError(msg)
                seen[day] = key
        if not any(hours.values()):
            msg = "no weekday has a shift, so nobody could ever work"
            raise ValueError(msg)
        return hours

    @field_validator("holidays")
    @classmethod
    def _known_country(cls, code: str | None) -> str | None:
        if code is not None:
            holiday_dates(code, 2025, 2025)
        return code

    def work_time(self, zone: str, start: int, end: int) -> WorkTime:
        """When it is open between two instants.

        Parameters
        ----------
        zone : str
            The scenario's time zone, for a calendar without its own.
        start, end : int
            Instants, microseconds since the epoch.

        Returns
        -------
        WorkTime
            Shifts without holidays and further closed dates.
        """
        zone = self.zone or zone
        first, last = (from_instant(instant, zone).date() for instant in (start, end))
        closed = set(self.closed)
        if self.holidays:
            closed |= holiday_dates(self.holidays, first.year, last.year)
        return open_hours(self.shifts(), zone, closed, start, end)

    def shifts(self) -> dict[int, tuple[tuple[time, time], ...]]:
        """Weekday (0 = Monday) → its shifts in order."""
        return {day: tuple(sorted(s)) for key, s in self.hours.items() for day in weekdays(key)}


def holiday_dates(code: str, first_year: int, last_year: int) -> frozenset[date]:
    """Public holidays of a country (``UA``) or region (``DE-BY``).

    Where a country has none left because they became working days (Ukraine under
    martial law), the list is empty: those days are worked.

    Raises
    ------
    ValueError
        If the country is unknown.
    """
    import holidays  # slow to import, rarely needed

    country, _, region = code.partition("-")
    try:
        days = holidays.country_holidays(
            country, subdiv=region or None, years=range(first_year, last_year + 1)
        )
    except NotImplementedError:
        msg = f"no public holidays known for {code!r}; use a code such as UA, PL or DE-BY"
        raise ValueError(msg) from None
    return frozenset(days)
