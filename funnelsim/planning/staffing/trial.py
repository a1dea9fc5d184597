"""A staffing plan tried out: seats over time put into the scenario, and the promise measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.engine import make_plan
from funnelsim.engine.plan import NEVER
from funnelsim.engine.simulation import rows
from funnelsim.engine.snapshot import Snapshot
from funnelsim.experiments.precision import mean_interval
from funnelsim.planning.staffing.erlang import paid
from funnelsim.planning.staffing.service import ServiceLevel
from funnelsim.planning.staffing.workload import SLOTS, OpenHours, without_dated
from funnelsim.scenarios.calendar import WEEKDAYS, Calendar
from funnelsim.scenarios.changes import Change, apply
from funnelsim.scenarios.scenario import Scenario

__all__ = ["Stretch", "measured", "seats_change", "verdicts", "with_seats"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_DAY: Final = 1440
_MINUTES: Final = 7 * _DAY


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """Seats by half hour of the week, for some time.

    Parameters
    ----------
    seats : ndarray of int, shape (336,)
        From Monday 0:00, local time.
    start, end : date, optional
        The first day and the day after the last; left out: always.
    scheduled : bool
        The seats are people on the roster, of whom some will be away (shrinkage); else people
        at work, so that more have to be on the roster.
    """

    seats: Ints
    start: date | None = None
    end: date | None = None
    scheduled: bool = False


def seats_change(scenario: Scenario, plans: Mapping[str, Sequence[Stretch]]) -> Change:
    """The what-if that gives teams these seats over time.

    Seats are people at work; the team's shrinkage comes on top, so that as many more are
    scheduled. Hours in which the team is closed stay closed, holidays too.

    Parameters
    ----------
    scenario : Scenario
    plans : mapping of str to sequence of Stretch
        By team.

    Returns
    -------
    Change

    Examples
    --------
    >>> from funnelsim import shipped
    >>> from funnelsim.scenarios.loading import load
    >>> bank = load(shipped.scenarios() / "bank-retail.yaml")
    >>> change = seats_change(bank, {"call_centre": [Stretch(np.full(336, 3))]})
    >>> change.overrides["teams.call_centre.staff"]
    [{'seats': 3, 'calendar': 'planned_hours_1_1'}]
    >>> change.overrides["calendars.planned_hours_1_1"]["hours"]["sun"]
    ['10:00-18:00']
    """
    overrides: dict[str, Any] = {}
    places = {team: place for place, team in enumerate(scenario.teams, 1)}
    for team, stretches in plans.items():
        place = places[team]
        known: dict[str, str] = {}
        staff = []
        for stretch in stretches:
            for seats, hours in _layers(scenario, team, stretch):
                key = repr(hours)
                if key not in known:
                    # Not the team's name: a name like that of a calendar is taken for a slip.
                    known[key] = f"planned_hours_{place}_{len(known) + 1}"
                    overrides[f"calendars.{known[key]}"] = {
                        "hours": hours,
                        **_days_off(scenario, team),
                    }
                entry: dict[str, Any] = {"seats": seats, "calendar": known[key]}
                entry |= {"start": stretch.start.isoformat()} if stretch.start else {}
                entry |= {"end": stretch.end.isoformat()} if stretch.end else {}
                staff.append(entry)
        calendar = scenario.teams[team].calendar
        overrides[f"teams.{team}.seats"] = None
        overrides[f"teams.{team}.staff"] = staff or [{"seats": 0, "calendar": calendar}]
        overrides[f"teams.{team}.attrition"] = 0
    return Change(name="planned seats", overrides=overrides)


def with_seats(scenario: Scenario, plans: Mapping[str, Sequence[Stretch]]) -> Scenario:
    """The scenario with these seats; dated changes of teams and sources are left out."""
    return apply(without_dated(scenario), seats_change(scenario, plans))


def measured(
    scenario: Scenario,
    promises: Mapping[str, tuple[ServiceLevel, str]],
    clocks: Mapping[str, OpenHours],
    *,
    n: int,
    seed: int,
    first: int = 0,
    start: Snapshot | None = None,
) -> tuple[Floats, Floats]:
    """Measure what promises come to.

    Parameters
    ----------
    scenario : Scenario
    promises : mapping of str to (ServiceLevel, str)
        By team, with the clock: ``elapsed``, ``open`` or ``calls``; see
        `funnelsim.planning.staffing.requirement.Requirement`.
    clocks : mapping of str to OpenHours
    n : int
        Replications.
    seed, first : int
        Of the first replication.
    start : Snapshot, optional

    Returns
    -------
    ndarray, shape (replications, teams)
        Share of the work asked for that began in time; work given up before it began is not
        in time; NaN where nothing was asked for.
    ndarray, shape (replications, teams)
        Busy ÷ available seat time; NaN where nobody was there.
    """
    plan = make_plan(scenario, start)
    ids = [team.id for team in plan.epochs[0].teams]
    shares, busy = np.full((n, len(promises)), np.nan), np.full((n, len(promises)), np.nan)
    for run in range(n):
        found = rows(plan, seed=seed, replication=first + run)
        for place, (team, (promise, counted)) in enumerate(promises.items()):
            mine = found.efforts["team"] == ids.index(team)
            efforts = {name: column[mine] for name, column in found.efforts.items()}
            if counted == "calls":
                calls = clocks[team].next_open(efforts["queued_at"]) == efforts["queued_at"]
                asked = {name: column[calls] for name, column in efforts.items()}
            else:
                asked = efforts
            clock = clocks[team] if counted == "open" else None
            within = promise.microseconds(clocks[team].work)
            window = plan.observed_from, plan.observed_until
            shares[run, place] = _in_time(asked, window, within, clock)
            paused = plan.epochs[0].teams[ids.index(team)].pause is not None
            busy[run, place] = _occupancy(
                efforts, window, found.seats[ids.index(team)], clocks[team] if paused else None
            )
    return shares, busy


def verdicts(
    shares: Floats, busy: Floats, promises: Mapping[str, tuple[ServiceLevel, str]]
) -> pd.DataFrame:
    """Compare what was measured with what was promised.

    Returns
    -------
    pandas.DataFrame
        team, promised, share: the mean over replications with lo and hi (95 %), occupancy, n,
        verdict: ``kept`` (lo reaches the promise), ``broken`` (hi does not) or ``cannot tell``.
    """
    made = []
    for place, (team, (promise, _)) in enumerate(promises.items()):
        values = shares[:, place][np.isfinite(shares[:, place])]
        span = mean_interval(values, 0.95)
        lo, hi = (min(max(x, 0.0), 1.0) for x in (span.lo, span.hi))
        kept, broken = lo >= promise.share, hi < promise.share
        used = busy[:, place][np.isfinite(busy[:, place])]
        made.append(
            {
                "team": team,
                "promised": promise.share,
                "share": span.mean,
                "lo": lo,
                "hi": hi,
                "occupancy": used.mean() if len(used) else np.nan,
                "n": len(values),
                "verdict": "kept" if kept else "broken" if broken else "cannot tell",
            }
        )
    return pd.DataFrame(made)


def _in_time(
    efforts: Mapping[str, Ints], window: tuple[int, int], within: int, clock: OpenHours | None
) -> float:
    """The share of the work asked for in the window that began in time."""
    queued, begun, ended = (efforts[name] for name in ("queued_at", "started_at", "ended_at"))
    seen = queued >= window[0]
    queued, begun, ended = queued[seen], begun[seen], ended[seen]
    until = np.where(begun != NEVER, begun, np.where(ended != NEVER, ended, window[1]))
    waited = clock.elapsed(until) - clock.elapsed(queued) if clock else until - queued
    good = (begun != NEVER) & (waited <= within)
    told = (begun != NEVER) | (ended != NEVER) | (waited > within)
    if clock:  # who gave up before any opening met no seats, however many
        told &= (begun != NEVER) | (waited > 0)
    return float(good.sum() / told.sum()) if told.any() else np.nan


def _occupancy(
    efforts: Mapping[str, Ints],
    window: tuple[int, int],
    seats: Sequence[tuple[int, int]],
    clock: OpenHours | None,
) -> float:
    """Work in hand ÷ seats there, within the window; overtime is work but no seat.

    ``clock``: of a team that lays its work down at closing.
    """
    begun, ended = efforts["started_at"], efforts["ended_at"]
    mine = begun != NEVER
    last = np.where(ended[mine] == NEVER, window[1], ended[mine])
    first, last = begun[mine].clip(*window), last.clip(*window)
    work = (clock.elapsed(last) - clock.elapsed(first) if clock else last - first).sum()
    at = np.array([t for t, _ in seats] + [window[1]], np.int64).clip(*window)
    there = float((np.diff(at) * np.array([n for _, n in seats])).sum())
    return float(work) / there if there else np.nan


# --- seats → layers of calendars


def _layers(
    scenario: Scenario, team: str, stretch: Stretch
) -> list[tuple[int, dict[str, list[str]]]]:
    """(seats, hours) that add up to the seats wanted while the team is open."""
    lost = 0.0 if stretch.scheduled else scenario.teams[team].shrinkage
    scheduled = paid(stretch.seats, lost)
    wanted = np.where(_open(scenario, team), np.repeat(scheduled, _MINUTES // SLOTS), 0)
    found, before = [], 0
    for level in sorted(set(wanted.tolist()) - {0}):
        found.append((level - before, _hours(wanted >= level)))
        before = level
    return found


def _open(scenario: Scenario, team: str) -> NDArray[np.bool_]:
    """By minute of the week: whether a team is open at all."""
    calendars = _calendars(scenario, team)
    if not calendars:
        return np.ones(_MINUTES, bool)
    found = np.zeros(_MINUTES, bool)
    for calendar in calendars:
        for day, shifts in calendar.shifts().items():
            for opening, closing in shifts:
                a = opening.hour * 60 + opening.minute
                length = (closing.hour * 60 + closing.minute - a) % _DAY or _DAY
                found[(day * _DAY + a + np.arange(length)) % _MINUTES] = True
    return found


def _calendars(scenario: Scenario, team: str) -> list[Calendar]:
    """The calendars of a team's shifts; none where some shift is always there."""
    names = dict.fromkeys(
        entry.calendar or scenario.calendar for entry in scenario.teams[team].staffing()
    )
    return [] if None in names else [scenario.calendars[str(name)] for name in names]


def _days_off(scenario: Scenario, team: str) -> dict[str, Any]:
    """Zone, holidays and closed days of the team's (first) calendar."""
    calendars = _calendars(scenario, team)
    if not calendars:
        return {}
    data = calendars[0].model_dump(mode="json", exclude_defaults=True)
    return {name: data[name] for name in ("zone", "holidays", "closed") if name in data}


def _hours(on: NDArray[np.bool_]) -> dict[str, list[str]]:
    """Shifts by weekday of the minutes that are on."""
    found = {}
    for day, name in enumerate(WEEKDAYS):
        minutes = np.concatenate([[False], on[day * _DAY : (day + 1) * _DAY], [False]])
        edges = np.flatnonzero(minutes[1:] != minutes[:-1]).tolist()
        shifts = [f"{_clock(a)}-{_clock(b)}" for a, b in zip(edges[::2], edges[1::2], strict=True)]
        if shifts:
            found[name] = shifts
    return found


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
