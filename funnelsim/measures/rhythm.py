"""The week's rhythm: when leads come and when people work, weekday by hour.

Hours are those of the log's time zone. An hour that a clock change skips or repeats is
counted as often as it happened.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.events import EventLog
from funnelsim.measures.estimates import rate
from funnelsim.measures.journeys import MISSING, SECOND, journeys, keys_of
from funnelsim.measures.periods import edges, local, period_of
from funnelsim.measures.steps import area, steps
from funnelsim.measures.tables import (
    WORK,
    By,
    Per,
    check_level,
    check_per,
    columns_of,
    exact,
    groups,
    record,
    tidy,
)

__all__ = ["arrivals_by_hour", "work_by_hour"]

Integers = NDArray[np.int64]

HOUR: Final = 3600 * SECOND
SLOTS: Final = 7 * 24
ITEMS: Final = {"weekday": "int64", "hour": "int64"}


def arrivals_by_hour(log: EventLog, *, by: By = (), level: float = 0.95) -> pd.DataFrame:
    """Mean number of leads that arrive in each hour of the week.

    Parameters
    ----------
    log : EventLog
        Any history.
    by : str or sequence of str
        Columns of leads.
    level : float
        Confidence level, 0 to 1.

    Returns
    -------
    DataFrame
        168 rows a group: item columns ``weekday`` (0 Monday … 6 Sunday) and ``hour`` (0 …
        23); value in leads per hour, ``n`` leads, exact Poisson interval (which holds for
        arrivals independent of each other; campaigns are not); then ``hours``, how many of
        these hours the window has. NaN where it has none.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> table = arrivals_by_hour(BANK)
    >>> table[table["n"] > 0][["weekday", "hour", "value"]].values.tolist()
    [[0.0, 9.0, 2.0], [1.0, 9.0, 1.0], [1.0, 10.0, 1.0], [2.0, 9.0, 1.0]]
    """
    check_level(level)
    columns = columns_of(by, log)
    trips = journeys(log, cohort=True)
    cuts, slot = _hours(log)
    exposure = np.bincount(slot, weights=np.diff(cuts) / HOUR, minlength=SLOTS)
    hour = period_of(cuts, trips.ends["arrived"].to_numpy())
    records: list[dict[str, object]] = []
    for key, at in groups(trips.leads[list(columns)]):
        number = np.bincount(slot[hour[at]], minlength=SLOTS)
        for place in range(SLOTS):
            item = {**key, "weekday": place // 24, "hour": place % 24}
            estimate = rate(int(number[place]), float(exposure[place]), level)
            row = record(item, "arrivals_by_hour", "leads/h", estimate, level)
            records.append(row | {"hours": exposure[place]})
    return tidy(records, log, columns, ITEMS, {"hours": "float64"})


def work_by_hour(log: EventLog, *, by: By = (), per: Per = "team") -> pd.DataFrame:
    """Mean number of people at work in each hour of the week.

    Parameters
    ----------
    log : EventLog
        With efforts that say when they were started.
    by : str or sequence of str
        Columns of leads, ``owner``, ``effort``, ``team`` or ``worker``.
    per : {"stage", "team"}
        The item column beside ``weekday`` and ``hour``.

    Returns
    -------
    DataFrame
        168 rows a group as in :func:`arrivals_by_hour`; value in ``people`` (busy at the
        same time), ``n`` pieces of work of the group; then ``hours``.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> table = work_by_hour(BANK)
    >>> table[table["value"] > 0][["weekday", "hour", "value"]].values.tolist()[-2:]
    [[2.0, 16.0, 0.25], [2.0, 17.0, 0.25]]
    """
    check_per(per)
    columns = columns_of(by, log, also=WORK)
    columns = tuple(name for name in columns if name != per)
    trips = journeys(log, cohort=False)
    work = trips.efforts[trips.efforts["started"].to_numpy() != MISSING]
    start, ended = work["started"].to_numpy(), work["ended"].to_numpy()
    end = np.where(ended == MISSING, trips.until, ended)
    cuts, slot = _hours(log)
    exposure = np.bincount(slot, weights=np.diff(cuts), minlength=SLOTS)
    keys = keys_of(trips, work, columns, WORK).assign(**{per: work[per].to_numpy()})
    records: list[dict[str, object]] = []
    for key, at in groups(keys):
        if per == "stage":
            key["stage"] = [*trips.stages, ""][int(str(key["stage"]))]
        busy = np.bincount(slot, weights=area(steps(start[at], end[at]), cuts), minlength=SLOTS)
        mean = np.divide(busy, exposure, out=np.full(SLOTS, np.nan), where=exposure > 0)
        for place in range(SLOTS):
            item = {**key, "weekday": place // 24, "hour": place % 24}
            row = record(item, "work_by_hour", "people", exact(mean[place], len(at)), level=0)
            records.append(row | {"hours": exposure[place] / HOUR})
    return tidy(records, log, columns, {per: "str", **ITEMS}, {"hours": "float64"})


def _hours(log: EventLog) -> tuple[Integers, NDArray[np.intp]]:
    """Edges of the window's hours, and the hour of the week of each: 24 × weekday + hour."""
    cuts = edges(log, "1 h")
    start: pd.DatetimeIndex = local(cuts[:-1], log.meta.time_zone)
    return cuts, np.asarray(24 * start.day_of_week + start.hour, dtype=np.intp)
