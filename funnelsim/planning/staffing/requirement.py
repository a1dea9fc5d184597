"""Seats that keep a promise on every path: Erlang where a team answers at once, else replay.

*At once* is a promise within half an hour: each half hour of the week stands by itself, so the
Erlang formulas hold. A longer promise lets work wait for a quiet hour, from day to day: then the
work asked for is replayed, first come first served, with ever more seats.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from funnelsim.planning.staffing.erlang import seats_needed
from funnelsim.planning.staffing.service import ServiceLevel
from funnelsim.planning.staffing.workload import SLOTS, Asked, OpenHours, Workload
from funnelsim.scenarios.paths import Paths
from funnelsim.scenarios.scenario import Scenario
from funnelsim.worktime import HOUR, MINUTE

__all__ = ["Requirement", "patience_hours", "requirement"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

AT_ONCE: Final = 30 * MINUTE
_ENOUGH: Final = 400
"""Pieces of work from which a half hour has a handling time of its own."""


@dataclass(frozen=True, eq=False)
class Requirement:
    """What one team needs.

    Parameters
    ----------
    team : str
    promise : ServiceLevel
    method : {"erlang C", "erlang A", "replay", "none"}
        ``none``: nothing is asked of the team.
    clock : {"elapsed", "open", "calls"}
        On which the promise is kept. Where so much work comes while the team is closed that
        elapsed time cannot be kept by any number of seats: ``open`` counts opening hours only,
        ``calls`` (a promise within half an hour) counts only what comes while it is open.
    reachable : float
        Share of the work that endless seats would begin in time, by the clock promised.
    work : ndarray, shape (paths, periods)
        Hours asked for.
    pieces : ndarray, shape (periods,)
        Pieces of work asked for, mean over the paths.
    handling : float
        Mean hours of work on one piece.
    open : ndarray, shape (periods, SLOTS)
        Open hours by half hour of the week.
    seats : ndarray of int, shape (paths, periods, SLOTS) or (paths, periods, 1)
        By half hour where the team answers at once, else one number a period.
    """

    team: str
    promise: ServiceLevel
    method: str
    clock: str
    reachable: float
    work: Floats
    pieces: Floats
    handling: float
    open: Floats
    seats: Ints

    @property
    def seat_hours(self) -> Floats:
        """Seat hours by path and period."""
        if self.seats.shape[2] == 1:
            return np.asarray(self.seats[..., 0] * self.open.sum(axis=1))
        return np.asarray((self.seats * self.open).sum(axis=2))

    @property
    def peak(self) -> Ints:
        """Most seats at once, by path and period."""
        return np.asarray(self.seats.max(axis=2))

    def grid(self, level: float) -> Ints:
        """Seats that are enough on this share of the paths, shape (periods, SLOTS)."""
        enough = np.quantile(self.seats, level, axis=0, method="inverted_cdf").astype(np.int64)
        return np.where(self.open > 0, np.broadcast_to(enough, self.open.shape), 0)


def requirement(
    load: Workload, team: str, promise: ServiceLevel, max_occupancy: float
) -> Requirement:
    """Seats that one team needs on every path.

    Parameters
    ----------
    load : Workload
    team : str
    promise : ServiceLevel
    max_occupancy : float
        Busy share of the open seats in a period, above 0, up to 1.

    Returns
    -------
    Requirement
    """
    clock, asked = load.clocks[team], [path[team] for path in load.asked]
    work, open_hours = load.hours(team), load.span.open_hours(clock)
    pieces = _pieces(load, asked)
    within = promise.microseconds(clock.work)
    reachable = _reachable(asked, clock, within) if promise.elapsed else 1.0
    elapsed = promise.elapsed and _affordable(promise.share, reachable)
    if not pieces.sum():
        method, seats = "none", np.zeros((*work.shape, 1), np.int64)
    elif within <= AT_ONCE:
        patience = patience_hours(load.scenario, team)
        method = "erlang A" if patience else "erlang C"
        seats = _at_once(load, team, open_hours, promise.share, within, patience, max_occupancy)
    else:
        method = "replay"
        seats = np.stack(
            [
                _replayed(a, clock, load.span.edges, promise.share, within, elapsed, max_occupancy)
                for a in asked
            ]
        )[..., None]
    return Requirement(
        team=team,
        promise=promise,
        method=method,
        clock=_clock(method, elapsed=elapsed),
        reachable=reachable,
        work=work,
        pieces=pieces,
        handling=float(work.sum() / max(pieces.sum() * len(asked), 1)),
        open=open_hours,
        seats=seats,
    )


def patience_hours(scenario: Scenario, team: str) -> float:
    """Mean patience of those who wait for a team, in hours; 0 where anybody waits for ever."""
    stages = [
        stage
        for stage in scenario.stages.values()
        if any(effort.team == team for effort in stage.efforts.values())
    ]
    if not stages or any(stage.patience is None for stage in stages):
        return 0.0
    paths = Paths(scenario)
    means = [float(paths.hours(s.patience.after, s).mean()) for s in stages if s.patience]
    return sum(means) / len(means)


def _pieces(load: Workload, asked: list[Asked]) -> Floats:
    """Mean pieces of work by period."""
    found = np.zeros(len(load.span.edges) - 1)
    for each in asked:
        period = load.span.period(each.queued)
        found += np.bincount(period[period >= 0], minlength=len(found))
    return found / len(asked)


def _affordable(share: float, reachable: float) -> bool:
    """Whether a promise is kept by serving those in time who can be, half of the slack left.

    What comes too long before the opening is late whatever the seats. To make up for it, the
    rest would have to be served ever more perfectly.
    """
    return share <= reachable * (1 + share) / 2


def _clock(method: str, *, elapsed: bool) -> str:
    """On which clock the promise is kept."""
    if elapsed or method == "none":
        return "elapsed"
    return "open" if method == "replay" else "calls"


def _reachable(asked: list[Asked], clock: OpenHours, within: int) -> float:
    """The share of work that could begin in time if there were always a seat."""
    queued = np.concatenate([each.queued for each in asked])
    asked_for = len(queued) + sum(len(each.lost) for each in asked)
    in_time = (clock.next_open(queued) - queued <= within).sum()
    return float(in_time / asked_for) if asked_for else 1.0


# --- at once: every half hour by itself


def _at_once(
    load: Workload,
    team: str,
    open_hours: Floats,
    share: float,
    within: int,
    patience: float,
    max_occupancy: float,
) -> Ints:
    """Seats by path, period and half hour of the week, by Erlang's formulas.

    What is asked for while the team is closed waits for the opening: it is work of the first
    hour.
    """
    clock, span = load.clocks[team], load.span
    fresh, stale = (np.zeros((len(load.asked), len(open_hours))) for _ in range(2))
    calls, waiting, pieces = np.zeros(SLOTS), np.zeros(SLOTS), np.zeros(SLOTS)
    for path, each in enumerate(load.asked):
        asked = each[team]
        hours, begin = asked.work / HOUR, clock.next_open(asked.queued)
        seen = (asked.queued >= span.edges[0]) & (begin < span.edges[-1])
        for now, total, slots in (
            (seen & (begin == asked.queued), fresh, calls),
            (seen & (begin > asked.queued), stale, waiting),
        ):
            np.add.at(total[path], span.period(begin[now]), hours[now])
            np.add.at(slots, span.slot(begin[now]), hours[now])
        np.add.at(pieces, span.slot(begin[seen & (begin == asked.queued)]), 1)
    weeks = open_hours.sum(axis=0)
    first_hour = (waiting + np.where(weeks > 0, np.roll(waiting, 1), 0.0)) / 2
    demand = fresh[..., None] * _shares(open_hours * _per(calls, weeks))
    demand = demand + stale[..., None] * _shares(open_hours * _per(first_hour, weeks))
    usual = calls.sum() / max(pieces.sum(), 1)
    handling = np.where(pieces >= _ENOUGH, calls / np.maximum(pieces, 1), usual)
    return seats_needed(
        np.round(_per(demand, np.broadcast_to(open_hours, demand.shape)), 2),
        handling=np.where(handling > 0, handling, 1.0),
        share=share,
        within=within / HOUR,
        patience=patience or None,
        max_occupancy=max_occupancy,
    )


def _per(amounts: Floats, hours: Floats) -> Floats:
    """Amounts per hour; 0 where there are no hours."""
    return np.asarray(np.divide(amounts, hours, out=np.zeros(amounts.shape), where=hours > 0))


def _shares(weights: Floats) -> Floats:
    """Weights that sum to 1 by row, where there are any."""
    total = weights.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(weights, total, out=np.zeros(weights.shape), where=total > 0))


# --- with time to wait: replay


def _replayed(
    asked: Asked,
    clock: OpenHours,
    edges: Ints,
    share: float,
    within: int,
    elapsed: bool,  # noqa: FBT001 - on which clock
    max_occupancy: float,
) -> Ints:
    """Fewest seats by period, first come first served on the clock of open hours."""
    come = clock.elapsed(asked.queued)
    if elapsed:
        late = clock.elapsed(asked.queued + within)
        late = np.where(clock.next_open(asked.queued) - asked.queued <= within, late, -1)
    else:
        late = come + within
    bounds = np.searchsorted(asked.queued, edges)
    borders = clock.elapsed(edges)
    work = asked.work
    first = slice(0, int(bounds[0]))
    usual = float(work[int(bounds[0]) :].sum()) / max(int(borders[-1] - borders[0]), 1)
    free = [0] * (math.ceil(usual / max_occupancy) + 1)  # no backlog from an empty beginning
    _serve(come[first], work[first], late[first], free)
    found = []
    for k in range(len(edges) - 1):
        part = slice(int(bounds[k]), int(bounds[k + 1]))
        room = int(borders[k + 1] - borders[k])
        hours = int(work[part].sum())
        if not room or part.start == part.stop:
            found.append(0)
            continue
        goal = share * (part.stop - part.start) - 1e-9
        seats = max(math.ceil(hours / room / max_occupancy - 1e-9), 1)
        while True:
            trial = _handed_over(free, seats, int(borders[k]))
            if _serve(come[part], work[part], late[part], trial) >= goal:
                break
            if not (late[part] >= come[part]).sum() >= goal or seats > part.stop - part.start:
                break  # this week too much comes while closed: more seats change nothing
            seats += max(seats // 50, 1)
        free = trial
        found.append(seats)
    return np.array(found, np.int64)


def _serve(come: Ints, work: Ints, late: Ints, free: list[int]) -> int:
    """Serve in order; ``free`` holds when each seat is free, and is changed. How many in time."""
    heapq.heapify(free)
    replace, good = heapq.heapreplace, 0
    for at, hours, limit in zip(come.tolist(), work.tolist(), late.tolist(), strict=True):
        begin = max(at, free[0])
        good += begin <= limit
        replace(free, begin + hours)
    return good


def _handed_over(free: list[int], seats: int, now: int) -> list[int]:
    """Another number of seats from now on; who is busy stays busy."""
    busiest = sorted((max(at, now) for at in free), reverse=True)[:seats]
    return busiest + [now] * (seats - len(busiest))
