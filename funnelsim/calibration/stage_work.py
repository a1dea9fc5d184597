"""Stages with work: the delays around it, and on whose clock they run.

What a stay has besides waiting and work is delay. The delay before the work runs on the clock
of the team that does it: a lead of Friday night whose call starts on Monday at nine has waited
for the opening, not for two days, and a simulated delay of two days would wait once more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from funnelsim.calibration.hours import team_calendars
from funnelsim.calibration.ids import lasting_id
from funnelsim.calibration.parts import Part
from funnelsim.calibration.pieces import work_times
from funnelsim.calibration.survival import Durations
from funnelsim.calibration.visits import StageVisits
from funnelsim.calibration.work import EffortPart, TeamPart
from funnelsim.events import EventLog
from funnelsim.measures.journeys import SECOND
from funnelsim.worktime import WorkTime

__all__ = ["Clock", "clocks", "delays", "sometimes", "worked"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


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


def delays(visits: StageVisits, clock: Clock | None) -> tuple[Durations, Durations]:
    """The delays before and after the work of a stage.

    Parameters
    ----------
    visits : StageVisits
        With their phases.
    clock : Clock or None
        The team's; None: the delay before runs always.

    Returns
    -------
    before, after : Durations
        ``before`` in open seconds where there is a clock. A visit that ends without work tells
        nothing about the time before it; all its stay is after.
    """
    stays = visits.stays
    without = stays.ended & ~worked(visits)
    begun = worked(visits) | without
    elapsed = np.where(without, 0.0, visits.before)
    spent = np.where(without, 0.0, visits.before + visits.waiting + visits.hands_on)
    seen = (stays.entry <= 0) | (elapsed > stays.entry)
    before, entry = elapsed, stays.entry
    if clock is not None:
        before, entry = (_open(clock.hours, visits.entered, age) for age in (before, entry))
        entry = np.where(stays.entry > 0, np.minimum(entry, before), 0.0)
    first = Durations(before, begun, entry, stays.weight).taken(seen & ~without)
    rest = Durations(
        np.maximum(stays.time - spent, 0.0).round(6),  # times are whole microseconds
        stays.ended,
        np.maximum(stays.entry - spent, 0.0).round(6),
        stays.weight,
    ).taken(begun)
    return first, rest


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
