"""Calendars inferred: on which weekdays and at which hours people start work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.calibration.ids import lasting_id
from funnelsim.calibration.parts import Part, Refusal, Settings
from funnelsim.calibration.work.shifts import Weekly, weekly_hours
from funnelsim.events import EventLog
from funnelsim.messages import Message
from funnelsim.scenarios.calendar import WEEKDAYS, Calendar, holiday_dates
from funnelsim.scenarios.evidence import Evidence

__all__ = ["CalendarPart", "calendar_parts", "team_calendars"]

FEWEST: Final = 60
"""Starts of work below which no hours are inferred."""
ALWAYS: Final = Message("Teams are always at work.")
OFFICE: Final = "office"
QUIET: Final = 0.08
"""Share of a usual weekday's work below which the day counts as closed."""
USUAL: Final = 5
"""Starts a usual weekday needs for a day without any to be told from chance."""
OBSERVED: Final = 0.75
"""Share of a country's holidays on working weekdays that must have been closed."""


@dataclass(frozen=True, slots=True)
class CalendarPart:
    """When some people work.

    Parameters
    ----------
    id : str
        Of the calendar.
    weekly : Weekly
        Shifts by weekday.
    closed : tuple of date
        Further days without work.
    holidays : str
        Country whose public holidays are closed; empty if that does not show.
    n : int
        Starts of work it rests on.
    inside : float
        Share of them within the hours.
    whole : bool
        Whether it is the scenario's calendar.
    method : str
        What counts as work.
    """

    id: str
    weekly: Weekly
    closed: tuple[date, ...]
    holidays: str
    n: int
    inside: float
    whole: bool
    method: str

    @property
    def name(self) -> str:
        """``calendar/office``."""
        return f"calendar/{self.id}"

    @property
    def settings(self) -> Settings:
        """The calendar as it stands in a scenario."""
        at = ("calendars", self.id)
        found: dict[tuple[str, ...], object] = {(*at, "hours"): written(self.weekly)}
        if self.holidays:
            found[(*at, "holidays")] = self.holidays
        if self.closed:
            found[(*at, "closed")] = [day.isoformat() for day in self.closed]
        if self.whole:
            found[("calendar",)] = self.id
        return found

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """Open hours a week, and the share of work that begins within them."""
        of = f"calendars.{self.id}.hours"
        open_hours = sum(b - a for shifts in self.weekly.values() for a, b in shifts) / 60
        first = Evidence(
            of=of,
            measure="open_hours",
            value=open_hours,
            unit="h",
            n=self.n,
            method=self.method,
            note="People who were there without work leave no trace.",
        )
        second = first.model_copy(
            update={"measure": "share_inside", "value": self.inside, "unit": "share", "note": ""}
        )
        return first, second

    def drawn(self, rng: np.random.Generator) -> Settings:  # noqa: ARG002 - hours are no chance
        """The same: what is uncertain about opening hours is not a matter of luck."""
        return self.settings

    def calendar(self) -> Calendar:
        """As a calendar that can be compiled."""
        return Calendar.model_validate(
            {
                "hours": written(self.weekly),
                "closed": list(self.closed),
                "holidays": self.holidays or None,
            }
        )


def calendar_parts(log: EventLog) -> tuple[tuple[Part, ...], tuple[Refusal, ...]]:
    """Infer when people work.

    Starts of work (without any: moves between stages) are counted by weekday and half hour.
    Weekdays with next to none are closed. For the others the likeliest one interval of high
    activity is found, with a break where activity falls to a quarter; weekdays that differ by
    an hour or more get their own hours. Dates without work among open weekdays are closed;
    if they are a country's public holidays, these are.

    Parameters
    ----------
    log : EventLog

    Returns
    -------
    parts, refusals : tuple of Part, tuple of Refusal
        ``calendar/office`` for everybody, and one part a team whose hours differ.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> parts, refusals = calendar_parts(BANK)
    >>> len(parts), str(refusals[0])
    (0, 'calendars: Pieces of work started: 5; hours show from 60 on. ...')
    """
    found, refusal = _calendars(log)
    unique = {part.id: part for part in found.values()}
    return tuple(unique.values()), (refusal,) if refusal else ()


def team_calendars(log: EventLog) -> Mapping[str, CalendarPart]:
    """The calendar of each team, as far as the log shows it.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> dict(team_calendars(BANK))
    {}
    """
    return {team: part for team, part in _calendars(log)[0].items() if team}


def written(weekly: Weekly) -> dict[str, list[str]]:
    """Hours in the language, runs of alike weekdays together.

    Examples
    --------
    >>> written({0: ((540, 1080),), 1: ((540, 1080),), 5: ((600, 840),)})
    {'mon-tue': ['09:00-18:00'], 'sat': ['10:00-14:00']}
    """
    found: dict[str, list[str]] = {}
    days = sorted(day for day, shifts in weekly.items() if shifts)
    while days:
        first = last = days[0]
        while last + 1 in days and weekly[last + 1] == weekly[first]:
            last += 1
        days = [day for day in days if day > last]
        key = WEEKDAYS[first] if first == last else f"{WEEKDAYS[first]}-{WEEKDAYS[last]}"
        found[key] = [f"{_clock(a)}-{_clock(b)}" for a, b in weekly[first]]
    return found


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _calendars(log: EventLog) -> tuple[dict[str, CalendarPart], Refusal | None]:
    """Team (empty: everybody) → calendar; teams with the hours of everybody share theirs."""
    work = log.efforts[log.efforts["started_at"].notna()]
    method = "starts of work by half hour"
    starts, teams = work["started_at"], work["team"]
    if work.empty:
        moves = log.visits[(log.visits["visit"] > 1) & (log.visits["entered_at"].notna())]
        starts, method = moves["entered_at"], "moves between stages by half hour"
        teams = pd.Series("", index=starts.index)
        if log.meta.history == "snapshot":
            starts, teams = starts[:0], teams[:0]
    if len(starts) < FEWEST:
        n = len(starts)
        why = (
            Message("Pieces of work started: {n}; hours show from {least} on.", n=n, least=FEWEST)
            if len(work)
            else Message("Moves on record: {n}; hours show from {least} on.", n=n, least=FEWEST)
        )
        fix = Message("Write the hours by hand under calendars.")
        return {}, Refusal("calendars", why, ALWAYS, fix)
    local = starts.dt.tz_convert(log.meta.time_zone).dt.tz_localize(None)
    if float((local == local.dt.normalize()).mean()) > 0.5:  # noqa: PLR2004
        why = Message("Most work is dated without a time of day, so hours do not show.")
        return {}, Refusal("calendars", why, ALWAYS)
    days = _days(log, local)
    office = _part(OFFICE, local, days, log.meta.time_zone, method)
    found = {"": office}
    for team in sorted(set(teams) - {""}):
        mine = local[teams == team]
        own = _part(_id(team), mine, days, log.meta.time_zone, method)
        alike = len(mine) < FEWEST or (own.weekly, own.closed) == (office.weekly, office.closed)
        found[str(team)] = office if alike else own
    return found, None


def _id(team: str) -> str:
    return f"{lasting_id(team)[:54]}-hours"


def _days(log: EventLog, local: pd.Series) -> pd.DatetimeIndex:
    """The window's local days, whole or not."""
    zone = log.meta.time_zone
    first, last = (
        pd.Timestamp(end).tz_convert(zone).tz_localize(None)
        for end in (log.meta.observed_from, log.meta.observed_until)
    )
    begin = max(first, local.min()).normalize()
    return pd.date_range(begin, min(last, local.max()), freq="D")


def _part(
    name: str, local: pd.Series, days: pd.DatetimeIndex, zone: str, method: str
) -> CalendarPart:
    """The calendar that some starts of work show."""
    date_of = local.dt.normalize()
    days = days[(days >= date_of.min()) & (days <= date_of.max())]
    by_date = date_of.value_counts().reindex(days, fill_value=0)
    usual = by_date.groupby(days.day_of_week).median()
    busy = usual.reindex(range(7), fill_value=0.0).to_numpy(dtype=float)
    shut = _shut(by_date, busy)
    worked = local[~date_of.isin(shut)]
    minute = (worked.dt.hour * 60 + worked.dt.minute).to_numpy(dtype=np.int64)
    weekly = weekly_hours(worked.dt.day_of_week.to_numpy(dtype=np.int64), minute)
    closed = [day.date() for day in shut if weekly.get(day.day_of_week)]
    holidays = _country(closed, weekly, days, zone)
    if holidays:
        known = holiday_dates(holidays, days[0].year, days[-1].year)
        closed = [day for day in closed if day not in known]
    return CalendarPart(
        id=name,
        weekly=weekly,
        closed=tuple(closed),
        holidays=holidays,
        n=len(local),
        inside=_inside(worked, weekly),
        whole=name == OFFICE,
        method=method,
    )


def _shut(by_date: pd.Series, usual: NDArray[np.float64]) -> pd.DatetimeIndex:
    """Dates with next to no work although their weekday usually has enough."""
    days = pd.DatetimeIndex(by_date.index)
    expected = usual[days.day_of_week]
    quiet = (expected >= USUAL) & (by_date.to_numpy() <= QUIET * expected)
    normal = days[(expected >= USUAL) & ~quiet]
    if not len(normal):
        return days[:0]
    # A team that began later, or ended, had no days off before and after.
    return days[quiet & (days > normal[0]) & (days < normal[-1])]


def _country(closed: Sequence[date], weekly: Weekly, days: pd.DatetimeIndex, zone: str) -> str:
    """The country of the zone, if its holidays on working weekdays were closed."""
    code = _country_of(zone)
    if not code or not closed:
        return ""
    try:
        known = holiday_dates(code, days[0].year, days[-1].year)
    except ValueError:
        return ""
    window = {day.date() for day in days}
    due = {day for day in known if day in window and weekly.get(day.weekday())}
    return code if due and len(due & set(closed)) >= OBSERVED * len(due) else ""


def _country_of(zone: str) -> str:
    """The country in which a time zone lies, by the zone database; empty if unknown."""
    from importlib import resources

    table = resources.files("tzdata.zoneinfo").joinpath("zone.tab").read_text(encoding="utf-8")
    for line in table.splitlines():
        fields = line.split("\t")
        if not line.startswith("#") and fields[2] == zone:
            return fields[0]
    return ""


def _inside(local: pd.Series, weekly: Weekly) -> float:
    """Share of moments within the weekly hours."""
    minute = (local.dt.hour * 60 + local.dt.minute).to_numpy()
    weekday = local.dt.day_of_week.to_numpy()
    inside = np.zeros(len(local), dtype=bool)
    for day, shifts in weekly.items():
        for a, b in shifts:
            inside |= (weekday == day) & (minute >= a) & (minute < b)
    return float(inside.mean()) if len(inside) else 0.0
