"""Sales: how much, of what, per deal, per order, per buyer, per manager, and growing or not.

Three averages are mixed up everywhere, so they have three names here:

``average_deal``
    Mean value of a *won lead*, whatever it orders later.
``average_order``
    Mean value of an *order* (AOV, the average cheque): repeat orders count again.
``amount_per_buyer``
    Mean of all that a *buyer* spent inside the period.

Money counts when it is booked, or with ``basis="paid"`` when it is paid, see
:mod:`funnelsim.measures.purchases`; whole minor units of the log's one currency.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.events import EventLog
from funnelsim.measures.cautions import CANNOT_TELL, CUT_OFF, NO_VALUE, cautions, few
from funnelsim.measures.estimates import NOTHING
from funnelsim.measures.journeys import journeys
from funnelsim.measures.purchases import Basis, Purchases, mean_amount, money, purchases
from funnelsim.measures.tables import By, check_level, columns_of, exact, record, tidy
from funnelsim.measures.timeline import grouped, timeline
from funnelsim.measures.uncertainty import growth

__all__ = [
    "amount_per_buyer",
    "average_deal",
    "average_order",
    "sales_growth",
    "sales_per_product",
    "total_sales",
]

Floats = NDArray[np.float64]
NAN = float("nan")
SUMS = {"valued": "int64", "share": "float64", "caution": "str"}
MEANS = {"valued": "int64", "caution": "str"}


def total_sales(
    log: EventLog, *, by: By = (), every: str | None = None, basis: Basis = "booked"
) -> pd.DataFrame:
    """Money from sales, and the number of orders.

    Definition: money from sales in a month, quarter or year. Formula: Σ value of orders.
    Unit: minor units, and orders. Source: domain S4:553.

    Parameters
    ----------
    log : EventLog
        Any history.
    by : str or sequence of str
        Columns of leads, or ``owner`` (of the lead's latest visit).
    every : str, optional
        ``"1W"``, ``"1MS"``, ``"1QS"``: by period, with the item column ``at``.
    basis : {"booked", "paid"}
        When money counts.

    Returns
    -------
    DataFrame
        Two rows a group, ``total_sales`` and ``orders``, ``n`` orders; then ``valued``,
        the orders that have a value, ``share`` of all groups in the period, and
        ``caution`` (``cut off``, ``no value``).

    Raises
    ------
    ParameterError
        ``basis="paid"`` where nothing is marked paid.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> total_sales(BANK, by="source")[["source", "measure", "value"]].values.tolist()
    [['branch', 'total_sales', 300000.0], ['branch', 'orders', 1.0],
     ['web', 'total_sales', 100000.0], ['web', 'orders', 1.0]]
    """
    return _sums(log, columns_of(by, log, also=["owner"]), every, basis, "total_sales")


def sales_per_product(
    log: EventLog, *, by: By = (), every: str | None = None, basis: Basis = "booked"
) -> pd.DataFrame:
    """Money from sales and number of orders, product by product.

    Definition: sales per product or service. Formula: Σ value of its orders. Unit: minor
    units, and orders. Source: domain S4:554.

    Parameters
    ----------
    log, by, every, basis
        As in :func:`total_sales`.

    Returns
    -------
    DataFrame
        As :func:`total_sales` with the column ``product`` (of the lead) after the others,
        measures ``sales_per_product`` and ``orders``.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> sales_per_product(BANK)["value"].tolist()
    [400000.0, 2.0]
    """
    columns = tuple(name for name in columns_of(by, log, also=["owner"]) if name != "product")
    return _sums(log, (*columns, "product"), every, basis, "sales_per_product")


def average_deal(
    log: EventLog, *, by: By = (), every: str | None = None, level: float = 0.95
) -> pd.DataFrame:
    """Mean value of a deal: of a lead that was won.

    Definition: mean value of one deal. Formula: Σ value of won marks ÷ won leads with a
    value. Unit: minor units. Source: domain S4:555. Repeat orders are left out; with them
    it is the :func:`average_order`.

    Parameters
    ----------
    log, by, every
        As in :func:`total_sales`; the period is that of the win.
    level : float
        Confidence level, 0 to 1.

    Returns
    -------
    DataFrame
        One row a group, Student's t interval, ``n`` deals with a value; then ``valued``
        (the same) and ``caution`` (``too few``, ``cut off``, ``no value``).

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> average_deal(BANK)[["value", "n", "caution"]].values.tolist()
    [[200000.0, 2, 'too few']]
    """
    check_level(level)
    columns = columns_of(by, log, also=["owner"])
    ends = journeys(log, cohort=False).ends
    won = np.flatnonzero(ends["outcome"].to_numpy() == "won")
    value = ends["value"].to_numpy(np.float64, na_value=np.nan)[won]
    when = ends["closed"].to_numpy()[won]
    deals = Purchases(won, won, when, value, np.ones(len(won), dtype=np.int64))
    return _means(log, columns, every, deals, "average_deal", level)


def average_order(
    log: EventLog,
    *,
    by: By = (),
    every: str | None = None,
    level: float = 0.95,
    basis: Basis = "booked",
) -> pd.DataFrame:
    """Mean value of an order: AOV, the average cheque.

    Definition: mean sum of one order. Formula: Σ value of orders ÷ orders with a value.
    Unit: minor units. Source: domain S1:52, S4:176. Not the :func:`average_deal`.

    Parameters
    ----------
    log, by, every, basis
        As in :func:`total_sales`.
    level : float
        Confidence level, 0 to 1.

    Returns
    -------
    DataFrame
        As :func:`average_deal`, measure ``average_order``.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> average_order(BANK)["value"].tolist()
    [200000.0]
    """
    check_level(level)
    columns = columns_of(by, log, also=["owner"])
    return _means(log, columns, every, purchases(log, basis), "average_order", level)


def amount_per_buyer(
    log: EventLog,
    *,
    by: By = (),
    every: str | None = None,
    level: float = 0.95,
    basis: Basis = "booked",
) -> pd.DataFrame:
    """Mean of all that a buyer spent inside the period.

    Definition: amount per buyer. Formula: Σ value of orders ÷ customers who ordered. Unit:
    minor units. Source: domain S3:5, S0:108. It grows with the length of the period; what
    a client brings altogether is :func:`funnelsim.measures.ltv_revenue`.

    Parameters
    ----------
    log, by, every, basis
        As in :func:`total_sales`.
    level : float
        Confidence level, 0 to 1.

    Returns
    -------
    DataFrame
        As :func:`average_deal`, measure ``amount_per_buyer``, ``n`` buyers.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> amount_per_buyer(BANK)["value"].tolist()
    [200000.0]
    """
    check_level(level)
    columns = columns_of(by, log, also=["owner"])
    bought = purchases(log, basis)
    line, leads = timeline(log, every), journeys(log, cohort=False).leads
    groups = grouped(leads, columns)
    known = np.where(np.isnan(bought.value), -1, line.of(bought.when))
    records = []
    cells = groups.cells(bought.lead, known, line)
    for group, period, item in groups.rows(line):
        at = cells[group][period]
        _, buyer = np.unique(bought.customer[at], return_inverse=True)
        spent = np.bincount(buyer, weights=bought.value[at]).astype(np.float64)
        row = record(item, "amount_per_buyer", money(log), mean_amount(spent, level), level)
        caution = cautions(few(len(spent)), line.caution(period))
        records.append(row | {"valued": len(at), "caution": caution})
    return tidy(records, log, columns, line.items, MEANS)


def sales_growth(
    log: EventLog,
    *,
    by: By = (),
    every: str = "1 mo",
    level: float = 0.95,
    basis: Basis = "booked",
) -> pd.DataFrame:
    """Growth of sales from each period to the next.

    Definition: change against the previous period. Formula: sales ÷ sales of the period
    before − 1. Unit: ratio (0.05 is +5 %). Source: domain S4:557. A period that the
    window cuts off is compared with nothing: its growth would be a false alarm.

    Parameters
    ----------
    log, by, every, basis
        As in :func:`total_sales`.
    level : float
        Confidence level, 0 to 1.

    Returns
    -------
    DataFrame
        Item column ``at`` (begin of the later period), from the second period on; ``n``
        orders of both; the interval takes orders as independent, which campaigns are not.
        Then ``before`` and ``now`` (sales, minor units) and ``caution`` (``cut off``,
        ``too few``, ``cannot tell`` where chance alone explains the growth).

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> sales_growth(BANK, every="1 d")[["value", "before", "now", "caution"]].values.tolist()
    [[nan, 0.0, 400000.0, 'too few'], [-1.0, 400000.0, 0.0, 'too few']]
    """
    check_level(level)
    columns = columns_of(by, log, also=["owner"])
    bought = purchases(log, basis)
    line, leads = timeline(log, every), journeys(log, cohort=False).leads
    groups = grouped(leads, columns)
    cells = groups.cells(bought.lead, line.of(bought.when), line)
    records = []
    for group, period, item in groups.rows(line):
        if not period:
            continue
        two = cells[group][period - 1 : period + 1]
        before, now = (np.nan_to_num(bought.value[at]) for at in two)
        whole, number = bool(line.whole[period - 1 : period + 1].all()), len(before) + len(now)
        estimate = NOTHING._replace(n=number, method=CUT_OFF)
        if whole:
            estimate = growth(before, now, level)
        unclear = CANNOT_TELL if estimate.lo <= 0 <= estimate.hi else ""
        caution = cautions("" if whole else CUT_OFF, few(number), unclear)
        row = record(item, "sales_growth", "ratio", estimate, level)
        sums = {"before": before.sum(), "now": now.sum(), "caution": caution}
        records.append(row | sums)
    counts = {"before": "float64", "now": "float64", "caution": "str"}
    return tidy(records, log, columns, line.items, counts)


def _sums(
    log: EventLog, columns: tuple[str, ...], every: str | None, basis: Basis, measure: str
) -> pd.DataFrame:
    """Money and number of orders by group and period."""
    bought = purchases(log, basis)
    line, leads = timeline(log, every), journeys(log, cohort=False).leads
    groups = grouped(leads, columns)
    period_of = line.of(bought.when)
    cells = groups.cells(bought.lead, period_of, line)
    inside = period_of >= 0
    worth = np.nan_to_num(bought.value)[inside]
    totals = [np.bincount(period_of[inside], one, line.n) for one in (worth, None)]
    records = []
    for group, period, item in groups.rows(line):
        value = bought.value[cells[group][period]]
        known = value[~np.isnan(value)]
        caution = cautions(line.caution(period), NO_VALUE if len(known) < len(value) else "")
        for name, unit, number, total in (
            (measure, money(log), float(known.sum()), totals[0][period]),
            ("orders", "orders", len(value), totals[1][period]),
        ):
            row = record(item, name, unit, exact(number, len(value)), level=0)
            share = number / total if total else NAN
            records.append(row | {"valued": len(known), "share": share, "caution": caution})
    return tidy(records, log, columns, line.items, SUMS)


def _means(
    log: EventLog,
    columns: tuple[str, ...],
    every: str | None,
    bought: Purchases,
    measure: str,
    level: float,
) -> pd.DataFrame:
    """Mean amount by group and period."""
    line, leads = timeline(log, every), journeys(log, cohort=False).leads
    groups = grouped(leads, columns)
    cells = groups.cells(bought.lead, line.of(bought.when), line)
    records = []
    for group, period, item in groups.rows(line):
        value = bought.value[cells[group][period]]
        estimate = mean_amount(value, level)
        missing = NO_VALUE if estimate.n < len(value) else ""
        caution = cautions(few(estimate.n), line.caution(period), missing)
        row = record(item, measure, money(log), estimate, level)
        records.append(row | {"valued": estimate.n, "caution": caution})
    return tidy(records, log, columns, line.items, MEANS)
