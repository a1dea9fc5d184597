"""Activity: new leads, offers sent, calls per manager and day, handling time of enquiries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.events import EventLog
from funnelsim.measures.cautions import CUT_OFF, NOT_MARKED, cautions, few
from funnelsim.measures.estimates import NOTHING, Estimate, mean
from funnelsim.measures.happenings import ARRIVED, first_known, happenings
from funnelsim.measures.journeys import MISSING, SECOND, journeys, keys_of, rows_of
from funnelsim.measures.managers import seats_staffed
from funnelsim.measures.percentiles import PERCENTILES, check_percentiles, percentile_table
from funnelsim.measures.purchases import is_named
from funnelsim.measures.tables import (
    WORK,
    By,
    check_level,
    columns_of,
    exact,
    groups,
    record,
    tidy,
)
from funnelsim.measures.timeline import grouped, timeline

__all__ = [
    "efforts_per_manager",
    "handling_time",
    "happening_counts",
    "new_leads",
    "offers_sent",
]

NEVER: Final = np.iinfo(np.int64).max
MEAN: Final = "(mean)"


def new_leads(log: EventLog, *, by: By = (), every: str | None = "1 mo") -> pd.DataFrame:
    """New leads by period of their arrival.

    Definition: new leads per month. Formula: a count. Unit: leads. Source: domain S4:579.

    Parameters
    ----------
    log : EventLog
        Any history.
    by : str or sequence of str
        Columns of leads, or ``owner`` (of the lead's latest visit).
    every : str, optional
        ``"1W"``, ``"1MS"``, ``"1QS"``; None for the whole window.

    Returns
    -------
    DataFrame
        Item columns ``at`` and ``happening``; value = ``n`` = leads; then ``leads`` (the
        same) and ``caution`` (``cut off``: a month of which half is missing has not
        halved).

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> new_leads(BANK, every="1 d")["value"].tolist()
    [2.0, 2.0, 1.0]
    """
    return _counts(log, "new_leads", "leads", ARRIVED, by, every)


def offers_sent(
    log: EventLog,
    *,
    by: By = (),
    every: str | None = None,
    offer: str | Sequence[str] = ("offered", "offer", "quoted", "quote"),
) -> pd.DataFrame:
    """Commercial offers sent.

    Definition: offers sent. Formula: a count of the marks, visits or pieces of work that
    are an offer; a second offer to a lead counts. Unit: offers. Source: domain S4:577.

    Parameters
    ----------
    log, by, every
        As in :func:`new_leads`.
    offer : str or sequence of str
        What an offer is, see :mod:`funnelsim.measures.happenings`; of several names the
        first that the log has.

    Returns
    -------
    DataFrame
        As :func:`new_leads`; NaN with the method ``not marked`` where the log has nothing
        of that name, for 0 would be false.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> offers_sent(BANK)["method"].tolist(), offers_sent(BANK, offer="decision")["value"].tolist()
    (['not marked'], [2.0])
    """
    return _counts(log, "offers_sent", "offers", first_known(log, offer), by, every)


def happening_counts(
    log: EventLog, happening: str, *, by: By = (), every: str | None = None
) -> pd.DataFrame:
    """How often something happens: marks of a kind, entries into a stage, work done.

    Parameters
    ----------
    log : EventLog
        Any history; full where a stage is named.
    happening : str
        As :func:`funnelsim.measures.happenings.happenings` takes it.
    by, every
        As in :func:`new_leads`.

    Returns
    -------
    DataFrame
        As :func:`new_leads`, unit ``happenings``.

    Raises
    ------
    ParameterError
        The log has nothing of that name.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> happening_counts(BANK, "won", every="1 d")["value"].tolist()
    [0.0, 2.0, 0.0]
    """
    return _counts(log, "happening_counts", "happenings", happening, by, every)


def efforts_per_manager(
    log: EventLog,
    *,
    by: By = (),
    every: str = "1 d",
    level: float = 0.95,
    effort: str | Sequence[str] = (),
) -> pd.DataFrame:
    """Calls, meetings and other work that a manager begins in a day or a week.

    Definition: calls and meetings per day or week per manager. Formula: pieces of work
    begun ÷ days (weeks) on which the manager began any. Unit: efforts per manager and
    period. Source: domain S4:576. Periods that the window cuts off are left out.

    Parameters
    ----------
    log : EventLog
        With efforts that say when they were started.
    by : str or sequence of str
        Columns of leads, ``owner``, ``effort`` or ``team``.
    every : str
        ``"1 d"`` or ``"1 w"``.
    level : float
        Confidence level, 0 to 1.
    effort : str or sequence of str
        Only this kind of work (``"call"``); none: all of it. Days without such work but
        with other count as days at work.

    Returns
    -------
    DataFrame
        Item column ``manager``: each worker, and ``(mean)`` over all days of all workers,
        with Student's t interval and ``n`` days. Where the log names no workers: one row,
        work begun ÷ seats staffed, method ``per seat``, ``n`` periods with staff. Then
        ``efforts`` and ``caution``.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> efforts_per_manager(BANK)[["manager", "value", "method"]].values.tolist()
    [['(mean)', 0.833..., 'per seat']]
    """
    check_level(level)
    columns = tuple(name for name in columns_of(by, log, also=WORK) if name != "worker")
    trips, line = journeys(log, cohort=False), timeline(log, every)
    usable = line.whole if line.whole.any() else np.ones(line.n, dtype=bool)
    work = trips.efforts[trips.efforts["started"].to_numpy() != MISSING]
    period = line.of(work["started"].to_numpy())
    inside = (period >= 0) & usable[period]
    work, period = work[inside], period[inside]
    wanted = {effort} if isinstance(effort, str) else set(effort)
    counted = work["effort"].isin(wanted).to_numpy() if wanted else np.ones(len(work), dtype=bool)
    seats = seats_staffed(log, line)[usable]
    caution = "" if line.whole.any() else CUT_OFF
    records: list[dict[str, object]] = []
    named = is_named(work["worker"])
    for key, at in groups(keys_of(trips, work, columns, WORK)):
        mine = np.zeros(len(work), dtype=bool)
        mine[at] = True
        mine &= counted
        if named.any():
            rows = _per_worker(work["worker"][named], period[named], mine[named], level)
        else:
            rows = [(MEAN, _per_seat(int(mine.sum()), seats), int(mine.sum()))]
        for name, estimate, number in rows:
            item = {**key, "manager": name}
            unit = f"efforts per {every.strip()}"
            row = record(item, "efforts_per_manager", unit, estimate, level)
            small = few(estimate.n) if name == MEAN else ""
            records.append(row | {"efforts": number, "caution": cautions(small, caution)})
    counts = {"efforts": "int64", "caution": "str"}
    return tidy(records, log, columns, {"manager": "str"}, counts)


def handling_time(
    log: EventLog,
    *,
    by: By = (),
    level: float = 0.95,
    percentiles: Sequence[float] = PERCENTILES,
    handled: str | None = None,
) -> pd.DataFrame:
    """Time until an enquiry is handled: from its arrival to the end of the first work on it.

    Definition: mean time to process an enquiry. Unit: seconds. Source: domain S4:578. The
    mean of the handled ones only would leave out those who wait longest, so enquiries that
    still wait take part (Kaplan–Meier), and those lost before anybody handled them are
    counted apart.

    Parameters
    ----------
    log : EventLog
        With efforts, or marks or stages to name as ``handled``.
    by : str or sequence of str
        Columns of leads, or ``owner`` (of the lead's latest visit).
    level : float
        Confidence level, 0 to 1.
    percentiles : sequence of float
        0 to 1, exclusive.
    handled : str, optional
        What ends the handling, such as ``"qualified"``, see
        :mod:`funnelsim.measures.happenings`; left out: the first work done.

    Returns
    -------
    DataFrame
        As :func:`funnelsim.measures.cycle_time` with the item column ``handled``, measures
        ``handling_time`` and ``handling_time_mean``; then ``done``, ``gone`` (closed
        before) and ``waiting`` enquiries.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> handling_time(BANK, percentiles=[0.5])[["measure", "value"]].values.tolist()
    [['handling_time', 7200.0], ['handling_time_mean', 10980.0]]
    """
    check_level(level)
    check_percentiles(percentiles)
    columns = columns_of(by, log, also=["owner"])
    trips = journeys(log, cohort=True)
    first = np.full(len(log.leads), NEVER)
    if handled is None:
        work = journeys(log, cohort=False).efforts
        work = work[(work[["started", "ended"]] != MISSING).all(axis=1)]
        np.minimum.at(first, work["lead"].to_numpy(), work["ended"].to_numpy())
    else:
        np.minimum.at(first, *happenings(log, handled))
    end = first[rows_of(trips.leads["lead_id"], log.leads)]
    ends = trips.ends
    arrived, closed = ends["arrived"].to_numpy(), ends["closed"].to_numpy()
    done = end != NEVER
    gone = ~done & (ends["outcome"] != "open").to_numpy()
    stop = np.select([done, gone], [end, closed], trips.until)
    seen = np.maximum(stop - arrived, 0) / SECOND
    keys = trips.leads[list(columns)].assign(handled=handled or "first work done")
    fates = {"done": done, "gone": gone, "waiting": ~done & ~gone}
    chosen = done if gone.any() else None
    return percentile_table(
        log, "handling_time", keys, (seen, done | gone), fates, level, percentiles, chosen
    )


def _counts(
    log: EventLog, measure: str, unit: str, happening: str | None, by: By, every: str | None
) -> pd.DataFrame:
    """Counts by group and period."""
    columns = columns_of(by, log, also=["owner"])
    line = timeline(log, every)
    groups_of = grouped(journeys(log, cohort=False).leads, columns)
    lead, when = happenings(log, happening or ARRIVED)
    cells = groups_of.cells(lead, line.of(when), line)
    records = []
    for group, period, item in groups_of.rows(line):
        at = cells[group][period]
        estimate, caution = exact(len(at), len(at)), line.caution(period)
        if happening is None:
            estimate, caution = NOTHING._replace(method=NOT_MARKED), NOT_MARKED
        row = record({**item, "happening": happening or ""}, measure, unit, estimate, level=0)
        different = 0 if happening is None else len(np.unique(lead[at]))
        records.append(row | {"leads": different, "caution": caution})
    items = {**line.items, "happening": "str"}
    return tidy(records, log, columns, items, {"leads": "int64", "caution": "str"})


def _per_worker(
    worker: pd.Series, period: NDArray[np.intp], mine: NDArray[np.bool_], level: float
) -> list[tuple[str, Estimate, int]]:
    """Name, mean and number of work of each worker, then of all: one value per day at work."""
    day = pd.DataFrame({"worker": worker.astype("str").to_numpy(), "period": period})
    each = day.assign(mine=mine).groupby(["worker", "period"])["mine"].sum()
    rows = []
    for name, values in each.groupby(level="worker"):
        numbers = values.to_numpy(np.float64)
        rows.append((str(name), mean(numbers, level), int(numbers.sum())))
    numbers = each.to_numpy(np.float64)
    return [*rows, (MEAN, mean(numbers, level), int(numbers.sum()))]


def _per_seat(number: int, seats: NDArray[np.float64]) -> Estimate:
    """Work begun ÷ seats, over the periods in which anybody was staffed."""
    total = float(seats.sum())
    manned = int((seats > 0).sum())
    if not total:
        return NOTHING
    return Estimate(number / total, manned, np.nan, np.nan, "per seat")
