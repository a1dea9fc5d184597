"""Teams: how busy they are, how much of it is overtime, and how fast they respond."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.events import EventLog, TeamInfo
from funnelsim.measures.estimates import proportion
from funnelsim.measures.journeys import MISSING, SECOND, journeys, keys_of, stamps, window
from funnelsim.measures.periods import edges
from funnelsim.measures.steps import Steps, area, highest, steps, while_open
from funnelsim.measures.tables import (
    WORK,
    By,
    Per,
    check_level,
    check_per,
    columns_of,
    groups,
    record,
    span,
    tidy,
)
from funnelsim.worktime import to_instant

__all__ = ["service_level", "staffed", "utilisation"]

Integers = NDArray[np.int64]

TIME: Final = "datetime64[us, UTC]"
HOUR: Final = 3600 * SECOND
NAN: Final = float("nan")


def utilisation(log: EventLog, *, every: str | None = None) -> pd.DataFrame:
    """Busy share of each team's staffed time, overtime counted as staffed.

    At a moment with ``b`` people at work and ``s`` seats staffed, max(b, s) are staffed and
    max(b - s, 0) of them work overtime: after closing, or on more seats than there now are.

    Parameters
    ----------
    log : EventLog
        With efforts; staffed intervals in ``meta.teams`` where they are known.
    every : str, optional
        ``"1D"``, ``"1 w"`` …: one row per period instead of one for the whole window.

    Returns
    -------
    DataFrame
        Item columns ``team`` and ``at`` (begin of the period); value = ``busy_h`` ÷
        ``staffed_h``, a share of 0 to 1, ``n`` pieces of work touched in the period; then
        ``busy_h``, ``staffed_h`` (with the overtime) and ``overtime_h`` in hours. Where the
        log does not say when a team was staffed: NaN, method ``"no staffing data"``; in a
        period in which nobody was: NaN, ``"not staffed"``.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> table = utilisation(BANK)
    >>> table[["team", "busy_h", "staffed_h", "overtime_h"]].values.tolist()
    [['advisers', 4.5, 48.25, 0.25]]
    """
    trips = journeys(log, cohort=False)
    work = trips.efforts[trips.efforts["started"].to_numpy() != MISSING]
    team = work["team"].to_numpy()
    start = work["started"].to_numpy()
    end = np.where(work["ended"].to_numpy() == MISSING, trips.until, work["ended"])
    cuts = edges(log, every) if every else np.array(window(log), dtype=np.int64)
    known = {info.id: info for info in log.meta.teams}
    names = [*known, *sorted(set(work["team"].unique()) - set(known))]
    parts = []
    for name in names:
        mine = team == name
        busy = steps(start[mine], end[mine])
        touched = _touched(start[mine], end[mine], cuts)
        parts.append(_busy_share(known.get(name, TeamInfo(id=name)), busy, cuts, touched))
    counts = dict.fromkeys(["busy_h", "staffed_h", "overtime_h"], "float64")
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    return tidy(table, log, (), {"team": "str", "at": TIME}, counts)


def service_level(
    log: EventLog,
    *,
    within: str = "4 h",
    by: By = (),
    level: float = 0.95,
    per: Per = "team",
) -> pd.DataFrame:
    """Share of work that is started within a promised time.

    Work queued inside the log's window counts, if the promise ran out before the window
    did: what was queued later could not be late yet. Who gave up before was not served.

    Parameters
    ----------
    log : EventLog
        Any history with efforts that say when they were queued.
    within : str
        Elapsed time, ``"30 min"``, ``"4 h"``, ``"2 d"``.
    by : str or sequence of str
        Columns of leads, ``owner``, ``effort``, ``team`` or ``worker``.
    level : float
        Confidence level, 0 to 1.
    per : {"stage", "team"}
        The item column.

    Returns
    -------
    DataFrame
        Value in shares, ``n`` pieces of work, Wilson's interval; then ``in_time``, ``late``
        (started later or still waiting) and ``gave_up`` (within the time) pieces of work,
        and ``within_s``, the promise in seconds.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> service_level(BANK, within="20 min")[["value", "in_time", "late"]].values.tolist()
    [[0.6, 3.0, 2.0]]
    """
    check_level(level)
    check_per(per)
    columns = columns_of(by, log, also=WORK)
    columns = tuple(name for name in columns if name != per)
    promise = round(span(within, "within") / pd.Timedelta(microseconds=1))
    since, until = window(log)
    trips = journeys(log, cohort=False)
    queued = trips.efforts["queued"].to_numpy()
    work = trips.efforts[(queued >= since) & (queued <= until - promise)]
    due = work["queued"].to_numpy() + promise
    started, ended = work["started"].to_numpy(), work["ended"].to_numpy()
    in_time = (started != MISSING) & (started <= due)
    gave_up = (started == MISSING) & (ended != MISSING) & (ended <= due)
    keys = keys_of(trips, work, columns, WORK).assign(**{per: work[per].to_numpy()})
    records: list[dict[str, object]] = []
    for key, at in groups(keys):
        if per == "stage":
            key["stage"] = [*trips.stages, ""][int(str(key["stage"]))]
        served, left = int(in_time[at].sum()), int(gave_up[at].sum())
        row = record(key, "service_level", "share", proportion(served, len(at), level), level)
        late = len(at) - served - left
        counts = {"in_time": served, "late": late, "gave_up": left, "within_s": promise / SECOND}
        records.append(row | counts)
    kinds = {**dict.fromkeys(["in_time", "late", "gave_up"], "int64"), "within_s": "float64"}
    return tidy(records, log, columns, {per: "str"}, kinds)


def _busy_share(team: TeamInfo, busy: Steps, cuts: Integers, touched: Integers) -> pd.DataFrame:
    """Rows of one team, period by period."""
    seats = steps(*staffed(team))
    if team.pauses:
        busy = while_open(busy, seats)
    busy_h, seats_h = area(busy, cuts) / HOUR, area(seats, cuts) / HOUR
    staffed_h = area(highest(seats, busy), cuts) / HOUR
    overtime_h = staffed_h - seats_h
    known = bool(team.staffed)
    if not known:
        staffed_h = overtime_h = np.full(len(busy_h), NAN)
    share = np.divide(busy_h, staffed_h, out=np.full(len(busy_h), NAN), where=staffed_h > 0)
    method = np.where(np.isnan(share), "not staffed" if known else "no staffing data", "exact")
    return pd.DataFrame(
        {
            "team": team.id,
            "at": stamps(cuts[:-1]),
            "measure": "utilisation",
            "value": share,
            "unit": "share",
            "n": touched,
            "lo": NAN,
            "hi": NAN,
            "level": NAN,
            "method": method,
            "busy_h": busy_h,
            "staffed_h": staffed_h,
            "overtime_h": overtime_h,
        }
    )


def staffed(team: TeamInfo) -> tuple[Integers, Integers, Integers]:
    """Starts, ends (µs) and seats of a team's staffed intervals."""
    rows = [(to_instant(one.start), to_instant(one.end), one.seats) for one in team.staffed]
    table = np.array(rows, dtype=np.int64).reshape(len(rows), 3)
    return table[:, 0], table[:, 1], table[:, 2]


def _touched(start: Integers, end: Integers, cuts: Integers) -> Integers:
    """How many intervals overlap each period."""
    begun = np.searchsorted(np.sort(start), cuts[1:], side="left")
    over = np.searchsorted(np.sort(end), cuts[:-1], side="right")
    return begun - over
