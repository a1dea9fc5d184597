"""What selling costs, and what is left of sales after it.

Where costs come from and how those of staff are shared out: :mod:`funnelsim.measures.costs`.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from funnelsim.events import EventLog
from funnelsim.measures.cautions import NO_COSTS, cautions
from funnelsim.measures.costs import NO_EXTRA, Costs, expenses, spending, summed
from funnelsim.measures.estimates import NOTHING
from funnelsim.measures.journeys import journeys
from funnelsim.measures.purchases import Basis, money, purchases
from funnelsim.measures.tables import By, columns_of, exact, record, tidy
from funnelsim.measures.timeline import grouped, timeline

__all__ = ["ros", "selling_expenses"]

ALL: Final = "(total)"
PROFIT = dict.fromkeys(["sales", "cost_of_sales", "expenses", "profit"], "float64")


def selling_expenses(
    log: EventLog, *, by: By = (), every: str | None = None, costs: Costs = NO_EXTRA
) -> pd.DataFrame:
    """What selling costs: staff, commission, marketing and other.

    Definition: salaries, commissions, marketing, other. Formula: Σ cost of marks that are
    no sale + Σ staffed hours × cost per hour + commission × sales + overheads. Unit: minor
    units. Source: domain S4:584. The cost of what was sold is none of it.

    Parameters
    ----------
    log : EventLog
        Any history.
    by : str or sequence of str
        Columns of leads, or ``owner`` (of the lead's latest visit).
    every : str, optional
        ``"1W"``, ``"1MS"`` …: by period of the spending, with the item column ``at``.
    costs : Costs
        What the log does not say.

    Returns
    -------
    DataFrame
        Item column ``expense``: the kinds of marks (``acquired`` is marketing), ``staff``
        (staffed hours, overtime included; hours worked where staffing is unknown),
        ``commission``, ``overheads``, and ``(total)``, which is their sum; ``n`` bookings;
        then ``caution`` (``no costs``: a total of 0 is then no saving).

    Examples
    --------
    >>> from funnelsim.measures.costs import Costs
    >>> from funnelsim.measures.example import BANK
    >>> table = selling_expenses(BANK, costs=Costs(pay={"advisers": 1000}))
    >>> table[["expense", "value"]].values.tolist()
    [['staff', 48250.0], ['(total)', 48250.0]]
    """
    columns = columns_of(by, log, also=["owner"])
    line = timeline(log, every)
    groups = grouped(journeys(log, cohort=False).leads, columns)
    parts = expenses(log, groups, line, costs)
    unknown = NO_COSTS if not parts else ""
    records = []
    for group, period, item in groups.rows(line):
        rows = [(name, amount[group, period], n[group, period]) for name, amount, n in parts]
        rows.append((ALL, sum(row[1] for row in rows), sum(row[2] for row in rows)))
        for name, amount, number in rows:
            estimate = exact(float(amount), int(number))
            expense = {**item, "expense": name}
            row = record(expense, "selling_expenses", money(log), estimate, level=0)
            records.append(row | {"caution": cautions(line.caution(period), unknown)})
    return tidy(records, log, columns, {**line.items, "expense": "str"}, {"caution": "str"})


def ros(
    log: EventLog,
    *,
    by: By = (),
    every: str | None = None,
    basis: Basis = "booked",
    costs: Costs = NO_EXTRA,
) -> pd.DataFrame:
    """Return on sales: the profit from sales as a share of them, before and after selling.

    Definition: profit from sales as %. Formula: ``gross_margin`` = (sales − cost of what
    was sold) ÷ sales; ``ros`` = (sales − cost of what was sold − selling expenses) ÷
    sales. Unit: ratio, at most 1, below 0 for a loss. Source: domain S4:585.

    Parameters
    ----------
    log, by, every, costs
        As in :func:`selling_expenses`.
    basis : {"booked", "paid"}
        When sales count.

    Returns
    -------
    DataFrame
        Two rows a group; NaN where there are no sales, and with the method ``no costs``
        where nothing is known of costs (all of it would look like profit); then
        ``sales``, ``cost_of_sales``, ``expenses``, ``profit`` (after selling; minor
        units) and ``caution``.

    Examples
    --------
    >>> from funnelsim.measures.costs import Costs
    >>> from funnelsim.measures.example import BANK
    >>> ros(BANK, costs=Costs(commission=0.1))[["measure", "value"]].values.tolist()
    [['gross_margin', 1.0], ['ros', 0.9]]
    """
    columns = columns_of(by, log, also=["owner"])
    line = timeline(log, every)
    groups = grouped(journeys(log, cohort=False).leads, columns)
    bought, spent = purchases(log, basis), spending(log)
    parts = expenses(log, groups, line, costs)
    sales = summed(groups, line, bought.lead, bought.when, np.nan_to_num(bought.value))
    sold = spent.of_sales
    cost = summed(groups, line, spent.lead[sold], spent.when[sold], spent.cost[sold])
    selling = np.sum([amount for _, amount, _ in parts], axis=0) + np.zeros_like(sales)
    orders = summed(groups, line, bought.lead, bought.when, np.ones(len(bought.lead)))
    unknown = NO_COSTS if not parts and not sold.any() else ""
    records = []
    for group, period, item in groups.rows(line):
        earned, goods, spent_on = (part[group, period] for part in (sales, cost, selling))
        number = int(orders[group, period])
        left = {"gross_margin": earned - goods, "ros": earned - goods - spent_on}
        for name, profit in left.items():
            estimate = NOTHING._replace(n=number, method=unknown or "no data")
            if earned > 0 and not unknown:
                estimate = exact(float(profit / earned), number)
            row = record(item, name, "ratio", estimate, level=0)
            sums = dict(zip(PROFIT, (earned, goods, spent_on, left["ros"]), strict=True))
            records.append(row | sums | {"caution": cautions(line.caution(period), unknown)})
    return tidy(records, log, columns, line.items, {**PROFIT, "caution": "str"})
