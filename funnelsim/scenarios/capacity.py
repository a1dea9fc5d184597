"""What teams are asked to do, against what they can."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo

from funnelsim.scenarios.findings import Finding
from funnelsim.scenarios.paths import Paths
from funnelsim.scenarios.scenario import Scenario
from funnelsim.scenarios.team import Staff
from funnelsim.worktime import HOUR, WEEK, to_instant

__all__ = ["TeamLoad", "busy_teams", "offered_load"]

_BUSY = 0.85


@dataclass(frozen=True)
class TeamLoad:
    """A team's mean week.

    Parameters
    ----------
    team : str
        Id.
    seats : int
        People at work at once.
    work : float
        Hours of work a week that leads bring; infinite where leads go round for ever.
    staffed : float
        Seat hours a week in the observed window, holidays off.
    """

    team: str
    seats: int
    work: float
    staffed: float

    @property
    def load(self) -> float:
        """Work ÷ staffed hours; infinite where nobody is there for it."""
        if self.work == 0:
            return 0.0
        return self.work / self.staffed if self.staffed else math.inf

    def seats_for(self, load: float) -> int:
        """The fewest seats at which the load is not above this."""
        return math.ceil(self.work / load / (self.staffed / self.seats) - 1e-9)


def offered_load(scenario: Scenario, paths: Paths | None = None) -> tuple[TeamLoad, ...]:
    """Hours of work offered to each team and hours it is staffed, a week.

    Expected visits of each stage (absorbing Markov chain) times mean effort; waits,
    peaks and overtime are left out, so the numbers are approximate.

    Parameters
    ----------
    scenario : Scenario
        Its observed window gives the staffed hours.
    paths : Paths, optional
        The scenario's chain, if already made.

    Returns
    -------
    tuple of TeamLoad
        In the scenario's order.

    Examples
    --------
    >>> from funnelsim import shipped
    >>> from funnelsim.scenarios.loading import load
    >>> bank = load(shipped.scenarios() / "bank-retail.yaml")
    >>> all(0.5 < team.load < 0.9 for team in offered_load(bank))
    True
    """
    paths = paths or Paths(scenario)
    work = dict.fromkeys(scenario.teams, 0.0)
    for visits, stay, stage in zip(
        paths.visits, paths.stays, scenario.stages.values(), strict=True
    ):
        for effort in stage.efforts.values():
            hours = paths.work_hours(effort.duration, effort.team) * stay.reaches_work
            hours *= effort.share
            work[effort.team] += float(visits) * hours if hours else 0.0
    return tuple(
        TeamLoad(
            key,
            max((entry.seats for entry in team.staffing()), default=0),
            work[key],
            sum(_seat_hours(scenario, entry) for entry in team.staffing()) * (1 - team.shrinkage),
        )
        for key, team in scenario.teams.items()
    )


def _seat_hours(scenario: Scenario, entry: Staff) -> float:
    """Mean seat hours a week of some staff in the observed window; a ramp counts half."""
    _, start, end = scenario.run.instants(scenario.time_zone)
    zone = ZoneInfo(scenario.time_zone)
    weeks = (end - start) / WEEK
    begin = start
    if entry.start:
        hired = to_instant(datetime.combine(entry.start, time(), zone))
        begin = max(start, hired + round(entry.ramp.microseconds() / 2))
    if entry.end:
        end = min(end, to_instant(datetime.combine(entry.end, time(), zone)))
    if begin >= end:
        return 0.0
    name = entry.calendar or scenario.calendar
    if name is None:
        return entry.seats * (end - begin) / HOUR / weeks
    work = scenario.calendars[name].work_time(scenario.time_zone, begin, end)
    return entry.seats * work.between(begin, end) / HOUR / weeks


def busy_teams(paths: Paths) -> Iterator[Finding]:
    """Teams that are unused, too busy, or have nobody for their work.

    Examples
    --------
    >>> from funnelsim.scenarios.scenario import _TINY
    >>> list(busy_teams(Paths(Scenario.model_validate({**_TINY, "teams": {"a": {"seats": 1}}}))))
    [Finding(severity='note', message='has nothing to do', path='teams.a', value=0.0, fix='')]
    """
    for team in offered_load(paths.scenario, paths):
        path = f"teams.{team.team}"
        if team.work == 0:
            yield Finding(severity="note", message="has nothing to do", path=path, value=0)
        elif team.staffed == 0:
            why = "has no seats" if team.seats == 0 else "is never at work in the observed window"
            message = f"{why}, but leads wait for it"
            yield Finding(
                severity="error" if _caught(paths.scenario, team.team) else "warning",
                message=message,
                path=path,
            )
        elif _BUSY < team.load < math.inf:  # infinite: leads that never get out are an error
            yield _too_busy(team)


def _caught(scenario: Scenario, team: str) -> bool:
    """Whether leads would wait for a team for ever: no time-out, no patience."""
    return any(
        effort.team == team and not (stage.timeout or stage.patience)
        for stage in scenario.stages.values()
        for effort in stage.efforts.values()
    )


def _too_busy(team: TeamLoad) -> Finding:
    """A load at which waits grow, or never end growing."""
    hours = f"about {team.work:.1f} h of work a week for {team.staffed:.1f} staffed hours"
    consequence = (
        "the queue will never settle, and results depend on how long you look"
        if team.load >= 1
        else "a little more demand makes waits much longer"
    )
    seats = team.seats_for(_BUSY)
    return Finding(
        severity="warning",
        message=f"{hours} = {team.load:.0%}: {consequence}",
        path=f"teams.{team.team}",
        value=round(team.load, 4),
        fix=f"With {seats} seats it would be {team.load * team.seats / seats:.0%}.",
    )
