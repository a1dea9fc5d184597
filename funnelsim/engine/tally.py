"""What a run comes to: whole-number sums, so that no log need be kept.

Every number is a count, a sum of microseconds or of minor units, hence exact: both engines
come to equal tallies, and tallies of replications add up. Means and shares are made of them
later. All of it is what happens inside the observed window (flow, not cohort).
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from funnelsim.engine.plan import EXITS, NEVER, Plan
from funnelsim.engine.rows import Rows
from funnelsim.engine.seating import Seats
from funnelsim.measures.steps import area, highest, steps, while_open
from funnelsim.worktime import FAR, WEEK

__all__ = ["DECIDED", "Limits", "Tally", "advances", "periods", "tally_of"]

Ints = NDArray[np.int64]

DECIDED = ("won", "lost")
"""The marks after which a deal is no longer open."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What counts as in time.

    Parameters
    ----------
    wait : int
        Work begun within this many microseconds of being queued is begun in time.
    age : int
        A mark within this many microseconds of the lead's arrival is made in time.
    """

    wait: int = FAR
    age: int = FAR


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """Sums over the observed window of one replication; int64 arrays.

    Sources, stages, teams and kinds of marks are in the order of their ids
    (``plan.epochs[0].sources`` …, ``plan.kinds_of_marks``); times are microseconds, money is
    in minor units, *present*, *queue*, *busy*, *staffed* and *open* are sums of time (divide
    by the window's length for a mean number).

    Parameters
    ----------
    arrived : shape (sources,)
        Leads.
    entered : shape (stages,)
        Visits begun.
    left : shape (stages, 5)
        Visits ended: how, by number in ``EXITS``; column 0 holds those that *advanced*, the
        moved of column 1 went elsewhere.
    dwell : shape (stages,)
        Length of the visits that ended.
    present : shape (stages,)
        Leads there × time.
    started, waited, in_time : shape (teams,)
        Pieces of work begun, how long they had waited, how many within ``Limits.wait``.
    given_up : shape (teams,)
        Pieces of work given up before they began.
    queue, busy, staffed : shape (teams,)
        Work waiting × time, work in hand × time (where closing pauses work: only while there
        are seats), and seats or work in hand, whichever is more, × time: overtime is staffed.
    marked, value, cost : shape (kinds,)
        Marks, their money.
    first, age, young : shape (kinds,)
        Leads marked for the first time with this kind, how long after arrival, how many of
        them within ``Limits.age``.
    course, earned : shape (periods, kinds)
        First marks and value by week of the window.
    open : shape ()
        Open deals (neither won, lost nor gone) × time.
    known_first, known_value : shape (kinds,)
        The part of ``first`` and ``value`` of deals that were open when the run began.
    """

    arrived: Ints
    entered: Ints
    left: Ints
    dwell: Ints
    present: Ints
    started: Ints
    waited: Ints
    in_time: Ints
    given_up: Ints
    queue: Ints
    busy: Ints
    staffed: Ints
    marked: Ints
    value: Ints
    cost: Ints
    first: Ints
    age: Ints
    young: Ints
    course: Ints
    earned: Ints
    open: Ints
    known_first: Ints
    known_value: Ints

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Tally):
            return NotImplemented
        names = [field.name for field in fields(self)]
        return all(np.array_equal(getattr(self, name), getattr(other, name)) for name in names)

    def __hash__(self) -> int:
        return hash(tuple(getattr(self, field.name).tobytes() for field in fields(self)))


def periods(plan: Plan) -> int:
    """How many weeks the observed window touches."""
    return -(-(plan.observed_until - plan.observed_from) // WEEK)


def advances(plan: Plan) -> Ints:
    """The stage to which each stage advances, by epoch and stage; -1 for none."""
    return np.array(
        [
            [stage.routes[-1][1].advance if stage.routes else -1 for stage in epoch.stages]
            for epoch in plan.epochs
        ]
    )


def tally_of(plan: Plan, rows: Rows, limits: Limits | None = None) -> Tally:
    """Sum up the rows of a run.

    Parameters
    ----------
    plan : Plan
    rows : Rows
    limits : Limits, optional
        By default everything is in time.

    Returns
    -------
    Tally
    """
    limits = limits or Limits()
    parts = {
        **_of_visits(plan, rows),
        **_of_efforts(plan, rows, limits),
        **_of_marks(plan, rows, limits),
        "open": np.array(_open_time(plan, rows)),
    }
    return Tally(**parts)


def _of_visits(plan: Plan, rows: Rows) -> dict[str, Ints]:
    visits, start, end = rows.visits, plan.observed_from, plan.observed_until
    stage, entered, left = visits["stage"], visits["entered_at"], visits["left_at"]
    n = len(plan.epochs[0].stages)
    epoch = np.searchsorted([e.start for e in plan.epochs[1:]], entered, side="right")
    advanced = (visits["exit"] == EXITS.index("moved")) & (
        visits["next_stage"] == advances(plan)[epoch, stage]
    )
    how = np.where(advanced, 0, visits["exit"])
    gone = (left != NEVER) & (left >= start)
    ways = np.zeros((n, len(EXITS)), np.int64)
    np.add.at(ways, (stage[gone], how[gone]), 1)
    until = np.where(left == NEVER, end, left)
    arrived = rows.arrivals
    sources = len(plan.epochs[0].sources)
    return {
        "arrived": _count(arrived.source[arrived.arrived_at >= start], sources),
        "entered": _count(stage[entered >= start], n),
        "left": ways,
        "dwell": _sum(stage[gone], (left - entered)[gone], n),
        "present": _sum(stage, _overlap(entered, until, start), n),
    }


def _of_efforts(plan: Plan, rows: Rows, limits: Limits) -> dict[str, Ints]:
    efforts, start, end = rows.efforts, plan.observed_from, plan.observed_until
    team, queued = efforts["team"], efforts["queued_at"]
    begun, ended = efforts["started_at"], efforts["ended_at"]
    n = len(plan.epochs[0].teams)
    worked = begun != NEVER
    now = worked & (begun >= start)
    wait = begun - queued
    given_up = ~worked & (ended != NEVER) & (ended >= start)
    until = np.where(ended == NEVER, end, ended)
    busy, staffed = np.zeros((2, n), np.int64)
    for number, changes in enumerate(rows.seats):
        mine = worked & (team == number)
        pauses = plan.epochs[0].teams[number].pause is not None
        busy[number], staffed[number] = _staffing(
            plan, changes, begun[mine], until[mine], pauses=pauses
        )
    return {
        "started": _count(team[now], n),
        "waited": _sum(team[now], wait[now], n),
        "in_time": _count(team[now & (wait <= limits.wait)], n),
        "given_up": _count(team[given_up], n),
        "queue": _sum(team, _overlap(queued, np.where(worked, begun, until), start), n),
        "busy": busy,
        "staffed": staffed,
    }


def _staffing(
    plan: Plan, changes: Seats, begun: Ints, until: Ints, *, pauses: bool
) -> tuple[int, int]:
    """Busy and staffed time inside the window; overtime is staffed, a pause is not busy."""
    window = np.array([plan.observed_from, plan.observed_until])
    at = np.array([instant for instant, _ in changes])
    seats = steps(at, np.append(at[1:], window[1]), np.array([n for _, n in changes]))
    busy = steps(begun, until)
    if pauses:
        busy = while_open(busy, seats)
    return int(area(busy, window)[0]), int(area(highest(seats, busy), window)[0])


def _of_marks(plan: Plan, rows: Rows, limits: Limits) -> dict[str, Ints]:
    marks, start = rows.marks, plan.observed_from
    n, weeks = len(plan.kinds_of_marks), periods(plan)
    kind = _kind_of_mark(plan)[marks["mark"]]
    inside = marks["at"] >= start
    first = np.zeros(len(kind), bool)
    first[_firsts(marks["lead"], kind, marks["at"])] = True
    first &= inside
    old = marks["lead"] < len(plan.deals)
    if plan.deals:
        had = np.array(
            [[name in deal.marked for name in plan.kinds_of_marks] for deal in plan.deals]
        )
        first[old] &= ~had[marks["lead"][old], kind[old]]
    age = marks["at"] - rows.arrivals.arrived_at[marks["lead"]]
    value, cost = np.maximum(marks["value"], 0), np.maximum(marks["cost"], 0)
    week = (marks["at"] - start) // WEEK
    course, earned = np.zeros((2, weeks, n), np.int64)
    np.add.at(course, (week[first], kind[first]), 1)
    np.add.at(earned, (week[inside], kind[inside]), value[inside])
    return {
        "marked": _count(kind[inside], n),
        "value": _sum(kind[inside], value[inside], n),
        "cost": _sum(kind[inside], cost[inside], n),
        "first": _count(kind[first], n),
        "age": _sum(kind[first], age[first], n),
        "young": _count(kind[first & (age <= limits.age)], n),
        "known_first": _count(kind[first & old], n),
        "known_value": _sum(kind[inside & old], value[inside & old], n),
        "course": course,
        "earned": earned,
    }


def _kind_of_mark(plan: Plan) -> Ints:
    """The number of the kind of each mark."""
    return np.array([plan.kinds_of_marks.index(kind) for kind, _ in plan.marks], np.int64)


def _firsts(lead: Ints, kind: Ints, at: Ints) -> Ints:
    """Rows that are their lead's first of a kind."""
    order = np.lexsort((at, kind, lead))
    changed = (np.diff(lead[order], prepend=-1) != 0) | (np.diff(kind[order], prepend=-1) != 0)
    firsts: Ints = order[changed]
    return firsts


def _open_time(plan: Plan, rows: Rows) -> int:
    """From arrival until won, lost or gone, added over leads, inside the window."""
    arrived = rows.arrivals.arrived_at
    until = np.full(len(arrived), plan.observed_until)
    visits, marks = rows.visits, rows.marks
    ended = visits["exit"] == EXITS.index("ended")
    until[visits["lead"][ended]] = visits["left_at"][ended]
    deciding = np.array([kind in DECIDED for kind, _ in plan.marks])[marks["mark"]]
    np.minimum.at(until, marks["lead"][deciding], marks["at"][deciding])
    closed = [i for i, deal in enumerate(plan.deals) if deal.marked & set(DECIDED)]
    until[closed] = plan.start
    return int(_overlap(arrived, until, plan.observed_from).sum())


def _overlap(begin: Ints, end: Ints, start: int) -> Ints:
    """Length of intervals after ``start``."""
    return np.maximum(end - np.maximum(begin, start), 0)


def _count(numbers: Ints, n: int) -> Ints:
    return np.bincount(numbers, minlength=n).astype(np.int64)


def _sum(numbers: Ints, amounts: Ints, n: int) -> Ints:
    """Exact sums by number (``bincount`` would add floats)."""
    total = np.zeros(n, np.int64)
    np.add.at(total, numbers, amounts)
    return total
