"""The client base: who stays, who leaves, who comes back, how often.

*Retention* here is always relative to the clients **at the period's start**: of those who
were clients then, the share who still are at its end. New clients are no part of it; the
ratio of all clients at the end to those at the start, often called the same, can exceed 1
and hides churn behind growth. Who leaves, and when, comes from marks ``churned`` or, where
no contract ends, from ``silent``, the time without an order after which a client counts as
gone.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from funnelsim.events import EventLog
from funnelsim.measures.cautions import IMMATURE, NO_CHURN, UNDECIDED, cautions, few
from funnelsim.measures.clients import NEVER, Clients, clients
from funnelsim.measures.estimates import NOTHING, proportion, rate
from funnelsim.measures.followup import follow, followed_share
from funnelsim.measures.journeys import SECOND, Micros, journeys, window
from funnelsim.measures.purchases import Basis, uncertain_customers
from funnelsim.measures.tables import By, check_level, columns_of, exact, record, span, tidy
from funnelsim.measures.timeline import grouped, timeline

__all__ = ["churn", "purchase_frequency", "repeat_rate", "retention"]

STAYS = {
    **dict.fromkeys(["at_start", "left", "joined", "at_end"], "int64"),
    "end_to_start": "float64",
    "caution": "str",
}


def retention(
    log: EventLog,
    *,
    by: By = (),
    every: str | None = "1 mo",
    level: float = 0.95,
    silent: str | None = None,
    basis: Basis = "booked",
) -> pd.DataFrame:
    """Share of the clients at the period's start who still are clients at its end (CRR).

    Definition: % of clients who remained in the period relative to the number at its
    start. Formula: (``at_start`` − ``left``) ÷ ``at_start``. Unit: share. Source: domain
    S4:66, S4:171, S4:570. It is 1 − :func:`churn`.

    Parameters
    ----------
    log : EventLog
        Any history.
    by : str or sequence of str
        Columns of leads, those of the customer's first lead.
    every : str, optional
        ``"1MS"``, ``"1QS"``: a retention belongs to the length of its period; None for the
        whole window.
    level : float
        Confidence level, 0 to 1.
    silent : str, optional
        Elapsed time without an order after which a client counts as gone, ``"90 d"``.
    basis : {"booked", "paid"}
        What an order is.

    Returns
    -------
    DataFrame
        Item column ``at``; Wilson's interval, ``n`` = ``at_start``; then ``at_start``,
        ``left`` (of these), ``joined`` (clients at the end who were none at the start),
        ``at_end``, ``end_to_start`` (``at_end`` ÷ ``at_start``: what is often shown as
        retention and is none) and ``caution``. NaN with the method ``no churn`` where
        nothing says when clients leave: 100 % would be false.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> table = retention(BANK, every="1 d", silent="12 h")
    >>> table[["value", "at_start", "left", "joined"]].values.tolist()
    [[nan, 0.0, 0.0, 0.0], [nan, 0.0, 0.0, 1.0], [0.0, 1.0, 1.0, 0.0]]
    """
    return _stays(log, "retention", by, every, level, clients(log, silent, basis))


def churn(
    log: EventLog,
    *,
    by: By = (),
    every: str | None = "1 mo",
    level: float = 0.95,
    silent: str | None = None,
    basis: Basis = "booked",
) -> pd.DataFrame:
    """Share of the clients at the period's start who stopped by its end.

    Definition: % of clients who stopped in the period. Formula: ``left`` ÷ ``at_start``.
    Unit: share. Source: domain S4:169. It is 1 − :func:`retention`. Who came and left
    inside one period is in neither: shorten the period, or see
    :func:`funnelsim.measures.client_cohorts`.

    Parameters
    ----------
    log, by, every, level, silent, basis
        As in :func:`retention`.

    Returns
    -------
    DataFrame
        As :func:`retention`.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> churn(BANK, every="1 d", silent="12 h")["value"].tolist()
    [nan, nan, 1.0]
    """
    return _stays(log, "churn", by, every, level, clients(log, silent, basis))


def repeat_rate(
    log: EventLog,
    *,
    by: By = (),
    level: float = 0.95,
    within: str | None = None,
    basis: Basis = "booked",
) -> pd.DataFrame:
    """Share of clients who buy again.

    Definition: % of clients with repeat purchases. Formula: ``repeat_rate_so_far`` =
    clients with a second order ÷ clients, as everybody counts it; ``repeat_rate`` the
    same with time for those who came last week: Aalen–Johansen from the first order to
    the second, leaving for good competing. Unit: share. Source: domain S4:175.

    Parameters
    ----------
    log : EventLog
        Any history; clients whose first order falls into the window.
    by : str or sequence of str
        Columns of leads, those of the customer's first lead.
    level : float
        Confidence level, 0 to 1.
    within : str, optional
        Elapsed time from the first order, ``"90 d"``: makes two groups of different age
        comparable.
    basis : {"booked", "paid"}
        What an order is.

    Returns
    -------
    DataFrame
        Two rows a group, ``n`` clients; then ``repeated``, ``waiting`` (still might),
        ``unresolved`` (the share still undecided after the longest follow-up: how much
        higher the value could be) and ``caution``.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> repeat_rate(BANK)[["measure", "value", "unresolved"]].values.tolist()
    [['repeat_rate_so_far', 0.0, 0.0], ['repeat_rate', nan, 1.0]]
    """
    check_level(level)
    columns = columns_of(by, log)
    found = clients(log, None, basis)
    since, until = window(log)
    second = np.full(len(found.lead), NEVER)
    again = found.bought.number == 2  # noqa: PLR2004 - the second order
    second[found.bought.customer[again]] = found.bought.when[again]
    last = np.full(len(found.lead), NEVER)
    last[found.client] = found.end
    who = np.flatnonzero((found.first >= since) & (found.first <= until))
    start = found.first[who]
    stop = np.minimum(np.minimum(second[who], last[who]), until)
    again, gone = second[who] != NEVER, (second[who] == NEVER) & (last[who] != NEVER)
    limit = np.inf if within is None else span(within, "within").total_seconds()
    duration = (stop - start) / SECOND
    late = duration > limit
    groups = grouped(journeys(log, cohort=False).leads.iloc[found.lead[who]], columns)
    records = []
    for group, key in enumerate(groups.keys):
        at = np.flatnonzero(groups.of == group)
        chosen = again[at] & ~late[at]
        seen = follow(np.minimum(duration[at], limit), chosen | gone[at] | late[at])
        so_far = proportion(int(chosen.sum()), len(at), level)
        waiting = int((~seen.closed).sum())
        for name, estimate, undecided in (
            ("repeat_rate_so_far", so_far, 0.0),
            ("repeat_rate", followed_share(seen, chosen, level), seen.unresolved),
        ):
            young = waiting > UNDECIDED * len(at) if name.endswith("far") else undecided > UNDECIDED
            said = cautions(few(len(at)), IMMATURE if young else "", uncertain_customers(log))
            counts = {"repeated": int(chosen.sum()), "waiting": waiting, "unresolved": undecided}
            row = record(key, name, "share", estimate, level)
            records.append(row | counts | {"caution": said})
    kinds = {"repeated": "int64", "waiting": "int64", "unresolved": "float64", "caution": "str"}
    return tidy(records, log, columns, {}, kinds)


def purchase_frequency(
    log: EventLog,
    *,
    by: By = (),
    every: str | None = "1 mo",
    level: float = 0.95,
    silent: str | None = None,
    basis: Basis = "booked",
) -> pd.DataFrame:
    """How often clients buy: orders per buyer, and repeat orders per client and year.

    Definition: purchase frequency. Formula: ``purchase_frequency`` = orders ÷ customers
    who ordered in the period, never below 1, because who did not order is not counted;
    ``repeat_order_rate`` = repeat orders ÷ time as clients, which counts everybody. Unit:
    orders per buyer; orders per client and year. Source: domain S4:22, S4:52.

    Parameters
    ----------
    log, by, every, silent, basis
        As in :func:`retention`.
    level : float
        Confidence level, 0 to 1.

    Returns
    -------
    DataFrame
        Item column ``at``, two rows a period: the first exact, ``n`` orders; the second
        with the exact Poisson interval, ``n`` repeat orders. Then ``buyers``,
        ``client_years`` (time as clients inside the period) and ``caution``: without
        marks ``churned`` or ``silent`` former clients count on, and the rate is too low.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> table = purchase_frequency(BANK, every=None)
    >>> table[["measure", "value", "buyers"]].values.tolist()
    [['purchase_frequency', 1.0, 2], ['repeat_order_rate', 0.0, 2]]
    """
    check_level(level)
    columns = columns_of(by, log)
    found, line = clients(log, silent, basis), timeline(log, every)
    leads = journeys(log, cohort=False).leads.iloc[found.lead]
    groups = grouped(leads, columns)
    bought = found.bought
    period = line.of(bought.when)
    cells = groups.cells(bought.customer, period, line)
    records = []
    for group, at_period, item in groups.rows(line):
        at = cells[group][at_period]
        mine = groups.of[found.client] == group
        years = _time_inside(found.start[mine], found.end[mine], line.cuts[at_period:][:2])
        buyers = len(np.unique(bought.customer[at]))
        repeats = int((bought.number[at] > 1).sum())
        usual = exact(len(at) / buyers, len(at)) if buyers else NOTHING
        said = cautions(few(len(at)), line.caution(at_period), found.caution)
        counts = {"buyers": buyers, "client_years": years, "caution": said}
        for name, unit, estimate in (
            ("purchase_frequency", "orders/buyer", usual),
            ("repeat_order_rate", "orders/client/y", rate(repeats, years, level)),
        ):
            records.append(record(item, name, unit, estimate, level) | counts)
    kinds = {"buyers": "int64", "client_years": "float64", "caution": "str"}
    return tidy(records, log, columns, line.items, kinds)


def _stays(
    log: EventLog, measure: str, by: By, every: str | None, level: float, found: Clients
) -> pd.DataFrame:
    """Rows of retention or churn by group and period."""
    check_level(level)
    columns = columns_of(by, log)
    line = timeline(log, every)
    groups = grouped(journeys(log, cohort=False).leads.iloc[found.lead], columns)
    records = []
    here = [found.active(int(moment)) for moment in line.cuts]
    for group, period, item in groups.rows(line):
        mine = groups.of == group
        before, after = here[period] & mine, here[period + 1] & mine
        start, both = int(before.sum()), int((before & after).sum())
        stayed = both if measure == "retention" else start - both
        estimate = proportion(stayed, start, level)
        if not found.knows_churn:
            estimate = NOTHING._replace(n=start, method=NO_CHURN)
        row = record(item, measure, "share", estimate, level)
        counts = {"at_start": start, "left": start - both, "joined": int((after & ~before).sum())}
        end = int(after.sum())
        more = {"at_end": end, "end_to_start": end / start if start else np.nan}
        said = cautions(few(start), line.caution(period), found.caution, uncertain_customers(log))
        records.append(row | counts | more | {"caution": said})
    return tidy(records, log, columns, line.items, STAYS)


def _time_inside(start: Micros, end: Micros, cuts: Micros) -> float:
    """Years of all times as a client between two moments."""
    inside = np.minimum(end, cuts[1]) - np.maximum(start, cuts[0])
    return float(np.clip(inside, 0, None).sum()) / SECOND / 86_400 / 365.25
