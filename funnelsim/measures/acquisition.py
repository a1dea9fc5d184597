"""What it costs to win a client, and whether it pays.

*Cost of acquisition* is everything spent up to a customer's first order: marks such as
``acquired`` (the price of the lead), the team's hours worked for customers who have not
bought yet, commission and overheads. What is spent on them later is none of it.

Spending comes before clients do. A month's costs ÷ a month's new clients is right only
while the business stands still: when spending doubles, it shows the double cost until the
clients arrive. So there are two readings, ``cac`` by period and ``cac_cohort``, which
follows the money of the leads that arrived to the clients they become.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from funnelsim.events import EventLog
from funnelsim.measures.acquiring import acquiring
from funnelsim.measures.cautions import IMMATURE, NO_COSTS, UNDECIDED, cautions, few
from funnelsim.measures.costs import NO_EXTRA, Costs, spending, summed
from funnelsim.measures.estimates import NOTHING, Estimate, rate
from funnelsim.measures.journeys import journeys
from funnelsim.measures.lifetime import cltv_profit
from funnelsim.measures.purchases import money, uncertain_customers
from funnelsim.measures.tables import By, check_level, columns_of, exact, record, tidy
from funnelsim.measures.timeline import grouped, timeline
from funnelsim.measures.uncertainty import quotient

__all__ = ["cac", "cltv_to_cac", "cost_per_lead"]

COUNTS = {**dict.fromkeys(["spent", "clients"], "float64"), "caution": "str"}


def cost_per_lead(log: EventLog, *, by: By = (), every: str | None = None) -> pd.DataFrame:
    """What one lead costs to attract.

    Definition: cost to attract one lead; compares channels. Formula: Σ cost of marks
    ``acquired`` ÷ leads that arrived. Unit: minor units. Source: domain S4:583. A cheap
    lead is no cheap client: see :func:`cac` and :func:`funnelsim.measures.roi` first.

    Parameters
    ----------
    log : EventLog
        Any history.
    by : str or sequence of str
        Columns of leads, or ``owner`` (of the lead's latest visit).
    every : str, optional
        ``"1W"``, ``"1MS"`` …: by period of arrival, with the item column ``at``.

    Returns
    -------
    DataFrame
        Value exact, ``n`` leads; then ``spent`` (minor units) and ``caution``; NaN with
        the method ``no costs`` where no lead of the log is marked ``acquired`` with a cost.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> cost_per_lead(BANK)["method"].tolist()
    ['no costs']
    """
    columns = columns_of(by, log, also=["owner"])
    trips, line = journeys(log, cohort=False), timeline(log, every)
    groups = grouped(trips.leads, columns)
    arrived = trips.ends["arrived"].to_numpy()
    spent = spending(log)
    paid = spent.kind == "acquired"
    lead = spent.lead[paid]
    cost = summed(groups, line, lead, arrived[lead], spent.cost[paid])
    number = summed(groups, line, np.arange(len(arrived)), arrived, np.ones(len(arrived)))
    unknown = "" if paid.any() else NO_COSTS
    records = []
    for group, period, item in groups.rows(line):
        n, total = int(number[group, period]), float(cost[group, period])
        estimate = NOTHING._replace(n=n, method=unknown or "no data")
        if n and not unknown:
            estimate = exact(total / n, n)
        row = record(item, "cost_per_lead", money(log), estimate, level=0)
        said = cautions(line.caution(period), unknown)
        records.append(row | {"spent": total, "caution": said})
    kinds = {"spent": "float64", "caution": "str"}
    return tidy(records, log, columns, line.items, kinds)


def cac(
    log: EventLog,
    *,
    by: By = (),
    every: str | None = None,
    level: float = 0.95,
    costs: Costs = NO_EXTRA,
) -> pd.DataFrame:
    """CAC: what one new client costs, all of it.

    Definition: total cost (marketing, sales, other) to acquire one new client. Formula:
    ``cac`` = spent on acquisition in the period ÷ customers whose first order falls into
    it; ``cac_cohort`` = spent on the leads that arrived in the period ÷ the new clients
    they become, open leads by their chance. Unit: minor units. Source: domain S4:172,
    S4:568, S1:52.

    Parameters
    ----------
    log : EventLog
        Any history.
    by : str or sequence of str
        Columns of leads; a client belongs to its customer's first lead.
    every : str, optional
        ``"1MS"``, ``"1QS"`` …, with the item column ``at``.
    level : float
        Confidence level, 0 to 1.
    costs : Costs
        What the log does not say. Overheads count in full.

    Returns
    -------
    DataFrame
        Two rows a group; interval from the number of clients (Poisson), the spending
        taken as it is; ``n`` clients so far; then ``spent`` (minor units), ``clients``
        (expected ones in ``cac_cohort``) and ``caution`` (``too few``, ``immature``).

    Examples
    --------
    >>> from funnelsim.measures.costs import Costs
    >>> from funnelsim.measures.example import BANK
    >>> table = cac(BANK, costs=Costs(pay={"advisers": 1000}))
    >>> table[["measure", "value", "clients"]].values.tolist()
    [['cac', 24125.0, 2.0], ['cac_cohort', 19300.0, 2.5]]
    """
    check_level(level)
    columns = columns_of(by, log)
    line = timeline(log, every)
    groups = grouped(journeys(log, cohort=False).leads, columns)
    parts = acquiring(log, groups, line, costs)
    unknown = NO_COSTS if parts.unknown else ""
    records = []
    for group, period, item in groups.rows(line):
        cell = group, period
        for name, spent, number, so_far in (
            ("cac", parts.spent[cell], parts.new[cell], parts.new[cell]),
            ("cac_cohort", parts.followed[cell], parts.expected[cell], parts.became[cell]),
        ):
            estimate = _per_client(float(spent), float(number), int(so_far), level)
            if unknown:
                estimate = NOTHING._replace(n=int(so_far), method=NO_COSTS)
            young = IMMATURE if so_far < (1 - UNDECIDED) * number else ""
            row = record(item, name, money(log), estimate, level)
            said = (few(so_far), young, line.caution(period), unknown, uncertain_customers(log))
            counts = {"spent": spent, "clients": number, "caution": cautions(*said)}
            records.append(row | counts)
    return tidy(records, log, columns, line.items, COUNTS)


def cltv_to_cac(
    log: EventLog,
    *,
    by: By = (),
    level: float = 0.95,
    costs: Costs = NO_EXTRA,
    horizon: str | None = None,
    silent: str | None = None,
    margin: float | None = None,
) -> pd.DataFrame:
    """CLTV ÷ CAC: how many times over a client pays back what it cost to win.

    Definition: CAC against CLTV shows the profitability of acquisition. Formula:
    :func:`funnelsim.measures.cltv_profit` ÷ ``cac_cohort``. Unit: ratio; below 1 every
    new client loses money. Source: domain S4:172.

    Parameters
    ----------
    log, by, level, costs
        As in :func:`cac`.
    horizon : str, optional
        Elapsed time to which profit counts, ``"365 d"``; None for the whole relation.
    silent, margin
        As in :func:`funnelsim.measures.cltv_profit`.

    Returns
    -------
    DataFrame
        Interval from those of both, taken as independent and lognormal; then ``cltv``,
        ``cac`` (minor units) and ``caution``. NaN, with the method that says why, where
        one of them is unknown.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> cltv_to_cac(BANK, margin=0.2)["method"].tolist()
    ['too few']
    """
    spent = cac(log, by=by, level=level, costs=costs)
    spent = spent[spent["measure"] == "cac_cohort"]
    worth = cltv_profit(log, by=by, level=level, horizons=(horizon,), silent=silent, margin=margin)
    worth = worth[worth["measure"] == "cltv_profit"]
    columns = list(columns_of(by, log))
    both = spent.assign(_=0).merge(
        worth.assign(_=0), on=[*columns, "_"], how="left", suffixes=("", "_worth")
    )
    records = []
    for row in both.to_dict("records"):
        two = [_read(row, "_worth"), _read(row, "")]
        estimate = quotient(*two)
        missing = next((one.method for one in two if np.isnan(one.value)), estimate.method)
        key = {name: row[name] for name in columns}
        measured = record(
            key, "cltv_to_cac", "ratio", estimate._replace(method=str(missing)), level
        )
        said = cautions(*str(row["caution_worth"]).split(", "), *str(row["caution"]).split(", "))
        records.append(measured | {"cltv": two[0].value, "cac": two[1].value, "caution": said})
    kinds = {"cltv": "float64", "cac": "float64", "caution": "str"}
    return tidy(records, log, columns, {}, kinds)


def _per_client(spent: float, number: float, so_far: int, level: float) -> Estimate:
    """Spending ÷ clients, with Poisson's interval of their number."""
    if number <= 0:
        return NOTHING._replace(n=so_far)
    _, _, lo, hi, method = rate(round(number), 1.0, level)
    dear = spent / min(lo, number) if lo > 0 else np.nan
    return Estimate(spent / number, so_far, spent / max(hi, number), dear, method)


def _read(row: Mapping[Any, Any], suffix: str) -> Estimate:
    """An estimate back from a row of a table; ``no data`` where there is none."""
    value, n, lo, hi, method = (row[name + suffix] for name in ("value", "n", "lo", "hi", "method"))
    if pd.isna(n):
        return NOTHING
    return Estimate(float(value), int(n), float(lo), float(hi), str(method))
