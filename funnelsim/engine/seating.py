"""Seats over time: opening hours, hires and their ramp, leave, people who quit.

Each seat's absence and departure are keyed to the seat, so one more seat changes
nobody else's calendar.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from funnelsim.engine.plan import Plan, PlanStaff, PlanTeam
from funnelsim.streams import Stream
from funnelsim.worktime import DAY, FAR

__all__ = ["Seats", "seats_over_time"]

Ints = NDArray[np.int64]
Seats = list[tuple[int, int]]
"""(instant, seats from then on), rising; the first at the start of the run."""
_YEAR = 365.25 * DAY
_ORDINALS = 2**20  # departures of one seat that can be told apart


def seats_over_time(plan: Plan, number: int, stream: Stream) -> Seats:
    """When a team's seats change.

    Parameters
    ----------
    plan : Plan
    number : int
        The team's number.
    stream : Stream

    Returns
    -------
    Seats
    """
    changes: Seats = []
    ends = [epoch.start for epoch in plan.epochs[1:]] + [plan.observed_until]
    for epoch, end in zip(plan.epochs, ends, strict=True):
        times, seats = _steps(epoch.teams[number], plan.start, end, stream)
        before = np.searchsorted(times, epoch.start, side="right") - 1
        first = int(seats[before]) if before >= 0 else 0
        changes.append((epoch.start, first))
        later = times > epoch.start
        changes += zip(times[later].tolist(), seats[later].tolist(), strict=True)
    return changes


def _steps(team: PlanTeam, start: int, end: int, stream: Stream) -> tuple[Ints, Ints]:
    """The instants before ``end`` at which a team's seats change, and the seats."""
    parts = [_staff_changes(team, entry, start, end, stream) for entry in team.staff]
    at = np.concatenate([times for times, _ in parts])
    change = np.concatenate([delta for _, delta in parts])
    times, where = np.unique(at, return_inverse=True)
    deltas = np.zeros(len(times), np.int64)
    np.add.at(deltas, where, change)
    kept = times < end
    return times[kept], np.cumsum(deltas)[kept]


def _staff_changes(
    team: PlanTeam, entry: PlanStaff, start: int, end: int, stream: Stream
) -> tuple[Ints, Ints]:
    """(instant, change of seats) of one entry of staff."""
    opens, closes = np.array(entry.work.opens, np.int64), np.array(entry.work.closes, np.int64)
    opens, closes = _clip(opens, closes, start, FAR)
    if not (team.shrinkage or team.attrition or entry.ramp):
        at, until = _clip(opens, closes, entry.start, entry.end)
        seats = np.full(len(at), entry.seats)
        return np.concatenate([at, until]), np.concatenate([seats, -seats])
    if team.shrinkage:
        opens, closes = _by_day(entry, opens, closes)
    none = np.zeros(0, np.int64)
    edges, changes = [none], [none]
    for seat in range(entry.seats):
        begin = entry.start + entry.ramp * (seat + 1) // entry.seats if entry.ramp else entry.start
        at, until = _clip(opens, closes, begin, entry.end)
        if team.shrinkage:
            present = _present(team, entry, at, seat, stream)
            at, until = at[present], until[present]
        for left, back in _vacancies(team, entry, seat, max(begin, start), end, stream):
            before, after = _clip(at, until, begin, left), _clip(at, until, back, entry.end)
            at, until = (np.concatenate(pair) for pair in zip(before, after, strict=True))
        edges += [at, until]
        changes += [np.ones_like(at), -np.ones_like(until)]
    return np.concatenate(edges), np.concatenate(changes)


def _clip(opens: Ints, closes: Ints, begin: int, end: int) -> tuple[Ints, Ints]:
    """Intervals cut to ``[begin, end)``; empty ones dropped."""
    at, until = np.maximum(opens, begin), np.minimum(closes, end)
    kept = at < until
    return at[kept], until[kept]


def _by_day(entry: PlanStaff, opens: Ints, closes: Ints) -> tuple[Ints, Ints]:
    """Intervals longer than a day cut at midnight (leave is taken by the day)."""
    days = np.array(entry.days)
    first, last = np.searchsorted(days, opens, "right"), np.searchsorted(days, closes, "left")
    cuts = [
        days[a:b] if closing - opening > DAY else days[:0]
        for a, b, opening, closing in zip(first, last, opens, closes, strict=True)
    ]
    return np.sort(np.concatenate([opens, *cuts])), np.sort(np.concatenate([closes, *cuts]))


def _present(
    team: PlanTeam, entry: PlanStaff, opens: Ints, seat: int, stream: Stream
) -> NDArray[np.bool_]:
    """On which of its shifts a seat is taken; those of one day share their luck."""
    days = np.array(entry.days)
    day = days[np.searchsorted(days, opens, "right") - 1]
    seats = np.full(len(day), seat, np.uint64)
    words = stream.words_array(day.astype(np.uint64), entry.place, seats)
    present: NDArray[np.bool_] = stream.to_uniforms(words)[0] >= team.shrinkage
    return present


def _vacancies(
    team: PlanTeam, entry: PlanStaff, seat: int, begin: int, end: int, stream: Stream
) -> list[tuple[int, int]]:
    """When a seat is empty because its holder left (exponential time, then replaced)."""
    found: list[tuple[int, int]] = []
    if not team.attrition:
        return found
    mean = _YEAR / -math.log1p(-team.attrition)
    at = begin
    while True:
        ordinal = seat * _ORDINALS + len(found)
        u = stream.uniforms(0, entry.attrition_place, ordinal)[0]
        at += round(-math.log1p(-u) * mean)
        if at >= end:
            return found
        found.append((at, at + team.replaced_after))
        at += team.replaced_after
