"""What each team is asked to do, and when: the scenario run with more than enough people.

Nobody waits then, so work falls due when the funnel's delays and routes bring it, and not when
some other team gets round to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.engine import make_plan
from funnelsim.engine.doubted import Doubted
from funnelsim.engine.plan import NEVER, Plan
from funnelsim.engine.simulation import rows
from funnelsim.engine.snapshot import Snapshot
from funnelsim.scenarios.sampling import ScenarioSampler
from funnelsim.scenarios.scenario import Scenario
from funnelsim.worktime import DAY, HOUR, MINUTE, WEEK, WorkTime, from_instant, united

__all__ = ["SLOT", "SLOTS", "Asked", "OpenHours", "Span", "Workload", "ample", "workload"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

SLOT: Final = 30 * MINUTE
SLOTS: Final = WEEK // SLOT
"""Half hours of the week, from Monday 0:00 local time."""
_PLENTY: Final = 100_000


@dataclass(frozen=True, eq=False)
class OpenHours:
    """When a team is open, for many instants at once.

    Parameters
    ----------
    work : WorkTime

    Examples
    --------
    >>> desk = OpenHours(WorkTime([10, 30], [20, 40], 10))
    >>> desk.elapsed([5, 15, 25, 35]).tolist(), desk.next_open([5, 15, 25, 35]).tolist()
    ([0, 5, 10, 15], [10, 15, 30, 35])
    """

    work: WorkTime
    opens: Ints = field(init=False)
    closes: Ints = field(init=False)
    before: Ints = field(init=False)

    def __post_init__(self) -> None:
        opens, closes = np.array(self.work.opens, np.int64), np.array(self.work.closes, np.int64)
        object.__setattr__(self, "opens", opens)
        object.__setattr__(self, "closes", closes)
        object.__setattr__(self, "before", np.concatenate([[0], np.cumsum(closes - opens)]))

    def elapsed(self, at: Sequence[int] | Ints) -> Ints:
        """Open microseconds up to each instant."""
        at = np.asarray(at, np.int64)
        i = np.searchsorted(self.opens, at, side="right") - 1
        j = np.maximum(i, 0)
        if not len(self.opens):
            return np.zeros(at.shape, np.int64)
        since = np.minimum(at, self.closes[j]) - self.opens[j]
        return np.where(i < 0, 0, self.before[j] + since)

    def next_open(self, at: Sequence[int] | Ints) -> Ints:
        """Each instant itself if open, else the next opening (far off if none)."""
        at = np.asarray(at, np.int64)
        i = np.searchsorted(self.closes, at, side="right")
        later = np.append(self.opens, np.int64(2**62))
        return np.maximum(at, later[i])


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """Work asked of a team on one path, in order of asking.

    Parameters
    ----------
    queued : ndarray of int
        Instants, from the warm-up on.
    work : ndarray of int
        Microseconds of the team's open hours.
    lost : ndarray of int
        Instants of asking of those who gave up although there were seats enough: while the
        team was closed.
    """

    queued: Ints
    work: Ints
    lost: Ints


@dataclass(frozen=True, eq=False)
class Span:
    """The observed time in periods and half hours.

    Parameters
    ----------
    edges : ndarray of int
        Instants between periods: local midnights, a week apart (the last may differ).
    zone : str
    """

    edges: Ints
    zone: str

    @property
    def days(self) -> tuple[pd.Timestamp, ...]:
        """The local days on which periods begin, and the day after the last."""
        return tuple(pd.Timestamp(from_instant(int(e), self.zone).date()) for e in self.edges)

    @property
    def weeks(self) -> Floats:
        """Lengths of the periods in weeks."""
        return np.asarray(np.round(np.diff(self.edges) / DAY) / 7)

    def period(self, at: Ints) -> Ints:
        """The period of each instant; -1 before the first."""
        return np.asarray(np.searchsorted(self.edges[:-1], at, side="right") - 1)

    def slot(self, at: Ints) -> Ints:
        """The half hour of the week of each instant, by local time."""
        local = pd.DatetimeIndex(pd.to_datetime(at, unit="us", utc=True)).tz_convert(self.zone)
        minutes = np.asarray(local.day_of_week) * 1440 + np.asarray(local.hour) * 60
        return np.asarray((minutes + np.asarray(local.minute)) // (SLOT // MINUTE), np.int64)

    def open_hours(self, clock: OpenHours) -> Floats:
        """Open hours by period and half hour of the week, shape (periods, SLOTS)."""
        ticks = np.arange(self.edges[0], self.edges[-1], SLOT)
        length = clock.elapsed(np.minimum(ticks + SLOT, self.edges[-1])) - clock.elapsed(ticks)
        found = np.zeros((len(self.edges) - 1, SLOTS))
        np.add.at(found, (self.period(ticks), self.slot(ticks)), length / HOUR)
        return found


@dataclass(frozen=True, eq=False)
class Workload:
    """What teams are asked to do on every sample path.

    Parameters
    ----------
    scenario : Scenario
        The one simulated, with its own seats.
    span : Span
    clocks : mapping of str to OpenHours
        By team.
    asked : tuple of mapping of str to Asked
        By path, then by team.
    seed : int
    """

    scenario: Scenario
    span: Span
    clocks: Mapping[str, OpenHours]
    asked: tuple[Mapping[str, Asked], ...]
    seed: int

    @cached_property
    def teams(self) -> tuple[str, ...]:
        """Ids, in the scenario's order."""
        return tuple(self.clocks)

    def hours(self, team: str) -> Floats:
        """Hours of work asked for, shape (paths, periods)."""
        found = np.zeros((len(self.asked), len(self.span.edges) - 1))
        for path, asked in enumerate(self.asked):
            period = self.span.period(asked[team].queued)
            seen = period >= 0
            np.add.at(found[path], period[seen], asked[team].work[seen] / HOUR)
        return found


def workload(
    world: Scenario | ScenarioSampler,
    *,
    n: int,
    seed: int,
    teams: Sequence[str] = (),
    prepare: Callable[[Scenario], Scenario] = lambda scenario: scenario,
    start: Snapshot | None = None,
    progress: Callable[[float], None] | None = None,
) -> Workload:
    """Run a scenario with plenty of seats and note what is asked of each team, and when.

    Parameters
    ----------
    world : Scenario or ScenarioSampler
        A sampler draws the parameters of every path too.
    n : int
        Sample paths.
    seed : int
    teams : sequence of str, optional
        Left out: all.
    prepare : callable, optional
        What else is done to each scenario drawn, for example given leads.
    start : Snapshot, optional
        Open deals to go on with.
    progress : callable, optional
        Told the share done, 0 to 1.

    Returns
    -------
    Workload

    Examples
    --------
    >>> from funnelsim import shipped
    >>> from funnelsim.scenarios.loading import load
    >>> bank = load(shipped.scenarios() / "bank-retail.yaml")
    >>> short = bank.change("short", {"run.horizon": "2 w", "run.warm_up": "0 d"})
    >>> asked = workload(short, n=1, seed=1)
    >>> asked.hours("call_centre").shape
    (1, 2)
    """
    first = prepare(world if isinstance(world, Scenario) else world.draw(seed, 0))
    names = tuple(teams) or tuple(first.teams)
    known = None if start is None else Doubted(start, world)
    plan = make_plan(ample(first), known.drawn(seed, 0) if known else None)
    span = Span(_edges(plan.observed_from, plan.observed_until, first.time_zone), first.time_zone)
    numbers = {team.id: i for i, team in enumerate(plan.epochs[0].teams)}
    clocks = {name: _clock(plan, numbers[name]) for name in names}
    found = []
    for path in range(n):
        if path and not isinstance(world, Scenario):
            here = known.drawn(seed, path) if known else None
            plan = make_plan(ample(prepare(world.draw(seed, path))), here)
        efforts = rows(plan, seed=seed, replication=path).efforts
        found.append({name: _asked(efforts, plan, numbers[name], clocks[name]) for name in names})
        if progress is not None:
            progress((path + 1) / n)
    return Workload(first, span, clocks, tuple(found), seed)


def ample(scenario: Scenario) -> Scenario:
    """The scenario with more than enough people whenever a team is open.

    Leave, leavers, hires and changes of seats or leads on a date are left out.
    """
    teams = {}
    for key, team in scenario.teams.items():
        calendars = dict.fromkeys(entry.calendar for entry in team.staffing() if entry.seats)
        staff = tuple({"seats": _PLENTY, "calendar": name} for name in calendars or [team.calendar])
        update: dict[str, Any] = {"seats": None, "staff": staff, "shrinkage": 0.0, "attrition": 0.0}
        teams[key] = type(team).model_validate(
            {**team.model_dump(mode="json", exclude_defaults=True), **update}
        )
    return without_dated(scenario).model_copy(update={"teams": teams})


def without_dated(scenario: Scenario) -> Scenario:
    """The scenario without dated changes of teams and sources: plan and forecast say those."""
    kept = {}
    for key, change in scenario.changes.items():
        rest = {p: v for p, v in change.set.items() if p.split(".")[0] not in {"teams", "sources"}}
        if rest:
            kept[key] = change.model_copy(update={"set": rest})
    return scenario.model_copy(update={"changes": kept})


def _clock(plan: Plan, number: int) -> OpenHours:
    """The hours in which a team is open at all."""
    return OpenHours(united([entry.work for entry in plan.epochs[0].teams[number].staff]))


def _asked(efforts: Mapping[str, Ints], plan: Plan, number: int, clock: OpenHours) -> Asked:
    """The work asked of one team, in order of asking; what was given up unserved is no work.

    Of what is still waiting or in hand in the end the length is not known: it is the mean.
    """
    mine = efforts["team"] == number
    queued, begun, ended = (efforts[name][mine] for name in ("queued_at", "started_at", "ended_at"))
    kept = (begun != NEVER) | (ended == NEVER)
    lost = np.sort(queued[~kept])
    queued, begun, ended = queued[kept], begun[kept], ended[kept]
    whole = (begun != NEVER) & (ended != NEVER)
    begun, ended = np.where(whole, begun, 0), np.where(whole, ended, 0)
    if plan.epochs[0].teams[number].pause is not None:
        begun, ended = clock.elapsed(begun), clock.elapsed(ended)
    work = ended - begun
    work[~whole] = round(work[whole].mean()) if whole.any() else 0
    order = np.argsort(queued, kind="stable")
    return Asked(queued[order], work[order], lost)


def _edges(start: int, end: int, zone: str) -> Ints:
    """Weeks from the start on; what is left over is a period if it is half a week or more."""
    first, last = (from_instant(t, zone).replace(tzinfo=None) for t in (start, end))
    days = pd.date_range(first, last, freq="7D").tz_localize(zone, nonexistent="shift_forward")
    edges = np.asarray(days.tz_convert("UTC").tz_localize(None), "datetime64[us]").astype(np.int64)
    edges = edges[edges < end]
    if len(edges) > 1 and end - edges[-1] < WEEK / 2:
        edges = edges[:-1]
    return np.append(edges, np.int64(end))
