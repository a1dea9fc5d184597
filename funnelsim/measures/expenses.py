"""What selling costs, what is left of sales after it, and what it returns.

Where costs come from and how those of staff are shared out: :mod:`funnelsim.measures.costs`.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.events import EventLog
from funnelsim.measures.cautions import IMMATURE, NO_COSTS, UNDECIDED, cautions, few
from funnelsim.measures.cohorts import chances
from funnelsim.measures.costs import NO_EXTRA, Costs, expenses, spending, summed
from funnelsim.measures.estimates import NOTHING
from funnelsim.measures.happenings import ARRIVED, BOUGHT
from funnelsim.measures.journeys import journeys
from funnelsim.measures.milestones import course
from funnelsim.measures.passages import ADVANCED
from funnelsim.measures.purchases import Basis, money, purchases
from funnelsim.measures.tables import By, check_level, columns_of, exact, record, tidy
from funnelsim.measures.timeline import grouped, timeline
from funnelsim.measures.uncertainty import ratio

__all__ = ["roi", "ros", "selling_expenses"]

Floats = NDArray[np.float64]
ALL: Final = "(total)"
EXTRA: Final = ("(staff)", "(commission)", "(overheads)")
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
        Item column ``expense``: the kinds of marks (``acquired`` is marketing), ``(staff)``
        (staffed hours, overtime included; hours worked where staffing is unknown),
        ``(commission)``, ``(overheads)``, and ``(total)``, their sum; ``n`` bookings;
        then ``caution`` (``no costs``: a total of 0 is then no saving).

    Examples
    --------
    >>> from funnelsim.measures.costs import Costs
    >>> from funnelsim.measures.example import BANK
    >>> table = selling_expenses(BANK, costs=Costs(pay={"advisers": 1000}))
    >>> table[["expense", "value"]].values.tolist()
    [['(staff)', 48250.0], ['(total)', 48250.0]]
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
        where nothing is known of costs, the margin also where nothing is known of what was
        sold (all of it would look like profit; ``ros`` then has the caution); then
        ``sales``, ``cost_of_sales``, ``expenses``, ``profit`` (after selling; minor
        units) and ``caution``.

    Examples
    --------
    >>> from funnelsim.measures.costs import Costs
    >>> from funnelsim.measures.example import BANK
    >>> ros(BANK, costs=Costs(commission=0.1))[["measure", "value"]].values.tolist()
    [['gross_margin', nan], ['ros', 0.9]]
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
    goods_known = NO_COSTS if not sold.any() else ""
    unknown = NO_COSTS if not parts and not sold.any() else ""
    records = []
    for group, period, item in groups.rows(line):
        earned, goods, spent_on = (part[group, period] for part in (sales, cost, selling))
        number = int(orders[group, period])
        left = {"gross_margin": earned - goods, "ros": earned - goods - spent_on}
        for name, profit in left.items():
            missing = goods_known if name == "gross_margin" else unknown
            estimate = NOTHING._replace(n=number, method=missing or "no data")
            if earned > 0 and not missing:
                estimate = exact(float(profit / earned), number)
            row = record(item, name, "ratio", estimate, level=0)
            sums = dict(zip(PROFIT, (earned, goods, spent_on, left["ros"]), strict=True))
            records.append(row | sums | {"caution": cautions(line.caution(period), goods_known)})
    return tidy(records, log, columns, line.items, {**PROFIT, "caution": "str"})


def roi(
    log: EventLog,
    *,
    by: By = (),
    level: float = 0.95,
    costs: Costs = NO_EXTRA,
    margin: float | None = None,
) -> pd.DataFrame:
    """Return on what was spent, by channel or campaign.

    Definition: which channels return most. Formula: (sales of the leads that arrived −
    what was sold cost) ÷ what was spent on selling to them − 1. Unit: ratio, 0.5 is
    +50 %, −1 all lost. Source: domain S4:239, S3:10 (judge by profit, not by leads).

    Parameters
    ----------
    log : EventLog
        Any history.
    by : str or sequence of str
        Usually ``"source"``.
    level : float
        Confidence level, 0 to 1.
    costs : Costs
        What the log does not say.
    margin : float, optional
        Share of sales that is profit, instead of the costs on marks.

    Returns
    -------
    DataFrame
        *So far*: ``immature`` where open leads are still to bring more than a twentieth of
        the buyers; interval of a ratio over leads, ``n`` leads; then ``profit`` and
        ``spent`` (minor units), ``completeness`` (share of the buyers expected in the end
        that have bought) and ``caution`` (``no costs``: what was sold has none, the
        whole sale looks like profit). NaN with ``no costs`` where nothing was spent.

    References
    ----------
    Cochran (1977), Sampling Techniques, eq. 6.13.

    Examples
    --------
    >>> from funnelsim.measures.costs import Costs
    >>> from funnelsim.measures.example import BANK
    >>> table = roi(BANK, by="source", costs=Costs(overheads=200_000), margin=0.5)
    >>> table[["source", "value", "spent"]].values.tolist()
    [['branch', 0.875, 80000.0], ['web', -0.583..., 120000.0]]
    """
    check_level(level)
    columns = columns_of(by, log, also=["owner"])
    line, trips = timeline(log, None), journeys(log, cohort=False)
    groups = grouped(trips.leads, columns)
    went = course(log, ARRIVED, BOUGHT)
    chance = chances(went, groups.of[went.lead])
    profit, direct = _per_lead(log, margin)
    goods = NO_COSTS if margin is None and not spending(log).of_sales.any() else ""
    shared = _indirect(expenses(log, groups, line, costs), len(groups.keys))
    records = []
    for group, key in enumerate(groups.keys):
        at = np.flatnonzero(groups.of[went.lead] == group)
        rows = went.lead[at]
        share = shared[group] / len(rows) if len(rows) else 0.0
        below = direct[rows] + share
        estimate = ratio(profit[rows], below, level)
        method = estimate.method if below.sum() > 0 else NO_COSTS
        shift = estimate._replace(
            value=estimate.value - 1, lo=estimate.lo - 1, hi=estimate.hi - 1, method=method
        )
        bought, likely = int((went.fate[at] == ADVANCED).sum()), float(chance[at].sum())
        complete = bought / likely if likely else np.nan
        young = IMMATURE if complete < 1 - UNDECIDED else ""
        row = record(key, "roi", "ratio", shift, level)
        counts = {"profit": profit[rows].sum(), "spent": below.sum(), "completeness": complete}
        said = cautions(few(len(rows)), young, NO_COSTS if method == NO_COSTS else goods)
        records.append(row | counts | {"caution": said})
    kinds = dict.fromkeys(["profit", "spent", "completeness"], "float64")
    return tidy(records, log, columns, {}, {**kinds, "caution": "str"})


def _per_lead(log: EventLog, margin: float | None) -> tuple[Floats, Floats]:
    """Profit before selling, and booked cost of selling, of each lead; minor units."""
    bought, spent, n = purchases(log), spending(log), len(log.leads)
    earned, goods, direct = np.zeros(n), np.zeros(n), np.zeros(n)
    sold = spent.of_sales
    np.add.at(earned, bought.lead, np.nan_to_num(bought.value))
    np.add.at(goods, spent.lead[sold], spent.cost[sold])
    np.add.at(direct, spent.lead[~sold], spent.cost[~sold])
    return (earned - goods if margin is None else earned * margin), direct


def _indirect(parts: list[tuple[str, Floats, Floats]], number: int) -> Floats:
    """Selling expenses of each group that no mark carries; minor units."""
    found = np.zeros(number)
    for name, amount, _ in parts:
        if name in EXTRA:
            found += amount[:, 0]
    return found
