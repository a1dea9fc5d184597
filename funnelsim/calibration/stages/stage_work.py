"""Stages with work: the delays around it, and on whose clock they run.

What a stay has besides waiting and work is delay. The delay before the work runs on the clock
of the team that does it: a lead of Friday night whose call starts on Monday at nine has waited
for the opening, not for two days, and a simulated delay of two days would wait once more. So
does the delay after, where stays end while the team is there: between two calls lies a night.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from funnelsim.calibration.ids import lasting_id
from funnelsim.calibration.parts import Part
from funnelsim.calibration.stages.survival import Durations
from funnelsim.calibration.stages.visits import StageVisits
from funnelsim.calibration.work.handling import EffortPart, TeamPart
from funnelsim.calibration.work.hours import team_calendars
from funnelsim.calibration.work.pieces import work_times
from funnelsim.events import EventLog
from funnelsim.measures.journeys import SECOND
from funnelsim.worktime import WorkTime

__all__ = ["Clock", "Delays", "clocks", "delays", "sometimes", "worked"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Integers = NDArray[np.int64]

LATE: Final = 0.9
"""Share of visits from which on a thing counts as the rule."""


@dataclass(frozen=True, slots=True)
class Clock:
    """When the team at work in a stage is there.

    Parameters
    ----------
    calendar : str
        Its id in the scenario.
    hours : WorkTime
        The same over the log's window.
    """

    calendar: str
    hours: WorkTime


def clocks(log: EventLog, parts: Sequence[Part]) -> dict[str, Clock]:
    """The clock of each stage whose work is done by a team with known hours.

    Parameters
    ----------
    log : EventLog
    parts : sequence of Part
        Of teams and their work.

    Returns
    -------
    dict
        By stage; that of the team which comes first.
    """
    hours = {lasting_id(name): one for name, one in work_times(log, team_calendars(log)).items()}
    calendar = {part.id: part.calendar for part in parts if isinstance(part, TeamPart)}
    found: dict[str, Clock] = {}
    for part in parts:
        if isinstance(part, EffortPart) and calendar.get(part.team) and part.team in hours:
            found.setdefault(part.stage, Clock(calendar[part.team], hours[part.team]))
    return found


def sometimes(parts: Sequence[Part]) -> dict[str, str]:
    """Stages whose visits may need no work, with the work that most of them need.

    Parameters
    ----------
    parts : sequence of Part
        Of teams and their work.

    Returns
    -------
    dict
        Stage → id of the work.
    """
    found: dict[str, EffortPart] = {}
    always = {part.stage for part in parts if isinstance(part, EffortPart) and part.always}
    for part in parts:
        if isinstance(part, EffortPart) and part.stage not in always:
            known = found.setdefault(part.stage, part)
            found[part.stage] = max(known, part, key=lambda one: one.done[0])
    return {stage: part.effort for stage, part in found.items()}


def worked(visits: StageVisits) -> NDArray[np.bool_]:
    """Which visits have had work."""
    some = (visits.hands_on > 0) | (visits.waiting > 0)
    return np.asarray(some | (visits.before < visits.stays.time - 1e-6))


@dataclass(frozen=True, slots=True)
class Delays:
    """The delays of a stage around its work.

    Parameters
    ----------
    before, after : Durations
    open_before, open_after : bool
        Whether they are in open seconds of the team.
    """

    before: Durations
    after: Durations
    open_before: bool
    open_after: bool


def delays(visits: StageVisits, clock: Clock | None, *, some: bool = False) -> Delays:
    """The delays before and after the work of a stage.

    Parameters
    ----------
    visits : StageVisits
        With their phases.
    clock : Clock or None
        The team's; None: both run always.
    some : bool
        Whether there are visits that need no work. Where these go on sooner than the others
        could, their stay is the delay after, and all else that others spend is before work.

    Returns
    -------
    Delays
        ``before`` in open seconds where there is a clock, ``after`` where visits end in open
        hours. A visit that ends without work tells nothing about the time before it; all its
        stay is after.
    """
    stays = visits.stays
    done = worked(visits)
    without = stays.ended & ~done
    passing = _passing(visits, done, without) if some else 0.0
    idle = np.where(done, stays.time - visits.waiting - visits.hands_on, stays.time)
    until = np.where(passing > 0, np.maximum(idle - passing, 0.0), visits.before)
    begun = stays.ended if passing else done
    before, entry = np.where(without, 0.0, until), stays.entry
    seen = ~without & ((entry <= 0) | (before > entry))
    if clock is not None:
        before, entry = (_open(clock.hours, visits.entered, age) for age in (before, entry))
        entry = np.where(stays.entry > 0, np.minimum(entry, before), 0.0)
    first = Durations(before, begun, entry, stays.weight).taken(seen)
    spent = np.where(without, 0.0, visits.before + visits.waiting + visits.hands_on)
    over = without if passing else done | without
    hours = clock.hours if clock and _ends_open(visits, over, clock) else None
    rest = Durations(
        _later(visits, spent, stays.time, hours),
        stays.ended,
        _later(visits, spent, stays.entry, hours),
        stays.weight,
    ).taken(over)
    return Delays(first, rest, clock is not None, hours is not None)


def _passing(visits: StageVisits, done: Flags, without: Flags) -> float:
    """How long visits without work stay, if hardly any with work is over so soon; else 0."""
    with_work = done & visits.stays.ended
    if not without.any() or not with_work.any():
        return 0.0
    typical = float(np.median(visits.stays.time[without]))
    longer = np.quantile(visits.stays.time[without], LATE) < np.median(visits.stays.time[with_work])
    return max(typical, 1e-6) if longer else 0.0


def _ends_open(visits: StageVisits, over: Flags, clock: Clock) -> bool:
    """Whether visits end in the team's hours."""
    rows = over & visits.stays.ended
    if not rows.any():
        return False
    ends = visits.entered[rows] + np.round(visits.stays.time[rows] * SECOND).astype(np.int64)
    opens, closes = (
        np.array(edges, dtype=np.int64) for edges in (clock.hours.opens, clock.hours.closes)
    )
    at = np.searchsorted(opens, ends, side="right") - 1
    inside = (at >= 0) & (ends <= np.append(closes, 0)[at])
    return bool(inside.mean() >= LATE)


def _later(visits: StageVisits, spent: Floats, age: Floats, hours: WorkTime | None) -> Floats:
    """Seconds from where the work is over to an age, open ones if there are hours."""
    if hours is None:
        return np.maximum(age - spent, 0.0).round(6)  # times are whole microseconds
    open_ = _open(hours, visits.entered, age) - _open(hours, visits.entered, spent)
    return np.maximum(open_, 0.0).round(6)


def _open(hours: WorkTime, entered: Integers, age: Floats) -> Floats:
    """Open seconds within an age."""
    until = entered + np.round(age * SECOND).astype(np.int64)
    return (_opened(hours, until) - _opened(hours, entered)) / SECOND


def _opened(hours: WorkTime, instant: Integers) -> Integers:
    """`WorkTime.elapsed` of many instants."""
    opens, closes = (np.array(edges, dtype=np.int64) for edges in (hours.opens, hours.closes))
    if not len(opens):
        return np.zeros(len(instant), dtype=np.int64)
    before = np.concatenate([[0], np.cumsum(closes - opens)])
    at = np.searchsorted(opens, instant, side="right") - 1
    within = before[at] + np.minimum(instant, closes[at]) - opens[at]
    return np.where(at >= 0, within, 0)
