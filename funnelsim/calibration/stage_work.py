"""Stages with work: the delays around it, on whose clock they run, and where it must stay out.

What a stay has besides waiting and work is delay. The delay before the work runs on the clock
of the team that does it: a lead of Friday night whose call starts on Monday at nine has waited
for the opening, not for two days, and a simulated delay of two days would wait once more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from funnelsim.calibration.hours import team_calendars
from funnelsim.calibration.ids import lasting_id
from funnelsim.calibration.parts import Part, Refusal
from funnelsim.calibration.pieces import work_times
from funnelsim.calibration.survival import Durations
from funnelsim.calibration.visits import DAY, StageVisits
from funnelsim.calibration.work import EffortPart, TeamPart
from funnelsim.events import EventLog
from funnelsim.measures.journeys import SECOND
from funnelsim.worktime import WorkTime

__all__ = ["Clock", "clocks", "delays", "out_of_place"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

USUAL: Final = 0.9
"""Share of visits with work from which on every visit may queue for it."""
SLOW: Final = DAY
"""Median stay from which on a wait for the opening does not matter."""


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


def out_of_place(
    every: Sequence[StageVisits], parts: Sequence[Part]
) -> tuple[set[str], tuple[Refusal, ...]]:
    """Stages whose work must stay out of the scenario, for most visits never wait for it.

    Parameters
    ----------
    every : sequence of StageVisits
        With their phases.
    parts : sequence of Part
        Of teams and their work.

    Returns
    -------
    tuple
        Ids of stages, and a refusal for each.
    """
    staffed = {part.stage for part in parts if isinstance(part, EffortPart)}
    found, refusals = set(), []
    for visits in every:
        over = visits.stays.ended & (visits.stays.entry <= 0)
        if visits.stage not in staffed or not over.any():
            continue
        with_work = worked(visits)[over]
        if with_work.mean() >= USUAL or float(np.median(visits.stays.time[over])) >= SLOW:
            continue
        found.add(visits.stage)
        seconds = sum(float(np.nansum(one.hands_on)) for one in every)
        load = float(np.nansum(visits.hands_on)) / seconds if seconds else 0.0
        why = (
            f"Only {with_work.mean():.0%} of visits have work, and half of all are over within "
            "a day: in a scenario all would wait until somebody is there."
        )
        instead = f"The stay is a delay; {load:.0%} of all hands-on time is left out."
        fix = "Give the visits with work a stage of their own."
        refusals.append(Refusal(f"stages.{visits.stage}.efforts", why, instead, fix))
    return found, tuple(refusals)


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
        ``before`` in open seconds where there is a clock; a visit that ends without work has
        no time before it, and all its stay after.
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
    first = Durations(before, begun, entry, stays.weight).taken(seen)
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
