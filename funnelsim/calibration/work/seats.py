"""Seats: how many people of a team worked in parallel, from what they did."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.events import EventLog, TeamInfo
from funnelsim.measures.capacity import staffed
from funnelsim.measures.journeys import MISSING, SECOND, stamps, window
from funnelsim.measures.steps import Steps, level_at, steps
from funnelsim.worktime import WorkTime

__all__ = ["SeatCount", "seat_count"]

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

FULL: Final = 0.95
"""Utilisation that seats must not exceed: a queue grows without end beyond."""
QUEUED: Final = 2.0
"""Hours during which somebody waited, from which a queue says how many seats there are."""
STEADY: Final = 0.25
"""Spread of the busy while somebody waits, as a share of them, up to which the queue says it."""
ALONE: Final = 0.75
"""Busy people while somebody waits, below which the wait is for something else."""
SLACK: Final = 1e-9
TOP: Final = 0.99


@dataclass(frozen=True, slots=True)
class SeatCount:
    """How many people worked in parallel.

    Parameters
    ----------
    seats : float
        Mean over the open hours.
    lo, hi : float
        95 % interval.
    load : float
        People busy on average in open hours (offered load).
    method : str
    note : str
    n : int
        Pieces of work, or worker days.
    queue : bool
        Whether waits are those of a queue for these seats, and not appointments.
    """

    seats: float
    lo: float
    hi: float
    load: float
    method: str
    note: str
    n: int
    queue: bool

    @property
    def whole(self) -> int:
        """A whole number of seats that carries the load."""
        return self._carrying(self.seats)

    def drawn(self, rng: np.random.Generator) -> int:
        """Seats drawn from their uncertainty."""
        error = (self.hi - self.lo) / 3.92
        return self._carrying(self.seats + error * float(rng.standard_normal()))

    def _carrying(self, seats: float) -> int:
        """Enough for the load, unless a queue shows that there were no more."""
        least = 1 if self.queue else math.ceil(self.load / FULL - SLACK)
        return max(1, round(seats), least)


def seat_count(
    log: EventLog, team: TeamInfo, work: pd.DataFrame, waiting: pd.DataFrame, clock: WorkTime | None
) -> SeatCount:
    """Estimate a team's seats.

    In this order: what the log says of staffing; who was busy while somebody waited (then all
    seats are taken); from which first to which last piece of work each worker was there; the
    most that were ever busy at once.

    Parameters
    ----------
    log : EventLog
    team : TeamInfo
    work : DataFrame
        The team's pieces, as from `pieces`.
    waiting : DataFrame
        ``queued`` and ``until`` (µs) of all that waited for the team.
    clock : WorkTime or None
        When the team is open; None: always.

    Returns
    -------
    SeatCount

    References
    ----------
    The range of n uniform times covers (n - 1) ÷ (n + 1) of an interval on average (David &
    Nagaraja 2003, Order Statistics, section 2.3): presence is longer by that.
    """
    since, until = window(log)
    opens = Steps(np.array([since, until]), np.array([1, 0]))
    if clock is not None:
        opens = steps(np.array(clock.opens, np.int64), np.array(clock.closes, np.int64))
    start, end = work["started"].to_numpy(), work["ended"].to_numpy()
    end = np.where(end == MISSING, until, end)
    night = work["over_night"].to_numpy()
    busy = steps(start[~night], end[~night])
    first = max(since, int(start.min()))
    hours = _open_seconds(opens, first, until) or 1.0
    load = float(work["hands_on"].sum()) / hours
    known = _as_staffed(team, first, until)
    if known is not None:
        return SeatCount(
            known, known, known, load, "staffing in the log", "", len(work), queue=True
        )
    queue = _while_waiting(busy, waiting, opens)
    if queue is not None:
        seats, lo, hi = queue
        note = "Absences that were the same every day do not show."
        method = "people busy while somebody waited"
        return SeatCount(seats, lo, hi, load, method, note, len(work), queue=True)
    if (work["worker"] != "").mean() > 0.5:  # noqa: PLR2004 - most say who it was
        seats, error, days = _presence(log, work, clock, hours)
        note = "From each worker's first to last piece of work a day; waits do not show seats."
        method = "presence of workers"
        seats = max(seats, load)
        lo, hi = max(load, seats - 1.96 * error), seats + 1.96 * error
        return SeatCount(seats, lo, hi, load, method, note, days, queue=False)
    top = _top(busy, opens)
    note = "The log names no workers and nobody waits: there may have been more."
    method = f"people busy at once, {TOP:.0%} of the time at most"
    return SeatCount(top, max(load, top - 1), top + 1, load, method, note, len(work), queue=False)


def _open_seconds(opens: Steps, since: int, until: int) -> float:
    at = np.unique(np.concatenate([[since, until], opens.times]))
    at = at[(at >= since) & (at <= until)]
    return float(np.diff(at) @ (level_at(opens, at[:-1]) > 0)) / SECOND


def _as_staffed(team: TeamInfo, since: int, until: int) -> float | None:
    """Mean seats over the time with any, where the log says it."""
    if not team.staffed:
        return None
    line = steps(*staffed(team))
    at = np.unique(np.concatenate([[since, until], line.times]))
    at = at[(at >= since) & (at <= until)]
    level, length = level_at(line, at[:-1]), np.diff(at)
    there = level > 0
    return float(level[there] @ length[there]) / float(length[there].sum()) if there.any() else None


def _while_waiting(
    busy: Steps, waiting: pd.DataFrame, opens: Steps
) -> tuple[float, float, float] | None:
    """Mean of the busy while somebody waits in open hours, if it hardly varies."""
    queued, until = waiting["queued"].to_numpy(), waiting["until"].to_numpy()
    if not len(queued):
        return None
    line = steps(queued, until)
    at = np.unique(np.concatenate([busy.times, line.times, opens.times]))
    length = np.diff(at) / SECOND
    at = at[:-1]
    held = (level_at(line, at) > 0) & (level_at(opens, at) > 0)
    level = level_at(busy, at)
    total = float(length[held].sum())
    if total < QUEUED * 3600:
        return None
    mean = float(level[held] @ length[held]) / total
    spread = math.sqrt(float((level[held] - mean) ** 2 @ length[held]) / total)
    if mean < ALONE or spread > max(STEADY * mean, 0.5 * (mean < 2)):  # noqa: PLR2004
        return None
    # One working day tells about as much as another: the days' means are the sample.
    day = at[held] // (86_400 * SECOND)
    by_day = pd.DataFrame({"day": day, "busy": level[held] * length[held], "time": length[held]})
    sums = by_day.groupby("day").sum()
    means = (sums["busy"] / sums["time"]).to_numpy()
    error = float(means.std(ddof=1)) / math.sqrt(len(means)) if len(means) > 1 else spread
    return mean, mean - 1.96 * error - SLACK, mean + 1.96 * error + SLACK


def _presence(
    log: EventLog, work: pd.DataFrame, clock: WorkTime | None, hours: float
) -> tuple[float, float, int]:
    """Mean people present in open hours, its standard error, and worker days."""
    named = work[(work["worker"] != "") & ~work["over_night"]]
    date = stamps(named["started"].to_numpy()).dt.tz_convert(log.meta.time_zone).dt.normalize()
    end = np.where(named["ended"] == MISSING, named["started"], named["ended"])
    table = pd.DataFrame(
        {
            "worker": named["worker"].to_numpy(),
            "date": date.to_numpy(),
            "from": named["started"].to_numpy(),
            "to": end,
        }
    )
    days = table.groupby(["worker", "date"]).agg(
        first=("from", "min"), last=("to", "max"), n=("from", "size")
    )
    there = _within(days["first"].to_numpy(), days["last"].to_numpy(), clock) / SECOND
    n = days["n"].to_numpy()
    longer = np.where(n > 2, (n + 1) / np.maximum(n - 1, 1), 1.5)  # noqa: PLR2004
    most = _longest_day(clock)
    days["hours"] = np.minimum(there * longer, np.maximum(there, most))
    unnamed = len(work) / max(1, int((work["worker"] != "").sum()))  # as if done by the same
    by_date = days.groupby("date")["hours"].sum().to_numpy() * unnamed
    spread = float(by_date.std(ddof=1)) if len(by_date) > 1 else float(by_date.mean())
    mean = float(by_date.sum()) / hours
    return mean, mean * spread / float(by_date.mean() or 1) / math.sqrt(len(by_date)), len(days)


def _within(start: Integers, end: Integers, clock: WorkTime | None) -> Floats:
    """Open microseconds between first and last piece of a day."""
    if clock is None:
        return (end - start).astype(float)
    spans = [clock.between(int(a), int(b)) for a, b in zip(start, end, strict=True)]
    return np.array(spans, dtype=float)


def _longest_day(clock: WorkTime | None) -> float:
    """Seconds of the longest working day."""
    if clock is None or not len(clock.opens):
        return 86_400.0
    return float(max(b - a for a, b in zip(clock.opens, clock.closes, strict=True))) / SECOND


def _top(busy: Steps, opens: Steps) -> float:
    """The number of busy people that is exceeded in a hundredth of the busy open time."""
    at = np.unique(np.concatenate([busy.times, opens.times]))
    length = np.diff(at).astype(float)
    level = level_at(busy, at[:-1])
    held = (level_at(opens, at[:-1]) > 0) & (level > 0)
    if not held.any():
        return 1.0
    order = np.argsort(level[held], kind="stable")
    share = np.cumsum(length[held][order]) / length[held].sum()
    return float(level[held][order][int(np.searchsorted(share, TOP))])
