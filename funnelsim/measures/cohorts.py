"""Cohorts: leads by when they arrived, clients by when they first bought.

A young cohort always looks worse than an old one: its leads have not had the time. Its
share *so far* is therefore never the answer here. The value counts what has been decided,
and for every lead that is still open the chance that leads of its age still had in all
cohorts that were followed longer. Cohorts whose outcome is less than 95 % decided carry the
caution ``immature``: do not draw them as if they were complete.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.events import EventLog
from funnelsim.measures.cautions import IMMATURE, NO_CHURN, UNDECIDED, cautions, few
from funnelsim.measures.clients import NEVER, clients
from funnelsim.measures.estimates import NOTHING, Estimate, proportion, wilson
from funnelsim.measures.followup import follow
from funnelsim.measures.happenings import ARRIVED, BOUGHT
from funnelsim.measures.journeys import Codes, Micros, journeys, window
from funnelsim.measures.milestones import Course, course
from funnelsim.measures.passages import ADVANCED, OPEN
from funnelsim.measures.purchases import Basis, uncertain_customers
from funnelsim.measures.tables import By, check_level, columns_of, record, span, tidy
from funnelsim.measures.timeline import grouped, timeline

__all__ = ["chances", "client_cohorts", "cohorts"]

Floats = NDArray[np.float64]
SLACK: Final = 1e-9
COUNTS = {
    **dict.fromkeys(["came", "went_on", "open"], "int64"),
    **dict.fromkeys(["so_far", "expected", "completeness"], "float64"),
    "caution": "str",
}


def cohorts(
    log: EventLog,
    *,
    by: By = (),
    every: str = "1 mo",
    level: float = 0.95,
    from_: str = ARRIVED,
    to: str = BOUGHT,
) -> pd.DataFrame:
    """Conversion cohort by cohort, young cohorts completed by what older ones show.

    Definition: of the leads that came to ``from_`` in a period, the share that come to
    ``to``, sooner or later. Formula: (went on + Σ over open leads of P(go on | still open
    at this age)) ÷ all; the chances are ΔCIF ÷ S of the Aalen–Johansen curves of all
    cohorts of the group. Unit: share. Source: domain §5, retention and cohort analytics
    (S4:132–190).

    Parameters
    ----------
    log : EventLog
        Any history; full where a stage is named.
    by : str or sequence of str
        Columns of leads, or ``owner`` (of the lead's latest visit).
    every : str
        ``"1W"``, ``"1MS"``, ``"1QS"``.
    level : float
        Confidence level, 0 to 1.
    from_, to : str
        As :func:`funnelsim.measures.mark_conversion` takes them.

    Returns
    -------
    DataFrame
        Item column ``at`` (begin of the period); value in shares, ``n`` = ``came`` leads;
        then ``went_on``, ``open``, ``so_far`` = went on ÷ came (what people draw),
        ``expected`` (leads that go on in the end), ``completeness`` (share of these that
        already have) and ``caution``. Wilson's interval at the size of what the cohort
        itself has shown; where that is nothing there is none.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> table = cohorts(BANK, every="1 d")
    >>> table[["value", "so_far", "open", "completeness"]].round(2).values.tolist()
    [[0.5, 0.5, 0.0, 1.0], [0.5, 0.5, 1.0, 1.0], [0.5, 0.0, 1.0, 0.0]]
    """
    check_level(level)
    columns = columns_of(by, log, also=["owner"])
    line = timeline(log, every)
    groups = grouped(journeys(log, cohort=False).leads, columns)
    went = course(log, from_, to)
    chance = chances(went, groups.of[went.lead])
    cells = groups.cells(went.lead, line.of(went.since), line)
    records = []
    for group, period, item in groups.rows(line):
        at = cells[group][period]
        waiting = went.fate[at] == OPEN
        done, expected = int((went.fate[at] == ADVANCED).sum()), float(chance[at].sum())
        complete = done / expected if expected > SLACK else float(not waiting.any())
        young = IMMATURE if complete < 1 - UNDECIDED else ""
        estimate = _completed(chance[at], waiting, level)
        row = record(item, "cohorts", "share", estimate, level)
        counts = {"came": len(at), "went_on": done, "open": int(waiting.sum())}
        more = {
            "so_far": done / len(at) if len(at) else np.nan,
            "expected": expected,
            "completeness": complete,
            "caution": cautions(few(len(at)), young, line.caution(period)),
        }
        records.append(row | counts | more)
    return tidy(records, log, columns, line.items, COUNTS)


def chances(went: Course, group: Codes) -> Floats:
    """Chance of each lead to come to the second milestone, given what is known of it.

    Parameters
    ----------
    went : Course
        Leads and what became of them so far.
    group : ndarray of int, shape (n,)
        Leads of one group follow the same curves.

    Returns
    -------
    ndarray, shape (n,)
        1 for those who did, 0 for those who cannot any more, between for the open ones: of
        the leads that were still open at this age, the share that went on later. A lead
        older than any that was followed longer has 0: nothing is known.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> went = course(BANK, "arrived", "won")
    >>> chances(went, went.lead * 0).round(3).tolist()
    [1.0, 0.0, 1.0, 0.0, 0.5]
    """
    found: Floats = np.where(went.fate == ADVANCED, 1.0, 0.0)
    for number in np.unique(group):
        at = np.flatnonzero(group == number)
        waiting = went.fate[at] == OPEN
        if not waiting.any() or waiting.all():
            continue
        seen = follow(went.duration[at], ~waiting)
        order = np.argsort(seen.duration, kind="stable")
        times, weight = seen.duration[order], seen.weight[order]
        gone = np.concatenate([[0.0], np.cumsum(weight)])
        on = np.concatenate([[0.0], np.cumsum(weight * (went.fate[at][order] == ADVANCED))])
        place = np.searchsorted(times, went.duration[at][waiting], side="right")
        left = 1.0 - gone[place]
        later = on[-1] - on[place]
        known = left > SLACK
        ratio = np.divide(later, left, out=np.zeros(len(later)), where=known)
        found[at[waiting]] = np.clip(ratio, 0.0, 1.0)
    return found


def client_cohorts(
    log: EventLog,
    *,
    by: By = (),
    every: str = "1 mo",
    level: float = 0.95,
    step: str = "30 d",
    silent: str | None = None,
    basis: Basis = "booked",
) -> pd.DataFrame:
    """Share of clients that still are clients, by when they first bought and age since.

    Definition: retention by cohort. Formula: clients at age ``age`` × ``step`` after the
    first order ÷ all of the cohort. Unit: share. Source: domain §5 (S4:132–190). A row
    stands only where every client of the cohort has reached the age.

    Parameters
    ----------
    log, by, level, silent, basis
        As in :func:`funnelsim.measures.retention`.
    every : str
        Period of the first order that makes a cohort.
    step : str
        Elapsed time, ``"30 d"``.

    Returns
    -------
    DataFrame
        Item columns ``at`` (begin of the period) and ``age`` (steps, from 1); Wilson's
        interval, ``n`` clients of the cohort; then ``age_d`` (days), ``still`` (clients)
        and ``caution``. NaN with the method ``no churn`` where nothing says when clients
        leave.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> table = client_cohorts(BANK, every="1 d", step="12 h", silent="20 h")
    >>> table[["age", "value"]].values.tolist()
    [[1.0, 1.0], [2.0, 0.0]]
    """
    check_level(level)
    columns = columns_of(by, log)
    found, line = clients(log, silent, basis), timeline(log, every)
    groups = grouped(journeys(log, cohort=False).leads.iloc[found.lead], columns)
    _, until = window(log)
    pace = round(span(step, "step") / pd.Timedelta(1, "us"))
    period_of = np.where(found.first == NEVER, -1, line.of(np.minimum(found.first, until)))
    cells = groups.cells(np.arange(len(found.lead)), period_of, line)
    records = []
    for group, period, item in groups.rows(line):
        at = cells[group][period]
        ages = int((until - found.first[at].max()) // pace) if len(at) else 0
        for age in range(1, ages + 1):
            still = _still(found.first[at] + age * pace, at, found.client, found.start, found.end)
            estimate = proportion(still, len(at), level)
            if not found.knows_churn:
                estimate = NOTHING._replace(n=len(at), method=NO_CHURN)
            row = record({**item, "age": age}, "client_cohorts", "share", estimate, level)
            said = (few(len(at)), line.caution(period), found.caution, uncertain_customers(log))
            days = age * pace / 86_400e6
            records.append(row | {"age_d": days, "still": still, "caution": cautions(*said)})
    counts = {"age_d": "float64", "still": "int64", "caution": "str"}
    return tidy(records, log, columns, {**line.items, "age": "int64"}, counts)


def _still(moment: Micros, at: Codes, client: Codes, start: Micros, end: Micros) -> int:
    """How many of some customers are clients, each at a moment of their own."""
    when = np.full(int(max(client.max(initial=-1), at.max(initial=-1))) + 1, -1)
    when[at] = moment
    mine = when[client]
    here = (mine >= 0) & (start <= mine) & (mine < end)
    return len(np.unique(client[here]))


def _completed(chance: Floats, waiting: NDArray[np.bool_], level: float) -> Estimate:
    """Share of a cohort, with an interval from what the cohort itself has shown."""
    n = len(chance)
    if n == 0:
        return NOTHING
    if not waiting.any():
        return proportion(round(float(chance.sum())), n, level)
    share = float(chance.mean())
    spread = n * share * (1 - share)
    unknown = float((chance * (1 - chance)).sum())
    size = n - (n * unknown / spread if spread > SLACK else float(waiting.sum()))
    if size < 1:
        return Estimate(share, n, np.nan, np.nan, "older cohorts")
    return Estimate(share, n, *wilson(share, size, level), "Aalen-Johansen")
