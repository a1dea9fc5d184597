"""How long things take: in a stage, waiting, being worked on, from arrival to closing.

All times are elapsed time by the clock on the wall, nights and weekends included; a stage
of 8 business hours that begins on Friday noon takes about three days here.

Leads that are still open have lasted *at least* this long. Leaving them out, or taking
their age for their duration, makes everything look too fast, so percentiles are those of
the Kaplan–Meier curve wherever something is open, and a percentile that the log is too
short to show is NaN with the method ``"not reached"``. A mean exists only where the curve
comes down to zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.errors import ParameterError, Problem
from funnelsim.events import EXITS, EventLog
from funnelsim.measures.capacity import staffed
from funnelsim.measures.journeys import (
    MISSING,
    SECOND,
    Journeys,
    Micros,
    journeys,
    keys_of,
    lasting_stages,
    micros,
    window,
)
from funnelsim.measures.percentiles import PERCENTILES, check_percentiles, percentile_table
from funnelsim.measures.steps import steps, time_open
from funnelsim.measures.tables import (
    WORK,
    By,
    Per,
    check_level,
    check_per,
    columns_of,
    need_full_history,
)

__all__ = ["cycle_time", "delay_time", "dwell_time", "waiting_time", "working_time"]

Flags = NDArray[np.bool_]


def dwell_time(
    log: EventLog,
    *,
    by: By = (),
    level: float = 0.95,
    percentiles: Sequence[float] = PERCENTILES,
) -> pd.DataFrame:
    """Whole stay in each stage, from entering to leaving by any exit.

    Visits that began inside the log's window count, re-entries too; terminal stages have
    no stay.

    Parameters
    ----------
    log : EventLog
        With full history.
    by : str or sequence of str
        Columns of leads, or ``owner`` (of the visit).
    level : float
        Confidence level, 0 to 1.
    percentiles : sequence of float
        0 to 1, exclusive.

    Returns
    -------
    DataFrame
        Per ``stage`` one row for each percentile (measure ``dwell_time``, item column
        ``quantile``) and one for the mean (``dwell_time_mean``, ``quantile`` NaN); value in
        seconds, ``n`` visits; then ``left`` and ``open`` visits.

    Raises
    ------
    HistoryError
        The log does not hold every stage change.

    References
    ----------
    Kaplan & Meier (1958), JASA 53: 457–481.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> table = dwell_time(BANK, percentiles=[0.5])
    >>> table[["stage", "value", "left", "open"]].values.tolist()[0]
    ['interest', 12600.0, 4, 1]
    """
    need_full_history(log, "dwell_time")
    columns = _checked(log, by, level, percentiles, ["owner"])
    trips, fresh = _visits_seen(log)
    visits = trips.visits[fresh]
    seen = _ended(visits["entered"], visits["left"], trips.until)
    closed = visits["left"].to_numpy() != MISSING
    keys = keys_of(trips, visits, columns).assign(stage=visits["stage"].to_numpy())
    fates = {"left": closed, "open": ~closed}
    return percentile_table(log, "dwell_time", keys, (seen, closed), fates, level, percentiles)


def delay_time(
    log: EventLog,
    *,
    by: By = (),
    level: float = 0.95,
    percentiles: Sequence[float] = PERCENTILES,
) -> pd.DataFrame:
    """Delay before work in each stage: nobody works, the client thinks.

    From entering to ready for work. A visit that left before it was ready (a time-out)
    had a delay of at least its stay.

    Parameters
    ----------
    log, by, level, percentiles
        As in :func:`dwell_time`.

    Returns
    -------
    DataFrame
        As in :func:`dwell_time`, measures ``delay_time`` and ``delay_time_mean``; then
        ``ready``, ``left`` (before they were ready) and ``open`` visits. Stages in which
        no visit was ever ready are left out.

    Raises
    ------
    HistoryError
        The log does not hold every stage change.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> delay_time(BANK, percentiles=[0.8])[["stage", "value"]].values.tolist()
    [['interest', 3600.0], ['interest', 6840.0]]
    """
    need_full_history(log, "delay_time")
    columns = _checked(log, by, level, percentiles, ["owner"])
    trips, fresh = _visits_seen(log)
    used = trips.visits["stage"][trips.visits["ready"].to_numpy() != MISSING].unique()
    visits = trips.visits[fresh & trips.visits["stage"].isin(used).to_numpy()]
    ready = visits["ready"].to_numpy() != MISSING
    left = ~ready & (visits["exit"].to_numpy() != EXITS.index("open"))
    end = visits["ready"].where(ready, visits["left"])
    seen = _ended(visits["entered"], end, trips.until)
    keys = keys_of(trips, visits, columns).assign(stage=visits["stage"].to_numpy())
    fates = {"ready": ready, "left": left, "open": ~ready & ~left}
    return percentile_table(log, "delay_time", keys, (seen, ready), fates, level, percentiles)


def waiting_time(
    log: EventLog,
    *,
    by: By = (),
    level: float = 0.95,
    percentiles: Sequence[float] = PERCENTILES,
    per: Per = "stage",
) -> pd.DataFrame:
    """Wait of each piece of work from ready until somebody starts it.

    Work queued inside the log's window counts. Who gave up (timed out, reneged) would have
    waited at least that long: percentiles are those of the wait a patient lead meets.

    Parameters
    ----------
    log : EventLog
        Any history with efforts that say when they were queued.
    by : str or sequence of str
        Columns of leads, ``owner`` (of the visit), ``effort``, ``team`` or ``worker``.
    level, percentiles
        As in :func:`dwell_time`.
    per : {"stage", "team"}
        The item column: where work waits, or for whom. Work that belongs to no visit has
        an empty stage.

    Returns
    -------
    DataFrame
        As in :func:`dwell_time`, measures ``waiting_time`` and ``waiting_time_mean``,
        ``n`` pieces of work; then ``started``, ``gave_up`` and ``waiting`` ones.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> waiting_time(BANK, percentiles=[0.8])[["stage", "value"]].values.tolist()
    [['interest', 1800.0], ['interest', 900.0]]
    """
    columns = _checked(log, by, level, percentiles, WORK, per)
    trips = journeys(log, cohort=False)
    work = trips.efforts[_inside(log, trips.efforts["queued"].to_numpy())]
    started = work["started"].to_numpy() != MISSING
    gave_up = ~started & (work["ended"].to_numpy() != MISSING)
    end = work["started"].where(started, work["ended"])
    seen = _ended(work["queued"], end, trips.until)
    keys = keys_of(trips, work, columns, WORK).assign(**{per: work[per].to_numpy()})
    fates = {"started": started, "gave_up": gave_up, "waiting": ~started & ~gave_up}
    return percentile_table(log, "waiting_time", keys, (seen, started), fates, level, percentiles)


def working_time(
    log: EventLog,
    *,
    by: By = (),
    level: float = 0.95,
    percentiles: Sequence[float] = PERCENTILES,
    per: Per = "stage",
) -> pd.DataFrame:
    """Time a team works on each piece of work, from start to end.

    Work started inside the log's window counts. Where a team lays its work down at
    closing time, closed hours are no work.

    Parameters
    ----------
    log, by, level, percentiles, per
        As in :func:`waiting_time`.

    Returns
    -------
    DataFrame
        As in :func:`dwell_time`, measures ``working_time`` and ``working_time_mean``,
        ``n`` pieces of work; then ``finished`` ones and those ``underway``.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> working_time(BANK, per="team", percentiles=[0.5])[["team", "value"]].values.tolist()
    [['advisers', 3600.0], ['advisers', 3240.0]]
    """
    columns = _checked(log, by, level, percentiles, WORK, per)
    trips = journeys(log, cohort=False)
    work = trips.efforts[_inside(log, trips.efforts["started"].to_numpy())]
    finished = work["ended"].to_numpy() != MISSING
    seen = _ended(work["started"], work["ended"], trips.until) - _laid_down(log, work, trips.until)
    keys = keys_of(trips, work, columns, WORK).assign(**{per: work[per].to_numpy()})
    fates = {"finished": finished, "underway": ~finished}
    return percentile_table(log, "working_time", keys, (seen, finished), fates, level, percentiles)


def cycle_time(
    log: EventLog,
    *,
    by: By = (),
    level: float = 0.95,
    percentiles: Sequence[float] = PERCENTILES,
    outcome: Literal["won", "lost"] | None = None,
) -> pd.DataFrame:
    """Time from arrival to closing, of all leads or of those that close one way.

    Parameters
    ----------
    log : EventLog
        Any history.
    by : str or sequence of str
        Columns of leads, or ``owner`` (of the lead's latest visit).
    level, percentiles
        As in :func:`dwell_time`.
    outcome : {"won", "lost"} or None
        None: won, lost or ended, Kaplan–Meier. Else the time of the leads that close this
        way, F(t) ÷ F(longest follow-up) of the Aalen–Johansen cumulative incidence.

    Returns
    -------
    DataFrame
        As in :func:`dwell_time` with the item column ``outcome`` (``any``, ``won``,
        ``lost``) instead of ``stage``, measures ``cycle_time`` and ``cycle_time_mean``,
        ``n`` leads of the cohort (with this outcome); then ``closed`` and ``open`` leads.

    References
    ----------
    Kaplan & Meier (1958), JASA 53: 457–481; Aalen & Johansen (1978), Scandinavian Journal
    of Statistics 5: 141–150.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> cycle_time(BANK, percentiles=[0.5])[["measure", "value"]].values.tolist()
    [['cycle_time', 97200.0], ['cycle_time_mean', nan]]
    """
    columns = _checked(log, by, level, percentiles, ["owner"])
    if outcome not in {None, "won", "lost"}:
        fix = "Use won, lost or None"
        raise ParameterError(Problem(f"outcome={outcome!r} is no way to close", fix=fix))
    trips = journeys(log, cohort=True)
    ends = trips.ends
    closed = (ends["outcome"] != "open").to_numpy()
    seen = _ended(ends["arrived"], ends["closed"], trips.until)
    chosen = None if outcome is None else (ends["outcome"] == outcome).to_numpy()
    keys = trips.leads[list(columns)].assign(outcome=outcome or "any")
    fates = {"closed": closed, "open": ~closed}
    return percentile_table(
        log, "cycle_time", keys, (seen, closed), fates, level, percentiles, chosen
    )


def _checked(
    log: EventLog,
    by: By,
    level: float,
    percentiles: Sequence[float],
    also: Sequence[str],
    per: str = "stage",
) -> tuple[str, ...]:
    """Refuse parameters that mean nothing; hand on the grouping columns."""
    check_level(level)
    check_percentiles(percentiles)
    check_per(per)
    return tuple(name for name in columns_of(by, log, also) if name != per)


def _inside(log: EventLog, start: Micros) -> Flags:
    """Which beginnings lie in the log's window."""
    since, until = window(log)
    return (start >= since) & (start <= until)


def _visits_seen(log: EventLog) -> tuple[Journeys, Flags]:
    """Journeys, and which visits were seen from their beginning and are no terminal's."""
    trips = journeys(log, cohort=False)
    entered = trips.visits["entered"].to_numpy()
    seen_from = micros(log.leads["observed_from"])[trips.visits["lead"]]
    lasting = np.isin(trips.visits["stage"].to_numpy(), lasting_stages(log))
    return trips, _inside(log, entered) & (entered >= seen_from) & lasting


def _laid_down(log: EventLog, work: pd.DataFrame, until: int) -> NDArray[np.float64]:
    """Seconds for which each piece of work lay because its team had closed."""
    start = work["started"].to_numpy()
    end = np.where(work["ended"].to_numpy() == MISSING, until, work["ended"].to_numpy())
    laid_down = np.zeros(len(work))
    for team in log.meta.teams:
        if team.pauses:
            mine = (work["team"] == team.id).to_numpy()
            seats = steps(*staffed(team))
            worked = time_open(seats, end[mine]) - time_open(seats, start[mine])
            laid_down[mine] = (end[mine] - start[mine] - worked) / SECOND
    return laid_down


def _ended(start: pd.Series, end: pd.Series, until: int) -> NDArray[np.float64]:
    """Seconds from start to end, or to the end of the log."""
    finish = end.to_numpy()
    seconds: NDArray[np.float64] = (
        np.where(finish == MISSING, until, finish) - start.to_numpy()
    ) / SECOND
    return seconds
