"""Pieces of work: whose, in which visit, and how long hands were on them."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.calibration.ids import lasting_id
from funnelsim.calibration.work.hours import CalendarPart
from funnelsim.events import EventLog
from funnelsim.measures.journeys import MISSING, SECOND, journeys, window
from funnelsim.worktime import WorkTime

__all__ = ["pieces", "work_times"]

Integers = NDArray[np.int64]
NOBODY: Final = ""


def work_times(log: EventLog, calendars: Mapping[str, CalendarPart]) -> dict[str, WorkTime]:
    """Compile each team's calendar over the log's window.

    Parameters
    ----------
    log : EventLog
    calendars : mapping
        Team → calendar.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> work_times(BANK, {})
    {}
    """
    since, until = window(log)
    zone = log.meta.time_zone
    return {team: part.calendar().work_time(zone, since, until) for team, part in calendars.items()}


def pieces(log: EventLog, open_times: Mapping[str, WorkTime]) -> pd.DataFrame:
    """List all work that was started, with the time that hands were on it.

    A person works on one lead at a time: what the same worker started in between takes its
    time off. A piece that goes on after its team has opened again was laid down at closing;
    if its worker took up something else meanwhile, it counts until then.

    Parameters
    ----------
    log : EventLog
    open_times : mapping
        Team → opening times; teams without are always at work.

    Returns
    -------
    DataFrame
        ``row`` (of the visit in ``log.visits``; -1: none), ``effort`` and ``team`` (ids),
        ``worker`` (empty: unknown), ``queued``, ``started``, ``ended`` (µs; ``MISSING``
        where unknown), ``hands_on`` (seconds), ``over_night`` (laid down at closing),
        ``overtime`` (finished after closing).

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> pieces(BANK, {})["hands_on"].tolist()
    [3600.0, 3600.0, 3600.0, 3600.0, 1800.0]
    """
    trips = journeys(log, cohort=False)
    number = log.efforts["visit"].fillna(0).to_numpy(dtype=np.int64)
    lead = trips.efforts["lead"].to_numpy()
    first = np.searchsorted(trips.visits["lead"].to_numpy(), lead)
    table = pd.DataFrame(
        {
            "row": np.where(number > 0, first + number - 1, -1),
            "effort": _ids(trips.efforts["effort"]),
            "team": _ids(trips.efforts["team"]),
            "worker": trips.efforts["worker"].fillna(NOBODY).astype("str"),
            **{name: trips.efforts[name].to_numpy() for name in ("queued", "started", "ended")},
        }
    )
    table = table[table["started"].to_numpy() != MISSING].reset_index(drop=True)
    _, until = window(log)
    start = table["started"].to_numpy()
    end = np.where(table["ended"].to_numpy() == MISSING, until, table["ended"].to_numpy())
    night, late = np.zeros((2, len(table)), dtype=bool)
    for team, work in open_times.items():
        mine = (table["team"] == lasting_id(team)).to_numpy()
        night[mine] = _reopened(work, start[mine], end[mine])
        late[mine] = _overtime(work, start[mine], end[mine]) & ~night[mine]
    hands = np.where(night, 0, end - start)
    alone = (table["worker"] == NOBODY).to_numpy()
    teams = table["team"].to_numpy(dtype=object)
    clocks = {lasting_id(team): work for team, work in open_times.items()}
    for i in np.flatnonzero(alone & night):
        hands[i] = clocks[teams[i]].between(int(start[i]), int(end[i]))
    for at in table[~alone].groupby("worker").indices.values():
        rows = np.flatnonzero(~alone)[at]
        hands[rows] = _shared(rows, start, end, night, teams, clocks)
    found: pd.DataFrame = table.assign(hands_on=hands / SECOND, over_night=night, overtime=late)
    return found


def _ids(names: pd.Series) -> pd.Series:
    known = {name: lasting_id(str(name)) for name in names.unique()}
    return names.map(known).astype("str")


def _reopened(work: WorkTime, start: Integers, end: Integers) -> NDArray[np.bool_]:
    """Which intervals go on after their team has closed and opened again."""
    opens = np.array(work.opens, dtype=np.int64)
    following = np.append(opens, np.iinfo(np.int64).max)
    at = np.searchsorted(opens, start, side="right")
    began_open = at > 0
    result: NDArray[np.bool_] = began_open & (end > following[at])
    return result


def _overtime(work: WorkTime, start: Integers, end: Integers) -> NDArray[np.bool_]:
    """Which intervals begin in open hours and go on after closing."""
    opens, closes = (np.array(edges, dtype=np.int64) for edges in (work.opens, work.closes))
    at = np.searchsorted(opens, start, side="right") - 1
    closing = np.append(closes, 0)[at]
    result: NDArray[np.bool_] = (at >= 0) & (start < closing) & (end > closing)
    return result


def _shared(
    rows: NDArray[np.intp],
    start: Integers,
    end: Integers,
    night: NDArray[np.bool_],
    teams: NDArray[np.object_],
    clocks: Mapping[str, WorkTime],
) -> Integers:
    """Hands-on microseconds of one worker's pieces: the latest begun has the hands."""
    order = rows[np.lexsort((-end[rows], start[rows]))]
    taken = dict.fromkeys(rows.tolist(), 0)
    stack: list[int] = []
    ends = sorted({*start[order].tolist(), *end[order].tolist()})
    coming = [(int(start[i]), place, int(i)) for place, i in enumerate(order)]
    heapq.heapify(coming)
    for now, later in zip(ends, [*ends[1:], ends[-1]], strict=True):
        while coming and coming[0][0] <= now:
            if stack and night[stack[-1]]:
                stack.pop()  # laid down, and something else begun: it is not taken up again
            stack.append(heapq.heappop(coming)[2])
        while stack and end[stack[-1]] <= now:
            stack.pop()
        if stack:
            top = stack[-1]
            length = later - now
            if night[top]:
                length = clocks[teams[top]].between(now, later)
            taken[top] += length
    return np.array([taken[int(i)] for i in rows], dtype=np.int64)
